# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real OpenBao server with the API of HashiCorp Vault: sealed at its start, with raft storage on disk."""

from __future__ import annotations

import json
import shutil
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from .binaries import Binaries, BinaryServer, find_openbao
from .process import Process, SandboxError, free_port, wait_until, write_private


class Refused(SandboxError):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"OpenBao answered {status}: {text}")
        self.status = status


class OpenBao(BinaryServer):
    """OpenBao as in production: with raft storage, its only one on disk, initialized and unsealed.

    With a *certificate* (a PEM file with its key) it only speaks TLS. A restart leaves it sealed, like a reboot.
    """

    def __init__(self, *, certificate: Path | None = None, authority: Path | None = None) -> None:
        super().__init__()
        self._certificate = certificate
        self._authority = authority
        self._unseal_key = ""
        self.root_token = ""

    def _find(self) -> Binaries:
        return find_openbao(self.user, copy_to=self._directory)

    @property
    def address(self) -> str:
        return f"{'https' if self._certificate else 'http'}://{self.host}:{self.port}"

    def start(self, *, seconds: float = 60.0) -> None:
        """Starts, initializes and unseals the server."""
        super().start(seconds=seconds)
        try:
            self._initialize()
        except BaseException:
            self.stop()
            raise

    def restart(self, *, unseal: bool = True) -> None:
        """Restarts the server, which is sealed then, and unseals it by default."""
        self.kill()
        self.resume(unseal=unseal)

    def resume(self, *, unseal: bool = True) -> None:
        super().resume()
        if unseal:
            self.unseal()

    def seal(self) -> None:
        self.request("PUT", "sys/seal", {})

    def unseal(self) -> None:
        self.request("PUT", "sys/unseal", {"key": self._unseal_key})
        if not wait_until(lambda: self._health() == 200, seconds=60):
            raise SandboxError(f"OpenBao stays sealed; it says:\n{self._last_words()}")

    def policy(self, name: str, text: str) -> None:
        self.request("PUT", f"sys/policies/acl/{name}", {"policy": text})

    def token(self, *policies: str, **options: Any) -> str:
        """A token with these policies and ``default``; *options* as in auth/token/create."""
        answer = self.request("POST", "auth/token/create", {"policies": list(policies), **options})
        token: str = answer["auth"]["client_token"]
        return token

    def request(self, method: str, path: str, body: Any = None, *, token: str | None = None) -> Any:
        """Sends a request as root. Returns the answer's JSON."""
        url = f"{self.address}/v1/{path}"
        request = urllib.request.Request(url, method=method, headers={"X-Vault-Token": token or self.root_token})
        if body is not None:
            request.data = json.dumps(body).encode()
            kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
            request.add_header("Content-Type", kind)
        try:
            with self._opener().open(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Refused(error.code, error.read().decode(errors="replace")) from None
        return json.loads(text) if text else None

    def _opener(self) -> urllib.request.OpenerDirector:
        context = ssl.create_default_context(cafile=self._authority) if self._certificate else None
        handlers = [urllib.request.HTTPSHandler(context=context)] if context else []
        return urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)

    def _initialize(self) -> None:
        answer = self.request("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self._unseal_key, self.root_token = answer["keys_base64"][0], answer["root_token"]
        self.unseal()

    def _health(self) -> int:
        try:
            self.request("GET", "sys/health")
        except Refused as refused:
            return refused.status
        except OSError:
            return 0
        return 200

    def _ready(self) -> bool:
        return self._health() in (200, 429, 501, 503)

    def _prepare(self) -> None:
        (self.directory / "data").mkdir(mode=0o700, exist_ok=True)
        if self.user is not None:
            shutil.chown(self.directory / "data", self.user.uid, self.user.gid)
        if self._certificate:
            write_private(self.directory / "server.pem", self._certificate.read_text(encoding="utf-8"), self.user)
        self._cluster_port = free_port(self.host)

    def _configuration(self) -> str:
        listeners = "".join(self._listener(address) for address in self._addresses)
        cluster = f"https://{self.host}:{self._cluster_port}"
        return (
            f'storage "raft" {{\n  path = "{self.directory / "data"}"\n  node_id = "one"\n}}\n{listeners}'
            f'api_addr = "{self.address}"\ncluster_addr = "{cluster}"\nlog_level = "warn"\n'
        )

    def _listener(self, address: str) -> str:
        pem = self.directory / "server.pem"
        tls = f'tls_cert_file = "{pem}"\n  tls_key_file = "{pem}"' if self._certificate else "tls_disable = true"
        cluster = f'cluster_address = "{address}:{self._cluster_port}"'
        return f'listener "tcp" {{\n  address = "{address}:{self.port}"\n  {cluster}\n  {tls}\n}}\n'

    def _launch(self) -> Process:
        write_private(self.directory / "server.hcl", self._configuration(), self.user)
        return self._process(
            str(self._programs.paths["server"]),
            "server",
            f"-config={self.directory / 'server.hcl'}",
            HOME=str(self.directory),
        )
