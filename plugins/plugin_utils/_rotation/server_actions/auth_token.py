# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_addresses, server_endpoint, valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    Conflict,
    Denied,
    NoAccess,
    RotationError,
    SecretsError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import PORTS, VALKEY
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import main as valkey_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import remote_program
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.elasticache_group import (
    END_SESSIONS,
    AuthTokens,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import required
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_action import (
    FORMER,
    Parties,
    ServerAction,
    beforehand,
    parties,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

OPTION = "replication_group"
ANSWERED = {"tried": ("accepted",), "sessions": ("sessions", "short", "unknown_clients"), "ended": ("ended", "short")}
"""Keys of valkey_user's answer by state."""


class AuthTokenAction(ServerAction):
    """Sends requests to AWS from the controller. The application's host tests whether the server accepts a token."""

    name = "watchparty.secrets.elasticache_auth_token"
    module = SimpleNamespace(
        ARGUMENT_SPEC={
            "credential": {"type": "str"},
            "state": {
                "type": "str",
                "choices": ["checked", "present", "usable", "sessions", "revoked"],
                "default": "present",
            },
            "known_addresses": {"type": "list", "elements": "str", "default": []},
            "allow_sessions": {"type": "bool", "default": False},
            "wait_seconds": {"type": "int", "default": 1800},
            "wait_interval": {"type": "int", "default": 10},
        }
    )
    extra_options = FORMER

    def params(self, setting: RotationSetup, args: Mapping[str, Any], masked: list[str]) -> dict[str, Any] | None:
        asking = args["state"] in ("checked", "sessions")
        name = args["credential"]
        if asking:
            logins = beforehand(setting, name, VALKEY, by_itself=True)
        else:
            logins = parties(setting, name, VALKEY, former=args["pending_task"], by_itself=True)
        masked += logins.values
        self._setting, self._found = setting, logins
        return None if logins.nothing else {}

    def _on_host(self, params: Mapping[str, Any], python: str | None, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        def module(state: str, login: Login, nodes: Sequence[str], **extra: Any) -> dict[str, Any]:
            wanted = {"state": state, "login_url": self._found.of(login), "nodes": list(nodes), **extra}
            valid = remote_program.validated(valkey_main.ARGUMENT_SPEC, wanted)
            answer = remote_program.execute(
                self,
                valkey_main,
                args=valid,
                task_vars=task_vars,
                packages=True,
                private=True,
                python=python,
            )
            if answer.get("failed"):
                raise RotationError(str(answer.get("msg")))
            missing = [name for name in ANSWERED[state] if name not in answer]
            if missing:
                raise RotationError(f"{remote_program.host_of(self, task_vars)}: its answer lacks {missing[0]}")
            return answer

        name = params["credential"]
        group = self._setting.catalog.credentials[name].options.get(OPTION)
        if not group:
            raise RotationError(f"{name}: name its replication group in credentials.{name}.options.{OPTION}")
        tokens = AuthTokens(
            self._setting.connection.store_client("elasticache"),
            group,
            acting=self._setting.connection.acting_client("elasticache"),
            seconds=params["wait_seconds"],
            interval=params["wait_interval"],
            look=self._setting.rotator.fresh,
        )
        if params["state"] == "sessions":
            return {"replication_group": group, **_sessions(tokens, self._found.old, module)}
        described = tokens.describe()
        described.refuse()
        self._refuse_elsewhere(name, group, described.endpoints)
        steps = AuthTokenState(
            tokens,
            self._found,
            lambda login: module("tried", login, described.endpoints)["accepted"],
            lambda login: module("ended", login, described.endpoints),
            self._task.check_mode,
            None
            if params["allow_sessions"]
            else lambda login: module(
                "sessions", login, described.endpoints, known_addresses=params["known_addresses"]
            ),
        )
        states = {"checked": steps.checked, "present": steps.present, "usable": steps.usable, "revoked": steps.revoked}
        result = states[params["state"]]()
        return {"replication_group": group, **result}

    def _refuse_elsewhere(self, name: str, group: str, endpoints: Sequence[str]) -> None:
        """Raises RotationError if a store's URL leads outside the group. Only AWS's addresses get the new token."""
        server = self._setting.catalog.credentials[name].server
        declared = server_addresses.every(server, VALKEY) if server else []
        known = [server_endpoint.parse(endpoint, PORTS[VALKEY]) for endpoint in endpoints] + declared
        for place in server_addresses.endpoints(self._found.url, VALKEY, "its URL"):
            if place not in known:
                raise RotationError(
                    f"{name}: its URL leads to {place}, but AWS names {', '.join(map(str, known)) or 'no address'} for "
                    f"replication group {group}. Nothing was sent to {place}. If the URL is wrong, correct it and find "
                    f"out who wrote it. If {place} belongs to the group, add to credentials.{name}: "
                    f'server: {{address: "{place}"}}'
                )


def _sessions(tokens: AuthTokens, login: Login, module: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Logged-in clients, also if AWS does not tell the group's addresses."""
    endpoints: tuple[str, ...] = ()
    short = []
    try:
        endpoints = tokens.describe().endpoints
    except SecretsError as error:
        short.append(str(error))
    answer = module("sessions", login, endpoints)
    return {"changed": False, "sessions": answer["sessions"], "short": [*short, *answer["short"]]}


class AuthTokenState:
    """Requests and changes of one state.

    ``accepts`` tells by address whether a login is accepted. ``ended`` ends all other sessions by a login. ``seen``
    tells who is logged in, and undeclared clients' addresses. Without ``seen`` the check is left out.
    """

    def __init__(
        self,
        tokens: AuthTokens,
        logins: Parties,
        accepts: Callable[[Login], Mapping[str, bool]],
        ended: Callable[[Login], Mapping[str, Any]],
        check: bool,
        seen: Callable[[Login], Mapping[str, Any]] | None = None,
    ) -> None:
        self._tokens, self._found, self._asked, self._ended, self._check = tokens, logins, accepts, ended, check
        self._seen = seen

    def checked(self) -> dict[str, Any]:
        """Whether the addresses answer. An invalid old token is not kept."""
        return {"changed": False, "accepted": dict(self._asked(self._found.old))}

    def present(self) -> dict[str, Any]:
        new, old = required(self._found.new), self._found.old
        accepted = self._asked(new)
        result = {"changed": not all(accepted.values()), "accepted": dict(accepted)}
        if self._check or not result["changed"]:
            return result
        self._change(lambda: self._tokens.add(str(new.password)), lambda: self._all_accept(new))
        if not self._all_accept(old):
            # ElastiCache has at most two valid tokens, so another one replaced it.
            self._change(lambda: self._tokens.add(str(old.password)), lambda: self._all_accept(old))
        self._require(new)
        return {**result, "accepted": dict(self._asked(new))}

    def usable(self) -> dict[str, Any]:
        new = required(self._found.new)
        self._require(new)
        return {"changed": False, "accepted": dict(self._asked(new))}

    def revoked(self) -> dict[str, Any]:
        removed_login = self._found.removed
        kept_token = self._found.old if self._found.aborting else required(self._found.new)
        accepted = self._asked(removed_login)
        result = {"changed": any(accepted.values()), "accepted": dict(accepted)}
        if result["changed"]:
            self._require(kept_token)
            self._refuse_unknown_clients(kept_token)
        if self._check:
            return result
        if result["changed"]:
            self._change(
                lambda: self._tokens.keep_only(str(kept_token.password)), lambda: not self._any_accepts(removed_login)
            )
            self._require(kept_token)
            result["accepted"] = dict(self._asked(removed_login))
        return self._without_sessions(result, kept_token) if self._found.leak else result

    def _refuse_unknown_clients(self, kept_token: Login) -> None:
        """Raises before the old token goes: clients from elsewhere may have no other token."""
        if self._seen is None or self._found.leak or self._found.aborting:
            return
        seen = self._seen(kept_token)
        remedy = "add -e rotation_allow_sessions=true"
        if seen["short"]:
            raise RotationError(
                f"the old token was kept: the sessions cannot be listed: {'; '.join(seen['short'])}. Correct these "
                f"problems, then run the same command again, or {remedy}"
            )
        hosts = seen["unknown_clients"]
        if hosts:
            counts = {host: sum(session.get(host, 0) for session in seen["sessions"].values()) for host in hosts}
            named = ", ".join(f"{host} ({count})" for host, count in counts.items())
            raise RotationError(
                f"the old token was kept: user {kept_token.username or valkey.DEFAULT_USER} is logged in from unknown "
                f"addresses: {named}. Give those clients the new token and add the addresses: -e "
                f"rotation_known_addresses={','.join(hosts)}. Or {remedy}"
            )

    def _without_sessions(self, result: dict[str, Any], kept_token: Login) -> dict[str, Any]:
        """Ends sessions after a leak, because a session does not tell its token. AWS may not allow it."""
        try:
            answer = self._ended(kept_token)
        except SecretsError as error:
            missing = [str(error)]
        else:
            missing = list(answer["short"])
            result = {**result, "changed": result["changed"] or answer["changed"], "ended": dict(answer["ended"])}
        if missing:
            message = f"sessions of the old token may still be open. {END_SESSIONS}"
            result = {**result, "not_ended": missing, "warnings": [f"{name}; {message}" for name in missing]}
        return result

    def _change(self, change: Callable[[], object], is_done: Callable[[], bool]) -> None:
        """Sends a change again only if it did not arrive."""
        try:
            change()
        except Denied:
            raise
        except (Conflict, NoAccess):
            self._tokens.wait_until_available()
            if is_done():
                return
            change()
        if not is_done():
            raise RotationError(
                "ElastiCache reports the change as complete, but the server does not show it; run the same command "
                "again"
            )

    def _require(self, login: Login) -> None:
        refusing = [address for address, accepts in self._asked(login).items() if not accepts]
        if refusing:
            raise RotationError(
                f"{', '.join(refusing)} does not accept the AUTH token to keep, so no token was removed"
            )

    def _all_accept(self, login: Login) -> bool:
        return all(self._asked(login).values())

    def _any_accepts(self, login: Login) -> bool:
        return any(self._asked(login).values())
