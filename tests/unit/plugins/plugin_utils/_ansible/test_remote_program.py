# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The small runtime runs the module as AnsibleModule would, in a Python that sees nothing but what it is sent."""

from __future__ import annotations

import importlib
import importlib.util
import json
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import main as env_file_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import host_answer, remote_program
from tests import state


class Host:
    """An action plugin whose host is this machine."""

    def __init__(self, *, check_mode: bool = False, noise: str = "") -> None:
        self._task = SimpleNamespace(check_mode=check_mode, diff=True, delegate_to=None)
        self._templar = SimpleNamespace(template=lambda text: text)
        self._connection = SimpleNamespace(has_option=lambda _name: False)
        self.commands: list[str] = []
        self._noise = noise

    def _low_level_execute_command(self, command: str, *, sudoable: bool, in_data: bytes) -> dict[str, Any]:
        self.commands.append(command)
        self.sudoable = sudoable
        done = subprocess.run(shlex.split(command), input=in_data, capture_output=True, check=False)
        stdout = self._noise + done.stdout.decode()
        return {"rc": done.returncode, "stdout": stdout, "stderr": done.stderr.decode()}


def run(host: Host, python: str = sys.executable, **args: Any) -> dict[str, Any]:
    params = remote_program.validated(env_file_main.ARGUMENT_SPEC, {"snapshot_id": "s", **args})
    variables = {"ansible_python_interpreter": python}
    return remote_program.execute(host, env_file_main, args=params, task_vars=variables)  # type: ignore[arg-type]


def test_the_file_is_written_and_healthy_in_one_command(tmp_path: Path) -> None:
    host, path = Host(), tmp_path / ".env"
    answer = run(host, path=str(path), content="KEY='canary'\n", assume_healthy=True)
    assert path.read_text() == "KEY='canary'\n"
    assert (answer["changed"], answer["restart_needed"], answer["healthy"]) == (True, True, True)
    assert json.loads(state.mark(path).read_text())["healthy"]["snapshot"] == "s"
    assert "canary" not in json.dumps(answer)
    again = run(host, path=str(path), content="KEY='canary'\n", assume_healthy=True)
    assert (again["changed"], again["restart_needed"], again["healthy"]) == (False, False, True)
    assert not any("canary" in command for command in host.commands)


def test_check_mode_and_diff_reach_the_module(tmp_path: Path) -> None:
    answer = run(Host(check_mode=True), path=str(tmp_path / ".env"), content="KEY='v'\n")
    assert answer["changed"]
    assert "KEY fingerprint" in answer["diff"]["after"]
    assert not list(tmp_path.iterdir())


def test_the_host_expands_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run(Host(), path="~/.env", content="KEY='v'\n")["path"] == str(tmp_path / ".env")


def test_a_failure_is_the_modules_own_words(tmp_path: Path) -> None:
    answer = run(Host(), path=str(tmp_path / "missing" / ".env"), content="KEY='v'\n")
    assert answer["failed"]
    assert "does not exist; create it first" in answer["msg"]


def test_words_before_the_answer_are_passed_over(tmp_path: Path) -> None:
    assert run(Host(noise="Welcome {}\n"), path=str(tmp_path / ".env"), content="KEY='v'\n")["changed"]


def test_no_python_is_reported(tmp_path: Path) -> None:
    no_python = tmp_path / "python"
    no_python.write_text("#!/bin/sh\necho 'python: not found' >&2\nexit 127\n")
    no_python.chmod(0o755)
    answer = run(Host(), python=str(no_python), path=str(tmp_path / ".env"), content="KEY='v'\n")
    assert answer["failed"]
    assert "exit code 127): python: not found" in answer["msg"]
    assert "ansible_python_interpreter" in answer["msg"]


