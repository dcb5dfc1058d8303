# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the kinds of honeytokens on the rotation host: as the administrator, never as the honeytoken."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core import postgresql, valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import POSTGRESQL, VALKEY
from ansible_collections.watchparty.secrets.plugins.module_utils._host import program
from ansible_collections.watchparty.secrets.plugins.module_utils._host.honeytokens import postgresql as _postgresql
from ansible_collections.watchparty.secrets.plugins.module_utils._host.honeytokens import valkey as _valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.connection import ServerConnection
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.connection import ADMIN, UNREADABLE

TIMEOUT = 10
ARGUMENT_SPEC: Dict[str, Any] = {
    "server": {"type": "str", "choices": [POSTGRESQL, VALKEY], "required": True},
    "admin_url": {"type": "str", "required": True, "no_log": True},
    "user": {"type": "str", "required": True},
    "verifier": {"type": "str", "no_log": True},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "leak": {"type": "bool", "default": False},
}
REPORT: Dict[str, Any] = {
    "exists?": bool,
    "rights?": [str],
    "open?": [str],
    "uses?": int,
    "last?": str,
    "clients?": [str],
    "since?": str,
    "reach?": int,
    "lost?": bool,
    "problem?": str,
}
"""Types of a server's report on a honeytoken."""
RETURNS = REPORT


def main() -> None:
    program.run(ARGUMENT_SPEC, answer)


def answer(params: Mapping[str, Any], *, check: bool) -> Dict[str, Any]:
    """Only reads if no ``verifier`` is given. Raises SecretsError."""
    try:
        return {"changed": bool(params["verifier"]), **_report(params, check=check)}
    except UNREADABLE:
        raise RotationError("the server's answer cannot be read") from None


def _report(params: Mapping[str, Any], *, check: bool) -> Dict[str, Any]:
    user, leak = params["user"], params["leak"]
    if params["server"] == VALKEY:
        report = _valkey.seen(valkey.parse_url(params["admin_url"], ADMIN), params["nodes"], user)
        return report if leak else _valkey.check(report, user)
    target = postgresql.parse_url(params["admin_url"], postgresql.ADMIN_URL)
    with ServerConnection.administered(target, timeout=TIMEOUT) as server:
        if not params["verifier"]:
            return _postgresql.check(server, user, leak=leak)
        if check:
            raise RotationError("nothing was changed: with --check, a run changes no server")
        return _postgresql.present(server, user, params["verifier"], leak=leak)


if __name__ == "__main__":
    main()
