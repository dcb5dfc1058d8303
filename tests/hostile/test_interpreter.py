# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application that owns an interpreter, a library or a directory above them does not run as another account."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import ssh_key
from ansible_collections.watchparty.secrets.plugins.module_utils._host import trusted_imports
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import interpreter
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotation_host import ACTIONS
from sandbox.process import REPOSITORY

APPLICATION, OTHER = 65534, 65533
pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(os.geteuid() != 0, reason="files of several accounts need root; no interpreter was exchanged"),
]


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory in which each component belongs to root."""
    made = Path("/opt/watchparty-secrets-test-%d" % os.getpid())
    made.mkdir()
    try:
        yield made
    finally:
        shutil.rmtree(made)


@pytest.fixture
def venv(home: Path) -> Path:
    made = home / "venv"
    # Of an interpreter that every account may run.
    base = "/usr/bin/python3" if os.path.realpath(sys.executable).startswith("/root/") else sys.executable
    subprocess.run([base, "-m", "venv", "--without-pip", str(made)], check=True)
    packages(made).joinpath("driver.py").write_text("print('driver ran')\n")
    return made


def packages(venv: Path) -> Path:
    return next(venv.glob("lib/python3*/site-packages"))


def start(python: str | Path, *, private: bool = True, **process: Any) -> subprocess.CompletedProcess[str]:
    command = interpreter.command(str(python), "-I", "-S", "-c", "print('ran')", private=private)
    return subprocess.run(command, shell=True, capture_output=True, text=True, check=False, **process)


def hand_over(path: Path, owner: int = APPLICATION) -> None:
    for item in [path, *path.rglob("*")] if path.is_dir() else [path]:
        os.chown(item, owner, owner, follow_symlinks=False)


def as_application(owner: int = APPLICATION) -> dict[str, Any]:
    return {"user": owner, "group": owner, "extra_groups": []}


def test_roots_own_runs(venv: Path) -> None:
    for python in ("python3", "/usr/bin/env python3", venv / "bin/python", sys.executable):
        assert start(python).stdout == "ran\n", start(python).stderr


def own(*parts: str) -> Callable[[Path], None]:
    return lambda venv: os.chown(venv.joinpath(*parts), APPLICATION, -1, follow_symlinks=False)


def test_variables_before_the_interpreter(home: Path, venv: Path) -> None:
    """As ansible_python_interpreter may have them; the check itself runs the system's own programs."""
    (home / "find").write_text("#!/bin/sh\n")
    (home / "find").chmod(0o755)
    python = f"/usr/bin/env PATH={home} LC_ALL=C {venv}/bin/python"
    assert start(python).stdout == "ran\n", start(python).stderr
    hand_over(venv / "bin")
    assert start(python).returncode == 126


