# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs an action plugin; its host is this machine."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import connection_loader


def run_action(
    plugin: type[ActionBase], *, check: bool = False, variables: Mapping[str, Any] | None = None, **args: Any
) -> dict[str, Any]:
    task: Any = SimpleNamespace(args=args, async_val=0, check_mode=check, diff=False, action="x", delegate_to=None)
    connection = connection_loader.get("local", PlayContext(), "/dev/null")
    templar: Any = SimpleNamespace(template=lambda text: text)
    action = plugin(task, connection, PlayContext(), DataLoader(), templar, None)
    result: dict[str, Any] = action.run(task_vars=dict(variables or {}))
    return result