def test_discovery_is_not_run_again() -> None:
    host = Host()
    facts = {"ansible_facts": {"discovered_interpreter_python": "/usr/bin/python3.12"}}
    assert remote_program.interpreter(host, facts) == "/usr/bin/python3.12"  # type: ignore[arg-type]
    assert remote_program.interpreter(host, {"ansible_facts": {}}) == "python3"  # type: ignore[arg-type]


DRIVES = """
from ansible.module_utils.basic import AnsibleModule
ARGUMENT_SPEC = {}
RETURNS = {"driver": str}
def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC)
    import yaml
    module.exit_json(changed=False, driver=yaml.__name__)
"""


def program(directory: Path, source: str) -> Any:
    (directory / "program.py").write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("program", directory / "program.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("private", "become", "sudoable"), [(True, False, False), (True, True, True), (False, False, True)]
)
def test_values_that_the_application_must_not_have_do_not_follow_the_inventorys_become(
    tmp_path: Path, private: bool, become: bool, sudoable: bool
) -> None:
    host = Host()
    host._task.become = become
    module = program(tmp_path, DRIVES)
    variables = {"ansible_python_interpreter": sys.executable}
    how: dict[str, Any] = {"args": {}, "task_vars": variables, "packages": True, "private": private}
    assert remote_program.execute(host, module, **how) == {"changed": False, "driver": "yaml"}  # type: ignore[arg-type]
    assert host.sudoable is sudoable


def test_an_interpreter_that_others_may_change_is_named(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    python.parent.chmod(0o777)
    host = Host()
    host._task.become = False
    variables = {"ansible_python_interpreter": str(python), "inventory_hostname": "web1"}
    how: dict[str, Any] = {"args": {}, "task_vars": variables, "packages": True, "private": True}
    answer = remote_program.execute(host, program(tmp_path, DRIVES), **how)  # type: ignore[arg-type]
    assert answer["failed"]
    assert answer["msg"].startswith(f"web1: {python.parent}: Another account may change it")


SLEEPS = """
from ansible.module_utils.basic import AnsibleModule
ARGUMENT_SPEC = {}
RETURNS = {}
def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC)
    import socket
    silent = socket.create_server(("127.0.0.1", 0))
    socket.create_connection(silent.getsockname()).recv(1)
"""


def test_a_program_that_waits_for_a_silent_server_ends_itself(tmp_path: Path) -> None:
    module = program(tmp_path, SLEEPS)
    variables = {"ansible_python_interpreter": sys.executable, "secrets_host_timeout": "2"}
    answer = remote_program.execute(Host(), module, args={}, task_vars=variables)  # type: ignore[arg-type]
    assert answer["failed"]
    assert answer["msg"].startswith("no answer after 1 s: this host, or a server that it asks")


@pytest.mark.parametrize("timeout", [0, "soon", None, 86401, "inf", "nan"])
def test_a_timeout_that_is_no_number_of_seconds_is_refused(timeout: Any) -> None:
    with pytest.raises(AnsibleActionFail, match="secrets_host_timeout"):
        remote_program._timeout(Host(), {"secrets_host_timeout": timeout})  # type: ignore[arg-type]


def test_a_host_that_is_delegated_to_has_its_own_timeout() -> None:
    host = Host()
    host._task.delegate_to = "web2"
    variables = {"secrets_host_timeout": 5, "ansible_delegated_vars": {"web2": {"secrets_host_timeout": 7}}}
    assert remote_program._timeout(host, variables) == 7  # type: ignore[arg-type]
    assert remote_program._timeout(Host(), {}) == remote_program.DEFAULT_TIMEOUT  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("args", "message"),
    [({"state": "gone"}, "value of state must be one of"), ({"pth": "x"}, "pth"), ({"mark": "perhaps"}, "mark")],
)
def test_options_are_checked_before_anything_is_sent(args: dict[str, Any], message: str) -> None:
    host = Host()
    with pytest.raises(AnsibleActionFail, match=message):
        run(host, path="/x/.env", content="", **args)
    assert not host.commands


