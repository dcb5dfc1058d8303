# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What stands beside a parameter that is there already: tags, description and key, and what is left as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Conflict
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.plugin_utils._provision.values_world import World, catalog

KEY, HOSTS, LIMIT = "/app/test/KEY", "/app/test/HOSTS", "/app/test/Limits/LIMIT_A"
TAGS = {"Application": "app", "Environment": "test", "ManagedBy": "watchparty.secrets", "Owner": "me@example.com"}
OPEN = OpenRotation("r1", "deploy", "ann", "now", parameters={KEY: "1"}, plan={"parameters": {KEY: "1"}})


def described(document: dict[str, Any]) -> None:
    document["settings"]["KEY"]["description"] = "Signs sessions"
    document["settings"]["HOSTS"]["description"] = "Names of the site"


def by_hand() -> World:
    """Everything is there, and three parameters were made by somebody's own hand."""
    world = World(catalog(described))
    world.provision()
    for name in (KEY, HOSTS):
        world.parameters.forms[name] = Form()
    world.parameters.forms[KEY] = Form(key="alias/aws/ssm", tags={"Mine": "yes", "Owner": "somebody"})
    world.parameters.seed(LIMIT, "1", kind="String")
    world.parameters.seed("/app/test/Elsewhere", "1")
    return world


def versions(world: World) -> dict[str, tuple[str, str]]:
    readings = world.parameters.read(["/app/test"]).readings
    return {name: (reading.version, reading.value) for name, reading in readings.items()}


def rotating(monkeypatch: pytest.MonkeyPatch, *, looks: int = 0) -> None:
    """A rotation that changes KEY is open from that look at the journal on."""
    fold, seen = journal.fold, []

    def folded(lines: Any, **extra: Any) -> journal.Journal:
        seen.append(lines)
        result = fold(lines, **extra)
        return result if len(seen) <= looks else journal.Journal(**{**vars(result), "rotation": OPEN})

    monkeypatch.setattr(journal, "fold", folded)


def test_a_parameter_that_is_there_gets_what_it_lacks() -> None:
    world = by_hand()
    before = versions(world)
    planned = world.process().outlook({})
    assert versions(world) == before
    done = world.provision()
    assert done == planned.messages
    tags = ", ".join(f"tag {tag}" for tag in sorted(TAGS))
    assert done == [
        f"change parameter {HOSTS}: description, {tags}",
        f"change parameter {KEY}: description, key alias/app-test, {tags}, tag RotationDays",
        f"change parameter {LIMIT}: {tags}",
    ]
    forms = world.parameters.forms
    assert forms[KEY] == Form("Signs sessions", "alias/app-test", {"Mine": "yes", **TAGS, "RotationDays": "90"})
    assert forms[HOSTS] == Form("Names of the site", None, TAGS)
    assert forms[LIMIT] == Form("", None, TAGS)
    assert "/app/test/Elsewhere" not in forms
    after = versions(world)
    assert {name: value for name, (_number, value) in after.items()} == {
        name: group[1] for name, group in before.items()
    }
    assert {name for name in after if after[name] != before[name]} == {KEY, HOSTS}
    assert world.provision() == []
    assert versions(world) == after


def test_words_that_somebody_wrote_stay() -> None:
    world = by_hand()
    world.parameters.forms[HOSTS] = Form("my words", tags=TAGS)
    world.provision()
    assert world.parameters.forms[HOSTS].description == "my words"
    assert versions(world)[HOSTS][0] == "1"


def test_another_applications_parameter_is_left_and_named_unless_adopted() -> None:
    world = by_hand()
    world.parameters.forms[KEY] = Form(tags={"Application": "other"})
    process = world.process()
    assert not any(KEY in line for line in process.apply({}))
    (note,) = [line for line in process.notes if KEY in line]
    assert note.startswith(f"parameter {KEY} is tagged Application=other, so it does not belong to app in test; ")
    assert world.parameters.forms[KEY] == Form(tags={"Application": "other"})
    world.provision(adopt=True)
    assert world.parameters.forms[KEY].tags["Application"] == "app"


def test_what_an_open_rotation_changes_is_not_written_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    world = by_hand()
    rotating(monkeypatch)
    process = world.process()
    done = process.apply({})
    assert any(line.startswith(f"change parameter {KEY}: tag Application") for line in done)
    (note,) = [line for line in process.notes if KEY in line]
    reason = f"because {OPEN} is open and changes the parameter; finish this rotation"
    assert note.startswith(f"parameter {KEY} does not have description, key alias/app-test yet, {reason}")
    assert versions(world)[KEY][0] == "1"
    assert world.parameters.forms[KEY].tags["Application"] == "app"


def test_a_rotation_that_begins_meanwhile_is_not_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    world = by_hand()
    rotating(monkeypatch, looks=1)
    with pytest.raises(Conflict, match=f"parameter {KEY}: a rotation that changes it started meanwhile"):
        world.provision()
    assert versions(world)[KEY][0] == "1"


class Writes(Hook):
    """Somebody else writes right before the rewriting arrives."""

    def __init__(self, world: World) -> None:
        self.world, self.done = world, False

    def before(self, op: str, name: str) -> None:
        if (op, name) == ("write", KEY) and not self.done:
            self.done = True
            self.world.parameters.seed(KEY, "canary-theirs")


def test_a_value_that_somebody_writes_in_the_same_moment_stands_again() -> None:
    world = by_hand()
    world.secrets.hook = world.parameters.hook = Writes(world)
    with pytest.raises(Conflict, match="the other writer's value was restored") as caught:
        world.provision()
    assert "canary" not in str(caught.value)
    assert versions(world)[KEY][1] == "canary-theirs"


@pytest.mark.parametrize("make", [by_hand])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_every_act_of_it(make: Callable[[], World], after: bool) -> None:
    class Killed(Exception):
        pass

    class Killer(Hook):
        acts = 0

        def __init__(self, at: int) -> None:
            self.at = at

        def _act(self, *, now: bool) -> None:
            self.acts += now
            if self.acts == self.at and now is not after:
                raise Killed

        def before(self, op: str, name: str) -> None:
            self._act(now=True)

        def after(self, op: str, name: str) -> bool | None:
            self._act(now=False)
            return None

    at, values = 0, {name: group[1] for name, group in versions(make()).items()}
    while True:
        at += 1
        world = make()
        world.secrets.hook = world.parameters.hook = Killer(at)
        try:
            world.provision()
        except Killed:
            world.secrets.hook = world.parameters.hook = Hook()
        else:
            break
        world.provision()
        assert world.provision() == []
        assert {name: group[1] for name, group in versions(world).items()} == values
    assert at > 20
