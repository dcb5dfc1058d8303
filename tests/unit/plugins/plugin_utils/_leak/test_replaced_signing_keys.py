# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which former signing keys are tried, from what the journal keeps of the open incident."""

from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.replaced_signing_keys import former_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CORE, KINDS, World

SEEN = {"refused/django": "2026-11-25T15:00:10Z"}


def asked(world: World, *versions: str, events: dict[str, str] | None = None) -> tuple[list[str], list[str]]:
    rotator = world.rotator()
    incident = Incident("leak-1", "2026-11-25T15:00:00Z", "ops", ("django",))
    rotator.append(
        rotator.look(), "leak-1", "closed", incident=incident.entry(), events=SEEN if events is None else events
    )
    for version in versions:
        rotator.append(rotator.look(), "r1", "closed", replaced={"secrets": {CORE: version}})
    setting: Any = RotationSetup(world.catalog, KINDS, rotator, None)  # type: ignore[arg-type]
    return former_keys(setting)


def test_the_key_that_was_replaced() -> None:
    world = World()
    world.write("KEY", "new-key")
    assert asked(world, world.first[CORE]) == (["old-key"], [])


def test_one_that_a_host_still_verifies_with_is_tried_elsewhere() -> None:
    world = World()
    world.write("KEY", "new-key")
    events = {"renewed/django": "2026-11-25T15:00:10Z", "skipped/web2": "2026-11-25T15:00:09Z"}
    assert asked(world, world.first[CORE], events=events) == (["old-key"], [])


def test_each_once_and_never_the_present_one() -> None:
    world = World()
    again = world.write("NOTE", "other")
    now = world.write("KEY", "new-key")
    assert asked(world, world.first[CORE], again, now) == (["old-key"], [])


def test_one_that_was_not_replaced_is_not_tried() -> None:
    world = World()
    world.write("KEY", "new-key")
    assert asked(world, world.first[CORE], events={}) == ([], [])


def test_without_an_incident_there_is_none() -> None:
    world = World()
    setting: Any = RotationSetup(world.catalog, KINDS, world.rotator(), None)  # type: ignore[arg-type]
    assert former_keys(setting) == ([], [])


def test_a_version_that_cannot_be_read_is_said() -> None:
    results, unread = asked(World(), "gone")
    assert results == []
    assert unread == [f"a session that django signed: version gone of {CORE} is unreadable"]
