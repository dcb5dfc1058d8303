# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real OpenBao with TLS and a KV engine, and logins to it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_vault import Vault
from sandbox.openbao import OpenBao, Refused
from sandbox.process import wait_until
from tests.integration.certificates import Authority

POLICY = """
path "secret/data/watchparty/*" { capabilities = ["create", "read", "update", "delete"] }
path "secret/metadata/watchparty/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }
path "secret/undelete/watchparty/*" { capabilities = ["update"] }
path "secret/destroy/watchparty/*" { capabilities = ["update"] }
"""
"""What docs/how-to/use-vault.md gives the controller."""


class VaultLab:
    """The server, and files that a login needs in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder, "vault-authority")
        self.server = OpenBao(certificate=self.authority.certificate(), authority=self.authority.cafile)

    def __enter__(self) -> VaultLab:
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
