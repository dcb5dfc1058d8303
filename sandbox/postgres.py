# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real PostgreSQL server that checks passwords (SCRAM) on every connection."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import signal
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .binaries import Binaries, BinaryServer, find_postgres
from .process import Process, SandboxError, as_user, clean_environment, write_private

ITERATIONS = 4096
SETTINGS = """\
unix_socket_directories = ''
password_encryption = scram-sha-256
max_connections = 200
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 32MB
log_timezone = UTC
timezone = UTC
"""


def scram_verifier(password: str, *, salt: bytes | None = None) -> str:
    """PostgreSQL's stored form of a password, so that no statement contains the password.

    Only for ASCII passwords: others would need SASLprep.
    """
    if not password.isascii():
        raise SandboxError("The sandbox's passwords are ASCII.")
    salt = salt or secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${ITERATIONS}:{salt_text}${stored_text}:{server_text}"


def _password() -> str:
    return secrets.token_urlsafe(24).replace("_", "-")


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Postgres(BinaryServer):
    """PostgreSQL on TCP only, in a fresh cluster.

    URLs contain *host*. It also listens on *addresses*, and *networks* (CIDR) may connect, with a password.
    """

    stop_signal = signal.SIGINT
    superuser = "postgres"

    def __init__(self, directory: Path | None = None, *, networks: tuple[str, ...] = (), **options: Any) -> None:
        super().__init__(directory, **options)
        self._networks = networks
        self._superuser_password = _password()
        self._passwords: dict[str, str] = {}

    def _find(self) -> Binaries:
        return find_postgres(self.user, copy_to=self._directory)

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    def url(self, user: str, password: str, database: str) -> str:
        return f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@{self.host}:{self.port}/{database}"

    def admin_url(self, database: str = "postgres") -> str:
        return self.url(self.superuser, self._superuser_password, database)

    def create_login(self, user: str, password: str, database: str) -> None:
        """Creates a role, and its own database to which no other role may connect."""
        role, name = _identifier(user), _identifier(database)
        self.execute(
            f"CREATE ROLE {role} LOGIN PASSWORD '{scram_verifier(password)}';\n"
            f"CREATE DATABASE {name} OWNER {role};\n"
            f"REVOKE ALL ON DATABASE {name} FROM PUBLIC;\n"
        )

    def create_master(self, name: str = "master") -> str:
        """Creates an administrator with the rights of an RDS master user. Returns its password."""
        password = _password()
        self.execute(
            f"CREATE ROLE {_identifier(name)} LOGIN CREATEROLE CREATEDB NOSUPERUSER "
            f"PASSWORD '{scram_verifier(password)}';\n"
            f"GRANT pg_monitor, pg_signal_backend TO {_identifier(name)};\n"
        )
        self._passwords[name] = password
        return password

    def admin_url_of(self, name: str = "master", database: str = "postgres") -> str:
        """URL of a role that this object made."""
        return self.url(name, self._passwords[name], database)

    def create_logins(self, owner: str, database: str, *, master: str | None = None) -> str:
        """Creates a database in the layout that rotates. Returns the password of ``{owner}_a``, the login in use.

        *master* may change the three roles afterwards, as if it had created them. An existing owner and database stay;
        the owner can no longer log in.
        """
        password = _password()
        role, first, second = (_identifier(name) for name in (owner, f"{owner}_a", f"{owner}_b"))
        if not self.execute(f"SELECT 1 FROM pg_roles WHERE rolname = '{owner}';"):
            self.create_login(owner, _password(), database)
        self.execute(
            f"CREATE ROLE {first} LOGIN PASSWORD '{scram_verifier(password)}' IN ROLE {role};\n"
            f"CREATE ROLE {second} NOLOGIN IN ROLE {role};\n"
            f"ALTER ROLE {first} SET role TO {role};\n"
            f"ALTER ROLE {second} SET role TO {role};\n"
            f"ALTER ROLE {role} NOLOGIN PASSWORD NULL;\n"
        )
        if master is not None:
            self.let_administer(master, owner, f"{owner}_a", f"{owner}_b")
        self._passwords[f"{owner}_a"] = password
        return password

    def let_administer(self, master: str, *roles: str) -> None:
        """Grants what PostgreSQL 16 and newer grant to a role's creator; before, CREATEROLE was enough."""
        if int(self.version.partition(".")[0]) >= 16:
            names = ", ".join(_identifier(role) for role in roles)
            self.execute(f"GRANT {names} TO {_identifier(master)} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;")

    def execute(self, statements: str, *, database: str = "postgres") -> str:
        """Runs statements as the superuser, through standard input. Returns the answer, one row a line."""
        answer = self._psql(statements, self.superuser, self._superuser_password, database)
        if answer.returncode:
            raise SandboxError(f"PostgreSQL refused a statement of the sandbox:\n{answer.stderr.strip()}")
        return answer.stdout.strip()

    def accepts(self, user: str, password: str, database: str) -> bool:
        return self._psql("SELECT 1;", user, password, database).returncode == 0

    def _psql(self, statements: str, user: str, password: str, database: str) -> subprocess.CompletedProcess[str]:
        # A private file: arguments and environment are visible in the process list.
        passfile = self.directory / f"pass-{secrets.token_hex(4)}"
        escaped = password.replace("\\", "\\\\").replace(":", "\\:")
        write_private(passfile, f"*:*:*:*:{escaped}\n", self.user)
        options: dict[str, Any] = as_user(self.user)
        try:
            return subprocess.run(
                [str(self._programs.paths["psql"]), "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"],
                input=statements,
                capture_output=True,
                text=True,
                cwd=self.directory,
                env=clean_environment(
                    PGHOST=self.host,
                    PGPORT=str(self.port),
                    PGUSER=user,
                    PGDATABASE=database,
                    PGPASSFILE=str(passfile),
                    PGCONNECT_TIMEOUT="10",
                    PGSSLMODE="disable",
                ),
                check=False,
                **options,
            )
        finally:
            passfile.unlink(missing_ok=True)

    def _prepare(self) -> None:
        pwfile = self.directory / "pwfile"
        write_private(pwfile, self._superuser_password + "\n", self.user)
        options: dict[str, Any] = as_user(self.user)
        try:
            answer = subprocess.run(
                [
                    str(self._programs.paths["initdb"]),
                    f"--pgdata={self._data}",
                    f"--username={self.superuser}",
                    f"--pwfile={pwfile}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C",
                    "--no-sync",
                    "--no-instructions",
                ],
                capture_output=True,
                text=True,
                cwd=self.directory,
                env=clean_environment(HOME=str(self.directory)),
                check=False,
                **options,
            )
        finally:
            pwfile.unlink(missing_ok=True)
        if answer.returncode:
            raise SandboxError(f"initdb failed ({self.origin}):\n{answer.stderr.strip()}")
        networks = ("127.0.0.1/32", "::1/128", *self._networks)
        self._write("pg_hba.conf", "".join(f"host all all {network} scram-sha-256\n" for network in networks))

    def _launch(self) -> Process:
        place = f"listen_addresses = '{','.join(self._addresses)}'\nport = {self.port}\n"
        self._write("postgresql.auto.conf", SETTINGS + place)
        return self._process(
            str(self._programs.paths["postgres"]),
            "-D",
            str(self._data),
            HOME=str(self.directory),
        )

    def _ready(self) -> bool:
        return self.accepts(self.superuser, self._superuser_password, "postgres")

    def _write(self, name: str, text: str) -> None:
        path = self._data / name
        write_private(path, text, self.user)
        os.chmod(path, 0o600)
