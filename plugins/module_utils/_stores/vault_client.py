# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A login to a Vault or OpenBao server over hvac, and checked answers. The server is not trusted.

Only the catalog's address is used: redirects are refused, and environment variables and .netrc are ignored. No message
quotes the server, because its answers may repeat the request.
"""

from __future__ import annotations

import json
import os
import stat
from typing import Any, Callable, Dict, Optional, Tuple
from urllib.parse import quote

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, NoAccess, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import parse_secret
from ansible_collections.watchparty.secrets.plugins.module_utils._core.stores.vault import Vault

CONNECTIONS = 32
"""Parallel calls."""
LOGIN_BYTES = 65536


def connect(vault: Optional[Vault], aws_credentials: Optional[Callable[[], Any]] = None) -> VaultClient:
    """Logs in. ``aws_credentials`` returns botocore's credentials for the login method ``aws``."""
    if vault is None:
        raise NoAccess(
            "The catalog has a place in Vault, but declares no server; add stores: {vault: {address: https://vault.example.com:8200}}"
        )
    client = VaultClient(vault)
    client.login(aws_credentials)
    return client


def _http() -> Any:
    """The module that uses hvac. Its import takes a tenth of a deploy's time, and few catalogs use Vault."""
    from ansible_collections.watchparty.secrets.plugins.module_utils._stores import vault_http

    if vault_http.hvac is None:
        raise NoAccess(
            "hvac, the library that reads Vault, is not installed; install it by 'python3 -m pip install hvac'"
        )
    return vault_http


