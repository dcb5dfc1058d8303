# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Twins in memory of Vault's tokens, leases and database engine, and of the database that its logins are for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import parse_secret
from ansible_collections.watchparty.secrets.plugins.module_utils._host import revoked_logins

CREDS = "database/creds/web"
DAY = 86400


@dataclass
class MemoryLeases:
    """What ends a login: its lease, and the token that made it."""

    max_ttl: int = 200 * DAY
    logins: dict[str, str] = field(default_factory=dict)
    """Name and password of each that the database accepts."""
    tokens: dict[str, int] = field(default_factory=dict)
    """Seconds that each lives, by its accessor."""
    leases: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Login and accessor by the lease's id."""
    calls: list[str] = field(default_factory=list)
    before: Callable[[str], object] = lambda _call: None
    after: Callable[[str], object] = lambda _call: None
    number: int = 0

    def client(self, token: str = "ours") -> MemoryVault:
        return MemoryVault(self, token)

    def pass_an_hour(self) -> None:
        """What nobody kept ends."""
        for accessor in [accessor for accessor, seconds in self.tokens.items() if seconds <= 3600]:
            self._end_token(accessor)

    def asked(self, path: str, body: Mapping[str, Any], token: str) -> tuple[int, Any]:
        self.before(path)
        self.calls.append(path)
        answer = self._answer(path, body, token)
        self.after(path)
        return answer[0], parse_secret(json.dumps(answer[1]))

    def _answer(self, path: str, body: Mapping[str, Any], token: str) -> tuple[int, Any]:
        if path == "sys/capabilities-self":
            return 200, {"data": {one: ["read", "update"] for one in body["paths"]}}
        if path == "auth/token/create-orphan":
            self.number += 1
            self.tokens[f"accessor-{self.number}"] = int(body["ttl"])
            return 200, {"auth": {"client_token": f"token-{self.number}", "accessor": f"accessor-{self.number}"}}
        if path == CREDS:
            return 200, self._login(token.replace("token", "accessor"))
        return self._on_lease(path, body)

    def _login(self, accessor: str) -> dict[str, Any]:
        number = accessor.rpartition("-")[2]
        user, password = f"v-web-{number}", f"canary-of-login-{number}"
        self.logins[user], self.leases[f"{CREDS}/id{number}"] = password, (user, accessor)
        return {"lease_id": f"{CREDS}/id{number}", "data": {"username": user, "password": password}}

    def _on_lease(self, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        accessor = body.get("accessor") or self.leases.get(body["lease_id"], ("", ""))[1]
        if path.startswith("auth/token/re") and accessor not in self.tokens:
            return 400, {"errors": ["invalid accessor"]}
        if path == "auth/token/revoke-accessor":
            self._end_token(accessor)
        elif path == "sys/leases/revoke":
            self.logins.pop(self.leases.pop(body["lease_id"], ("", ""))[0], None)
        elif path == "auth/token/renew-accessor":
            self.tokens[accessor] = min(int(body["increment"]), self.max_ttl)
            return 200, {"auth": {"lease_duration": self.tokens[accessor]}}
        elif path == "sys/leases/renew":
            return 200, {"lease_duration": min(int(body["increment"]), self.max_ttl)}
        return 204, {}

    def _end_token(self, accessor: str) -> None:
        self.tokens.pop(accessor, None)
        for lease, (login, maker) in list(self.leases.items()):
            if maker == accessor:
                self.logins.pop(login, None)
                del self.leases[lease]

    # The database, as the rotation host sees it

    def execute(self, program: ModuleType, *, args: Mapping[str, Any], **_how: Any) -> dict[str, Any]:
        assert program.__name__.endswith("revoked_logins_main")
        (entry,) = args["tries"]
        state, message = revoked_logins.judged(self._log_in, entry["current"], entry["former"])
        return {"tried": {entry["credential"]: {"state": state, "message": message}}}

    def _log_in(self, url: str) -> tuple[str, str]:
        user, _colon, password = url.partition("://")[2].rpartition("@")[0].partition(":")
        is_right = self.logins.get(user) == password
        return (revoked_logins.ACCEPTED, "db") if is_right else (revoked_logins.REFUSED, "wrong_password")


class MemoryVault:
    """A client with one token."""

    def __init__(self, leases: MemoryLeases, token: str) -> None:
        self._leases, self._token = leases, token

    def with_token(self, token: str) -> MemoryVault:
        return MemoryVault(self._leases, token)

    def get(self, path: str, what: str, *, also: tuple[int, ...] = ()) -> tuple[int, Any]:
        del also
        if self._token == "ours":
            raise Denied(f"{what} was asked with the run's own token", "")
        return self._leases.asked(path, {}, self._token)

    def write(self, _method: str, path: str, _what: str, body: str, *, also: tuple[int, ...] = ()) -> tuple[int, Any]:
        status, answer = self._leases.asked(path, json.loads(body), self._token)
        assert status < 300 or status in also
        return status, answer
