# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Option of programs on a host for services other than systemd units."""

from __future__ import annotations

from typing import Any, Dict

_TEXT = {"type": "str"}
_WORDS = {"type": "list", "elements": "str"}
MANAGED: Dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "service": {"type": "str", "required": True},
        "manager": {
            "type": "str",
            "choices": ["systemd", "compose", "supervisor", "runit", "command"],
            "required": True,
        },
        **dict.fromkeys(("units", "health_command", "restart", "stop", "status"), _WORDS),
        **dict.fromkeys(("user", "file", "directory", "program", "pid_file"), _TEXT),
    },
}
