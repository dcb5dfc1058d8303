# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins that Vault's database engine creates, each with a lease that ends it.

Vault ends the leases of a token together with that token, and a run's token ends soon. So each login is created with an
orphan token of its own. The token's accessor renews and revokes it. A new token lives for an hour, so a login that a
killed run did not record ends by itself.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from re import ASCII, escape, fullmatch
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.vault_client import VaultClient
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission

UNKEPT = 3600
"""Seconds that an unrecorded login lives."""
NEEDED = {
    "database/creds/ROLE": "read",
    "auth/token/create-orphan": "update",
    "auth/token/renew-accessor": "update",
    "auth/token/revoke-accessor": "update",
    "sys/leases/renew": "update",
    "sys/leases/revoke": "update",
}
"""Rights that a policy must give. Vault's default policy already allows sys/leases/renew."""


@dataclass(frozen=True)
class Lease:
    """The ids that end a login. They give no access, so the journal may hold them."""

    id: str
    accessor: str
    """The accessor of the token that created the login."""

    @classmethod
    def of(cls, notes: Optional[Mapping[str, Any]]) -> Optional[Lease]:
        """The lease in the notes of a journal's entry. None if they have none."""
        return cls(str(notes["id"]), str(notes["accessor"])) if notes and {"id", "accessor"} <= notes.keys() else None


@dataclass(frozen=True)
class LeasedLogin:
    login: Login = field(repr=False)
    lease: Lease


class DatabaseLeases:
    """The logins of one role. Each write takes a :class:`WritePermission`."""

    def __init__(self, client: VaultClient, engine: str, role: str) -> None:
        self._client, self._path = client, f"{engine}/creds/{role}"

    def denied(self) -> List[str]:
        """The paths that no policy of the token allows, each with the needed right."""
        needed = {path.replace("database/creds/ROLE", self._path): act for path, act in NEEDED.items()}
        body = json.dumps({"paths": list(needed)})
        _status, answer = self._client.write("post", "sys/capabilities-self", "asking for its rights", body)
        try:
            capabilities = {path: set(answer["data"][path]) for path in needed}
        except (KeyError, TypeError):
            raise _strange("it lacks the rights of its token") from None
        return [f"{act} on {path}" for path, act in needed.items() if not capabilities[path] & {act, "root"}]

    def make(self, *, fresh: WritePermission) -> LeasedLogin:
        """Creates a login that lives for an hour. Raises NotFound if the role does not exist."""
        fresh.spend()
        token, accessor = self._token()
        try:
            return self._login(self._client.with_token(token), accessor)
        except StoreError:
            with suppress(StoreError):
                self._end("auth/token/revoke-accessor", {"accessor": accessor})
            raise

    def _token(self) -> Tuple[str, str]:
        body = json.dumps({"ttl": UNKEPT, "display_name": "watchparty-secrets"})
        subject = "making a token for a new login"
        _status, answer = self._client.write("post", "auth/token/create-orphan", subject, body)
        auth = _mapping(answer, "auth")
        return _text(auth, "client_token", r"[!-~]{1,4096}", subject), _text(
            auth, "accessor", r"[\w.-]{1,256}", subject
        )

    def _login(self, client: VaultClient, accessor: str) -> LeasedLogin:
        subject = f"making a login by {self._path}"
        status, answer = client.get(self._path, subject, also=(400,))
        if status != 200:
            raise NotFound(f"Vault has no role {self._path}; correct options.role and options.engine of the credential")
        data = _mapping(answer, "data")
        user = _text(data, "username", r"[\w.@-]{1,128}", subject)
        password = _text(data, "password", r"[!-~]{8,1024}", subject)
        # The lease's id goes into the journal and into requests.
        lease = _text(answer, "lease_id", escape(self._path) + r"/[\w./-]{1,512}", subject)
        return LeasedLogin(Login(user, password), Lease(lease, accessor))

    def extended(self, lease: Lease, seconds: int, *, fresh: WritePermission) -> int:
        """Renews a lease to this many seconds from now. Returns the seconds that the server allowed, maybe fewer.

        Raises NotFound if the lease has ended.
        """
        fresh.spend()
        token = {"accessor": lease.accessor, "increment": seconds}
        auth = _mapping(self._renewed("auth/token/renew-accessor", token), "auth")
        renewed = self._renewed("sys/leases/renew", {"lease_id": lease.id, "increment": seconds})
        return min(_seconds(auth), _seconds(renewed))

    def _renewed(self, path: str, body: Mapping[str, Any]) -> Dict[str, Any]:
        status, answer = self._client.write("post", path, f"renewing a lease by {path}", json.dumps(body), also=(400,))
        if status != 200:
            raise NotFound(f"the lease of {self._path} has ended (HTTP {status} of {path})")
        return answer if isinstance(answer, dict) else {}

    def end(self, lease: Lease, *, fresh: WritePermission) -> None:
        """Revokes a lease and its token, after the database has dropped the login. Does nothing if it has ended."""
        fresh.spend()
        self._end("sys/leases/revoke", {"lease_id": lease.id, "sync": True})
        self._end("auth/token/revoke-accessor", {"accessor": lease.accessor})

    def _end(self, path: str, body: Mapping[str, Any]) -> None:
        status, _answer = self._client.write("post", path, f"revoking a lease by {path}", json.dumps(body), also=(400,))
        if status == 400 and path.startswith("sys/"):
            raise StoreError(
                f"Vault could not revoke a lease of {self._path}: its database refuses it or cannot be reached; "
                "check the server's log, then run again"
            )


def _mapping(answer: Any, key: str) -> Dict[str, Any]:
    value = answer.get(key) if isinstance(answer, dict) else None
    return value if isinstance(value, dict) else {}


def _text(answer: Mapping[str, Any], key: str, form: str, subject: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str) or not fullmatch(form, value, ASCII):
        raise _strange(f"{subject}: its {key} is missing or has an unsupported form")
    return value


def _seconds(answer: Mapping[str, Any]) -> int:
    text = answer.get("lease_duration")
    seconds = int(text) if isinstance(text, str) and fullmatch(r"\d{1,10}", text, ASCII) else 0
    if not seconds:
        raise _strange("renewing a lease: its lease_duration is missing or not a time")
    return seconds


def _strange(subject: str) -> StoreError:
    return StoreError(f"Vault's answer cannot be used ({subject}); check that options.engine is a database engine")
