# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Time that Ansible needs to read a playbook: ``ansible-playbook --list-tasks``, compared with a playbook without
tasks."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from bench.run import Meter, Run
from bench.scene import ansible_playbook
from sandbox.process import REPOSITORY, SandboxError, clean_environment

EMPTY = "- name: Do nothing\n  hosts: all\n  gather_facts: false\n  tasks: []\n"


def read(name: str) -> Run:
    """Lists the tasks of a playbook of this collection; ``empty.yml`` has none."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        home = Path(directory)
        path = REPOSITORY / "playbooks" / name
        if name == "empty.yml":
            path = home / name
            path.write_text(EMPTY, encoding="utf-8")
        (home / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")
        meter = Meter()
        done = subprocess.run(
            [ansible_playbook(), "-i", "localhost,", "--list-tasks", str(path), "-e", "app_environment=production"],
            cwd=REPOSITORY,
            env=clean_environment(HOME=directory, LC_ALL="C.UTF-8", ANSIBLE_CONFIG=str(home / "ansible.cfg")),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        run = meter.run()
    if done.returncode:
        raise SandboxError(f"{name} cannot be read:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return run
