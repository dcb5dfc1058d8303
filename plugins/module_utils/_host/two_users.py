# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shared code of the kinds mysql_user and rabbitmq_user."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core import inventory_answer
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import program

CHECKED, PRESENT, USABLE, BLOCKED, REVOKED = "checked", "present", "usable", "blocked", "revoked"
ARGUMENT_SPEC: Dict[str, Any] = {
    "state": {"type": "str", "choices": [CHECKED, PRESENT, USABLE, BLOCKED, REVOKED], "required": True},
    "server": {"type": "dict", "required": True},
    "admin": {"type": "dict", "required": True, "no_log": True},
    "login": {"type": "dict", "required": True, "no_log": True},
    "other": {"type": "str", "default": ""},
    "leaked": {"type": "bool", "default": False},
    "search": {"type": "dict", "no_log": True},
}
RETURNS: Dict[str, Any] = {
    "place": "text",
    "full?": str,
    "ended?": int,
    "footholds?": [str],
    "evicted?": [str],
    "inventory?": inventory_answer.INVENTORY,
}
"""``full``: why other sessions kept a login from being tried. ``ended``: number of sessions."""
MEMORY = 512 << 20
"""Bytes for a server's answers."""


def run(argument_spec: Dict[str, Any], answer: Callable[[Mapping[str, Any]], Dict[str, Any]]) -> None:
    """Runs ``answer`` with the options. With --check, a state that changes a server is refused."""

    def act(params: Mapping[str, Any], *, check: bool) -> Dict[str, Any]:
        changes = params["state"] not in (CHECKED, USABLE)
        if changes and check:
            raise RotationError("nothing was changed: with --check, a run changes no server")
        return {"changed": changes, **answer(params)}

    program.run(argument_spec, act, memory=MEMORY)
