# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import Overtaken
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.fresh import Fresh
from tests.unit.plugins.module_utils._rotations.rotator_world import TOKEN, World, going


def test_one_look_allows_one_write() -> None:
    fresh = Fresh()
    fresh.spend()
    with pytest.raises(RuntimeError, match="look again"):
        fresh.spend()


def test_a_parameter_is_not_written_twice_by_one_look() -> None:
    world = World()
    rotator = going(world, "token")
    fresh = rotator.fresh()
    rotator.overwrite(TOKEN, "new", instead_of=1, fresh=fresh)
    with pytest.raises(RuntimeError, match="look again"):
        rotator.overwrite(TOKEN, "newer", instead_of=2, fresh=fresh)
    assert world.token() == "new"


def test_a_run_that_was_overtaken_gets_none_though_it_goes_on_by_what_it_wrote() -> None:
    world = World()
    rotator = going(world, "token")
    world.taken_over()
    assert rotator.holding()[1].run == "run1"
    with pytest.raises(Overtaken, match="was taken over by another run"):
        rotator.fresh()
