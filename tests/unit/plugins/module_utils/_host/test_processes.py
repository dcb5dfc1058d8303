# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel tells of processes."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes


def test_out_of_its_stat() -> None:
    stat = "12 (a ) b) S " + " ".join(str(at) for at in range(18)) + " 500 9"
    assert processes.parsed(stat) == processes.Stat("S", parent=0, session=2, ticks=500)
    assert processes.parsed("12 (a) S 1") is None


def test_this_process() -> None:
    found = processes.stat(os.getpid())
    assert found is not None
    assert (found.parent, found.session, found.has_ended) == (os.getppid(), os.getsid(0), False)
    assert os.getpid() in processes.pids()
    assert "python" in processes.title(os.getpid())
    assert processes.control_groups(os.getpid())


def test_one_that_has_ended_and_waits_for_its_parent() -> None:
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        found = processes.stat(process.pid)
    assert found is not None
    assert found.has_ended


def test_it_is_known_to_hundredths() -> None:
    """A deploy restarts within hundredths of its write, and must not look older than its file."""
    before = time.time()
    with subprocess.Popen(["sleep", "9"]) as process:
        began = processes.start_time(process.pid)
        process.kill()
    assert began is not None
    assert before - 0.03 <= began <= time.time() + 0.03


def test_one_that_is_not_there() -> None:
    with subprocess.Popen(["true"]) as process:
        pass
    assert processes.start_time(process.pid) is None
    assert (processes.title(process.pid), processes.control_groups(process.pid)) == ("", "")


def test_one_whose_memory_is_held_up_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that nobody writes stands for it: whoever opens it waits without end."""
    monkeypatch.setattr(processes, "PROC", str(tmp_path))
    monkeypatch.setattr(processes, "SECONDS", 2)
    for pid in (1, 2, 3, 4):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "cmdline").write_bytes(b"word")
    pipe = tmp_path / "2/cmdline"
    pipe.unlink()
    os.mkfifo(pipe)
    found, silent = processes.each(sorted(processes.pids()), processes.words)
    assert (found, silent) == ({1: b"word", 3: b"word", 4: b"word"}, [2])
    os.close(os.open(pipe, os.O_WRONLY))


def test_many_of_them_end_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "SECONDS", 1)
    found, silent = processes.each(range(9), lambda pid: time.sleep(9 if pid in (1, 2, 3) else 0))
    assert (found, silent) == ({0: None}, [1, 2, *range(3, 9)])
