# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a plan reads: once, and of the secrets that may change alone what describes them."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan_reader
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.plugin_utils._rotation.rotator_world import COPY, CORE, KINDS, World


class Recorder(Hook):
    def __init__(self) -> None:
        self.acts: list[str] = []

    def before(self, op: str, name: str) -> None:
        self.acts.append(f"{op} {name}")


def setting(world: World) -> RotationSetup:
    return RotationSetup(world.catalog, KINDS, world.rotator(), SimpleNamespace())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "described"),
    [(("database",), {CORE, COPY}), (("django",), {CORE}), (("token",), {CORE}), ((), {CORE, COPY})],
)
def test_what_may_change_is_described(names: tuple[str, ...], described: set[str]) -> None:
    """Or else one secret that hosts read, which shows whether the environment's key is in use."""
    world, hook = World(), Recorder()
    for name in (CORE, COPY):
        world.secrets._secrets[name].key = world.catalog.aws.kms_key
    made = setting(world)
    journal = made.rotator.look()
    world.secrets.hook = world.parameters.hook = hook
    read = plan_reader.read(made, journal, rotation_plan.RotationRequest(names, force=True))
    assert set(read.descriptions) == described
    assert {CORE, COPY} <= set(read.contents.readings), "everything is read, whatever may change"
    assert len(hook.acts) == len(set(hook.acts)), "once"


def test_what_credentials_hold_is_what_the_plan_has_read() -> None:
    world, hook = World(), Recorder()
    made = setting(world)
    plan_reader.read(made, made.rotator.look(), rotation_plan.RotationRequest(("database",), force=True))
    world.secrets.hook = world.parameters.hook = hook
    for _time in range(2):
        assert made.held(world.catalog.credentials["database"]).login.password == "old"
    assert hook.acts == []
    made.known.forget()
    made.held(world.catalog.credentials["database"])
    assert hook.acts == [f"read {COPY}", f"read {CORE}"] or hook.acts == [f"read {CORE}", f"read {COPY}"]


@pytest.mark.parametrize(("seconds", "recent"), [(1, True), (60, False), (None, False)])
def test_a_rotation_that_ended_just_now(seconds: int | None, recent: bool) -> None:
    """Its labels may be shown for some seconds; an entry that was appended by hand may lack its time."""
    world = World()
    entry: dict[str, Any] = {"number": 1, "rotation": "r0", "step": "closed", "who": "ann"}
    if seconds is not None:
        entry["at"] = timestamps.stamp(rotation_context.now() - timedelta(seconds=seconds))
    world.journal.seed(json.dumps(entry))
    made = setting(world)
    assert plan_reader._ended_just_now(made.rotator, made.rotator.look()) is recent
