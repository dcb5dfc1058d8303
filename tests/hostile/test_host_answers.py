# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A compromised host has a Python that lies: what it answers reaches the report about that host, and nothing else."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import host_answer, remote_program
from sandbox.process import REPOSITORY
from tests.hostile.programs import programs, sample
from tests.integration.harness import Lab

PROGRAMS = programs()
EVERY_PROGRAM = pytest.mark.parametrize("program", PROGRAMS, ids=lambda item: item.__name__.rpartition(".")[2])
CONTROL: dict[str, Any] = {
    "add_host": {"host_name": "web2", "host_vars": {"ansible_connection": "local"}},
    "add_group": "app_hosts",
    "ansible_facts": {"discovered_interpreter_python": "/tmp/evil"},
    "ansible_connection": "local",
    "discovered_interpreter_python": "/tmp/evil",
    "_ansible_delegated_vars": {"ansible_host": "web2"},
    "_ansible_no_log": False,
    "_ansible_notify": ["restart"],
    "invocation": {"module_args": {}},
    "exception": "Traceback",
    "deprecations": [{"msg": "x"}],
    "unreachable": True,
    "rc": 0,
}
ESCAPES = "\x1b]0;owned\x07 \x9b31m \u202egnp.exe \u200b \u2066x \r\n# heading\u2028next\x7f\x00"


class LyingHost:
    """An action plugin whose host has a Python of the attacker's, which is run, or whose answer is taken as given."""

    def __init__(self, directory: Path, output: str, *, runs: bool = False) -> None:
        self.output = "" if runs else output
        self._task = SimpleNamespace(check_mode=False, diff=True, delegate_to=None, timeout=0)
        self._templar = SimpleNamespace(template=lambda text: text)
        self._connection = SimpleNamespace(has_option=lambda _name: False)
        self.commands: list[str] = []
        (directory / "output").write_text(output, encoding="utf-8")
        self.python = directory / "python"
        self.python.write_text(f"#!/bin/sh\ncat >/dev/null\ncat {shlex.quote(str(directory / 'output'))}\n")
        self.python.chmod(0o755)

    def _low_level_execute_command(self, command: str, *, sudoable: bool = True, in_data: bytes) -> dict[str, Any]:
        self.commands.append(command)
        if self.output:
            return {"rc": 0, "stdout": self.output, "stderr": ""}
        done = subprocess.run(["/bin/sh", "-c", command], input=in_data, capture_output=True, check=False)
        return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}


def answered(program: ModuleType, directory: Path, output: str, *, runs: bool = False) -> dict[str, Any]:
    host = LyingHost(directory, output, runs=runs)
    variables = {"inventory_hostname": "web1", "ansible_python_interpreter": str(host.python)}
    return remote_program.execute(host, program, args={}, task_vars=variables)  # type: ignore[arg-type]


def refusal(program: ModuleType, directory: Path, output: str) -> str:
    """Why the answer is refused; the host counts as lost then, and nothing that it said is used."""
    with pytest.raises(AnsibleConnectionFailure) as error:
        answered(program, directory, output)
    return str(error.value)


def honest(program: ModuleType, text: str = "word") -> dict[str, Any]:
    return {"changed": False, **sample(program.RETURNS, text)}


def test_all_programs_are_attacked() -> None:
    names = {".".join(module.__name__.split(".")[-2:]) for module in PROGRAMS}
    assert {"env_file.main", "modules.host_check", "postgresql.main", "valkey.main", "django.main"} <= names
    assert len(PROGRAMS) >= 11


@EVERY_PROGRAM
def test_every_program_declares_what_it_returns(program: ModuleType) -> None:
    assert isinstance(program.RETURNS, dict)
    assert not set(CONTROL) & {name.rstrip("?") for name in program.RETURNS}


@EVERY_PROGRAM
def test_an_honest_answer_passes_whole(program: ModuleType, tmp_path: Path) -> None:
    answer = honest(program)
    assert answered(program, tmp_path, f"Welcome\n{json.dumps(answer)}\n", runs=True) == answer
    failure = {"failed": True, "msg": "web1: it failed.\n  - why"}
    assert answered(program, tmp_path, json.dumps(failure)) == failure


