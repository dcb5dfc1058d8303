# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AuditError, HostError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import local_copy
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.local_copy import AuditFile, enter_changelog
from tests.unit.plugins.plugin_utils._audit.audit_lines import log, record_fields

ROOT = Path(__file__).parents[5]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def test_records_are_appended_once(path: Path) -> None:
    file = AuditFile(str(path))
    assert file.lines() == []
    assert not path.exists(), "reading makes no file"
    for number in (1, 2, 1, 3, 2):
        file.append(record_fields(number))
    assert file.lines() == log(3)
    assert path.read_text() == "".join(f"{line}\n" for line in log(3))
    entry, new = file.append(record_fields(2, who="bob@desk"))
    assert (entry.number, new) == (2, False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_wider_mode_is_narrowed(path: Path) -> None:
    path.touch(0o644)
    path.chmod(0o644)
    AuditFile(str(path)).append(record_fields())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_refused_record_leaves_the_file_as_it_is(path: Path) -> None:
    file = AuditFile(str(path))
    file.append(record_fields())
    before = path.read_bytes()
    with pytest.raises(AuditError, match="has an unknown field; known are"):
        file.append(record_fields(2, password="canary"))
    assert path.read_bytes() == before


def test_a_chain_goes_on_from_the_head_where_the_file_was_cut_off(path: Path) -> None:
    file = AuditFile(str(path))
    lines = log(3)
    file.extend(lines[:2])
    entry, _new = file.append(record_fields(4), audit_chain.parsed(lines[2]).head)
    assert entry.number == 4
    assert audit_chain.verify(file.lines(), entry.head) == ["record 3 is missing"]


WRITER = """
import sys
import time
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.local_copy import AuditFile
path, who = sys.argv[1:]
file = AuditFile(path)
print("ready", flush=True)
sys.stdin.readline()
for number in range(200):
    file.append({"rotation": f"{who}-{number}", "outcome": "completed", "application": "shop", "who": who,
                 "environment": "production", "at": "2026-11-25T10:00:00Z"})
    print(number, flush=True)
    time.sleep(0.001)
"""


def writer(path: Path, who: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "playbooks" / "collections")}
    argv = [sys.executable, "-c", WRITER, str(path), who]
    process = subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def start(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_two_processes_at_once_lose_nothing(path: Path) -> None:
    writers = [writer(path, who) for who in ("ann", "bob")]
    for process in writers:
        start(process)
    for process in writers:
        process.communicate(timeout=120)
        assert process.returncode == 0
    lines = AuditFile(str(path)).lines()
    entries = [audit_chain.parsed(line) for line in lines]
    assert len(lines) == 400
    assert audit_chain.verify(lines, entries[-1].head) == []
    assert {entry.id for entry in entries} == {f"{who}-{n}:completed" for who in ("ann", "bob") for n in range(200)}
    owners = [entry.id[:3] for entry in entries]
    assert sum(a != b for a, b in pairwise(owners)) > 10, "they did write at the same time"


def test_a_killed_writer_leaves_a_log_that_goes_on(path: Path) -> None:
    for round_ in range(3):
        process = writer(path, f"ann{round_}")
        start(process)
        assert process.stdout is not None
        printed = [process.stdout.readline() for _line in range(5)]
        process.send_signal(signal.SIGKILL)
        printed += process.communicate()[0].splitlines()
        entry, _new = AuditFile(str(path)).append(record_fields(f"after-{round_}"))
        lines = AuditFile(str(path)).lines()
        assert audit_chain.verify(lines, entry.head) == []
        recorded = {audit_chain.parsed(line).id for line in lines}
        assert {f"ann{round_}-{int(number)}:completed" for number in printed if number.strip()} <= recorded


def test_a_torn_line_was_never_confirmed_and_gives_way(path: Path) -> None:
    file = AuditFile(str(path))
    lines = log(3)
    path.write_text(f"{lines[0]}\n{lines[1][:40]}")
    assert len(file.lines()) == 2, "it shows until then"
    file.append(record_fields(2))
    file.append(record_fields(3))
    assert file.lines() == lines
    path.write_text("torn")
    file.append(record_fields(1))
    assert file.lines() == lines[:1]


# --- the copy of a body -------------------------------------------------------------------------------------------


def test_a_copy_is_extended(path: Path) -> None:
    file = AuditFile(str(path))
    lines = log(4)
    assert file.extend(lines[:1]) == 1
    assert file.extend(lines) == 3
    assert file.extend(lines) == 0
    assert file.extend(lines[:2]) == 0, "another run has recorded in between"
    assert file.lines() == lines


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 5), st.integers(0, 2000))
def test_a_copy_that_was_torn_anywhere_is_completed(path: Path, count: int, cut: int) -> None:
    lines = log(count)
    whole = "".join(f"{line}\n" for line in lines)
    path.write_text(whole[:cut])
    AuditFile(str(path)).extend(lines)
    assert path.read_text() == whole


