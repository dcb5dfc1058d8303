# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real Valkey (or Redis) server whose default user has a password."""

from __future__ import annotations

import hashlib
import secrets
import socket
import ssl
from pathlib import Path
from urllib.parse import quote

from .binaries import Binaries, BinaryServer, find_valkey
from .process import Process, clean_environment, write_private


def encode(*words: str) -> bytes:
    """Return one command in the server's protocol."""
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class Valkey(BinaryServer):
    """Valkey without persistence. *host* is the address of URLs; *addresses* are listened on too.

    With a *certificate* (its key beside it, as ``.key``) it speaks TLS only.

    Users live in an ACL file, as hashes: ``ACL SAVE`` works, and the password is on no disk.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        host: str = "127.0.0.1",
        addresses: tuple[str, ...] = (),
        password: str | None = None,
        certificate: Path | None = None,
        binaries: Binaries | None = None,
        survives: bool = False,
    ) -> None:
        super().__init__(directory, host=host, addresses=addresses, binaries=binaries, survives=survives)
        self.password = password or secrets.token_urlsafe(24).replace("_", "-")
        self._certificate = certificate

    def _find(self) -> Binaries:
        return find_valkey(self.user, copy_to=self._directory)

    def url(self, number: int = 0) -> str:
        """Return the URL of one of its databases."""
        scheme = "rediss" if self._certificate else "redis"
        return f"{scheme}://:{quote(self.password, safe='')}@{self.host}:{self.port}/{number}"

    def accepts(self, password: str | None, user: str = "default") -> bool:
        """Tell whether a password (or none) is enough to be answered."""
        commands = (encode("AUTH", user, password) if password is not None else b"") + encode("PING")
        expected = b"+OK\r\n+PONG\r\n" if password is not None else b"+PONG\r\n"
        try:
            with self._connect() as connection:
                connection.sendall(commands)
                answer = b""
                while len(answer) < len(expected) and not answer.startswith(b"-"):
                    more = connection.recv(256)
                    if not more:
                        break
                    answer += more
        except OSError:
            return False
        return answer == expected

    def _connect(self) -> socket.socket:
        connection = socket.create_connection((self.host, self.port), timeout=5)
        if self._certificate is None:
            return connection
        return ssl.create_default_context(cafile=self._certificate).wrap_socket(connection, server_hostname=self.host)

    def _prepare(self) -> None:
        digest = hashlib.sha256(self.password.encode()).hexdigest()
        write_private(self.directory / "users.acl", f"user default on #{digest} ~* &* +@all\n", self.user)

    def _launch(self) -> Process:
        configuration = self.directory / "server.conf"
        listen = f"port {self.port}\n"
        if self._certificate:
            listen = (
                f"port 0\ntls-port {self.port}\ntls-auth-clients no\n"
                f"tls-cert-file {self._certificate}\ntls-key-file {self._certificate.with_suffix('.key')}\n"
            )
        write_private(
            configuration,
            f"bind {' '.join(self._addresses)}\n{listen}protected-mode yes\ndaemonize no\n"
            f'save ""\nappendonly no\ndir {self.directory}\naclfile {self.directory / "users.acl"}\n',
            self.user,
        )
        return Process.start(
            [str(self._programs.paths["server"]), str(configuration)],
            log=self.log,
            user=self.user,
            cwd=self.directory,
            environment=clean_environment(),
            stop_signal=self.stop_signal,
            survives=self._survives,
        )

    def _ready(self) -> bool:
        return self.accepts(self.password)
