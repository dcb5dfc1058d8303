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

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import process_identity


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
    first = process_identity._first
    monkeypatch.setattr(
        process_identity, "_first", lambda *paths: first(*paths) or ("m" if "machine-id" in paths[0] else "")
    )


def held_by(process: subprocess.Popen[bytes], **extra: Any) -> dict[str, Any]:
    return {**process_identity.holder(), "pid": process.pid, "start": process_identity._start(process.pid), **extra}


def wait_for(state: str, pid: int) -> None:
    for _try in range(500):
        if Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == state:
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} never came to state {state}")


def test_who_acts() -> None:
    user, _, host = process_identity.me().partition("@")
    assert user == getpass.getuser()
    assert host == os.uname().nodename


@pytest.mark.parametrize("error", [KeyError("uid"), OSError("no such user")])
def test_who_has_no_name(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr(process_identity.getpass, "getuser", fail)
    assert process_identity.me().startswith(f"{os.geteuid()}@")


def test_a_holder_is_the_parent_of_a_worker() -> None:
    result = process_identity.holder()
    assert set(result) == {"machine", "host", "boot", "space", "pid", "start"}
    assert result["pid"] == os.getppid()
    assert result["start"].isdigit()
    assert result["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    assert result["space"].startswith("pid:[")


@pytest.mark.usefixtures("known")
class TestIsGone:
    def test_ourselves_are_not(self) -> None:
        assert not process_identity.is_gone(process_identity.holder())

    def test_one_that_runs_is_not(self, child: subprocess.Popen[bytes]) -> None:
        assert not process_identity.is_gone(held_by(child))

    def test_one_that_was_killed_is(self, child: subprocess.Popen[bytes]) -> None:
        result = held_by(child)
        child.kill()
        child.wait()
        assert process_identity.is_gone(result)

    def test_one_that_nobody_waited_for_is(self, child: subprocess.Popen[bytes]) -> None:
        result = held_by(child)
        child.kill()
        wait_for("Z", child.pid)
        assert process_identity.is_gone(result)

    def test_one_that_is_stopped_is_not(self, child: subprocess.Popen[bytes]) -> None:
        child.send_signal(19)
        wait_for("T", child.pid)
        assert not process_identity.is_gone(held_by(child))

    def test_another_process_with_its_number_is_not_it(self, child: subprocess.Popen[bytes]) -> None:
        assert process_identity.is_gone(held_by(child, start="1"))
        assert process_identity.is_gone({**process_identity.holder(), "start": "1"}), (
            "not even where we have that number ourselves"
        )

    def test_before_the_machine_was_started_anew(self) -> None:
        assert process_identity.is_gone({**process_identity.holder(), "boot": "an earlier one"})
        assert process_identity.is_gone({**process_identity.holder(), "boot": "an earlier one", "space": "pid:[1]"})

    @pytest.mark.parametrize("name", ["machine", "host", "space"])
    @pytest.mark.parametrize("value", ["", "another"])
    def test_elsewhere_it_cannot_be_determined(self, child: subprocess.Popen[bytes], name: str, value: str) -> None:
        result = held_by(child, **{name: value})
        child.kill()
        child.wait()
        assert not process_identity.is_gone(result)

    @pytest.mark.parametrize("result", [{}, {"pid": 1}, {"machine": None}, {"host": "x", "machine": "y"}])
    def test_a_journal_that_does_not_say(self, result: dict[str, Any]) -> None:
        assert not process_identity.is_gone(result)

    @pytest.mark.parametrize("extra", [{"pid": None}, {"pid": "canary"}, {"start": ""}, {"start": None}], ids=str)
    def test_a_process_that_is_not_named(self, extra: dict[str, Any]) -> None:
        assert not process_identity.is_gone({**process_identity.holder(), **extra})


def test_where_the_kernel_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a system without /proc nothing is known of a process, so none counts as gone."""
    monkeypatch.setattr(process_identity, "_first", lambda *paths: "")
    assert not process_identity.is_gone(process_identity.holder())


def test_a_machine_without_an_identity(tmp_path: Path) -> None:
    assert process_identity._first(str(tmp_path / "none"), str(tmp_path)) == ""
    (tmp_path / "second").write_text("id\n", encoding="utf-8")
    assert process_identity._first(str(tmp_path / "none"), str(tmp_path / "second")) == "id"


def test_without_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: str) -> str:
        raise OSError

    monkeypatch.setattr(process_identity.os, "readlink", fail)
    assert process_identity.holder()["space"] == ""


def test_no_process_has_that_number() -> None:
    assert process_identity._start(2**22 + 1) == ""
