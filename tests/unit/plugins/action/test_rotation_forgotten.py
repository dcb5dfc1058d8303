# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is left for later and cannot be carried out is named until somebody says that it is to be forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import rotation_info
from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError, RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.action import steps as rotation
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CORE, KINDS, World

HEAD = {"number": 3, "digest": "d"}


@pytest.fixture
def world() -> World:
    """One whose database's former login was to be revoked; the version that held it is gone."""
    made = World()
    pending = {"credential": "database", "act": "revoke", "due": "2026-01-01T00:00:00Z", "rotation": "r0"}
    by = {"at": timestamps.stamp(datetime.now(UTC)), "who": "ann", "rotation": "r0"}
    rotator = made.rotator()
    rotator.append(
        rotator.look(),
        "r0",
        "closed",
        pending_tasks={"r0/database": {**pending, "secrets": {CORE: "gone"}}},
        rotated=dict.fromkeys(made.catalog.credentials, by),
    )
    return made


def act(world: World, module: Any, state: str | None, *, check: bool = False, **extra: Any) -> dict[str, Any]:
    defaults = {name: item.get("default") for name, item in module.ActionModule.extra_options.items()}
    action = module.ActionModule.__new__(module.ActionModule)
    action._task = SimpleNamespace(check_mode=check)
    setting = RotationSetup(world.catalog, KINDS, world.rotator(), None)  # type: ignore[arg-type]
    answer: dict[str, Any] = action.answer(setting, {**defaults, "state": state, **extra}, {})
    return answer


@pytest.mark.parametrize("state", ["planned", "begun"])
def test_a_run_names_it_and_opens_nothing(world: World, state: str) -> None:
    answer = act(world, rotation, state)
    assert answer["nothing"]
    message = f"its previous value can no longer be read from version gone of secret {CORE}; "
    assert answer["refused"]["database"].startswith(message)
    assert answer["refused"]["database"].endswith("watchparty.secrets.rotation_forget -e rotation_forget=database")
    assert world.rotator().look().rotation is None


def test_the_report_says_what_to_do_where_the_catalog_lost_it(world: World) -> None:
    assert act(world, rotation_info, None)["pending_tasks"][0]["against"] is None
    world.catalog = replace(world.catalog, credentials={})
    result = act(world, rotation_info, None)
    assert (result["due"], result["act_now"]) == ([], True)
    assert result["pending_tasks"][0]["against"].startswith("the catalog no longer has this credential")
    assert result["table"][-1] == f"  {result['pending_tasks'][0]['against']}"


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize("name", ["database", "r0/database"])
def test_it_is_forgotten(world: World, name: str, *, lost: bool) -> None:
    if lost:
        world.catalog = replace(world.catalog, credentials={})
    head = world.rotator().look().head
    waited = act(world, rotation, "forgotten", check=True, credentials=[name])
    assert world.rotator().look().head == head
    assert (waited["record"]["outcome"], waited["record"]["pending_tasks"]) == ("forgotten", ["r0/database"])
    answer = act(world, rotation, "forgotten", credentials=[name], audit=HEAD)
    assert answer["changed"]
    message = "is forgotten; its old value stays valid unless you revoked it by hand"
    assert answer["messages"] == [f"r0/database (revoke, due 2026-01-01T00:00:00Z) {message}"]
    journal = world.rotator().look()
    assert (journal.pending_tasks, journal.audit, journal.rotation) == ({}, HEAD, None)
    assert not act(world, rotation_info, None)["act_now"]
    assert act(world, rotation, "begun")["refused"] == {}


def test_a_name_of_which_nothing_is_left(world: World) -> None:
    with pytest.raises(RotationError, match=r"^token: no such pending task; choose from r0/database$"):
        act(world, rotation, "forgotten", credentials=["token"])


def test_not_while_a_rotation_is_open(world: World) -> None:
    world.begun("token")
    with pytest.raises(JournalError, match=r"^rotation r1 of .* is open; finish it"):
        act(world, rotation, "forgotten", credentials=["database"])
    assert list(world.rotator().look().pending_tasks) == ["r0/database"]
