# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which sessions go with a key, and that everything of theirs goes and nothing of ours."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import sessions as ssh_sessions
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh.sessions import Opened, Process

KEY, OTHER = "SHA256:leaked", "SHA256:own"
SCOPE, OURS = "/user.slice/user-2000.slice/session-{}.scope", "/user.slice/user-2000.slice/session-1.scope"
ME = os.getpid()


def process(
    pid: int, parent: int, title: str = "sh", *, session: int = 0, scope: str = "", started: float = 100
) -> Process:
    return Process(pid, parent, session or pid, started, title, scope)


def connection(pid: int, scope: str = "", user: str = "deploy") -> list[Process]:
    """An sshd's two processes and the shell below them."""
    return [
        process(pid, 10, f"sshd-session: {user} [priv]", scope=scope),
        process(pid + 1, pid, f"sshd-session: {user}@notty", session=pid, scope=scope),
        process(pid + 2, pid + 1, "sh", scope=scope),
    ]


@dataclass
class Machine:
    """Processes that end when they are killed, unless they are stubborn."""

    all: dict[int, Process]
    logged: dict[int, Opened] = field(default_factory=dict)
    stubborn: set[int] = field(default_factory=set)
    killed: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, *groups: list[Process], **logged: Opened) -> Machine:
        processes = [process(1, 0, "init"), process(10, 1, "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups")]
        processes += [item for group in groups for item in group]
        ours = [*connection(500, OURS), process(ME, 502, "python3", scope=OURS)]
        processes += [] if any(item.pid == ME for item in processes) else ours
        return cls({item.pid: item for item in processes}, {int(name[1:]): item for name, item in logged.items()})

    def kill(self, pid: int, number: int) -> None:
        assert number == signal.SIGKILL
        if pid in self.stubborn:
            raise PermissionError
        if pid not in self.all:
            raise ProcessLookupError
        self.killed.append(pid)
        gone = self.all.pop(pid)
        parent = self.all.get(gone.parent)
        if parent and parent.title.endswith("[priv]"):  # it closes the session, and ends
            self.all.pop(parent.pid)
        self.all = {
            item.pid: item._replace(parent=1) if item.parent not in self.all else item for item in self.all.values()
        }
        self.all[1] = self.all[1]._replace(parent=0)

    def end(self, *, leak: bool = False, check: bool = False) -> ssh_sessions.EndedSessions:
        return ssh_sessions.end(
            "deploy",
            {KEY},
            leak=leak,
            check=check,
            look=lambda: dict(self.all),
            ask=lambda _pids: self.logged,
            kill=self.kill,
            sleep=lambda _seconds: None,
        )


def opened(by: str = KEY, *, user: str = "deploy", at: float = 100, trusted: bool = True) -> Opened:
    return Opened(user, by, "203.0.113.7", at, trusted)


class TestEnd:
    def test_the_keys_sessions_and_no_other(self) -> None:
        machine = Machine.of(connection(20), connection(30), connection(40), _20=opened(), _30=opened(OTHER))
        ended_sessions = machine.end()
        assert ended_sessions == ssh_sessions.EndedSessions(["203.0.113.7"], 1)
        assert not {20, 21, 22} & set(machine.all)
        assert {30, 31, 32, 40, 41, 42, 500, 501, 502, ME} <= set(machine.all)

    def test_again_there_is_nothing_to_end(self) -> None:
        machine = Machine.of(connection(20), _20=opened())
        machine.end()
        assert machine.end() == ssh_sessions.EndedSessions([], 0)

    def test_check_mode_ends_nothing(self) -> None:
        machine = Machine.of(connection(20), _20=opened())
        assert machine.end(check=True) == ssh_sessions.EndedSessions(["203.0.113.7"], 0)
        assert machine.killed == []

    def test_after_a_leak_also_what_no_log_tells_of(self) -> None:
        machine = Machine.of(connection(20), connection(30), connection(60, user="other"), _30=opened(OTHER))
        assert machine.end(leak=True) == ssh_sessions.EndedSessions(["unknown"], 0)
        assert {30, 31, 32, 60, 61, 62, 500, 501, 502, ME} <= set(machine.all)

    def test_after_a_leak_a_log_that_anybody_writes_excuses_nobody(self) -> None:
        machine = Machine.of(connection(20), _20=opened(OTHER, trusted=False))
        assert machine.end(leak=True).sources == ["203.0.113.7"]
        assert machine.end() == ssh_sessions.EndedSessions([], 0)

    def test_never_our_own_even_by_the_leaked_key(self) -> None:
        machine = Machine.of(_500=opened())
        assert machine.end(leak=True) == ssh_sessions.EndedSessions([], 0)
        assert {500, 501, 502, ME} <= set(machine.all)

    def test_what_remains_goes_too(self) -> None:
        """A child that its parent left, in the same session; and one with a session of its own, in the same scope."""
        scope = SCOPE.format(7)
        left = process(25, 1, "nohup", session=22)
        apart = process(26, 1, "setsid", scope=scope)
        machine = Machine.of([*connection(20, scope), left, apart], _20=opened())
        machine.end()
        assert not {20, 21, 22, 25, 26} & set(machine.all)

    def test_what_is_only_in_the_scope_is_ended_after_its_head_has_gone(self) -> None:
        """It starts another one whenever it is looked at."""
        scope = SCOPE.format(7)
        machine = Machine.of(connection(20, scope), _20=opened())
        ended, looks = machine.kill, iter(range(1000))

        def kill(pid: int, number: int) -> None:
            ended(pid, number)
            if next(looks) < 4:
                machine.all[70 + pid] = process(70 + pid, 1, "again", scope=scope)

        machine.kill = kill  # type: ignore[method-assign]
        machine.end()
        assert not [item for item in machine.all.values() if item.scope == scope]

    def test_an_sshd_that_somebody_started_by_hand_is_in_that_persons_scope(self) -> None:
        """So is all that this person does."""
        scope = SCOPE.format(7)
        shell = process(15, 1, "bash", scope=scope, started=50)
        machine = Machine.of([shell, *connection(20, scope)], _20=opened())
        machine.end()
        assert 15 in machine.all
        assert not {20, 21, 22} & set(machine.all)

    def test_a_head_that_does_not_end_is_ended(self) -> None:
        machine = Machine.of([process(20, 10, "sshd: deploy [priv]")], _20=opened())
        machine.end()
        assert 20 not in machine.all

    def test_what_cannot_be_ended_is_reported(self) -> None:
        machine = Machine.of(connection(20), _20=opened())
        machine.stubborn = {20, 21, 22}
        with pytest.raises(HostError, match="3 processes of sessions of deploy cannot be ended"):
            machine.end()


