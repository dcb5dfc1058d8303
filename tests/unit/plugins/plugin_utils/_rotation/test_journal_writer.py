# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation's steps in the journal, on the twins in memory: who may go on, and what deploys must use."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Overtaken, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Overlay, digest_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import version_id
from tests.unit.plugins.plugin_utils._rotation.rotator_world import (
    ALL,
    COPY,
    CORE,
    NOW,
    OVERLAY,
    TOKEN,
    Meanwhile,
    World,
    ids,
    opened,
)


def test_it_opens_with_the_plan_and_the_snapshot(world: World) -> None:
    rotation = opened(world.begun(*ALL).look())
    assert (rotation.id, rotation.step, rotation.who, rotation.since) == ("r1", "create", "run1@laptop", NOW)
    assert rotation.holder == {"pid": "run1"}
    assert (rotation.secrets, rotation.parameters) == (world.first, {TOKEN: "1"})
    assert list(rotation.plan["credentials"]) == list(ALL)
    assert rotation.plan["phases"] == 2


def test_every_entry_is_chained(world: World) -> None:
    rotator = world.begun("database")
    for step in ("set", "test"):
        rotator.advance(step)
    texts = list(rotator.look().lines)
    entries = [json.loads(text) for text in texts]
    assert "prev" not in entries[0]
    assert [entry["prev"] for entry in entries[1:]] == [digest_of(text) for text in texts[:-1]]
    assert "old@" not in str(texts), "no value is in the journal"


def test_only_one_run_goes_on(world: World) -> None:
    first = world.begun("database")
    second = world.taken_over()
    assert opened(second.mine()[0]).run == "run2"
    assert (opened(second.look()).step, opened(second.look()).holder) == ("create", {"pid": "run2"})
    for act in (first.mine, first.promote, lambda: first.advance("set"), lambda: world.created(first)):
        with pytest.raises(Overtaken, match=r"^another run took rotation r1 of run2@laptop .* over"):
            act()


def test_an_ended_rotation(world: World) -> None:
    first = world.begun("database")
    second = world.taken_over()
    second.append(second.look(), "r1", "aborted")
    with pytest.raises(Overtaken, match="another run ended this rotation"):
        first.mine()


def test_a_credential_that_the_catalog_has_lost(world: World) -> None:
    world.begun("database")
    world.catalog = replace(world.catalog, credentials={})
    with pytest.raises(
        RotationError,
        match=r"^the catalog no longer declares database; restore the entry, and remove it only after rotation r1",
    ):
        world.rotator().mine()


@pytest.mark.parametrize(("of", "events"), [("leak-1", ["database"]), ("", [])])
def test_only_the_rotation_of_an_incident_disables_for_it(world: World, of: str, events: list[str]) -> None:
    incident = Incident("leak-1", NOW, "ops", ("database",)).entry()
    world.rotator().append(world.rotator().look(), "leak-1", "closed", incident=incident)
    rotator = world.begun("database", leak=of)
    rotator.note_disabling(["database"])
    noted = rotator.look().incident
    assert noted is not None
    assert noted.about("disabling") == events


def test_two_that_begin_at_once(world: World) -> None:
    first, second = world.rotator("run1"), world.rotator("run2")
    seen = first.look()
    second.append(seen, "r2", "plan")
    with pytest.raises(Overtaken, match="journal entry 1 was written by rotation r2 of run2@laptop"):
        first.append(seen, "r1", "plan")
    assert opened(first.look()).id == "r2"


def test_a_takeover_between_two_reads(world: World) -> None:
    first = world.begun("database")
    world.journal.hook = Meanwhile("append", "memory", world.taken_over)
    with pytest.raises(Overtaken):
        first.advance("set")
    assert opened(first.look()).run == "run2"


def test_a_step_since_what_was_seen_saves_a_look_and_is_no_less_refused(world: World) -> None:
    first = world.begun("database")
    seen = first.look()
    assert opened(first.advance("set", since=seen)).step == "set"
    with pytest.raises(Overtaken, match="journal entry 2 was written by rotation r1"):
        first.advance("test", since=seen)
    world.taken_over()
    with pytest.raises(Overtaken, match="another run took"):
        first.advance("test", since=first.look())


def test_what_deploys_must_use(world: World) -> None:
    rotator = world.begun(*ALL)
    world.created(rotator)
    own = version_id("r1", OVERLAY)
    for phase in (1, 2):
        rotation = opened(rotator.advance("deploy", phase=phase))
        assert rotation.secrets == {CORE: ids(CORE, phase)[0], COPY: ids(COPY, phase)[0]}
        assert (rotation.parameters, rotation.overlay) == ({}, Overlay(OVERLAY, own, phase))
    rotation = opened(rotator.advance("promote"))
    assert (rotation.secrets[CORE], rotation.overlay) == (ids(CORE, 2)[0], Overlay(OVERLAY, own, 2))
    rotation = opened(rotator.advance("revoke"))
    assert (rotation.secrets[CORE], rotation.parameters, rotation.overlay) == (ids(CORE, 2)[0], {TOKEN: "2"}, None)
    rotation = opened(rotator.advance("abort", reason="why"))
    assert (rotation.secrets, rotation.parameters, rotation.reason) == (world.first, {TOKEN: "1"}, "why")


def test_without_parameters_there_is_no_overlay(world: World) -> None:
    rotator = world.begun("database")
    world.created(rotator)
    assert opened(rotator.advance("deploy", phase=1)).overlay is None


def test_secrets_that_do_not_change_stay_pinned(world: World) -> None:
    rotator = world.begun("django")
    world.created(rotator)
    assert opened(rotator.advance("deploy", phase=1)).secrets == {CORE: ids(CORE, 1)[0], COPY: world.first[COPY]}
