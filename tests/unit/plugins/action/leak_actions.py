# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the actions of a leak response against a journal in memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS, World


def act(world: World, module: Any, *, check: bool = False, variables: Any = None, **args: Any) -> dict[str, Any]:
    action = module.ActionModule.__new__(module.ActionModule)
    action._task = SimpleNamespace(check_mode=check, args={})
    action._loader = action._templar = None
    defaults = {name: item.get("default") for name, item in module.ActionModule.extra_options.items()}
    setting = RotationSetup(world.catalog, KINDS, world.rotator(), SimpleNamespace(announcing_client=None))  # type: ignore[arg-type]
    answer: dict[str, Any] = action.answer(setting, {**defaults, **args}, variables or {})
    return answer
