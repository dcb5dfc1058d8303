# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs revoked_logins on the host, with the application's drivers."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core import inventory_answer
from ansible_collections.watchparty.secrets.plugins.module_utils._host import (
    program,
    revoked_logins,
    server_logins,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.honeytokens import main as honeytokens

ARGUMENT_SPEC: dict[str, Any] = {
    "connect_timeout": {"type": "int", "default": 5},
    "tries": {"type": "list", "elements": "dict", "default": [], "no_log": True},
    "inspections": {"type": "list", "elements": "dict", "default": [], "no_log": True},
}
_LOGIN = {
    "name": str,
    "known": bool,
    "node?": str,
    "nopass?": bool,
    "hidden?": bool,
    "passwords?": int,
    "digests?": [str],
}
RETURNS: dict[str, Any] = {
    "tried": {str: {"state": {"accepted", "refused", "neither", "untried"}, "message": str}},
    "inspected?": {
        str: {
            "problems": [str],
            "rights": {str: [str]},
            "listed": bool,
            "seen": int,
            "unexplained": [_LOGIN],
            "more": int,
            "honeytokens": {str: honeytokens.REPORT},
            "inventory": inventory_answer.INVENTORY,
        }
    },
}


def main() -> None:
    program.run(ARGUMENT_SPEC, answer)


def answer(params: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Only logs in and reads, also without ``check``."""
    del check
    tried = revoked_logins.try_logins(params["tries"], params["connect_timeout"])
    program.limit_memory(server_logins.MEMORY)
    return {"tried": tried, "inspected": server_logins.seen(params["inspections"], params["connect_timeout"])}


if __name__ == "__main__":
    main()
