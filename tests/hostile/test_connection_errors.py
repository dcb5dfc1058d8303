# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that ends its session with 255 writes the error that Ansible raises: its text is a host's, like an answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import main as env_file_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import remote_program
from sandbox.process import REPOSITORY
from tests.integration.harness import Lab

ESCAPES = r"\033]0;owned\007\033[2J\033[32mok: [web1]\r\nPLAY RECAP: contained"
PEM = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(f"canary{line:03}" + "Kq7/" * 14 for line in range(200))


class Session:
    """An action plugin whose host writes this to standard error; with 255 the connection plugin raises it."""

    def __init__(self, stderr: str, rc: int = 255) -> None:
        self._task = SimpleNamespace(check_mode=False, diff=False, delegate_to=None, become=False)
        self._templar = SimpleNamespace(template=lambda text: text)
        self._connection = SimpleNamespace(has_option=lambda _name: False)
        self._stderr, self._rc = stderr, rc

    def _low_level_execute_command(self, _command: str, *, sudoable: bool, in_data: bytes) -> dict[str, Any]:
        stderr = self._stderr.replace("SENT", in_data.decode())
        if self._rc == 255:
            raise AnsibleConnectionFailure(f"Failed to connect to the host via ssh: {stderr}")
        return {"rc": self._rc, "stdout": "", "stderr": stderr}


def delivered(session: Session, content: str) -> dict[str, Any]:
    params = remote_program.validated(
        env_file_main.ARGUMENT_SPEC, {"path": "/srv/shop/.env", "snapshot_id": "s", "content": content}
    )
    variables = {"inventory_hostname": "web1", "ansible_python_interpreter": sys.executable}
    return remote_program.execute(session, env_file_main, args=params, task_vars=variables)  # type: ignore[arg-type]


def lost(stderr: str, content: str = "KEY='v'\n") -> str:
    with pytest.raises(AnsibleConnectionFailure) as error:
        delivered(Session(stderr), content)
    return str(error.value)


def test_the_reason_stays_readable() -> None:
    wanted = "Failed to connect to the host via ssh: deploy@web1.example.com: Permission denied (publickey)."
    assert lost("deploy@web1.example.com: Permission denied (publickey).\r\n", "HOST='web1.example.com'\n") == wanted


def test_its_text_is_one_printable_line_of_bounded_length() -> None:
    message = lost("\x1b]0;owned\x07\r\n\u202e[31m" + "x\n" * 1000000 + "the reason\n")
    assert message.isprintable()
    assert len(message) < 1500
    assert message.startswith("Failed to connect to the host via ssh: ")
    assert message.endswith(" the reason")


@pytest.mark.parametrize("repeated", ["SENT", "sh: 1: SENT: not found", f"{PEM}: not found", PEM[300:700]])
@pytest.mark.parametrize("rc", [255, 127])
def test_a_shell_that_repeats_what_it_was_sent_shows_no_part_of_a_value(repeated: str, rc: int) -> None:
    """Seen to show 300 characters of a private key: only whole values were masked."""
    content = f"SECRET_KEY='{PEM}'\n"
    session = Session(repeated, rc)
    try:
        message = str(delivered(session, content)["msg"])
    except AnsibleConnectionFailure as error:
        message = str(error)
    assert "canary" not in message
    assert "Kq7/Kq7/" not in message


def test_no_escape_of_a_lost_host_reaches_the_terminal(lab: Lab) -> None:
    """Seen to clear the screen and to write a recap of its own: Ansible prints the error of a task as it is."""
    directory = lab.directory
    session = directory / "ssh"
    # It reads what it is sent first: an ssh that ends earlier makes Ansible report the pipe, not the text.
    session.write_text(f"#!/bin/sh\n[ -t 0 ] || cat >/dev/null\nprintf '{ESCAPES}' >&2\nexit 255\n")
    session.chmod(0o755)
    web1 = {"ansible_connection": "ssh", "ansible_ssh_executable": str(session), "ansible_ssh_retries": 0}
    (directory / "hosts.json").write_text(json.dumps({"all": {"hosts": {"web1": web1}}}), encoding="utf-8")
    play = "- hosts: web1\n  gather_facts: false\n  tasks:\n    - watchparty.secrets.host_evidence: {path: /x}\n"
    (directory / "play.yml").write_text(play, encoding="utf-8")
    paths = {"ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections"), "ANSIBLE_PIPELINING": "1"}
    run = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "hosts.json", "play.yml"],
        cwd=directory,
        env={**lab.environment(), **paths, "ANSIBLE_FORCE_COLOR": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    output = run.stdout + run.stderr
    assert "owned" in output
    assert "\x1b" not in output
    assert "\nPLAY RECAP: contained" not in output
