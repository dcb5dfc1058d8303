# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of valkey_user that runs on the host, with the application's drivers. Python 3.8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core import inventory_answer, valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import program
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import (
    connection,
    interference,
    user_states,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.all_nodes import UserRequest

ARGUMENT_SPEC: dict[str, Any] = {
    "credential": {"type": "str"},
    "state": {"type": "str", "choices": list(user_states.STEPS), "default": "present"},
    "overlap": {"type": "str", "choices": ["passwords", "users"], "default": "passwords"},
    "user": {"type": "str"},
    "like": {"type": "str"},
    "gate": {"type": "str"},
    "journal": {"type": "int", "default": 0},
    "known_addresses": {"type": "list", "elements": "str", "default": []},
    "allow_sessions": {"type": "bool", "default": False},
    "last_client": {"type": "dict", "default": {}},
    "end_sessions": {
        "type": "str",
        "choices": [valkey.END_NOTED, valkey.END_UNVERIFIED, valkey.END_ALL],
        "default": valkey.END_NOTED,
    },
    "nodes": {"type": "list", "elements": "str", "default": []},
    "aliases": {"type": "list", "elements": "str", "default": []},
    "undeclared_nodes": {"type": "str", "choices": ["report", "refuse"], "default": "report"},
    "gone_nodes": {"type": "list", "elements": "str", "default": []},
    "admin_url": {"type": "str", "no_log": True},
    "login_url": {"type": "str", "no_log": True},
    "digest": {"type": "str", "no_log": True},
    "leaked_url": {"type": "str", "no_log": True},
    "stored": {"type": "dict", "no_log": True},
    "inventory": {"type": "dict", "no_log": True},
}
_SESSIONS = {str: {str: int}}
RETURNS: dict[str, Any] = {
    "reason?": str,
    "nodes?": [{"node": str, "role": str}],
    "undeclared_nodes?": [str],
    "not_ended?": [str],
    "changed_nodes?": [str],
    "last_client?": {str: str},
    "passwords?": int,
    "keyspace?": str,
    "accepted?": {str: bool},
    "sessions?": _SESSIONS,
    "unknown_clients?": [str],
    "ended?": _SESSIONS,
    "short?": [str],
    "refused?": [str],
    "footholds?": [str],
    "evicted?": [str],
    "inventory?": inventory_answer.INVENTORY,
    "warnings?": [str],
}


def wanted(params: Mapping[str, Any]) -> UserRequest:
    """The request, checked without asking a server."""
    login = _address(params, "login_url", connection.LOGIN)
    if login is None and params["state"] in ("usable", "tried", "ended", "revoked"):
        raise HostError("login_url is needed for state %s" % params["state"])
    user = params["user"] or (login.user if login else valkey.DEFAULT_USER)
    if login is not None and login.user != user:
        raise HostError("the credential's URL logs in as %s, and the user is %s" % (login.user, user))
    digest = params["digest"] or (valkey.digest_of(login.password) if login else None)
    if login is not None and digest != valkey.digest_of(login.password):
        raise HostError("digest is not that of the password in login_url")
    if digest is None and params["state"] != "sessions":
        raise HostError("digest or login_url is needed for state %s" % params["state"])
    if params["state"] in ("checked", "open") and not params["gate"]:
        raise HostError("gate is needed for state %s" % params["state"])
    return UserRequest(
        admin=_address(params, "admin_url", connection.ADMIN),
        login=login,
        user=user,
        digest=valkey.checked_digest(digest) if digest else "",
        like=params["like"],
        gate=valkey.gate_digest(params["gate"]) if params["gate"] else None,
        by_users=params["overlap"] == "users",
        known=tuple(params["known_addresses"]),
        allow_sessions=params["allow_sessions"],
        last_client=params["last_client"],
        ends=params["end_sessions"],
        nodes=tuple(params["nodes"]),
        aliases=tuple(params["aliases"]),
        refuse_undeclared=params["undeclared_nodes"] == "refuse",
        gone=tuple(params["gone_nodes"]),
        label="watchparty.secrets:%d" % params["journal"],
        leaked=_address(params, "leaked_url", connection.LOGIN),
        stored=params["stored"],
        inventory=params["inventory"],
    )


def _address(params: Mapping[str, Any], name: str, label: str) -> Optional[valkey.Address]:
    return valkey.parse_url(params[name], label) if params[name] else None


def answer(params: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    return interference.run_step(params["state"], wanted(params), check=check)


def main() -> None:
    program.run(ARGUMENT_SPEC, answer)


if __name__ == "__main__":
    main()
