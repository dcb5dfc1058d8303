# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a machine lacks is named before anything is installed, all of it, with the ways to get it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from sandbox.binaries import GET_POSTGRES, GET_VALKEY
from sandbox.process import as_user, ordinary_user

ROOT = Path(__file__).parents[3]
PROGRAMS = ("bash", "cat", "cksum", "dirname", "env", "mkdir", "rm", "sh")
"""What every machine has."""
GIT = "git. Debian: sudo apt install git; macOS: xcode-select --install"
VENV = "Debian: sudo apt install python3-venv; macOS: brew install python@3.13"


class Machine:
    """A clone and a PATH with few programs."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "clone"
        self.bin = folder / "bin"
        self.modules = folder / "modules"
        for name in ("scripts", "sandbox", "requirements"):
            shutil.copytree(ROOT / name, self.clone / name, ignore=shutil.ignore_patterns("__pycache__"))
        self.bin.mkdir()
        self.modules.mkdir()
        self.has(*PROGRAMS)

    def has(self, *programs: str) -> None:
        for name in programs:
            text = shutil.which(name)
            assert text, name
            (self.bin / name).symlink_to(text)

    def set_up(
        self, mode: str = "demo", user: dict[str, Any] | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        before = sorted(self.clone.rglob("*"))
        environment = {
            "PATH": str(self.bin),
            "PYTHONPATH": str(self.modules),
            "SETUP_PYTHON": sys.executable,
            "SANDBOX_SERVERS": "embedded",
            "PIP_NO_INDEX": "1",
            **variables,
        }
        script = self.clone / "scripts" / "bootstrap.sh"
        command = [str(self.bin / "bash"), str(script), mode]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False, cwd="/", **(user or {})
        )
        if "nothing was installed" in done.stderr:
            assert sorted(self.clone.rglob("*")) == before
        return done


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def missing(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 1
    first, *lines, last = done.stderr.splitlines()
    assert first == "bootstrap: nothing was installed. This machine lacks:"
    assert last == "bootstrap: Install what is missing, then run the same command."
    return [line.removeprefix("  - ") for line in lines]


def test_all_that_is_missing_at_once(machine: Machine) -> None:
    """No git; no pip and no ensurepip in any Python; no server in a wheel, and no compiler."""
    for name in ("ensurepip", "pip"):
        (machine.modules / f"{name}.py").write_text("raise ImportError\n")
    (machine.modules / "sitecustomize.py").write_text("import platform\nplatform.machine = lambda: 'riscv64'\n")
    git, pip, postgres, valkey = missing(machine.set_up())
    assert git == GIT
    assert pip.startswith("pip in virtual environments of ")
    assert pip.endswith(VENV)
    assert "PostgreSQL. PyPI has none for linux on riscv64" in postgres
    assert postgres.endswith(GET_POSTGRES)
    assert "it cannot compile one" in valkey
    assert valkey.endswith(GET_VALKEY)


def test_no_python(machine: Machine) -> None:
    machine.has("git")
    (line,) = missing(machine.set_up(SETUP_PYTHON="/bin/false"))
    assert line.startswith("Python 3.11, 3.12, 3.13 or 3.14, which /bin/false (SETUP_PYTHON) is not. Debian: ")


def test_git_that_does_not_run(machine: Machine) -> None:
    """As on a Mac without the command line tools, where git is there and only asks for them."""
    (machine.bin / "git").write_text("#!/bin/sh\nexit 1\n")
    (machine.bin / "git").chmod(0o755)
    assert missing(machine.set_up()) == [GIT]


def test_a_clone_that_cannot_be_written_to() -> None:
    """As an ordinary user, since root writes everywhere."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        machine = Machine(Path(folder))
        for path in (Path(folder), machine.clone):
            path.chmod(0o555)
        first, *_ = missing(machine.set_up(user=as_user(ordinary_user())))
        Path(folder).chmod(0o755)
        machine.clone.chmod(0o755)
    assert first == f"write access to {machine.clone}. Clone the repository into a folder of your own."


def test_the_tests_need_less_than_the_demo(machine: Machine) -> None:
    """Only what they cannot do without is a reason to stop; the rest is said."""
    (machine.modules / "sitecustomize.py").write_text("import platform\nplatform.machine = lambda: 'riscv64'\n")
    done = machine.set_up("all")
    assert missing(done) == [GIT]
    lines = [line.removeprefix("bootstrap: this machine lacks ") for line in done.stdout.splitlines()]
    assert [line.split()[0] for line in lines] == ["make.", "PostgreSQL.", "Valkey"]


def test_an_unknown_mode(machine: Machine) -> None:
    done = machine.set_up("everything")
    assert done.returncode == 2
    assert "usage: " in done.stderr