class TestHeads:
    @pytest.mark.parametrize(
        "title",
        ["sshd: deploy [priv]", "sshd-session: deploy [priv]", "sshd: deploy@pts/0,pts/1", "sshd-session: deploy@notty",
         "sshd-session: deploy"],
    )  # fmt: skip
    def test_a_connection(self, title: str) -> None:
        assert [head.pid for head in ssh_sessions.heads({5: process(5, 1, title)}, "deploy")] == [5]

    @pytest.mark.parametrize(
        "title",
        ["sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "sshd-session: deploy2 [priv]",
         "sshd-auth: deploy [net]", "vim sshd: deploy [priv]", "sshd-session: [accepted]", ""],
    )  # fmt: skip
    def test_none(self, title: str) -> None:
        assert ssh_sessions.heads({5: process(5, 1, title)}, "deploy") == []


class TestLogs:
    WORDS = "Accepted publickey for deploy from 203.0.113.7 port 50000 ssh2: ED25519 SHA256:leaked"

    def test_the_journal_vouches_for_its_lines(self) -> None:
        entry = {"MESSAGE": self.WORDS, "_PID": "20", "__REALTIME_TIMESTAMP": "100000000"}
        lines = [
            json.dumps(entry),
            "no json",
            json.dumps({**entry, "MESSAGE": None}),
            json.dumps({"MESSAGE": self.WORDS}),
        ]
        assert ssh_sessions.from_journal(lines) == {20: opened()}

    @pytest.mark.parametrize("name", ["sshd", "sshd-session"])
    def test_a_text_log_does_not(self, name: str) -> None:
        line = f"2026-11-25T10:00:00+00:00 web1 {name}[20]: {self.WORDS}"
        assert ssh_sessions.from_log([line, "web1 sudo[21]: x"]) == {20: opened(at=0, trusted=False)}

    def test_what_opened_it(self) -> None:
        def by(message: str) -> str | None:
            result = ssh_sessions.accepted(message, at=1, trusted=True)
            return result.by if result else None

        certificate = "ED25519-CERT SHA256:leaked ID x (serial 0) CA ED25519 SHA256:authority"
        assert by(self.WORDS.replace("ED25519 SHA256:leaked", certificate)) == KEY
        assert by("Accepted password for deploy from ::1 port 9 ssh2") == "password"
        assert by("Accepted publickey for deploy from ::1 port 9 ssh2: RSA MD5:aa:bb") is None
        assert by("Failed publickey for deploy from ::1 port 9 ssh2") is None
        assert by(f"Invalid user {self.WORDS}") is None

    def test_a_line_of_a_process_that_had_the_number_before(self) -> None:
        head = process(20, 10, started=1000)
        assert ssh_sessions.opened_of(head, {20: opened(at=900)}, "deploy") is None
        assert ssh_sessions.opened_of(head, {20: opened(at=1001)}, "deploy") is not None
        assert ssh_sessions.opened_of(head, {20: opened(at=0, trusted=False)}, "deploy") is not None
        assert ssh_sessions.opened_of(head, {20: opened(at=1001, user="root")}, "deploy") is None
        assert ssh_sessions.opened_of(head, {}, "deploy") is None


class TestThisMachine:
    def test_processes(self) -> None:
        processes = ssh_sessions.processes()
        assert processes[ME].parent == os.getppid()
        assert ME in ssh_sessions.ancestors(processes, ME)
        assert processes[ME].session == os.getsid(0)

    def test_a_journal_and_a_text_log(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The log is read only where the journal says nothing, and never in its place."""
        entry = {"MESSAGE": TestLogs.WORDS, "_PID": "20", "__REALTIME_TIMESTAMP": "100000000"}
        program = tmp_path / "journalctl"
        program.write_text(f"#!/bin/sh\necho '{json.dumps(entry)}'\n")
        program.chmod(0o700)
        log = tmp_path / "auth.log"
        message = TestLogs.WORDS.replace("leaked", "forged")
        log.write_text(f"web1 sshd[20]: {message}\nweb1 sshd[21]: {message}\n")
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        monkeypatch.setattr(ssh_sessions, "LOGS", (str(log),))
        assert ssh_sessions.logins_of([20]) == {20: opened()}
        assert ssh_sessions.logins_of([20, 21]) == {20: opened(), 21: opened("SHA256:forged", at=0, trusted=False)}

    def test_a_machine_without_a_journal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/nonexistent")
        monkeypatch.setattr(ssh_sessions, "LOGS", ("/nonexistent/log",))
        assert ssh_sessions.logins_of([1]) == {}
