# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A promotion while somebody else writes other keys of the same secrets: merged, for a bounded time."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Overtaken
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import rollback as rotation_rollback
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import version_id
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.plugin_utils._rotation.rotator_world import (
    ALL,
    COPY,
    CORE,
    Meanwhile,
    World,
    close,
    going,
    opened,
)


class Killed(BaseException):
    """The process is gone."""


def merged(number: int, name: str = CORE) -> str:
    return version_id("r1", name, "merge", number)


@pytest.mark.parametrize("name", [CORE, COPY])
def test_a_change_of_another_key_is_merged(world: World, name: str) -> None:
    rotator = world.begun(*ALL)
    values = world.created(rotator)
    pinned = opened(rotator.advance("promote")).secrets
    theirs = world.write("port", "1", name)
    promotion = rotator.promote()
    assert (promotion.outcome, world.token()) == ("done", "new-token")
    assert promotion.message == (
        f"secret {name}: another writer's change of other keys was merged. Deploy it to hosts by "
        "ansible-playbook watchparty.secrets.deploy"
    )
    assert world.labels(name)["AWSCURRENT"] == world.labels(name)["r1-merge"] == merged(1, name)
    assert world.keys(name)["port"] == "1"
    assert f":{values.credentials['database'].password}@" in world.keys(name)["URL" if name == CORE else "url"]
    rotation = opened(rotator.look())
    assert (rotation.step, rotation.plan["merges"], rotation.plan["secrets"][name]) == ("promote", {name: 1}, theirs)
    assert rotation.secrets == pinned, "hosts keep what they run on"
    assert opened(rotator.advance("revoke")).secrets == pinned, "and are verified on that"


def test_a_change_in_the_same_moment_is_merged(world: World) -> None:
    rotator = going(world)
    world.secrets.hook = Meanwhile("move", CORE, lambda: world.write("NOTE", "at this moment"))
    assert rotator.promote().outcome == "done"
    assert (world.keys()["NOTE"], world.labels()["AWSCURRENT"]) == ("at this moment", merged(1))


class Writer(Hook):
    """Writes another key before each attempt to move AWSCURRENT, so many times."""

    def __init__(self, world: World, times: int) -> None:
        self.world, self.left = world, times

    def before(self, op: str, name: str) -> None:
        if (op, name) == ("move", CORE) and self.left:
            self.left -= 1
            self.world.write("NOTE", f"{self.left} are left")


def test_it_goes_on_as_often_as_somebody_writes(world: World) -> None:
    rotator = going(world)
    world.secrets.hook = Writer(world, 10)
    assert rotator.promote().outcome == "done"
    assert (world.keys()["NOTE"], world.labels()["AWSCURRENT"]) == ("0 are left", merged(10))
    assert max(world.slept) <= 8


def test_a_writer_without_a_pause_is_named_in_time(world: World) -> None:
    rotator = going(world)
    world.secrets.hook = writer = Writer(world, 1000)
    result = rotator.promote(seconds=60)
    assert result.outcome == "blocked"
    assert result.message.startswith(f"another writer keeps changing other keys of secret {CORE} (now version ")
    assert 60 < sum(world.slept) < 80
    assert len(world.secrets.versions(CORE)) < 50, "AWS keeps some hundred"
    assert (world.keys()["KEY"], world.token()) == ("old-key", "old-token")
    writer.left = 0
    assert world.taken_over().promote().outcome == "done"
    assert world.keys()["KEY"] != "old-key"


@pytest.mark.parametrize("op", ["put", "move"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_while_it_merges_the_next_run_goes_on(world: World, op: str, *, after: bool) -> None:
    rotator = going(world)
    world.write("NOTE", "newer")

    class Kill(Hook):
        def _at(self, act: str, name: str, *, late: bool) -> None:
            if (act, name, late) == (op, CORE, after):
                raise Killed

        def before(self, op: str, name: str) -> None:
            self._at(op, name, late=False)

        def after(self, op: str, name: str) -> None:
            self._at(op, name, late=True)

    world.secrets.hook = Kill()
    with pytest.raises(Killed):
        rotator.promote()
    world.secrets.hook = Hook()
    second = world.taken_over()
    assert second.promote().outcome == "done"
    assert (world.keys()["NOTE"], world.labels()["AWSCURRENT"]) == ("newer", merged(1))
    rotation_rollback.tidy(second)
    assert set(world.labels()) == {"AWSCURRENT", "AWSPREVIOUS"}


def test_whoever_merges_after_the_end_takes_it_away_again(world: World) -> None:
    rotator = going(world)
    world.write("NOTE", "newer")

    def end() -> None:
        second: Any = world.taken_over()
        second.advance("abort", reason="asked for")
        rotation_rollback.undo(second)
        second.advance("discard")
        rotation_rollback.tidy(second)
        close(second, step="aborted")

    world.secrets.hook = Meanwhile("put", CORE, end)
    with pytest.raises(Overtaken, match="so this run removed the values that it had staged"):
        rotator.promote()
    assert "r1-merge" not in world.labels()
    assert (world.keys()["KEY"], world.keys()["NOTE"]) == ("old-key", "newer")