@pytest.mark.parametrize(("change", "line"), [(lambda text: "x" + text[1:], 1), (lambda text: text[:-9] + "}\n", 3)])
def test_a_copy_that_differs_is_left_alone(path: Path, change: Callable[[str], str], line: int) -> None:
    file = AuditFile(str(path))
    file.extend(log(3))
    path.write_text(change(path.read_text()))
    before = path.read_bytes()
    with pytest.raises(AuditError, match=rf"differs from the audit log from line {line} on; see docs"):
        file.extend(log(4))
    assert path.read_bytes() == before


def test_a_copy_is_rebuilt(path: Path) -> None:
    file = AuditFile(str(path))
    lines = log(3)
    assert file.rebuild(lines) == (True, None)
    assert file.rebuild(lines) == (False, None)
    path.write_text(f"{lines[0]}\n{lines[1][:20]}")
    assert file.rebuild(lines) == (True, None), "a shorter copy is not evidence"
    path.write_text("altered\n")
    changed, kept = file.rebuild(lines)
    assert changed
    assert kept is not None
    assert Path(kept).read_text() == "altered\n"
    assert Path(kept).name.startswith("audit.jsonl.differs-")
    assert stat.S_IMODE(Path(kept).stat().st_mode) == stat.S_IMODE(path.stat().st_mode) == 0o600
    assert file.lines() == lines


def test_a_writer_that_waited_while_the_copy_was_rebuilt_writes_to_the_new_one(path: Path) -> None:
    file = AuditFile(str(path))
    file.append(record_fields(1))
    with local_copy.locked(str(path)):
        waiting = threading.Thread(target=file.append, args=(record_fields(4),))
        waiting.start()
        time.sleep(0.1)
        local_copy._replace(str(path), "".join(f"{line}\n" for line in log(3)).encode(), 0o600)
    waiting.join()
    assert file.lines() == log(4)


# --- what is not a file to write to ----------------------------------------------------------------------------------


def acts(path: Path) -> list[Callable[[], Any]]:
    file = AuditFile(str(path))
    return [
        file.lines,
        lambda: file.append(record_fields()),
        lambda: file.extend(log(1)),
        lambda: file.rebuild(log(1)),
        lambda: enter_changelog(str(path), record_fields()),
    ]


def test_links_are_refused(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("")
    path.symlink_to(target)
    for act in acts(path):
        with pytest.raises(HostError, match="is a symbolic link; remove it, or give the path that it points to"):
            act()
    assert target.read_text() == ""
    assert path.is_symlink()


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: os.mkfifo(path)])
def test_what_is_no_regular_file_is_refused(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    for act in acts(path):
        with pytest.raises(HostError, match="is not a regular file; give the path of a file"):
            act()


def test_a_missing_directory(tmp_path: Path) -> None:
    path = tmp_path / "none" / "audit.jsonl"
    for act in acts(path)[1:]:
        with pytest.raises(HostError, match="its directory does not exist; run 'mkdir -p "):
            act()
    assert AuditFile(str(path)).lines() == []


@pytest.mark.parametrize(
    ("number", "message"),
    [(errno.ENOSPC, "the disk is full"), (errno.EIO, "cannot be written: Input/output error; correct its owner")],
)
def test_a_write_that_fails_half_way_adds_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    file = AuditFile(str(path))
    file.append(record_fields(1))
    write = os.write

    def half(handle: int, content: Any) -> int:
        if len(content) < 60:
            raise OSError(number, os.strerror(number))
        return write(handle, content[:50])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(HostError, match=f"{message}.*; no record was added"):
        file.append(record_fields(2))
    assert file.lines() == log(1)


def test_a_file_that_may_not_be_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(HostError, match="cannot be read: Permission denied"):
        AuditFile(str(path)).lines()
    with pytest.raises(HostError, match="cannot be written: Permission denied"):
        AuditFile(str(path)).append(record_fields())


def test_a_lock_that_is_never_let_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_copy, "PATIENCE", 0.05)
    with local_copy.locked(str(path)), pytest.raises(HostError, match="has held its lock for 0 seconds; find it by"):
        AuditFile(str(path)).append(record_fields())


def test_a_file_system_without_locks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(HostError, match=r"cannot be locked \(No locks available\); keep it on a local disk"):
        AuditFile(str(path)).append(record_fields())
