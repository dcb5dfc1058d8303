# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_addresses, valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    Overtaken,
    SecretsError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import VALKEY, VALKEY_USER
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login, with_login
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import main as valkey_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import compared_servers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import required
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_action import (
    FORMER,
    Parties,
    ServerAction,
    beforehand,
    outside,
    parties,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

_ADDING = ("checked", "open", "present")
_UNDOING = ("withdraw", "discard")
"""Steps from which on no later run closes a rotation's gate."""


class ValkeyUserAction(ServerAction):
    name = "watchparty.secrets.valkey_user"
    module = valkey_main
    extra_options = FORMER
    set_here = (
        *("admin_url", "login_url", "digest", "user", "like", "gate", "journal", "last_client", "overlap"),
        *("nodes", "aliases", "undeclared_nodes", "leaked_url", "stored", "inventory"),
    )

    def params(self, setting: RotationSetup, args: Mapping[str, Any], masked: list[str]) -> dict[str, Any] | None:
        state = args["state"]
        name = args["credential"]
        if state == "sessions" and not args["run"]:
            login, admin_url = outside(setting, name, VALKEY, masked)
            return {**_nodes(setting, name), "admin_url": admin_url, "user": login.username or valkey.DEFAULT_USER}
        if state == "checked":
            logins = beforehand(setting, name, VALKEY)
        else:
            logins = parties(setting, name, VALKEY, former=args["pending_task"])
        masked += logins.values
        if logins.nothing:
            return None
        self._rotator = setting.rotator
        new = logins.new if state in (*_ADDING, "usable") else logins.removed
        concerned = required(logins.old if state == "blocked" else new, name)
        users = logins.new is not None and logins.new.username != logins.old.username
        params: dict[str, Any] = {
            **_nodes(setting, name),
            "admin_url": logins.admin_url,
            "login_url": logins.of(concerned),
            "user": concerned.username or valkey.DEFAULT_USER,
            "journal": logins.number,
            "overlap": "users" if users else "passwords",
        }
        if state == "checked" and not logins.leak:
            params["undeclared_nodes"] = "refuse"  # in a leak, a false node would delay the containment
        if state in _ADDING or logins.aborting:
            params["gate"] = logins.rotation
        if state in _ADDING and users:
            params["like"] = logins.old.username or valkey.DEFAULT_USER
        if state == "revoked" and not users and not logins.aborting:
            params["last_client"] = dict(logins.notes)
        params.update(_of_leak(setting, name, logins, state))
        if state == "revoked" and (logins.leak or logins.late):
            params["end_sessions"] = valkey.END_ALL if logins.leak else valkey.END_UNVERIFIED
        return params

    def _on_host(self, params: Mapping[str, Any], python: str | None, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        answer = super()._on_host(params, python, task_vars)
        if params["state"] == "open" and answer.get("changed") and self._rotator.is_over(params["gate"], _UNDOING):
            super()._on_host(_closing(params), python, task_vars)
            raise Overtaken(_CLOSED)
        return answer

    def _each_on_host(
        self, acts: Sequence[Mapping[str, Any]], python: str | None, task_vars: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        answers = super()._each_on_host(acts, python, task_vars)
        opened = [
            entry["params"]
            for entry, answer in zip(acts, answers, strict=True)
            if entry["params"]["state"] == "open" and answer.get("changed")
        ]
        if opened and self._rotator.is_over(opened[0]["gate"], _UNDOING):
            super()._each_on_host([{"params": _closing(item)} for item in opened], python, task_vars)
            raise Overtaken(_CLOSED)
        return answers


_CLOSED = "another run ended this rotation, so this run removed the mark that it had given to the user"


def _closing(params: Mapping[str, Any]) -> dict[str, Any]:
    """Closes a gate with a random, discarded password, because the rotation's own may be in force by now."""
    login_url = with_login(params["login_url"], Login(params["user"], rotation_context.generate(64)))
    return {**params, "state": "revoked", "login_url": login_url, "allow_sessions": True}


def _of_leak(setting: RotationSetup, name: str, logins: Parties, state: str) -> dict[str, Any]:
    """The leaked login, and by user the digests of all passwords in the stores, now or soon. Empty without a leak."""
    if not logins.leak:
        return {}
    # An overtaken run must not remove passwords that no store holds.
    look = setting.mine if state in ("blocked", "revoked") else setting.holding
    journal, rotation = (None, None) if state == "checked" else look(name)[:2]
    known = [login for login in (logins.old, logins.new, logins.admin) if login is not None]
    credentials = setting.catalog.credentials
    users = [credential for credential in credentials.values() if credential.kind == VALKEY_USER]
    others = {
        *(credential.name for credential in users),
        *(credential.admin for credential in users if credential.admin),
    } - {name}
    for other in others & credentials.keys():
        with suppress(SecretsError):  # its passwords then count as unknown
            known.append(setting.held(credentials[other]).login)
            known += [setting.new_value(rotation, other) or Login()] if rotation else []
    digests: dict[str, set[str]] = {}
    for login in known:
        if login.password:
            digests.setdefault(login.username or valkey.DEFAULT_USER, set()).add(valkey.digest_of(login.password))
    stored = {user: sorted(each) for user, each in digests.items()}
    params: dict[str, Any] = {"leaked_url": logins.of(logins.old), "stored": stored}
    if journal is not None and state == "revoked":
        params["inventory"] = compared_servers.request(setting, name, digests, journal.incident)
    return params


def _nodes(setting: RotationSetup, name: str) -> dict[str, Any]:
    """Nodes that the catalog declares, and other addresses by which they may name each other."""
    _admin, server = server_addresses.required_server(setting.catalog, setting.catalog.credentials[name])
    return {"nodes": server_addresses.nodes(server), "aliases": server_addresses.aliases(server, VALKEY)}
