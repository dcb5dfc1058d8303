# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host or an application that cannot take the file stops itself, and in a leak nobody else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.process import REPOSITORY
from tests import state
from tests.hostile.application_account import APPLICATION, Files, as_root
from tests.integration.harness import Host, Lab

LEAVES = ("-e", "env_deploy_leaves_lost=true")
FORGED = {"accepted": {"journal": 999999999, "snapshot": "s-9", "digest": "d"}, "healthy": None}


def forge(host: Host) -> None:
    """What root on the host can do."""
    mark = state.mark(host.env_file)
    mark.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    mark.write_text(json.dumps(FORGED))
    mark.chmod(0o600)


def link(host: Host) -> None:
    """What the application's account can do."""
    real = host.directory.with_name("real")
    host.directory.rename(real)
    host.directory.symlink_to(real)
    Files.give(APPLICATION, host.directory)


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (
            forge,
            "web1: NOT delivered, its .env was not changed; this host already has the .env of a newer journal",
        ),
        pytest.param(link, "web1 is a symbolic link; give the path that it points to", marks=as_root),
    ],
)
def test_a_leaks_rollout_names_the_host_and_reaches_the_others(lab: Lab, attack: Any, message: str) -> None:
    _first, second = lab.add_hosts(2)
    lab.seed()
    attack(lab.hosts[0])
    run = lab.run(*LEAVES)
    assert run.code == 0, run.output
    second.assert_healthy("1")
    assert message in run.text
    if attack is forge:
        assert lab.run().code != 0, "without a leak somebody shall look at it first"


def role(directory: Path, **variables: Any) -> str:
    """What app_host says of these variables."""
    group_vars = yaml.safe_load((REPOSITORY / "examples/minimal/group_vars/all/secrets_catalog.yml").read_text())
    play: dict[str, Any] = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {**group_vars, "app_environment": "production", **variables},
        "tasks": [{"ansible.builtin.import_role": {"name": "watchparty.secrets.app_host", "tasks_from": "check.yml"}}],
    }
    playbook = directory / "check.yml"
    playbook.write_text(json.dumps([play]))
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks/collections")}
    program = shutil.which("ansible-playbook", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    command = [str(program), "-i", "localhost,", "-c", "local", str(playbook)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False).stdout


def test_the_deploy_user_does_not_join_roots_group(tmp_path: Path) -> None:
    common = {"env_deploy_path": "/srv/shop/.env"}
    assert "failed=0" in role(tmp_path, **common)
    assert "deploy would join the group root; set env_deploy_group" in role(tmp_path, env_deploy_group="root", **common)