@EVERY_PROGRAM
@pytest.mark.parametrize("name", CONTROL)
def test_ansibles_control_keys_are_refused(program: ModuleType, name: str, tmp_path: Path) -> None:
    for answer in (honest(program), {"failed": True, "msg": "no"}):
        message = refusal(program, tmp_path, json.dumps({**answer, name: CONTROL[name]}))
        assert message.startswith("web1: its answer was rejected: it has an unexpected key")


@EVERY_PROGRAM
def test_no_escape_reaches_a_text(program: ModuleType, tmp_path: Path) -> None:
    for answer in (honest(program, ESCAPES), {"failed": True, "msg": ESCAPES}):
        result = answered(program, tmp_path, json.dumps(answer))
        texts = list(_texts(result))
        assert texts
        assert all(item == "\n" or item.isprintable() for text in texts for item in text)


def _texts(node: Any) -> Any:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for name, item in node.items():
            yield name
            yield from _texts(item)
    elif isinstance(node, list):
        for item in node:
            yield from _texts(item)


def test_control_keys_do_not_pass_as_names_in_a_report(tmp_path: Path) -> None:
    tried = {"state": "refused", "message": "x"}
    program = next(module for module in PROGRAMS if module.__name__.endswith("revoked_logins_main"))
    answer = {"changed": False, "tried": {"database": tried, "_ansible_no_log": tried, "\u200b_ansible_no_log": tried}}
    assert answered(program, tmp_path, json.dumps(answer)) == {"changed": False, "tried": {"database": tried}}


WRONG: dict[str, Any] = {
    "null": None,
    "a number": 10**100,
    "a list": [[]],
    "a mapping": {"x": {"y": {"z": 1}}},
    "infinity": float("inf"),
}


@pytest.mark.servers  # knows no Ansible
@EVERY_PROGRAM
@pytest.mark.parametrize("wrong", WRONG)
def test_another_type_is_refused_at_every_key(program: ModuleType, wrong: str, tmp_path: Path) -> None:
    for name, shape in program.RETURNS.items():
        if isinstance(shape, tuple) and WRONG[wrong] is None:
            continue
        answer = json.dumps({**honest(program), name.rstrip("?"): WRONG[wrong]})
        assert refusal(program, tmp_path, answer).startswith("web1: its answer was rejected: "), name


@EVERY_PROGRAM
def test_a_bomb_is_refused(program: ModuleType, tmp_path: Path) -> None:
    items = json.dumps({**honest(program), next(iter(program.RETURNS)).rstrip("?"): ["x"] * 20000})
    bombs = (json.dumps({"changed": False, "msg": "x" * host_answer.LARGEST_ANSWER}), '{"msg": ' + "[" * 200000, items)
    for bomb in bombs:
        message = refusal(program, tmp_path, bomb)
        assert message.startswith("web1: its answer was rejected")
        assert len(message) < 1000


def test_words_in_place_of_an_answer_are_printable_and_short(tmp_path: Path) -> None:
    result = answered(PROGRAMS[0], tmp_path, "x" * 100000 + "\x1b[2J\u202e")
    assert result["failed"]
    assert result["msg"].isprintable()
    assert len(result["msg"]) < 1000


@pytest.mark.parametrize("claim", ["0.0.0.0/0", "::/0", "203.0.113.0/24", "0.0.0.0", "everywhere"])
def test_a_host_does_not_claim_a_network_as_its_own_address(claim: str, tmp_path: Path) -> None:
    """A thief's sessions from there would count as the application's."""
    program = next(module for module in PROGRAMS if module.__name__.endswith(".env_file.main"))
    message = refusal(program, tmp_path, json.dumps({**honest(program), "addresses": ["192.0.2.11", claim]}))
    assert message.startswith("web1: its answer was rejected: addresses[] is not an address of one host")