ATTACKS: dict[str, Callable[[Path], None]] = {
    "owns the interpreter's link": own("bin", "python"),
    "owns the directory": own("bin"),
    "owns the environment": own(),
    "owns a directory above it": own(".."),
    "owns the configuration": own("pyvenv.cfg"),
    "everybody may write": lambda venv: (venv / "bin").chmod(0o777),
    "its group may write": lambda venv: (os.chown(venv / "bin", 0, APPLICATION), (venv / "bin").chmod(0o775)),  # type: ignore[func-returns-value]
    "everybody may write the configuration": lambda venv: (venv / "pyvenv.cfg").chmod(0o666),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_the_applications_interpreter_never_runs_as_root(venv: Path, attack: Callable[[Path], None]) -> None:
    attack(venv)
    for private in (True, False):
        completed = start(venv / "bin/python", private=private)
        assert (completed.returncode, completed.stdout) == (126, "")
        assert completed.stderr.startswith(interpreter.UNTRUSTED)


def test_a_link_in_the_middle_of_a_chain(home: Path) -> None:
    """Root's link leads to the application's, which leads to the system's interpreter until it is exchanged."""
    (home / "application").mkdir()
    (home / "application" / "python").symlink_to("/usr/bin/python3")
    hand_over(home / "application")
    (home / "python").symlink_to("second")
    (home / "second").symlink_to("application/python")
    assert start(home / "python").stderr.startswith(f"{interpreter.UNTRUSTED}{home}/application")


def test_links_without_an_end(home: Path) -> None:
    (home / "first").symlink_to("second")
    (home / "second").symlink_to("first")
    assert start(home / "first").returncode in (126, 127)


def test_the_standard_library_of_another_account(home: Path) -> None:
    for name in ("bin", "lib/python3.99"):
        (home / name).mkdir(parents=True)
    shutil.copy(os.path.realpath(sys.executable), home / "bin/python")
    hand_over(home / "lib")
    assert start(home / "bin/python").stderr.startswith(f"{interpreter.UNTRUSTED}{home}/lib")


def test_the_home_of_an_environment(home: Path, venv: Path) -> None:
    (home / "base" / "bin").mkdir(parents=True)
    hand_over(home / "base")
    config = (venv / "pyvenv.cfg").read_text()
    lines = [f"home = {home}/base/bin" if line.startswith("home") else line for line in config.splitlines()]
    (venv / "pyvenv.cfg").write_text("\n".join(lines))
    assert start(venv / "bin/python").stderr.startswith(f"{interpreter.UNTRUSTED}{home}/base")


def test_a_link_in_the_systems_directory(venv: Path) -> None:
    """Such as one that alternatives or an administrator made."""
    link = Path("/usr/bin/watchparty-secrets-test-python")
    link.symlink_to(venv / "bin/python")
    try:
        assert start(link).stdout == "ran\n", start(link).stderr
        hand_over(venv / "bin")
        assert start(link).stderr.startswith(f"{interpreter.UNTRUSTED}{venv}/bin")
    finally:
        link.unlink()


@pytest.mark.parametrize("wrapper", ["/usr/bin/nice", "/usr/bin/timeout 20", "/usr/bin/env /usr/bin/nice"])
def test_a_program_that_starts_the_interpreter(venv: Path, wrapper: str) -> None:
    """The check would be of the wrapper alone."""
    hand_over(venv)
    completed = start(f"{wrapper} {venv}/bin/python")
    assert (completed.returncode, completed.stdout) == (126, "")
    assert "starts another program" in completed.stderr
    assert start(f"{wrapper} {venv}/bin/python", private=False, **as_application()).stdout == "ran\n"


def test_options_of_the_interpreter(venv: Path) -> None:
    assert start(f"{venv}/bin/python -X utf8").stdout == "ran\n"
    assert start("/usr/bin/python3 -B").stdout == "ran\n"


@pytest.mark.parametrize("message", ["-S", "-i", "-u HOME", "--"])
def test_options_of_env(venv: Path, message: str) -> None:
    """env -S would split and start what follows."""
    hand_over(venv)
    completed = start(f"/usr/bin/env {message} {venv}/bin/python")
    assert (completed.returncode, completed.stdout) == (126, "")
    assert "give the interpreter without options of env" in completed.stderr


PYENV = """#!/bin/sh
[ "$1" = which ] || exit 1
while read -r version; do echo "$PYENV_ROOT/versions/$version/bin/$2"; done < "$(
  if [ -f .python-version ]; then echo .python-version; else echo "$PYENV_ROOT/version"; fi)"
"""


def test_pyenv(home: Path) -> None:
    """The interpreter that it starts is checked, and a file in the present directory does not choose it."""
    for name in ("bin", "shims", "versions/ours/bin", "versions/theirs/bin"):
        (home / name).mkdir(parents=True)
    for name in ("bin/pyenv", "shims/python3"):
        (home / name).write_text(PYENV)
        (home / name).chmod(0o755)
    for name in ("ours", "theirs"):
        (home / "versions" / name / "bin" / "python3").symlink_to("/usr/bin/python3")
    hand_over(home / "versions" / "theirs")
    (home / "version").write_text("ours\n")
    (home / "application").mkdir()
    (home / "application" / ".python-version").write_text("theirs\n")
    completed = start(home / "shims/python3", cwd=home / "application")
    assert completed.stdout == "ran\n", completed.stderr
    (home / "version").write_text("theirs\n")
    assert start(home / "shims/python3").stderr.startswith(f"{interpreter.UNTRUSTED}{home}/versions/theirs")


@pytest.mark.parametrize("line", ["HOME = {}", "  home={}", "home\t=\t{}"])
def test_the_home_of_an_environment_in_another_spelling(home: Path, venv: Path, line: str) -> None:
    (home / "base" / "bin").mkdir(parents=True)
    hand_over(home / "base")
    (venv / "pyvenv.cfg").write_text(line.format(f"{home}/base/bin") + "\n")
    assert start(venv / "bin/python").stderr.startswith(f"{interpreter.UNTRUSTED}{home}/base")


def test_a_configuration_beside_the_interpreter(home: Path, venv: Path) -> None:
    (venv / "pyvenv.cfg").rename(venv / "bin" / "pyvenv.cfg")
    assert start(venv / "bin/python").stdout == "ran\n", start(venv / "bin/python").stderr
    hand_over(venv / "bin" / "pyvenv.cfg")
    assert start(venv / "bin/python").stderr.startswith(f"{interpreter.UNTRUSTED}{venv}/bin/pyvenv.cfg")


@pytest.mark.parametrize("name", ["lib/python399.zip", "lib/libpython3.99.so.1.0", "lib64/python399.zip"])
def test_a_part_of_the_interpreter(home: Path, name: str) -> None:
    """The standard library as an archive, which goes before the directory, and the interpreter's own library."""
    for folder in ("bin", "lib", "lib64"):
        (home / folder).mkdir()
    shutil.copy(os.path.realpath(sys.executable), home / "bin/python")
    (home / name).touch()
    hand_over(home / name)
    assert start(home / "bin/python").stderr.startswith(f"{interpreter.UNTRUSTED}{home}/{name}")


@pytest.mark.parametrize("kind", ["uv", "conda"])
def test_an_environment_of(kind: str, home: Path) -> None:
    """uv links to an interpreter that it downloaded; conda's has its own library beside it."""
    base = home / "share" / "cpython-3.12" if kind == "uv" else home / "conda" / "envs" / "app"
    (base / "lib").mkdir(parents=True)
    (base / "bin").mkdir()
    shutil.copy(os.path.realpath("/usr/bin/python3"), base / "bin" / "python3")
    python = base / "bin" / "python3"
    if kind == "uv":
        (home / ".venv" / "bin").mkdir(parents=True)
        (home / ".venv" / "pyvenv.cfg").write_text(f"home = {base}/bin\nimplementation = CPython\nuv = 0.9.0\n")
        (home / ".venv" / "bin" / "python").symlink_to(python)
        python = home / ".venv" / "bin" / "python"
    (base / "lib" / "python3.12").mkdir()
    assert interpreter.UNTRUSTED not in start(python).stderr
    hand_over(base / "lib")
    assert start(python).stderr.startswith(f"{interpreter.UNTRUSTED}{base}/lib")


def test_an_account_runs_its_own_interpreter_and_no_other_ones(venv: Path) -> None:
    hand_over(venv)
    assert start(venv / "bin/python", **as_application()).stdout == "ran\n"
    assert start(venv / "bin/python", **as_application(OTHER)).returncode == 126
    reached_by = {**os.environ, "SUDO_UID": str(APPLICATION)}
    assert start(venv / "bin/python", **as_application(OTHER), env=reached_by).stdout == "ran\n"
    assert start(venv / "bin/python", env=reached_by).returncode == 126, "root trusts root alone"


def test_only_sessions_run_the_applications_code_with_an_accounts_rights() -> None:
    """The account that logs in trusts itself when it is sent an administrator's password. Seen for purges and former
    logins: the application's interpreter ran with that account's rights, and could change what it runs next."""
    result = {}
    for path in sorted((REPOSITORY / "plugins").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "remote_program.execute":
                given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
                if given.get("packages", "False") != "False":
                    result[path.stem] = given.get("private", "False")
    assert len(result) >= 5
    assert result.pop("server_action") == "self.private"
    assert [name for name, private in result.items() if private != "True"] == ["django_sessions"]
    assert all(action.private for action in ACTIONS.values())
    assert not ssh_key.ActionModule.private


def test_an_account_without_values_of_others_runs_the_applications_code(venv: Path) -> None:
    hand_over(venv)
    assert start(venv / "bin/python", private=False, **as_application(OTHER)).stdout == "ran\n"


def test_members_of_roots_group_are_not_root(venv: Path) -> None:
    """Earlier versions made the account of deploys a member; an access list shows as the group's rights, too."""
    (venv / "bin").chmod(0o775)
    assert start(venv / "bin/python").returncode == 126
    (venv / "bin").chmod(0o755)
    packages(venv).joinpath("driver.py").chmod(0o664)
    assert imported(venv).returncode == 1


def test_a_shared_group(venv: Path) -> None:
    hand_over(venv)
    os.chown(venv / "bin", APPLICATION, OTHER)
    (venv / "bin").chmod(0o775)
    assert start(venv / "bin/python", **as_application()).returncode == 126


# --- packages ---------------------------------------------------------------------------------------------------------

IMPORT = "import sys; exec(sys.stdin.read()); enable(checked=True); import driver"


def imported(venv: Path, **process: Any) -> subprocess.CompletedProcess[str]:
    source = Path(trusted_imports.__file__).read_text(encoding="utf-8")
    command = [str(venv / "bin/python"), "-I", "-S", "-c", IMPORT]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=False, **process)


def test_roots_packages_are_imported(venv: Path) -> None:
    assert imported(venv).stdout == "driver ran\n", imported(venv).stderr


def test_metadata_of_packages_is_found(venv: Path) -> None:
    """Django asks for a driver's version there."""
    (packages(venv) / "driver-1.2.dist-info").mkdir()
    (packages(venv) / "driver-1.2.dist-info" / "METADATA").write_text("Name: driver\nVersion: 1.2\n")
    packages(venv).joinpath("driver.py").write_text("import importlib.metadata as m; print(m.version('driver'))\n")
    assert imported(venv).stdout == "1.2\n", imported(venv).stderr


def with_pth(venv: Path) -> None:
    packages(venv).joinpath("start.pth").write_text("import os; print('pth ran')\n")
    os.chown(packages(venv) / "start.pth", APPLICATION, -1)


def with_cache(venv: Path) -> None:
    imported(venv)
    os.chown(next(packages(venv).glob("__pycache__/driver*.pyc")), APPLICATION, -1)


def with_path(venv: Path) -> None:
    (venv.parent / "checkout").mkdir()
    hand_over(venv.parent / "checkout")
    packages(venv).joinpath("checkout.pth").write_text(f"{venv.parent}/checkout\n")


def with_library(venv: Path) -> None:
    """A wheel's extension whose own library the application may change."""
    import psycopg2

    site = Path(psycopg2.__file__).parents[1]
    for name in ("psycopg2", "psycopg2_binary.libs"):
        shutil.copytree(site / name, packages(venv) / name)
    packages(venv).joinpath("driver.py").write_text("import psycopg2; print('driver ran')\n")
    assert imported(venv).stdout == "driver ran\n", imported(venv).stderr
    os.chown(next((packages(venv) / "psycopg2_binary.libs").iterdir()), APPLICATION, -1)


PACKAGES: dict[str, Callable[[Path], None]] = {
    "a file": lambda venv: os.chown(packages(venv) / "driver.py", APPLICATION, -1),
    "the directory": lambda venv: os.chown(packages(venv), APPLICATION, -1),
    "everybody may write the file": lambda venv: (packages(venv) / "driver.py").chmod(0o666),
    "a file that starts with the interpreter": with_pth,
    "compiled code": with_cache,
    "a directory on the path": with_path,
    "a library": with_library,
}


@pytest.mark.parametrize("attack", PACKAGES.values(), ids=PACKAGES)
def test_the_applications_packages_are_never_imported_by_root(venv: Path, attack: Callable[[Path], None]) -> None:
    attack(venv)
    completed = imported(venv)
    assert (completed.returncode, completed.stdout) == (1, "")
    assert completed.stderr.splitlines()[-1].startswith(interpreter.UNTRUSTED), completed.stderr


def test_an_account_imports_its_own_packages(venv: Path) -> None:
    hand_over(venv)
    assert imported(venv, **as_application()).stdout == "driver ran\n"
    assert imported(venv).returncode == 1
