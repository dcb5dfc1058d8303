# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is handed to the host when a password goes: the notes, and whose sessions end with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_actions.valkey_user import (
    ValkeyUserAction,
)
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CORE, KINDS, NOW, World
from tests.unit.plugins.plugin_utils._rotation.server_world import administered, setting

NOTES = {"cache:6379": "run/7"}
BY = {"at": NOW, "who": "x", "rotation": "r0"}


@pytest.fixture
def world() -> World:
    return administered()


def params(world: World, rotator: Any, name: str = "cache", state: str = "revoked", former: str = "") -> dict[str, Any]:
    action = ValkeyUserAction.__new__(ValkeyUserAction)
    given = {"credential": name, "state": state, "run": "run1", "pending_task": former}
    result = action.params(setting(world, rotator), given, [])
    assert result is not None
    return result


def going(world: World, name: str = "cache", **extra: Any) -> Any:
    rotator = world.begun(name, **extra)
    world.created(rotator)
    rotator.advance("test", notes={name: NOTES})
    return rotator


@pytest.mark.parametrize(("name", "overlap", "noted"), [("cache", "passwords", NOTES), ("database", "users", None)])
def test_clients_of_the_old_value_alone(world: World, name: str, overlap: str, noted: Any) -> None:
    result = params(world, going(world, name), name)
    assert (result["overlap"], result.get("last_client")) == (overlap, noted)
    assert "end_sessions" not in result


@pytest.mark.parametrize("name", ["cache", "database"])
@pytest.mark.parametrize("way", ["revoke", "abort"])
def test_everybody_in_a_leak(world: World, name: str, way: str) -> None:
    """Also in a rollback, since the value that is rolled back may have leaked as well."""
    rotator = going(world, name, leak="leak-1")
    rotator.advance(way)
    assert params(world, rotator, name)["end_sessions"] == "all"
    assert "end_sessions" not in params(world, rotator, name, "present")


@pytest.mark.parametrize("way", ["set", "abort"])
def test_the_old_login_is_blocked_also_in_a_rollback(world: World, way: str) -> None:
    """A rollback removes the new value, but the holder of the old one interferes with it."""
    rotator = going(world, leak="leak-1")
    old = params(world, rotator)["login_url"]
    rotator.advance(way)
    assert params(world, rotator, state="blocked")["login_url"] == old


def test_everybody_unproven_in_a_late_revocation(world: World) -> None:
    former = {CORE: world.write("NOTE", "redis://:old@cache/0")}
    world.write("NOTE", "redis://:now@cache/0")
    due = {"credential": "own", "act": "revoke", "due": NOW, "rotation": "r0", "secrets": former, "notes": NOTES}
    late, rotated = world.rotator("run0"), dict.fromkeys(world.catalog.credentials, BY)
    late.append(late.look(), "r0", "closed", rotated=rotated, pending_tasks={"r0/own": due})
    result = params(world, world.begun(force=False), "own")
    assert (result["end_sessions"], result["last_client"]) == ("unverified", NOTES)


def test_a_former_value_that_leaves_with_the_old_one_in_a_leak(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes is what the pending task names; what stays is the value that this rotation made."""
    monkeypatch.setitem(KINDS, "login", replace(KINDS["login"], stages=("set", "revoke"), revokes_each=True))
    former = {CORE: world.write("NOTE", "redis://:former@cache/0")}
    world.write("NOTE", "redis://:old@cache/0")
    left = {"credential": "own", "act": "revoke", "due": NOW, "rotation": "r0", "secrets": former, "notes": NOTES}
    before = world.rotator("run0")
    before.append(before.look(), "r0", "closed", rotated={"own": BY}, pending_tasks={"r0/own": left})
    rotator = going(world, "own", leak="leak-1")
    rotator.advance("revoke")
    result = params(world, rotator, "own", former="r0/own")
    assert (result["login_url"], result["end_sessions"]) == (
        "redis://:former@cache/0",
        "all",
    )
    assert (result["overlap"], result["last_client"]) == (
        "passwords",
        NOTES,
    )
    assert params(world, rotator, "own")["login_url"] == "redis://:old@cache/0"
    with pytest.raises(RotationError, match=r"^own: the rotation does not include the pending task r1/own$"):
        params(world, rotator, "own", former="r1/own")
