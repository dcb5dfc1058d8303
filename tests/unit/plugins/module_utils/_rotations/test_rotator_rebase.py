# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation that stages its values anew, over what somebody else wrote meanwhile."""

from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._rotator_names import version_id
from tests.unit.plugins.module_utils._rotations.rotator_world import ALL, COPY, CORE, World, opened


def test_somebodys_change_is_in_what_is_staged_anew(world: World) -> None:
    rotator = world.begun(*ALL)
    values = world.created(rotator)
    rotator.advance("promote")
    theirs = world.write("NOTE", "newer")
    journal = rotator.rebase(rotator.promote().secrets)
    rotation = opened(journal)
    assert (rotation.step, rotation.plan["attempts"]) == ("create", {CORE: 2})
    assert rotation.plan["secrets"] == {CORE: theirs, COPY: world.first[COPY]}
    assert rotation.secrets[CORE] == version_id("r1", CORE, 2, 1), "hosts keep what they run on"
    assert world.created(rotator) == values
    two = version_id("r1", CORE, 2, 2)
    assert world.labels()["AWSPENDING"] == world.labels()["r1-2"] == two
    assert opened(rotator.advance("deploy", phase=2)).secrets[CORE] == two
    rotator.advance("promote")
    assert rotator.promote().outcome == "done"
    assert (world.keys()["NOTE"], world.keys()["KEY"]) == ("newer", values.credentials["django"].password)
    assert world.labels(COPY)["AWSCURRENT"] == version_id("r1", COPY, 2, 1)


def test_as_often_as_somebody_writes(world: World) -> None:
    rotator = world.begun("database")
    for turn in (1, 2, 3):
        world.created(rotator)
        rotator.advance("promote")
        world.write("NOTE", f"turn {turn}")
        attempts = opened(rotator.rebase(rotator.promote().secrets)).plan["attempts"]
        assert attempts == {CORE: turn + 1}
    world.created(rotator)
    rotator.advance("promote")
    assert rotator.promote().outcome == "done"
    assert world.keys()["NOTE"] == "turn 3"


def test_a_key_that_rotates_was_changed_since(world: World) -> None:
    rotator = world.begun("database")
    world.created(rotator)
    rotator.advance("promote")
    world.write("NOTE", "newer")
    moved = rotator.promote().secrets
    world.write("URL", "postgres://app_a:hand@db/app")
    with pytest.raises(RotationError, match=f"^somebody changed secret {CORE} in the keys that rotate"):
        rotator.rebase(moved)
    assert opened(rotator.look()).step == "promote"
