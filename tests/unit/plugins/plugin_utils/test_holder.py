# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import getpass
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils import _holder


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits until its input ends."""
    with subprocess.Popen([sys.executable, "-Sc", "input()"], stdin=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has an identity, as any but a bare container has."""
    first = _holder._first
    monkeypatch.setattr(_holder, "_first", lambda *paths: first(*paths) or ("m" if "machine-id" in paths[0] else ""))


def held_by(process: subprocess.Popen[bytes], **more: Any) -> dict[str, Any]:
    return {**_holder.holder(), "pid": process.pid, "start": _holder._start(process.pid), **more}


def wait_for(state: str, pid: int) -> None:
    for _try in range(500):
        if Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == state:
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} never came to state {state}")


def test_who_acts() -> None:
    user, _, host = _holder.me().partition("@")
    assert user == getpass.getuser()
    assert host == os.uname().nodename


@pytest.mark.parametrize("error", [KeyError("uid"), OSError("no such user")])
def test_who_has_no_name(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr(_holder.getpass, "getuser", fail)
    assert _holder.me().startswith(f"{os.geteuid()}@")


def test_a_holder_is_the_parent_of_a_worker() -> None:
    found = _holder.holder()
    assert set(found) == {"machine", "host", "boot", "space", "pid", "start"}
    assert found["pid"] == os.getppid()
    assert found["start"].isdigit()
    assert found["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    assert found["space"].startswith("pid:[")


@pytest.mark.usefixtures("known")
class TestIsGone:
    def test_ourselves_are_not(self) -> None:
        assert not _holder.is_gone(_holder.holder())

    def test_one_that_runs_is_not(self, child: subprocess.Popen[bytes]) -> None:
        assert not _holder.is_gone(held_by(child))

    def test_one_that_was_killed_is(self, child: subprocess.Popen[bytes]) -> None:
        found = held_by(child)
        child.kill()
        child.wait()
        assert _holder.is_gone(found)

    def test_one_that_nobody_waited_for_is(self, child: subprocess.Popen[bytes]) -> None:
        found = held_by(child)
        child.kill()
        wait_for("Z", child.pid)
        assert _holder.is_gone(found)

    def test_one_that_is_stopped_is_not(self, child: subprocess.Popen[bytes]) -> None:
        child.send_signal(19)
        wait_for("T", child.pid)
        assert not _holder.is_gone(held_by(child))

    def test_another_process_with_its_number_is_not_it(self, child: subprocess.Popen[bytes]) -> None:
        assert _holder.is_gone(held_by(child, start="1"))
        assert _holder.is_gone({**_holder.holder(), "start": "1"}), "not even where we have that number ourselves"

    def test_before_the_machine_was_started_anew(self) -> None:
        assert _holder.is_gone({**_holder.holder(), "boot": "an earlier one"})
        assert _holder.is_gone({**_holder.holder(), "boot": "an earlier one", "space": "pid:[1]"})

    @pytest.mark.parametrize("name", ["machine", "host", "space"])
    @pytest.mark.parametrize("value", ["", "another"])
    def test_elsewhere_it_cannot_be_told(self, child: subprocess.Popen[bytes], name: str, value: str) -> None:
        found = held_by(child, **{name: value})
        child.kill()
        child.wait()
        assert not _holder.is_gone(found)

    @pytest.mark.parametrize("found", [{}, {"pid": 1}, {"machine": None}, {"host": "x", "machine": "y"}])
    def test_a_journal_that_does_not_say(self, found: dict[str, Any]) -> None:
        assert not _holder.is_gone(found)

    @pytest.mark.parametrize("more", [{"pid": None}, {"pid": "canary"}, {"start": ""}, {"start": None}], ids=str)
    def test_a_process_that_is_not_named(self, more: dict[str, Any]) -> None:
        assert not _holder.is_gone({**_holder.holder(), **more})


def test_where_the_kernel_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a system without /proc nothing can be told of a process, so none counts as gone."""
    monkeypatch.setattr(_holder, "_first", lambda *paths: "")
    assert not _holder.is_gone(_holder.holder())


def test_a_machine_without_an_identity(tmp_path: Path) -> None:
    assert _holder._first(str(tmp_path / "none"), str(tmp_path)) == ""
    (tmp_path / "second").write_text("id\n", encoding="utf-8")
    assert _holder._first(str(tmp_path / "none"), str(tmp_path / "second")) == "id"


def test_without_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: str) -> str:
        raise OSError

    monkeypatch.setattr(_holder.os, "readlink", fail)
    assert _holder.holder()["space"] == ""


def test_no_process_has_that_number() -> None:
    assert _holder._start(2**22 + 1) == ""
