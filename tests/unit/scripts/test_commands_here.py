# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What commands do on this machine: completion, doctor."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from ansible_collections.watchparty.secrets.scripts.commands import definition, doctor
from sandbox.process import REPOSITORY
from tests.unit.scripts.commands_lab import AUDITED, CANARY, LOG_GROUP, Lab, lose_aws


def test_a_machine_without_ansible(tmp_path: Path) -> None:
    for name in ("bin", "scripts"):
        (tmp_path / name).mkdir()
    for name in ("bash", "dirname", "readlink"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    program = shutil.copy(REPOSITORY / "scripts" / "secrets", tmp_path / "scripts")
    environment = {"PATH": str(tmp_path / "bin")}
    run = subprocess.run([program, "list", "test"], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "ansible-playbook was not found; install the packages ansible and boto3" in run.stderr


def test_commands_without_json() -> None:
    without = [command.name for command in definition.COMMANDS if definition.JSON not in command.arguments]
    assert without == ["exec", "completion"]


class TestCompletion:
    @pytest.mark.parametrize(
        ("words", "candidates"),
        [
            (["set", "t"], ["test"]),
            (["set", "test", ""], ["KEY", "LEVEL", "MODE", "TOKEN"]),
            (["set", "test", "TOKEN", "K"], ["KEY"]),
            (["set", "test", "--value-file", "x", "T"], ["TOKEN"]),
            (["rotate", "test", "--check", ""], ["key", "token"]),
            (["rotated-elsewhere", "test", "--at", "1d", ""], ["key", "token"]),
            (["deploy", "test", "--limit", ""], ["web1"]),
            (["diff", "test", "o"], ["other"]),
            (["list", "-i", "hosts.yml", "o"], ["other"]),
            (["get", "test", "--r"], ["--reveal"]),
            (["completion", ""], ["bash", "zsh"]),
            (["scan", "test", ""], []),
            (["no-such-command", ""], []),
        ],
        ids=str,
    )
    def test_names_and_options(self, lab: Lab, words: list[str], candidates: list[str]) -> None:
        lab.inventory(web1="test", web2="other")
        lab.store(TOKEN="t")
        ran = lab.run("complete", "--", *words)
        assert ran.out.split() == candidates
        assert CANARY not in ran.out + ran.err

    @pytest.mark.parametrize("words", ["complete -- get test --r", "complete -- completion z", "completion zsh", "-h"])
    def test_what_needs_no_inventory_needs_no_package(self, words: str) -> None:
        """-S leaves out every package that is installed, such as Ansible, which takes longer than all the rest."""
        program = REPOSITORY / "scripts" / "commands" / "__main__.py"
        run = subprocess.run([sys.executable, "-S", program, *words.split()], capture_output=True, check=False)
        assert run.returncode == 0, run.stderr
        assert run.stdout

    def test_nothing_is_asked_of_aws(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("boto3.session.Session.client", None)
        assert lab.run("complete", "--", "set", "test", "T").out == "TOKEN\n"

    def test_a_name_that_a_shell_interprets_is_not_offered(self, lab: Lab) -> None:
        lab.inventory(web1="test", web2="$(reboot)")
        assert lab.run("complete", "--", "list", "").out == "test\n"

    @pytest.mark.parametrize("shell", ["bash", "zsh"])
    def test_the_scripts_name_every_command(self, lab: Lab, shell: str) -> None:
        script = lab.run("completion", shell).out
        assert " ".join(command.name for command in definition.COMMANDS) in script

    def test_bash_completes(self, lab: Lab) -> None:
        script = lab.run("completion", "bash").out
        script += 'COMP_WORDS=(secrets ro); COMP_CWORD=1; _secrets; echo "${COMPREPLY[@]}"\n'
        run = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        assert run.stdout == "rotate rotated-elsewhere\n"


@pytest.fixture
def sshd() -> Iterator[int]:
    """Its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _address = server.accept()
            connection.sendall(b"SSH-2.0-test\r\n")
            connection.close()

        thread = Thread(target=answer)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


class TestDoctor:
    def test_good(self, lab: Lab) -> None:
        lab.inventory(AUDITED)
        lab.client("logs").create_log_group(logGroupName=LOG_GROUP)
        lab.store(TOKEN="t")
        ran = lab.run("doctor", "test", "--json")
        states = {finding["subject"]: finding["state"] for finding in ran.answer["findings"]}
        assert states.pop("host web1") == "problem"  # nothing listens there
        assert set(states.values()) == {"good"}
        assert {
            "python",
            "ansible-core",
            "boto3",
            "watchparty.secrets",
            "amazon.aws",
            "catalog",
            "account",
            "stores",
            "audit log",
        } == set(states)
        assert CANARY not in ran.out

    def test_no_access(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        lose_aws(monkeypatch)
        ran = lab.run("doctor", "test")
        assert ran.code == 3
        assert "no access    account: AWS could not be reached" in ran.out

    def test_no_inventory(self, lab: Lab) -> None:
        (lab.folder / "hosts.yml").unlink()
        ran = lab.run("doctor", "test")
        assert ran.code == 1
        assert "problem      inventory: no inventory" in ran.out

    def test_an_old_package(self) -> None:
        finding = doctor._package("boto3", "99")
        assert (finding.state, finding.remedy) == ("problem", "pip install 'boto3>=99'")
        assert doctor._package("no-such-package", "1").message == "is not installed, or its version is unknown"
        assert doctor._collection("amazon.aws", "99").message.endswith(" is too old")

    @pytest.mark.parametrize("requirement", [">=2.19.0", ">=2.19.0,<2.30", "!=2.19.1, >= 2.19.0"])
    def test_the_lowest_version_that_the_collection_declares(self, requirement: str) -> None:
        assert doctor._lowest(requirement) == "2.19.0"

    def test_a_host_that_answers(self, sshd: int) -> None:
        finding = doctor._host("hosts.yml", "web1", {"ansible_host": "127.0.0.1", "ansible_port": sshd})
        assert finding.state == "good"

    @pytest.mark.parametrize(
        ("variables", "state"),
        [
            ({"ansible_host": "127.0.0.1", "ansible_port": 9}, "problem"),
            ({"ansible_connection": "local"}, "good"),
            ({"ansible_ssh_common_args": "-o ProxyJump=bastion"}, "not checked"),
        ],
        ids=["refused", "local", "jump"],
    )
    def test_other_hosts(self, variables: dict[str, object], state: str) -> None:
        assert doctor._host("hosts.yml", "web1", variables).state == state