# --- the interpreter -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "discovered",
    [
        "/tmp/evil",
        "/usr/bin/python3; touch /tmp/x",
        "python3",
        "/usr/bin/../../tmp/python3",
        "/usr/bin/python3\n",
        "$(x)",
    ],
)
def test_an_interpreter_that_a_host_names_is_used_only_if_it_is_a_systems_own(discovered: str, tmp_path: Path) -> None:
    host = LyingHost(tmp_path, "")
    facts = {"ansible_facts": {"discovered_interpreter_python": discovered}}
    assert remote_program.interpreter(host, facts) == "python3"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("configured", "command"),
    [
        ("/usr/bin/env python3", "/usr/bin/env python3 "),
        ("~/venv/bin/python", "~/venv/bin/python "),
        ("~deploy/venv/bin/python", "~deploy/venv/bin/python "),
        ("/x/python$(touch y)", "'/x/python$(touch' 'y)' "),
        ("'/srv/an application/python'", "'/srv/an application/python' "),
        ("~/x;touch y", "~/'x;touch' y "),
    ],
)
def test_a_configured_interpreter_is_quoted(configured: str, command: str, tmp_path: Path) -> None:
    host = LyingHost(tmp_path, "")
    variables = {"ansible_python_interpreter": configured}
    remote_program.execute(host, PROGRAMS[0], args={}, task_vars=variables)  # type: ignore[arg-type]
    assert f" sh no 4 {command}" in host.commands[0]


# --- the whole way, through Ansible ----------------------------------------------------------------------------------


def _played(lab: Lab, web1: str, plays: str, *, web2: dict[str, Any]) -> Any:
    """The plays on web1, whose Python answers ``web1``, and web2; whoever is run as evil leaves what it was sent."""
    directory = lab.directory
    lying = LyingHost(directory, web1.replace("EVIL", str(directory / "evil")))
    evil = directory / "evil"
    evil.write_text(f"#!/bin/sh\ncat >{directory}/stolen\n")
    evil.chmod(0o755)
    local = {"ansible_connection": "local", "ansible_python_interpreter": str(lying.python)}
    inventory = {"all": {"hosts": {"web1": local, "web2": {"ansible_connection": "local", **web2}}}}
    (directory / "hosts.json").write_text(json.dumps(inventory), encoding="utf-8")
    (directory / "play.yml").write_text(plays, encoding="utf-8")
    paths = {"ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections"), "ANSIBLE_PIPELINING": "1"}
    program = Path(sys.executable).parent / "ansible-playbook"
    return subprocess.run(
        [str(program), "-i", "hosts.json", "play.yml"],
        cwd=directory,
        env={**lab.environment(), **paths},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


DELIVERY = """
- hosts: web2
  gather_facts: false
  tasks:
    - watchparty.secrets.env_file: {path: "{{ playbook_dir }}/.env", mark: false, env: {SECRET_KEY: a-value-of-web2}}
"""


def test_a_host_does_not_redirect_another_hosts_delivery_to_the_controller(lab: Lab) -> None:
    """Seen to run its program on the controller, with the other host's .env, on ansible-core 2.19."""
    variables = {"ansible_connection": "local", "ansible_python_interpreter": "EVIL"}
    answer = {"changed": True, "lines": [], "short": [], "add_host": {"host_name": "web2", "host_vars": variables}}
    plays = "- hosts: web1\n  gather_facts: false\n  tasks:\n    - watchparty.secrets.host_evidence: {path: /x}\n"
    plays += "      ignore_unreachable: true\n      ignore_errors: true\n" + DELIVERY
    run = _played(lab, json.dumps(answer), plays, web2={"ansible_python_interpreter": sys.executable})
    assert not (lab.directory / "stolen").exists()
    assert (lab.directory / ".env").exists(), run.stdout + run.stderr
    assert (lab.directory / ".env").read_text().endswith("SECRET_KEY='a-value-of-web2'\n"), run.stdout
    assert "its answer was rejected" in run.stdout + run.stderr


def test_a_host_does_not_choose_another_hosts_interpreter(lab: Lab) -> None:
    """Seen to receive the other host's .env, from a task with run_once."""
    answer = {"changed": True, "lines": [], "short": [], "ansible_facts": {"discovered_interpreter_python": "EVIL"}}
    plays = "- hosts: web1,web2\n  gather_facts: false\n  tasks:\n    - watchparty.secrets.host_evidence: {path: /x}\n"
    plays += "      run_once: true\n      ignore_unreachable: true\n      ignore_errors: true\n" + DELIVERY
    run = _played(lab, json.dumps(answer), plays, web2={})
    assert not (lab.directory / "stolen").exists()
    assert (lab.directory / ".env").exists(), run.stdout + run.stderr
    assert (lab.directory / ".env").read_text().endswith("SECRET_KEY='a-value-of-web2'\n"), run.stdout
