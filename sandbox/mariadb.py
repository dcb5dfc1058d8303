# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real MariaDB server with an administrator. Tests of MySQL's users also need PyMySQL."""

from __future__ import annotations

import secrets
import subprocess
from pathlib import Path
from typing import Any

from .binaries import Binaries, BinaryServer, find_mariadb
from .process import Process, SandboxError, as_user, write_private

ADMINISTRATOR = "boss"
TABLES = Path("/usr/share/mariadb/mariadb_system_tables.sql")


class MariaDB(BinaryServer):
    """MariaDB whose data are removed at its end. With a *certificate* (a PEM file with its key) it speaks TLS too."""

    def __init__(self, *, certificate: Path | None = None) -> None:
        super().__init__()
        self.password = secrets.token_hex(12)
        self._certificate = certificate

    def _find(self) -> Binaries:
        return find_mariadb(self.user)

    @property
    def _options(self) -> list[str]:
        data = self.directory / "data"
        small = ["--innodb-buffer-pool-size=8M", "--innodb-log-file-size=8M", "--innodb-flush-method=fsync"]
        return ["--no-defaults", f"--datadir={data}", f"--tmpdir={self.directory}", "--skip-log-bin", *small]

    def _prepare(self) -> None:
        run = as_user(self.user)
        subprocess.run(["mkdir", str(self.directory / "data")], check=True, **run)
        text = f"CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n{TABLES.read_text(encoding='utf-8')}"
        command = [str(self._programs.paths["server"]), *self._options, "--bootstrap"]
        done = subprocess.run(
            command, input=text, text=True, capture_output=True, check=False, cwd=self.directory, **run
        )
        if done.returncode:
            raise SandboxError(f"MariaDB's tables were not made; it says:\n{done.stderr[-2000:]}")
        account = f"{ADMINISTRATOR}@'127.0.0.1'"
        first = [
            f"CREATE USER {account} IDENTIFIED BY '{self.password}';",
            f"GRANT ALL ON *.* TO {account} WITH GRANT OPTION;",
        ]
        write_private(self.directory / "first.sql", "\n".join(first), self.user)
        if self._certificate:
            write_private(self.directory / "tls.pem", self._certificate.read_text(encoding="ascii"), self.user)

    def _launch(self) -> Process:
        pem = self.directory / "tls.pem"
        tls = [f"--ssl-cert={pem}", f"--ssl-key={pem}"] if self._certificate else ["--skip-ssl"]
        own = [f"--bind-address={self.host}", f"--port={self.port}", f"--socket={self.directory / 'sock'}"]
        return self._process(
            str(self._programs.paths["server"]),
            *self._options,
            *own,
            *tls,
            f"--init-file={self.directory / 'first.sql'}",
        )

    def _ready(self) -> bool:
        return self.accepts(ADMINISTRATOR, self.password)

    def accepts(self, username: str, password: str) -> bool:
        import pymysql

        try:
            self.connect(username, password).close()
        except pymysql.err.OperationalError:
            return False
        return True

    def connect(self, username: str, password: str) -> Any:
        import pymysql

        return pymysql.connect(
            host=self.host, port=self.port, user=username, password=password, ssl_disabled=True, autocommit=True
        )

    def execute(self, *statements: str) -> list[Any]:
        """Runs statements as the administrator. Returns the last one's rows."""
        connection = self.connect(ADMINISTRATOR, self.password)
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()
