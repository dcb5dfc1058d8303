# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real Valkey (or Redis) server whose default user has a password."""

from __future__ import annotations

import hashlib
import secrets
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from .binaries import Binaries, BinaryServer, find_valkey
from .process import Process, SandboxError, write_private

ADMINISTRATOR = "admin"
REPLICATOR = "replicator"


def encode(*messages: str) -> bytes:
    parts = [word.encode() for word in messages]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def decode(stream: BinaryIO) -> Any:
    """Reads an answer. Raises if it is an error."""
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise SandboxError("Valkey closed the connection.")
    kind, rest = line[:1], line[1:-2].decode()
    if kind == b"-":
        raise SandboxError(f"Valkey refused a command of the sandbox: {rest}")
    if kind == b"*":
        return [decode(stream) for _ in range(int(rest))]
    if kind == b"$":
        return stream.read(int(rest) + 2)[:-2].decode() if int(rest) >= 0 else None
    return int(rest) if kind == b":" else rest


def _digest(password: str) -> str:
    return hashlib.sha256(password.encode()).hexdigest()


def _password() -> str:
    return secrets.token_urlsafe(24).replace("_", "-")


class Valkey(BinaryServer):
    """Valkey without persistence. URLs contain *host*; it also listens on *addresses*.

    With a *certificate* (its key beside it, as ``.key``) it only speaks TLS.

    Users are ``default`` and an administrator, ``admin``. They live in an ACL file (or, without *acl_file*, in the
    configuration), as hashes: applications' passwords are on no disk. A *replica_of* another server starts with the
    same users, and logs in there as a user with no other rights, whose password is in its configuration.
    *configuration* has more lines for it; a restart keeps what ``CONFIG REWRITE`` wrote.
    """

    def __init__(
        self,
        directory: Path | None = None,
        *,
        password: str | None = None,
        certificate: Path | None = None,
        replica_of: Valkey | None = None,
        acl_file: bool = True,
        configuration: Sequence[str] = (),
        **options: Any,
    ) -> None:
        super().__init__(directory, **options)
        self._primary = primary = replica_of
        self.password: str = password or (primary.password if primary else _password())
        self._admin_password: str = primary._admin_password if primary else _password()
        self._replication_password: str = primary._replication_password if primary else _password()
        self._certificate = certificate
        self._acl_file = acl_file
        self._extra = tuple(configuration)

    def _find(self) -> Binaries:
        return find_valkey(self.user, copy_to=self._directory)

    def url(self, number: int = 0, *, user: str = "", password: str | None = None) -> str:
        scheme = "rediss" if self._certificate else "redis"
        login = f"{quote(user, safe='')}:{quote(password or self.password, safe='')}"
        return f"{scheme}://{login}@{self.host}:{self.port}/{number}"

    def admin_url(self) -> str:
        return self.url(user=ADMINISTRATOR, password=self._admin_password)

    def create_user(self, name: str, password: str, *rules: str) -> None:
        """Creates a user that may do everything, or what the *rules* allow, and saves it."""
        self.execute("ACL", "SETUSER", name, "on", f"#{_digest(password)}", *(rules or ("~*", "&*", "+@all")))
        if self._acl_file:
            self.execute("ACL", "SAVE")

    def execute(self, *messages: str) -> Any:
        """Runs a command as the administrator. Returns its answer."""
        with self._connect() as connection, connection.makefile("rb") as stream:
            for command in (("AUTH", ADMINISTRATOR, self._admin_password), messages):
                connection.sendall(encode(*command))
                answer = decode(stream)
            return answer

    def accepts(self, password: str | None, user: str = "default") -> bool:
        """Whether the server accepts a password (or none)."""
        commands = (encode("AUTH", user, password) if password is not None else b"") + encode("PING")
        expected = b"+OK\r\n+PONG\r\n" if password is not None else b"+PONG\r\n"
        try:
            with self._connect() as connection:
                connection.sendall(commands)
                answer = b""
                while len(answer) < len(expected) and not answer.startswith(b"-"):
                    data = connection.recv(256)
                    if not data:
                        break
                    answer += data
        except OSError:
            return False
        return answer == expected

    def _connect(self) -> socket.socket:
        connection = socket.create_connection((self.host, self.port), timeout=5)
        if self._certificate is None:
            return connection
        return ssl.create_default_context(cafile=self._certificate).wrap_socket(connection, server_hostname=self.host)

    @property
    def _configuration(self) -> Path:
        return self.directory / "server.conf"

    def _prepare(self) -> None:
        users = (
            f"user default on #{_digest(self.password)} ~* &* +@all\n"
            f"user {ADMINISTRATOR} on #{_digest(self._admin_password)} ~* &* +@all\n"
            f"user {REPLICATOR} on #{_digest(self._replication_password)} +psync +replconf +ping\n"
        )
        lines = [f"bind {' '.join(self._addresses)}", "protected-mode yes", "daemonize no", 'save ""', "appendonly no"]
        # Replicas need not wait for others.
        lines += [f"dir {self.directory}", "repl-diskless-sync-delay 0", *self._extra]
        if self._certificate:
            key = self._certificate.with_suffix(".key")
            lines += ["tls-auth-clients no", f"tls-cert-file {self._certificate}", f"tls-key-file {key}"]
            lines += ["tls-replication yes", f"tls-ca-cert-file {self._certificate}"]
        if self._primary:
            lines += [f"replicaof {self._primary.host} {self._primary.port}"]
        lines += [f"masteruser {REPLICATOR}", f"masterauth {self._replication_password}"]  # needed after a failover
        if self._acl_file:
            write_private(self.directory / "users.acl", users, self.user)
            users = f"aclfile {self.directory / 'users.acl'}\n"
        write_private(self._configuration, "\n".join(lines) + "\n" + users, self.user)

    def _launch(self) -> Process:
        ports = ["--port", "0", "--tls-port", str(self.port)] if self._certificate else ["--port", str(self.port)]
        return self._process(
            str(self._programs.paths["server"]),
            str(self._configuration),
            *ports,
        )

    def _ready(self) -> bool:
        """Asks the administrator: a rotation may have replaced the password of ``default``."""
        return self.accepts(self._admin_password, ADMINISTRATOR)
