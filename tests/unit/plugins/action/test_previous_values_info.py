# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which values are dead, in a result that is hidden."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action.previous_values_info import ActionModule
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.seal import opened
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import COPY, CORE, KINDS, TOKEN, World


def core(password: str, key: str = "canary-key") -> str:
    return json.dumps({"URL": f"postgres://app_a:{password}@db/app", "KEY": key})


@pytest.fixture
def world() -> World:
    made = World()
    for at, password in enumerate(("canary-first", "canary-second", "short", "canary-now")):
        made.secrets.seed(CORE, core(password), version=str(at) * 32)
    made.secrets.seed(COPY, json.dumps({"url": "postgres://app_a:canary-now@db/app"}))
    return made


def ask(world: World, **args: Any) -> dict[str, Any]:
    setting = RotationSetup(world.catalog, KINDS, world.rotator(), None)  # type: ignore[arg-type]
    result = ActionModule.__new__(ActionModule).answer(setting, {"secrets": {}, **args}, {})
    assert result["_ansible_no_log"] is True
    assert "canary" not in str(result)
    return opened(result)


def test_former_values_that_are_not_in_use(world: World) -> None:
    result = ask(world, credentials=["database", "django", "token"], secrets={CORE: ["0" * 32, "1" * 32, "2" * 32]})
    assert result["dead"] == {"database": ["canary-first", "canary-second"]}
    assert result["unread"] == ["django", "token"], "the key and the token are in use"
    assert ask(world, credentials=["database"], secrets={CORE: "0" * 32})["dead"] == {"database": ["canary-first"]}


def test_former_keys_of_a_signing_key(world: World) -> None:
    """Those that are listed still sign in the version that was current; one that is listed now is in use."""
    listed = {"KEY": "canary-key-now", "FALLBACKS": "canary-key-kept"}
    world.secrets.seed(
        CORE, json.dumps({"KEY": "canary-key-1", "FALLBACKS": "canary-key-kept,canary-key-0"}), version="7" * 32
    )
    world.secrets.seed(CORE, json.dumps(listed))
    result = ask(world, credentials=["django"], secrets={CORE: ["7" * 32]})
    assert result["dead"] == {"django": ["canary-key-1", "canary-key-0"]}


def test_former_values_of_a_parameter(world: World) -> None:
    for value in ("canary-token-1", "short", "canary-token-2"):
        world.parameters.seed(TOKEN, value)
    result = ask(world, credentials=["token"])
    assert result["dead"] == {"token": ["canary-token-1", "old-token"]}
    assert result["unread"] == []


def test_nothing_was_replaced(world: World) -> None:
    assert ask(world, credentials=["database"]) == {
        "changed": False,
        "dead": {},
        "unread": ["database"],
        "_ansible_no_log": True,
    }


def test_an_unknown_one(world: World) -> None:
    with pytest.raises(RotationError, match=r"^nobody: is not a credential of the catalog; choose from "):
        ask(world, credentials=["nobody"])
