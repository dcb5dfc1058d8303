# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is gathered on a host that a test made up: its logs, its accounts, and programs that answer or hang."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import gather_evidence
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.command import CommandManager
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import State
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.runit import RunitManager
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import all_accounts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import sessions as ssh_sessions
from ansible_collections.watchparty.secrets.plugins.modules import host_evidence
from tests.modules import run_module
from tests.unit.plugins.module_utils._host.ssh.public_keys import key

SAID = "Accepted publickey for deploy from 203.0.113.9 port 40022 ssh2: ED25519 SHA256:abc"


class Machine:
    """Everything that the module looks at, below one folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.env = folder / "app.env"
        for name in ("bin", "journal/machine", "home/deploy/.ssh", "sshd_config.d"):
            (folder / name).mkdir(parents=True)
        monkeypatch.setenv("PATH", f"{self.programs}:/usr/bin:/bin")
        monkeypatch.setattr(gather_evidence, "LOGS", (str(folder / "auth.log"), str(folder / "secure")))
        monkeypatch.setattr(gather_evidence, "WTMP", str(folder / "wtmp"))
        monkeypatch.setattr(gather_evidence, "JOURNALS", (str(folder / "journal"),))
        monkeypatch.setattr(all_accounts, "SSHD", str(folder / "sshd_config"))
        users = {
            name: SimpleNamespace(pw_name=name, pw_dir=str(folder / "home" / name), pw_uid=2000)
            for name in ("deploy", "root")
        }
        monkeypatch.setattr(all_accounts.pwd, "getpwall", lambda: list(users.values()))
        monkeypatch.setattr(gather_evidence.host_accounts.pwd, "getpwnam", lambda name: users[name])
        monkeypatch.setattr(gather_evidence.host_accounts.pwd, "getpwuid", lambda _uid: users["deploy"])

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def program(self, name: str, script: str) -> None:
        path = self.write(f"bin/{name}", f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def journal(self, script: str) -> None:
        self.write("journal/machine/system.journal", "")
        self.program("journalctl", script)

    def gathered(self, **extra: Any) -> dict[str, list[str]]:
        wanted = {"since": 0.0, "seconds": 60.0, "path": str(self.env), "units": (), "known": (), **extra}
        return gather_evidence.gather(gather_evidence.EvidenceRequest(**wanted))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


class TestLogins:
    def test_the_systemd_journal_comes_first(self, machine: Machine) -> None:
        entry = json.dumps({"__REALTIME_TIMESTAMP": "1764072000000000", "MESSAGE": SAID})
        machine.journal(f"echo \"$@\" > {machine.folder}/asked; cat <<'X'\n{entry}\nX")
        machine.write("auth.log", f"2026-11-25T10:00:00Z web1 sshd[1]: {SAID}\n" * 2)
        assert machine.gathered(since=1764000000.0) == {
            "lines": ["deploy logged in from 203.0.113.9 by publickey SHA256:abc, 2025-11-25T12:00:00Z"],
            "short": [],
        }
        asked = (machine.folder / "asked").read_text()
        assert "--since=@1764000000" in asked
        assert "SYSLOG_IDENTIFIER=sshd SYSLOG_IDENTIFIER=sshd-session _UID=0" in asked

    def test_nobody(self, machine: Machine) -> None:
        machine.journal("true")
        assert machine.gathered()["lines"] == ["no login by SSH"]
        assert machine.gathered(since=0.5)["lines"] == ["no login by SSH since 1970-01-01T00:00:00Z"]

    def test_a_log_where_there_is_no_journal(self, machine: Machine) -> None:
        machine.write("secure", f"2026-11-25T10:00:00Z web1 sshd[1]: {SAID}\n")
        result = machine.gathered()
        assert result["lines"] == ["deploy logged in from 203.0.113.9 by publickey SHA256:abc, 2026-11-25T10:00:00Z"]
        assert result["short"] == [gather_evidence.FORGEABLE]

    def test_a_journal_that_may_not_be_read(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        """journalctl would show nothing and end well, which must not be taken for "nobody"."""
        machine.journal("true")
        monkeypatch.setattr(gather_evidence.os, "access", lambda _path, _mode: False)
        result = machine.gathered()
        assert result["lines"] == []
        assert result["short"][0] == "logins: this user may not read the systemd journal; use become"

    def test_a_journal_that_fails(self, machine: Machine) -> None:
        machine.journal("exit 3")
        assert machine.gathered()["short"][0] == "logins: journalctl failed with exit code 3"

    def test_no_record_at_all_and_wtmp(self, machine: Machine) -> None:
        assert machine.gathered()["short"] == [
            "logins: no systemd journal",
            "logins: no other record can be read",
        ]
        record = gather_evidence.records.UTMP.pack(7, 1, b"", b"", b"root", b"::1", 0, 0, 0, 100, 0, 0, 0, 0, 0, b"")
        (machine.folder / "wtmp").write_bytes(record)
        result = machine.gathered()
        assert result["lines"] == ["root logged in from ::1, 1970-01-01T00:01:40Z"]
        assert result["short"][1] == "logins: read from wtmp only, which names no keys"


class TestDeadline:
    def test_a_journal_that_hangs_keeps_what_it_showed(self, machine: Machine) -> None:
        entry = json.dumps({"__REALTIME_TIMESTAMP": "1764072000000000", "MESSAGE": SAID})
        machine.journal(f"cat <<'X'\n{entry}\nX\nexec sleep 600")
        machine.write("home/deploy/.ssh/authorized_keys", f"{key('me')} me\n")
        result = machine.gathered(seconds=4.0)
        assert [line.split()[0] for line in result["lines"]] == ["deploy", "unknown"]
        assert result["short"] == ["logins: the systemd journal was not read to its end: the time limit was reached"]

    def test_a_sort_that_hangs_is_named_and_costs_the_others_nothing(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine.journal("true")
        over = threading.Event()
        monkeypatch.setattr(all_accounts, "paths", lambda _patterns: over.wait() and [])
        result = machine.gathered(seconds=3.0)
        over.set()
        assert result["short"] == ["authorized_keys: incomplete after 3 s"]
        assert result["lines"] == ["no login by SSH"]

    def test_the_look_for_ways_back_in_has_its_own(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        machine.journal("exec sleep 30")
        placed = gather_evidence.Placed("SHA256:x", "deploy_ssh", "deploy", "", leaked=True)
        monkeypatch.setattr(gather_evidence.ways_in.FootholdSearch, "search", lambda *_args: time.sleep(1))
        result = machine.gathered(seconds=0.5, look_seconds=30.0, known=[placed])
        assert result["unfinished"] == ""
        assert not any(line.startswith("ways_in") for line in result["short"])
        result = machine.gathered(seconds=0.5, known=[placed])
        assert (result["short"][-1], result["unfinished"]) == ("ways_in: incomplete after 0 s", "incomplete after 0 s")

    def test_a_defect_is_named(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        placed = gather_evidence.Placed("SHA256:x", "deploy_ssh", "deploy", "", leaked=True)
        monkeypatch.setattr(gather_evidence.ways_in.FootholdSearch, "search", lambda *_args: int("x"))
        result = machine.gathered(known=[placed], only_ways_in=True)
        assert (result["short"], result["unfinished"]) == (["ways_in: ValueError"], "ValueError")

    def test_systemd_that_gives_no_answer(self, machine: Machine) -> None:
        machine.program("systemctl", "exec sleep 30")
        machine.journal("true")
        assert machine.gathered(seconds=3.0, units=["web.service"])["short"] == [
            "processes: systemctl: failed or was too slow"
        ]


class TestKeys:
    def test_of_every_account_and_place(self, machine: Machine) -> None:
        machine.journal("true")
        machine.write("sshd_config", "AuthorizedKeysFile .ssh/authorized_keys\n")
        machine.write(
            "sshd_config.d/a.conf", f"AuthorizedKeysFile .ssh/authorized_keys {machine.folder}/keys/%u %h/k\n"
        )
        machine.write("home/deploy/.ssh/authorized_keys", f"{key('one')} one\n{key('known')} known\n")
        machine.write("keys/root", f"{key('two')} two\n")
        machine.write("home/root/k", f"{key('three')} three\n")
        machine.write("home/root/.ssh/authorized_keys2", f"{key('five')} five\n")
        known = gather_evidence.records.key_of(key("known").encode())
        assert known is not None
        ours = gather_evidence.Placed(known.fingerprint, "deploy_ssh", "deploy", "", leaked=True)
        result = machine.gathered(known=[ours])
        messages = [line for line in result["lines"] if line.startswith("unknown")]
        names = sorted(line.partition("(")[2].partition(")")[0] for line in messages)
        assert names == ["five", "one", "three", "two"], "in the default places too"
        assert result["short"] == []
        assert "AAAA" in key("one")
        assert "AAAA" not in str(result)

    @pytest.mark.parametrize(("account", "file"), [("deploy", ""), ("", ".ssh/authorized_keys"), ("nobody-here", "")])
    def test_a_leaked_one_in_another_account(self, machine: Machine, account: str, file: str) -> None:
        """Its own account is by default the one that Ansible logs in as."""
        machine.journal("true")
        for name in ("deploy", "root"):
            machine.write(f"home/{name}/.ssh/authorized_keys", f"{key('ours')} ci\n")
        known = gather_evidence.records.key_of(key("ours").encode())
        assert known is not None
        given = {"fingerprint": known.fingerprint, "credential": "deploy_ssh", "account": account, "file": file}
        placed = gather_evidence.Placed(**given, leaked=True)
        messages = [line for line in machine.gathered(known=[placed])["lines"] if "key" in line]
        start = f"LEAKED key {known.fingerprint} of deploy_ssh (ci) in {machine.folder}/home"
        assert messages[-1].startswith(f"{start}/root/.ssh/authorized_keys, ")
        assert len(messages) == (2 if account == "nobody-here" else 1)

    def test_what_cannot_be_read_and_a_program_that_is_asked(self, machine: Machine) -> None:
        machine.journal("true")
        machine.write("sshd_config", "AuthorizedKeysCommand /usr/bin/keys\nAuthorizedKeysCommandUser nobody\n")
        os.mkfifo(machine.folder / "home/deploy/.ssh/authorized_keys")
        assert machine.gathered()["short"] == [
            "authorized_keys: 1 files cannot be read or are larger than 4 MiB; use become, or check them by hand",
            "authorized_keys: keys that the program of AuthorizedKeysCommand authorizes; check them by hand",
        ]
        machine.write("sshd_config", "AuthorizedKeysCommand none\n")
        assert len(machine.gathered()["short"]) == 1


class TestWaysIn:
    """Of the account that a leaked key opens; this machine's own system is not looked at."""

    def look(self, machine: Machine, since: float) -> list[tuple[str, str]]:
        leaked = gather_evidence.records.key_of(key("leaked").encode())
        assert leaked is not None
        placed = gather_evidence.Placed(leaked.fingerprint, "deploy_ssh", "deploy", "", leaked=True)
        result = machine.gathered(since=since, known=[placed], only_ways_in=True)
        assert (result["lines"], result["short"]) == ([], [])
        return [(item["text"].replace(f"{machine.folder}/home/", ""), item["key"]) for item in result["footholds"]]

    def test_keys_that_somebody_added(self, machine: Machine) -> None:
        machine.write("home/deploy/.ssh/authorized_keys", f"{key('leaked')}\n{key('thief')} me@laptop\n")
        machine.write("home/root/.ssh/authorized_keys", f"{key('other')}\n")
        thief = gather_evidence.records.key_of(key("thief").encode())
        assert thief is not None
        ((text, name),) = self.look(machine, 1.0)
        assert text.startswith(f"unknown key {thief.fingerprint} was added to deploy/.ssh/authorized_keys at ")
        assert name == thief.fingerprint
        assert self.look(machine, time.time() + 1) == []
        assert self.look(machine, 0.0) == [], "not known since when"

    def test_the_key_that_this_very_run_logs_in_with(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        """The journal tells it, and nobody but root writes there."""
        machine.write("home/deploy/.ssh/authorized_keys", f"{key('operator')}\n{key('thief')}\n")
        names = {}
        for name in ("operator", "thief"):
            line = gather_evidence.records.key_of(key(name).encode())
            assert line is not None
            names[name] = line.fingerprint
        for trusted, expected in ((True, ["thief"]), (False, ["operator", "thief"])):
            opened = ssh_sessions.Opened("deploy", names["operator"], "192.0.2.1", 1.0, trusted)
            monkeypatch.setattr(ssh_sessions, "logins_of", lambda pids, opened=opened: {pids[-1]: opened})
            assert [found for _text, found in self.look(machine, 1.0)] == [names[name] for name in expected]

    def test_of_every_account_that_the_key_opens(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(gather_evidence.host_accounts, "may_become_root", lambda *_args: False)
        machine.write("home/root/.ssh/authorized_keys", f"{key('leaked')}\n")
        for name in ("deploy", "root"):
            machine.write(f"home/{name}/.bashrc", "x")
        assert [text.partition(" ")[0] for text, _key in self.look(machine, 1.0)] == ["deploy/.bashrc", "root/.bashrc"]

    def test_a_file_of_keys_that_is_none(self, machine: Machine) -> None:
        """Nobody reads it for us, so nobody knows what it authorizes."""
        os.mkfifo(machine.folder / "home/deploy/.ssh/authorized_keys")
        ((text, _key),) = self.look(machine, 1.0)
        assert text.startswith(
            "deploy/.ssh/authorized_keys is not a regular file of at most 4 MiB, so it was not checked: ls -l "
        )

    def test_many_added_keys(self, machine: Machine) -> None:
        machine.write("home/deploy/.ssh/authorized_keys", "".join(f"{key(str(at))}\n" for at in range(15)))
        texts = [text for text, _key in self.look(machine, 1.0)]
        assert len(texts) == 11
        assert texts[-1] == "5 more unknown keys are in deploy/.ssh/authorized_keys"


def test_processes(machine: Machine) -> None:
    machine.journal("true")
    machine.env.write_text("A=1\n")
    machine.program("systemctl", f"printf 'Id=web.service\\nMainPID={os.getpid()}\\n\\nId=w.service\\nMainPID=0\\n'")
    lines = machine.gathered(units=["web.service", "w.service"])["lines"]
    assert lines[1] == "w.service does not run"
    assert lines[2].startswith("web.service runs since 20")
    assert "BEFORE its file changed" in lines[2]
    machine.program("systemctl", "exit 1")
    assert machine.gathered(units=["web.service"])["short"] == ["processes: systemctl: failed or was too slow"]


class TestModule:
    def test_runs(self, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
        machine.journal("true")
        known = [{"fingerprint": "SHA256:x", "credential": "deploy_ssh", "leaked": True}]
        given = {"path": str(machine.env), "units": ["-x"], "known_keys": known}
        result, _text = run_module(host_evidence.main, given, capsys)
        assert result == {
            "changed": False,
            "lines": ["no login by SSH"],
            "short": [],
            "footholds": [],
            "unfinished": "",
        }

    @pytest.mark.parametrize(
        ("extra", "message"),
        [
            ({"since": "yesterday"}, "since: 'yesterday' is not a time such as 2026-11-20T10:00:00Z"),
            ({"seconds": 0}, "seconds must be at least 1"),
        ],
    )
    def test_bad_input(self, capsys: pytest.CaptureFixture[str], extra: dict[str, Any], message: str) -> None:
        result, _text = run_module(host_evidence.main, {"path": "/nowhere/.env", **extra}, capsys)
        assert result["msg"] == message


class TestServices:
    """Of other managers than systemd."""

    def rows(self, machine: Machine, **declared: Any) -> dict[str, list[str]]:
        entry = {"service": "worker", "manager": "command", "restart": ["true"], "user": "", **declared}
        return machine.gathered(managed=[entry])

    def test_a_process_that_began_before_the_file(self, machine: Machine) -> None:
        machine.env.write_text("KEY=1\n")
        file = machine.write("pid", str(os.getpid()))
        assert "BEFORE its file changed" in " ".join(self.rows(machine, pid_file=str(file))["lines"])

    def test_a_service_whose_process_nobody_names(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        up = State("worker", is_up=True, text="running")
        monkeypatch.setattr(CommandManager, "states", lambda _self: [up])
        assert "services: the start time of worker is unknown" in self.rows(machine)["short"]

    def test_a_manager_that_does_not_answer_costs_the_others_nothing(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def silent(_manager: RunitManager) -> list[State]:
            raise HostError("sv gave no answer")

        monkeypatch.setattr(RunitManager, "states", silent)
        file = machine.write("pid", str(os.getpid()))
        worker = {"service": "worker", "manager": "command", "restart": ["true"], "pid_file": str(file), "user": ""}
        result = machine.gathered(managed=[{"service": "web", "manager": "runit", "units": ["web"]}, worker])
        assert "services: sv gave no answer" in result["short"]
        assert [line for line in result["lines"] if line.startswith("worker runs since ")]
