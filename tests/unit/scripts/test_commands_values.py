# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who gets a value: one program, or one terminal after a record in the audit log."""

from __future__ import annotations

import os
import re
import signal

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import history
from ansible_collections.watchparty.secrets.scripts.commands import values
from tests.unit.scripts.commands_lab import AUDITED, CANARY, LOG_GROUP, Lab


class Started(Exception):
    """In place of the program."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        super().__init__()
        self.argv, self.environment = argv, environment


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Started]:
    result: list[Started] = []
    monkeypatch.setattr(signal, "signal", lambda *_given: None)  # those of the tests' own process stay
    monkeypatch.setattr(os, "execvpe", lambda _program, argv, environment: result.append(Started(argv, environment)))
    return result


class TestExec:
    def test_the_program_has_the_settings(self, lab: Lab, started: list[Started]) -> None:
        lab.store(TOKEN="t", UNDECLARED="u")
        ran = lab.run("exec", "test", "--", "manage.py", "migrate", "--", "x")
        assert started[0].argv == ["manage.py", "migrate", "--", "x"]
        assert started[0].environment["TOKEN"] == f"t{CANARY}"
        assert started[0].environment["MODE"] == "plain"
        assert "UNDECLARED" not in started[0].environment
        assert CANARY not in ran.out + ran.err

    def test_the_operators_credentials_stay_here(
        self, lab: Lab, started: list[Started], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lab.store(TOKEN="t")
        monkeypatch.setenv("HOME_OF_TEST", "kept")
        lab.run("exec", "test", "--", "true")
        lab.run("exec", "test", "--keep-aws", "--", "true")
        without, kept = (item.environment for item in started)
        assert without["HOME_OF_TEST"] == "kept"
        assert "AWS_SECRET_ACCESS_KEY" not in without
        assert without["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
        assert kept["AWS_SECRET_ACCESS_KEY"] == os.environ["AWS_SECRET_ACCESS_KEY"]

    def test_the_shells_own_value_does_not_stand_in_for_an_absent_setting(
        self, lab: Lab, started: list[Started], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lab.store(TOKEN="t")
        monkeypatch.setenv("KEY", "from the shell")
        lab.run("exec", "test", "--", "true")
        assert "KEY" not in started[0].environment

    def test_an_invalid_environment_starts_nothing(self, lab: Lab, started: list[Started]) -> None:
        ran = lab.run("exec", "test", "--", "true")
        assert ran.code == 1
        assert "TOKEN: is missing" in ran.err
        assert not started

    @pytest.mark.parametrize(("pattern", "starts"), [("L*", False), ("LIMIT_*", True)])
    def test_a_parameter_does_not_choose_what_programs_obey(
        self, lab: Lab, started: list[Started], pattern: str, starts: bool
    ) -> None:
        lab.inventory({"application": "app", "settings": {pattern: {"parameter": f"X/{pattern}"}}})
        for name in ("LD_PRELOAD", "LIMIT_LOGIN"):
            lab.client("ssm").put_parameter(Name=f"/app/test/X/{name}", Value=CANARY, Type="SecureString")
        ran = lab.run("exec", "test", "--", "true")
        assert bool(started) == starts, ran
        assert "LD_PRELOAD" not in started[0].environment if starts else "matches L*" in ran.err

    def test_no_command(self, lab: Lab) -> None:
        assert lab.run("exec", "test").code == 2

    def test_the_program_does_not_ignore_a_closed_pipe(
        self, lab: Lab, started: list[Started], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Python does, and a program would inherit that."""
        given: dict[int, object] = {}
        monkeypatch.setattr(signal, "signal", lambda number, handler: given.setdefault(number, handler))
        lab.store(TOKEN="t")
        lab.run("exec", "test", "--", "manage.py")
        assert started
        assert given == {signal.SIGPIPE: signal.SIG_DFL, signal.SIGXFSZ: signal.SIG_DFL}

    def test_an_unknown_program(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(signal, "signal", lambda *_given: None)
        lab.store(TOKEN="t")
        ran = lab.run("exec", "test", "--", "./no-such-program")
        assert ran.code == 2
        assert ran.err.endswith("secrets: ./no-such-program: cannot be started: No such file or directory\n")


@pytest.fixture
def terminal(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Standard output is one, and the audit log exists."""
    monkeypatch.setattr(values, "is_terminal", lambda: True)
    lab.inventory(AUDITED)
    lab.client("logs").create_log_group(logGroupName=LOG_GROUP)
    lab.store(TOKEN="t")
    return lab


class TestGet:
    def test_a_value_after_its_record(self, terminal: Lab) -> None:
        command = "ansible-playbook watchparty.secrets.deploy "  # is completed elsewhere
        terminal.store(TOKEN=command)
        ran = terminal.run("get", "test", "TOKEN", "--reveal")
        assert ran.out == f"{command}{CANARY}\n"
        (record,) = terminal.audit_log()
        assert (record["outcome"], record["settings"]) == ("revealed", ["TOKEN"])
        assert CANARY not in str(record)
        assert history.rotations([record]) == []  # no report shows it as one that failed

    def test_no_record_no_value(self, terminal: Lab) -> None:
        terminal.client("logs").delete_log_group(logGroupName=LOG_GROUP)
        ran = terminal.run("get", "test", "TOKEN", "--reveal")
        assert ran.code == 1
        assert CANARY not in ran.out + ran.err

    def test_no_audit_log_no_value(self, terminal: Lab) -> None:
        terminal.inventory()
        ran = terminal.run("get", "test", "TOKEN", "--reveal")
        assert ran.code == 1
        assert "the catalog has no audit_log" in ran.err
        assert CANARY not in ran.out

    def test_no_terminal_no_value(self, lab: Lab) -> None:
        lab.store(TOKEN="t")
        ran = lab.run("get", "test", "TOKEN", "--reveal")
        assert ran.code == 2
        assert "a terminal only" in ran.err
        assert CANARY not in ran.out

    def test_not_asked_to_reveal(self, lab: Lab) -> None:
        """Everything but the value, also where no terminal and no audit log is."""
        lab.store(TOKEN="t")
        ran, answer = lab.run("get", "test", "TOKEN"), lab.run("get", "test", "TOKEN", "--json").answer
        assert re.match(r"TOKEN: secret app/test/core key TOKEN, version [0-9a-f-]{8}, created 20\S+Z\n", ran.out), ran
        assert "add --reveal" in ran.out
        assert (answer["name"], answer["key"], answer["value"]) == ("app/test/core", "TOKEN", None)
        assert CANARY not in f"{ran}{answer}"
        assert lab.run("get", "test", "MODE").out.startswith("MODE: catalog\n")

    def test_json_with_the_value(self, terminal: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        assert terminal.run("get", "test", "TOKEN", "--reveal", "--json").answer["value"] == f"t{CANARY}"
        assert len(terminal.audit_log()) == 1
        monkeypatch.setattr(values, "is_terminal", lambda: False)
        ran = terminal.run("get", "test", "TOKEN", "--reveal", "--json")
        assert (ran.code, ran.answer["error"]["type"]) == (2, "UsageError")
        assert CANARY not in ran.out

    def test_an_absent_setting_is_not_recorded(self, terminal: Lab) -> None:
        ran = terminal.run("get", "test", "KEY", "--reveal")
        assert ran.code == 1
        assert "KEY: has no value in test" in ran.err

    def test_escape_sequences_do_not_reach_the_terminal(self, terminal: Lab) -> None:
        terminal.store(TOKEN="\x1b]0;title\x07")
        assert "\x1b" not in terminal.run("get", "test", "TOKEN", "--reveal").out
