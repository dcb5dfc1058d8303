# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program that a host runs as root at every boot imports nothing that the application may change."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import program_bundle
from sandbox.process import REPOSITORY

APPLICATION = 65534
BOTO3 = "import os\nopen(os.environ['CANARY'], 'w').close()\nraise ImportError\n"
CATALOG = {"application": "shop", "journal": {"s3": "shop-journal"}, "settings": {"KEY": {"group": "core"}}}
pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(os.geteuid() != 0, reason="files of several accounts need root; no fetch was attacked"),
]


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory in which each component belongs to root, with the program and an environment."""
    made = Path("/opt/watchparty-fetch-test-%d" % os.getpid())
    made.mkdir()
    try:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(made / "venv")], check=True)
        packages(made).joinpath("boto3.py").write_text(BOTO3)
        (made / "fetch.pyz").write_bytes(program_bundle.zipped("_host.pull.cli"))
        (made / "catalog.json").write_text(json.dumps(CATALOG))
        document = {"environment": "test", "path": str(made / "env"), "patience": 0, "region": "eu-west-3"}
        (made / "fetch.json").write_text(json.dumps(document))
        (made / "env").write_text("KEY=value\n")
        yield made
    finally:
        shutil.rmtree(made)


def packages(place: Path) -> Path:
    return next(place.glob("venv/lib/python3*/site-packages"))


def fetched(place: Path, **env: str) -> tuple[subprocess.CompletedProcess[str], bool]:
    """What became of it, and whether the environment's boto3 ran."""
    canary = place / "canary"
    done = subprocess.run(
        [*_flags(place), f"--config={place}/fetch.json", f"--catalog={place}/catalog.json", "--check"],
        env={"CANARY": str(canary), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, canary.exists()


def _flags(place: Path) -> list[str]:
    """As the unit has them."""
    text = (REPOSITORY / "roles" / "app_host" / "vars" / "main.yml").read_text()
    lines = text.partition("app_host__program:\n")[2].partition("fetch.pyz")[0].splitlines()
    flags = [line.strip()[2:] for line in lines if line.startswith("  - -")]
    return [str(place / "venv/bin/python"), *flags, str(place / "fetch.pyz")]


def test_roots_own_runs(place: Path) -> None:
    done, ran = fetched(place)
    assert ran, done.stderr


def test_errors_are_reported_as_ever(place: Path) -> None:
    """What translates AWS's errors is imported before the packages are."""
    (packages(place) / "boto3.py").unlink()
    (packages(place) / "own.pth").write_text(f"{Path(boto3.__file__).parents[1]}\n")
    done, _ran = fetched(place, AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="y", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert done.stderr.startswith("AWS could not be reached for s3:GetObject"), done.stderr


ATTACKS: dict[str, Callable[[Path], None]] = {
    "owns boto3": lambda place: os.chown(packages(place) / "boto3.py", APPLICATION, -1),
    "owns the packages": lambda place: os.chown(packages(place), APPLICATION, -1),
    "has a .pth file": lambda place: _pth(packages(place) / "run.pth"),
    "everybody may write": lambda place: packages(place).chmod(0o777),
}


def _pth(path: Path) -> None:
    path.write_text("import os; open(os.environ['CANARY'], 'w').close()\n")
    os.chown(path, APPLICATION, -1)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_package_that_the_application_may_change(place: Path, attack: Callable[[Path], None]) -> None:
    attack(place)
    done, ran = fetched(place)
    assert not ran
    assert done.returncode == 75, "the application starts on the file that is there"
    assert "which another account may change; nothing was fetched" in done.stderr


PLACES: dict[str, Callable[[Path], None]] = {
    "the place": lambda place: os.chown(place, APPLICATION, -1),
    "the interpreter": lambda place: os.chown(place / "venv/bin", APPLICATION, -1),
    "the environment": lambda place: os.chown(place / "venv/pyvenv.cfg", APPLICATION, -1),
}


@pytest.mark.parametrize("attack", PLACES.values(), ids=PLACES)
def test_a_place_that_the_application_may_change(place: Path, attack: Callable[[Path], None], tmp_path: Path) -> None:
    """Whoever owns it would write the program, or the interpreter, after root has."""
    dest = place / "new.pyz"
    python = str(place / "venv/bin/python")
    assert "changed=1" in installed(tmp_path, dest, python).stdout
    dest.unlink()
    attack(place)
    done = installed(tmp_path, dest, python)
    assert "another account may change it, so" in done.stdout.replace("\n", " ")
    assert not dest.exists()


def installed(where: Path, dest: Path, python: str) -> subprocess.CompletedProcess[str]:
    tasks = [{"watchparty.secrets.host_fetcher": {"dest": str(dest), "python": python}}]
    play = [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]
    (where / "play.yml").write_text(json.dumps(play))
    return subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(where / "play.yml")],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_NOCOLOR": "1",
        },
        cwd=where,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
