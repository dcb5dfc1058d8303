# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The demo ends healthy, and whatever ends it, nothing of it remains."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.process import REPOSITORY, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def place() -> Iterator[Path]:
    """A temporary folder for one demo. Servers of another user must get through it, when we are root."""
    path = Path(tempfile.mkdtemp(prefix="demo-test-", dir="/tmp"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def _start(place: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox.demo", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(place)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _read_until(demo: subprocess.Popen[str], message: str) -> str:
    assert demo.stdout is not None
    text = ""
    for line in demo.stdout:
        text += line
        if message in line:
            return text
    raise AssertionError(f"the demo ended before it said {message!r}:\n{text}")


def _remains(place: Path) -> list[str]:
    """Return files and processes that belong to a demo of this folder."""
    strs = [str(path) for path in place.iterdir()]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            data = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if bytes(place) in data:
            strs.append(data.replace(b"\0", b" ").decode(errors="replace")[:200])
    return strs


def _lines(text: str, playbook: str) -> int:
    """How many a run of the playbook printed."""
    return len(text.partition(f"playbooks/{playbook}.yml ")[2].partition("\n\n")[0].splitlines()) - 1


def test_it_ends_healthy_and_is_gone(place: Path) -> None:
    demo = _start(place)
    text, _ = demo.communicate(timeout=300)
    assert demo.returncode == 0, text
    assert "200: database ok, cache ok, broker ok" in text
    assert 5 < _lines(text, "deploy") <= 15, text
    assert 15 < _lines(text, "rotate") <= 40, text
    assert re.search(r"verified +\d\d checks pass, 0 fail, \d+ not checked", text)
    assert re.search(r"mode 0600, owner \S+, \d\d settings", text)
    assert re.search(r"  watchparty/production/core +version [0-9a-f-]{36}", text)
    assert wait_until(lambda: not _remains(place), seconds=60), _remains(place)


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("sample application", signal.SIGINT),
        ("PostgreSQL", signal.SIGTERM),
        ("Deliver the .env and verify", signal.SIGINT),
        ("new values staged in", signal.SIGTERM),
    ],
)
def test_interrupted_it_leaves_nothing(place: Path, message: str, number: signal.Signals) -> None:
    demo = _start(place)
    _read_until(demo, message)
    demo.send_signal(number)
    text, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1, text
    assert f"Stopped by {number.name}." in text
    assert wait_until(lambda: not _remains(place), seconds=60), _remains(place)


LOST = """
import os, signal, time
from sandbox.demo import Interrupted, _Interrupt

class Forking:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)

_Interrupt()
try:
    Forking()
    time.sleep(20)
except Interrupted as error:
    print("heard", error)
"""


def test_a_signal_while_python_forks_is_heard_all_the_same() -> None:
    """What a handler raises in a fork's hooks is only printed, as in a destructor."""
    answer = subprocess.run(
        [sys.executable, "-c", LOST], cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False
    )
    assert answer.stdout == "heard SIGTERM\n", answer.stderr
    assert "Exception ignored" in answer.stderr


def test_a_failed_deploy_is_reported_and_leaves_nothing(place: Path) -> None:
    demo = _start(place, "--", "-e", "env_deploy_restart_command=/bin/false")
    text, _ = demo.communicate(timeout=300)
    assert demo.returncode == 1
    assert "The demo failed. The deploy failed" in text
    assert wait_until(lambda: not _remains(place), seconds=60), _remains(place)


@pytest.mark.parametrize("options", [("--keep", "--deploy-only"), ("--set-up-only",)])
def test_kept_it_stays_until_it_is_stopped(place: Path, options: tuple[str, ...]) -> None:
    """A second terminal works with its servers meanwhile, by what the demo says."""
    demo = _start(place, *options)
    text = _read_until(demo, "To stop it")
    activate, deploy = re.findall(r"^  (.+)$", text.partition("In a second terminal")[2], re.MULTILINE)
    answer = subprocess.run(
        ["bash", "-c", f"{activate} && {deploy}"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert ("unchanged, healthy before" in answer.stdout) is ("--keep" in options)
    assert _remains(place)
    demo.terminate()
    demo.communicate(timeout=60)
    assert demo.returncode == 0
    assert wait_until(lambda: not _remains(place), seconds=60), _remains(place)
