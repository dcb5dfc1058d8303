# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real OpenBao with TLS and a KV engine, and logins to it."""

from __future__ import annotations

import base64
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ansible_collections.watchparty.secrets.plugins.module_utils._core.stores.vault import Vault
from sandbox.binaries import find_openbao
from sandbox.openbao import OpenBao, Refused
from sandbox.process import SandboxError, ordinary_user, wait_until
from tests.integration.certificates import Authority

POLICY = """
path "secret/data/watchparty/*" { capabilities = ["create", "read", "update", "delete"] }
path "secret/metadata/watchparty/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }
path "secret/undelete/watchparty/*" { capabilities = ["update"] }
path "secret/destroy/watchparty/*" { capabilities = ["update"] }
"""
"""What docs/how-to/use-vault.md gives the controller."""


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class VaultLab:
    """The server, and files that a login needs in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder, "vault-authority")
        self.server = OpenBao(certificate=self.authority.certificate(), authority=self.authority.cafile)

    def __enter__(self) -> VaultLab:
        try:
            find_openbao(ordinary_user(), copy_to=self.folder)
        except SandboxError as error:
            pytest.skip(f"Vault was not tested: {error}")
        self.server.start()
        try:
            self._prepare()
        except BaseException:
            self.server.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def _prepare(self) -> None:
        self.server.request("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
        self.server.policy("watchparty", POLICY)
        # A mount is upgraded to version 2 for a moment, and refuses everything meanwhile.
        assert wait_until(self._is_mounted, seconds=20)

    def _is_mounted(self) -> bool:
        with suppress(Refused):
            self.server.request("POST", "secret/data/probe", {"data": {}})
            return True
        return False

    def token_file(self, **options: Any) -> Path:
        return self.private("token", self.server.token("watchparty", **options))

    def private(self, name: str, text: str) -> Path:
        path = self.folder / f"{name}-{len(list(self.folder.iterdir()))}"
        path.touch(mode=0o600)
        path.write_text(text + "\n", encoding="utf-8")
        return path

    def settings(self, **options: Any) -> dict[str, Any]:
        """What stands under stores.vault."""
        given = {"auth": "token", "token_file": str(self.token_file())} if "auth" not in options else {}
        address = {"address": self.server.address, "ca_cert": str(self.authority.cafile)}
        return {**address, **given, **options}

    def vault(self, **options: Any) -> Vault:
        return Vault(**self.settings(**options))

    def approle(self) -> dict[str, Any]:
        request = self.server.request
        with suppress(Refused):
            request("POST", "sys/auth/approle", {"type": "approle"})
        request("POST", "auth/approle/role/deploy", {"token_policies": "watchparty", "token_ttl": "5m"})
        role = request("GET", "auth/approle/role/deploy/role-id")["data"]["role_id"]
        secret = request("POST", "auth/approle/role/deploy/secret-id", {})["data"]["secret_id"]
        return {"auth": "approle", "role_id": role, "secret_id_file": str(self.private("secret-id", secret))}

    def jwt(self, **claims: Any) -> dict[str, Any]:
        """A login with a token that an issuer of our own has signed."""
        request, key = self.server.request, ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        with suppress(Refused):
            request("POST", "sys/auth/jwt", {"type": "jwt"})
        request("POST", "auth/jwt/config", {"jwt_validation_pubkeys": [public], "jwt_supported_algs": ["ES256"]})
        role = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["vault"], "token_policies": "watchparty"}
        request("POST", "auth/jwt/role/deploy", {**role, "bound_subject": "repo:example/shop"})
        now = int(time.time())
        payload = {"aud": "vault", "sub": "repo:example/shop", "nbf": now - 5, "iat": now, "exp": now + 300, **claims}
        parts = [_base64(json.dumps(one).encode()) for one in ({"alg": "ES256", "typ": "JWT"}, payload)]
        signature = decode_dss_signature(key.sign(".".join(parts).encode(), ec.ECDSA(SHA256())))
        token = ".".join([*parts, _base64(b"".join(number.to_bytes(32, "big") for number in signature))])
        return {"auth": "jwt", "role_id": "deploy", "jwt_file": str(self.private("jwt", token))}

    def put(self, path: str, **values: Any) -> int:
        """Somebody's write; the number of the new version."""
        number: int = self.server.request("POST", f"secret/data/{path}", {"data": values})["data"]["version"]
        return number

    def held(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.server.request("GET", f"secret/data/{path}")["data"]["data"]
        return found

    def metadata(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self.server.request("GET", f"secret/metadata/{path}")["data"]
        return found

    def everything(self, path: str = "") -> dict[str, Any]:
        """Every path below, with what it holds."""
        found: dict[str, Any] = {}
        with suppress(Refused):
            for key in self.server.request("GET", f"secret/metadata/{path}?list=true")["data"]["keys"]:
                if key.endswith("/"):
                    found.update(self.everything(path + key))
                else:
                    with suppress(Refused):
                        found[path + key] = self.held(path + key)
        return found


DATABASE_POLICY = """
path "database/creds/web" { capabilities = ["read"] }
path "auth/token/create-orphan" { capabilities = ["update"] }
path "auth/token/renew-accessor" { capabilities = ["update"] }
path "auth/token/revoke-accessor" { capabilities = ["update"] }
path "sys/leases/revoke" { capabilities = ["update"] }
"""
"""What that page adds for logins of the database engine."""
CREATION = (
    "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE OWNER",
    'ALTER ROLE "{{name}}" SET role TO OWNER',
)
REVOCATION = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{{name}}'",
    'DROP ROLE IF EXISTS "{{name}}"',
)
"""The statements that page gives for the role."""


def with_database_engine(lab: VaultLab, admin_url: str, owner: str) -> None:
    """The database engine at a PostgreSQL, with the role web that acts as ``owner``."""
    url, request = urlsplit(admin_url), lab.server.request
    with suppress(Refused):  # another test of this server has mounted it
        request("POST", "sys/mounts/database", {"type": "database"})
    login = {"username": url.username, "password": unquote(url.password or "")}
    place = f"postgresql://{{{{username}}}}:{{{{password}}}}@{url.hostname}:{url.port}/{owner}?sslmode=disable"
    plugin = {"plugin_name": "postgresql-database-plugin", "allowed_roles": "web"}
    request("POST", "database/config/shop", {**plugin, **login, "connection_url": place})
    statements = {
        "creation_statements": [text.replace("OWNER", f'"{owner}"') for text in CREATION],
        "revocation_statements": list(REVOCATION),
    }
    role = {"db_name": "shop", "default_ttl": "1h", "max_ttl": "720h", **statements}
    request("POST", "database/roles/web", role)
    lab.server.policy("watchparty", POLICY + DATABASE_POLICY)
