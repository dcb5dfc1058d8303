# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run that is forked from a process that has imported Ansible ends as one of the program ansible-playbook does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.integration import prefork
from tests.integration.harness import Lab

pytestmark = pytest.mark.skipif(not prefork.AVAILABLE, reason="runs are forked on Linux alone")

PLAYBOOK = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Show what the run has of its own
      ansible.builtin.debug:
        msg: "{{ lookup('env', item) }}"
      loop: [AWS_PROFILE, HOME, ANSIBLE_HOME]
    - name: Show the folder
      ansible.builtin.command: pwd
      register: folder
    - ansible.builtin.debug: {var: folder.stdout}
    - name: Write a temporary file of the controller
      ansible.builtin.template: {src: "{{ playbook_dir }}/text", dest: "{{ playbook_dir }}/written"}
    - ansible.builtin.fail: {msg: reason}
"""


@pytest.fixture
def playbook(lab: Lab) -> Path:
    path = lab.directory / "own.yml"
    path.write_text(PLAYBOOK)
    (lab.directory / "text").write_text("{{ 1 + 1 }}")
    return path


def test_it_ends_as_the_program_does(lab: Lab, playbook: Path) -> None:
    variables = {"AWS_PROFILE": "own"}
    (lab.directory / "written").write_text("2")
    lab.run(playbook=playbook)
    forked = lab.run(environment=variables, playbook=playbook)
    lab.forks = False
    program = lab.run(environment=variables, playbook=playbook)
    assert (forked.code, stable(forked.output)) == (program.code, stable(program.output)) != (0, "")
    assert '"msg": "own"' in program.output
    assert "reason" in program.output
    assert (lab.directory / "written").read_text() == "2"
    assert list((lab.directory / "local-temp").iterdir()) == [], "each run removes its own folder"


def stable(output: str) -> str:
    """Without what depends on the moment."""
    times = ('"delta"', '"start"', '"end"')
    return "\n".join(line for line in output.splitlines() if not line.strip().startswith(times))


def test_one_that_takes_too_long_is_killed(lab: Lab, playbook: Path) -> None:
    playbook.write_text("- hosts: localhost\n  gather_facts: false\n  tasks: [{ansible.builtin.pause: {seconds: 5}}]\n")
    lab.longest = 2
    with pytest.raises(subprocess.TimeoutExpired):
        lab.run(playbook=playbook)
    lab.longest = 60
    playbook.write_text("- hosts: localhost\n  gather_facts: false\n")
    assert lab.run(playbook=playbook).code == 0, "the next one is served all the same"