EACH = """
import time
from ansible.module_utils.basic import AnsibleModule
ARGUMENT_SPEC = {"do": {"type": "str"}, "secret": {"type": "str", "no_log": True}}
RETURNS = {"did": str}
def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC)
    if module.params["do"] == "crash":
        raise KeyError("a part of %s" % module.params["secret"])
    if module.params["do"] == "fail":
        module.fail_json(msg="no")
    if module.params["do"] == "hang":
        time.sleep(60)
    if module.params["do"] != "nothing":
        module.exit_json(changed=True, did=module.params["do"])
"""
SECRET = "a-canary-of-some-length-that-is-masked"


@pytest.fixture
def each(tmp_path: Path) -> Any:
    """Runs acts by the module above, one execution after the other, and returns the host and what it answered."""
    path = tmp_path / "lean_each.py"
    path.write_text(EACH, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("lean_each", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def start(*acts: Any, seconds: float = 60) -> tuple[Host, list[dict[str, Any]]]:
        host = Host()
        host._task.become = False
        given = [act if isinstance(act, tuple) else (act, None) for act in acts]
        answers = remote_program.execute_each(
            host,  # type: ignore[arg-type]
            module,
            acts=[{"params": {"do": do, "secret": SECRET}, "needs": needs} for do, needs in given],
            task_vars={remote_program.TIMEOUT: seconds},
            python=sys.executable,
        )
        return host, answers

    return start


class TestEach:
    def test_many_acts_are_one_execution(self, each: Any) -> None:
        host, answers = each("one", "two", "three")
        assert [answer["did"] for answer in answers] == ["one", "two", "three"]
        assert all(answer["took"] >= 0 for answer in answers)
        assert len(host.commands) == 1

    def test_one_that_fails_or_crashes_keeps_no_other_from_being_done(self, each: Any) -> None:
        host, answers = each("fail", "crash", "nothing", "four")
        assert [answer.get("failed", False) for answer in answers] == [True, True, True, False]
        assert answers[0]["msg"] == "no"
        assert answers[1]["msg"] == "unexpected error: KeyError (please report it)"
        assert SECRET not in answers[1]["msg"]
        assert answers[2]["msg"] == "the module ended without an answer"
        assert len(host.commands) == 1

    def test_what_needs_one_that_failed_is_not_done(self, each: Any) -> None:
        _host, answers = each("fail", ("two", 0), "three", ("four", 2), ("five", -1))
        assert [answer.get("did") for answer in answers] == [None, None, "three", "four", None]
        assert answers[1]["msg"] == answers[4]["msg"] == "not run, because the action before it failed"

    def test_after_one_that_hangs_the_others_are_done_by_another_execution(self, each: Any) -> None:
        host, answers = each("one", "hang", ("three", 1), ("four", 0), seconds=8)
        assert [answer.get("did") for answer in answers] == ["one", None, None, "four"]
        assert "accepts connections but does not answer. Check the host" in answers[1]["msg"]
        assert len(host.commands) == 2

    def test_a_program_that_does_not_run_is_the_failure_of_each(self, each: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(remote_program, "_BOOT", "raise SystemExit('no such thing')")
        host, answers = each("one", "two")
        assert [answer["failed"] for answer in answers] == [True, True]
        assert "no such thing" in answers[0]["msg"]
        assert len(host.commands) == 1

    @pytest.mark.parametrize(
        "answer",
        [
            {"results": [{"took": 0.1, "result": {"changed": True, "did": "x", "more": 1}}]},
            {"results": [{"took": 0.1, "result": {"changed": True, "did": "x"}, "more": 1}]},
            {"results": [{"took": 0.1, "result": {"changed": True, "did": "x"}}] * 3},
            {"results": [1]},
            {"results": {}},
        ],
    )
    def test_an_answer_of_another_form_is_refused(self, answer: Any) -> None:
        with pytest.raises(host_answer.BadAnswer):
            host_answer.parsed_each(json.dumps(answer), {"did": str}, 2)
