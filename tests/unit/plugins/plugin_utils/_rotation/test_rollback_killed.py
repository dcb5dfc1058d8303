# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The next run ends a rotation, wherever the one before was killed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import rollback as rotation_rollback
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import state_machine
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.plugin_utils._rotation.rotator_world import (
    ALL,
    COPY,
    CORE,
    OVERLAY,
    OWN,
    World,
    close,
    going,
    opened,
)


class Kill(BaseException):
    """The process is gone."""


class KillAt(Hook):
    """Kills at the n-th act, before it or with its answer lost; and at no later one."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.left, self.late = number, after

    def before(self, op: str, name: str) -> None:
        self._count(late=False)

    def after(self, op: str, name: str) -> None:
        self._count(late=True)

    def _count(self, *, late: bool) -> None:
        if late == self.late:
            self.left -= 1
            if self.left == -1:
                raise Kill


def carry_on(world: World, run: str, *, back: bool) -> None:
    """What remains of the rotation, by the same decisions as the roles': the acts on the stores, and done."""
    rotator: Any = world.rotator(run)
    journal = rotator.look()
    if journal.rotation is None:
        return
    if journal.rotation.run != run:
        rotator.take(journal, journal.rotation)
    if back and opened(rotator.look()).step not in state_machine.BACKWARD:
        rotator.advance("abort", reason="asked for")
    acts: dict[str, Callable[[], Any]] = {
        "create": lambda: world.created(rotator),
        "promote": lambda: rotator.promote(),
        "record": lambda: rotation_rollback.tidy(rotator),
        "abort": lambda: rotation_rollback.undo(rotator),
        "discard": lambda: rotation_rollback.tidy(rotator),
    }
    while True:
        rotation = opened(rotator.look())
        if rotation.step in acts:
            acts[rotation.step]()
        decision = state_machine.following(rotation, state_machine.DONE)
        if decision.step in ("closed", "aborted"):
            close(rotator, step=decision.step)
            return
        rotator.advance(str(decision.step), phase=decision.phase)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("back", [False, True], ids=["forward", "back"])
def test_killed_at_any_act_the_next_run_ends_it(*, after: bool, back: bool) -> None:
    number, done = 0, False
    while not done:
        world = World()
        before = {name: world.keys(name) for name in (CORE, COPY)}
        rotator = going(world) if back else world.begun(*ALL)
        if back:
            rotator.promote()
        hook = KillAt(number, after=after)
        world.secrets.hook = world.parameters.hook = world.journal.hook = hook
        try:
            carry_on(world, "run1", back=back)
            done = hook.left >= 0
        except Kill:
            pass
        world.secrets.hook = world.parameters.hook = world.journal.hook = Hook()
        carry_on(world, "run2", back=back)
        assert world.rotator().look().rotation is None
        assert not world.there(OWN)
        assert not world.there(OVERLAY)
        for name in (CORE, COPY):
            assert set(world.labels(name)) == {"AWSCURRENT", "AWSPREVIOUS"}, (number, world.labels(name))
            assert (world.keys(name) == before[name]) is back
        assert world.token() == ("old-token" if back else "new-token")
        assert world.keys(CORE)["NOTE"] == "theirs"
        number += 1
    assert number > (40 if back else 45), "acts at which it was killed"
