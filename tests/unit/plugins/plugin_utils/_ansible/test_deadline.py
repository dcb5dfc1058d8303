# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An execution on a host ends in time, whatever the connection plugin waits for."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import deadline


class Connection:
    """Waits for a program, as connection plugins do, and tries again after an Exception, as ssh does."""

    def __init__(self, *, hangs_on_reset: bool = False, options: dict[str, str | None] | None = None) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self.was_reset = False
        self._hangs = hangs_on_reset
        self.options = options if options is not None else {"ssh_extra_args": ""}

    def execute(self, program: str) -> bytes:
        for _attempt in range(3):
            try:
                process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
                self.processes.append(process)
                return process.communicate()[0]
            except Exception:  # noqa: BLE001 - as the plugin ssh does
                continue
        return b""

    def reset(self) -> None:
        self.was_reset = True
        if self._hangs:
            time.sleep(300)

    def has_option(self, name: str) -> bool:
        return name in self.options

    def get_option(self, name: str) -> str | None:
        return self.options[name]

    def set_option(self, name: str, value: str) -> None:
        self.options[name] = value


@pytest.fixture(autouse=True)
def no_timer_is_left() -> Iterator[None]:
    yield
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def test_an_answer_in_time_passes() -> None:
    connection = Connection()
    assert deadline.within(20, lambda: connection.execute("print(1)"), connection) == b"1\n"
    assert not connection.was_reset


def test_one_that_hangs_is_lost_and_its_program_is_ended() -> None:
    connection = Connection()
    with pytest.raises(
        AnsibleConnectionFailure, match=r"no answer within 1 s; .* run again with -e secrets_host_timeout=600"
    ):
        deadline.within(1, lambda: connection.execute("import time; time.sleep(60)"), connection)
    assert [process.poll() for process in connection.processes] == [-signal.SIGKILL]
    assert connection.was_reset


def test_a_reset_that_hangs_ends_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "RESET_SECONDS", 0.5)
    connection, began = Connection(hangs_on_reset=True), time.monotonic()
    with pytest.raises(AnsibleConnectionFailure):
        deadline.within(0.5, lambda: time.sleep(300), connection)
    assert time.monotonic() - began < 120


def test_an_answer_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "MOST_MEMORY", 64 * 1024 * 1024)
    connection = Connection()
    kept: list[bytes] = []

    def receive() -> None:
        while True:
            kept.append(b"x" * 1024 * 1024)
            time.sleep(0.001)

    with pytest.raises(AnsibleConnectionFailure, match="the answer is longer than 64 MiB"):
        deadline.within(60, receive, connection)


def test_the_tasks_own_timeout_still_counts() -> None:
    class TaskTimeout(BaseException):
        pass

    def on_alarm(*_arguments: Any) -> None:
        raise TaskTimeout

    before = signal.signal(signal.SIGALRM, on_alarm)
    try:
        signal.alarm(1)
        connection = Connection()
        with pytest.raises(TaskTimeout):
            deadline.within(60, lambda: connection.execute("import time; time.sleep(30)"), connection)
        assert [process.poll() for process in connection.processes] == [-signal.SIGKILL]
        signal.alarm(300)
        deadline.within(60, lambda: None, Connection())
        assert 1 < signal.getitimer(signal.ITIMER_REAL)[0] <= 300
        assert signal.getsignal(signal.SIGALRM) is on_alarm
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_an_error_of_the_connection_is_passed_on() -> None:
    def fail() -> None:
        raise AnsibleConnectionFailure("no route")

    with pytest.raises(AnsibleConnectionFailure, match="no route"):
        deadline.within(60, fail, Connection())


def test_without_signals_the_act_is_run_all_the_same() -> None:
    results: list[int] = []
    thread = threading.Thread(target=lambda: results.append(deadline.within(60, lambda: 1, Connection())))
    thread.start()
    thread.join()
    assert results == [1]


def test_keep_alives_stand_after_what_the_user_gave() -> None:
    connection = Connection(options={"ssh_extra_args": "-o ServerAliveInterval=60"})
    for _time in range(2):
        deadline.kept_alive(connection)
        assert connection.options == {"ssh_extra_args": f"-o ServerAliveInterval=60 {deadline.KEEP_ALIVE}"}
    none = Connection(options={"ssh_extra_args": None})
    deadline.kept_alive(none)
    assert none.options == {"ssh_extra_args": deadline.KEEP_ALIVE}


def test_other_connections_have_no_keep_alives() -> None:
    connection = Connection(options={})
    deadline.kept_alive(connection)
    assert connection.options == {}