class VaultClient:
    """A session with one server."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._adapter = _http().adapter(vault, CONNECTIONS)

    def login(self, aws_credentials: Optional[Callable[[], Any]] = None) -> None:
        vault = self._vault
        if vault.auth == "token":
            self._adapter.token = _from_file("token_file", vault.token_file)
            return
        mount = vault.mount_point or vault.auth
        proof = json.dumps(self._proof(aws_credentials))
        _status, answer = self.write("post", f"auth/{_quoted(mount)}/login", f"the login by {vault.auth}", proof)
        auth = answer.get("auth")
        token = auth.get("client_token") if isinstance(auth, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise NoAccess(
                f"{self._where} answered the login by {vault.auth} without a token; check that it is a Vault server"
            )
        self._adapter.token = token

    def _proof(self, aws_credentials: Optional[Callable[[], Any]]) -> Dict[str, Any]:
        vault = self._vault
        if vault.auth == "approle":
            secret_id = _from_file("secret_id_file", str(vault.secret_id_file))
            return {"role_id": vault.role_id, "secret_id": secret_id}
        if vault.auth == "jwt":
            return {"role": vault.role_id, "jwt": _from_file("jwt_file", str(vault.jwt_file))}
        credentials = aws_credentials() if aws_credentials else None
        if credentials is None:
            raise NoAccess("stores.vault.auth: aws needs AWS credentials, but none were found; set AWS_PROFILE")
        return _http().signed_identity(vault, credentials)

    @property
    def _where(self) -> str:
        return f"Vault at {self._vault.address}"

    def secret(self, kind: str, path: str) -> str:
        """The API path for ``data``, ``metadata`` or another endpoint of a secret."""
        return f"{_quoted(self._vault.mount)}/{kind}/{_quoted(path)}"

    def with_token(self, token: str) -> VaultClient:
        other = VaultClient(self._vault)
        other._adapter.token = token
        return other

    def get(self, path: str, subject: str, *, also: Tuple[int, ...] = (), **query: Any) -> Tuple[int, Dict[str, Any]]:
        """The status (200, 404 or one of ``also``) and the answer."""
        response = self._asked("get", path, subject, params=query, also=also)
        return response.status_code, self._data(response, subject) if response.content else {}

    def write(self, method: str, path: str, subject: str, body: str, *, also: Tuple[int, ...] = ()) -> Tuple[int, Any]:
        """The status and the answer. Statuses in ``also`` are returned, too."""
        kind = "application/merge-patch+json" if method == "patch" else "application/json"
        response = self._asked(method, path, subject, data=body.encode(), headers={"Content-Type": kind}, also=also)
        return response.status_code, self._data(response, subject) if response.content else {}

    def delete(self, path: str, subject: str) -> None:
        self._asked("delete", path, subject)

    def _asked(self, method: str, path: str, subject: str, *, also: Tuple[int, ...] = (), **arguments: Any) -> Any:
        try:
            response = self._adapter.request(method, f"/v1/{path}", **arguments)
        except (OSError, ValueError) as error:
            raise self._unreachable(subject, error) from None
        if response.status_code in (200, 204, 404, *also):
            return response
        raise self._refusal(response.status_code, subject)

    def _unreachable(self, subject: str, error: Exception) -> NoAccess:
        where = f"{self._where}: {subject} failed"
        if _http().is_untrusted(error):
            remedy = "set stores.vault.ca_cert to the file of its certificate authority, or correct the certificate"
            return NoAccess(f"{where}: the server's certificate is not trusted; {remedy}")
        if isinstance(error, _http().UnboundedAnswer):
            return NoAccess(f"{where}: the answer {error}; check that it is a Vault server")
        remedy = "start it, or correct stores.vault.address"
        return NoAccess(f"{where}: the server cannot be reached ({type(error).__name__}); {remedy}")

    def _refusal(self, status: int, subject: str) -> StoreError:
        where = f"{self._where}: {subject}"
        if status == 403:
            return self._denial(where)
        if 300 <= status < 400:
            return NoAccess(
                f"{where} was redirected (HTTP {status}), and redirects are not followed; in stores.vault.address, "
                "give the address of a node that answers by itself"
            )
        if status == 503:
            return NoAccess(
                f"{where} was refused, because the server is sealed or starting; unseal it by 'bao operator unseal'"
            )
        if status in (429, 473, 501) or status >= 500:
            return NoAccess(f"{where} failed with HTTP {status}; check the server's log, then run again")
        if status in (400, 401, 405) and subject.startswith("the login"):
            return NoAccess(
                f"{where} was refused (HTTP {status}); correct role_id, secret_id_file or jwt_file in stores.vault"
            )
        return StoreError(
            f"{where} was refused with HTTP {status}; check that stores.vault.mount is a KV engine of version 2"
        )

    def _denial(self, where: str) -> StoreError:
        """The error for HTTP 403. A look-up of the token tells whether a policy denies, or the token is invalid."""
        if not self._adapter.token:
            return NoAccess(f"{where} was denied; correct role_id, secret_id_file or jwt_file in stores.vault")
        try:
            status = self._adapter.request("get", "/v1/auth/token/lookup-self").status_code
        except (OSError, ValueError):
            status = 0
        if status == 403:
            remedy = "log in again by 'vault login' or 'bao login'" if self._vault.auth == "token" else "run again"
            return NoAccess(f"{where} was denied: the token has expired or was revoked; {remedy}")
        return Denied(f"{where} was denied by the policies of the token; allow it in one of them", "permission denied")

    def _data(self, response: Any, subject: str) -> Dict[str, Any]:
        try:
            return parse_secret(response.content.decode())
        except (ValueError, UnicodeDecodeError):
            raise StoreError(
                f"{self._where}: {subject} failed: the answer is not a JSON object; check that it is a Vault server"
            ) from None


def _quoted(path: str) -> str:
    return quote(path.strip("/"), safe="/")


def _from_file(option: str, path: str) -> str:
    """The secret of a login, read from a file and not from a variable or argument. Raises NoAccess."""
    path = os.path.expanduser(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(descriptor, "rb") as handle:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise NoAccess(f"stores.vault.{option}: {path} is not a regular file; name a text file")
            if status.st_mode & 0o077:
                raise NoAccess(f"stores.vault.{option}: other accounts may read {path}; run 'chmod 600 {path}'")
            text = handle.read(LOGIN_BYTES).decode().strip()
    except OSError as error:
        remedy = "log in by 'vault login' or 'bao login', or name the file" if option == "token_file" else "write it"
        raise NoAccess(f"stores.vault.{option}: {path} cannot be read: {error.strerror}; {remedy}") from None
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isascii() or not text.isprintable():
        raise NoAccess(f"stores.vault.{option}: {path} does not hold one line of text; write only the value into it")
    return text
