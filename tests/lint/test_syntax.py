# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ansible can load every playbook and role: one process for all of them, instead of one each by ansible-lint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLAYBOOKS = [
    *("playbooks/[a-z]*.yml", "playbooks/common/*.yml", "playbooks/provisioning/*.yml"),
    *("extensions/molecule/shared/*.yml", "extensions/molecule/*/converge.yml", "bench/*.yml"),
]


def checked(*playbooks: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("ansible-playbook")
    return subprocess.run(
        [program, "--syntax-check", "-i", "localhost,", *playbooks],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "playbooks" / "collections")},
        capture_output=True,
        text=True,
        check=False,
    )


def importing(*roles: Path) -> str:
    return json.dumps([{"hosts": "localhost", "tasks": [{"import_role": {"name": str(role)}} for role in roles]}])


def test_ansible_loads_every_playbook_and_role(tmp_path: Path) -> None:
    roles = tmp_path / "roles.yml"
    roles.write_text(importing(*ROOT.glob("roles/*")))
    playbooks = [path for pattern in PLAYBOOKS for path in ROOT.glob(pattern)]
    assert len(playbooks) > 30
    done = checked(roles, *playbooks)
    assert done.returncode == 0, done.stderr


def test_what_cannot_be_loaded_is_found(tmp_path: Path) -> None:
    tasks = tmp_path / "broken" / "tasks" / "main.yml"
    tasks.parent.mkdir(parents=True)
    tasks.write_text("- no_such_module: {}\n")
    roles = tmp_path / "roles.yml"
    roles.write_text(importing(tmp_path / "broken"))
    assert "no_such_module" in checked(roles).stderr
