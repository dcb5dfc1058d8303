# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Jobs of ansible-runner: their artifacts hold no value, and a question fails instead of waiting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import state
from tests.integration.canaries import Canaries, in_files
from tests.integration.harness import Lab, layout
from tests.integration.prefork import COLLECTIONS

pytestmark = pytest.mark.slow
QUESTION = """
- hosts: localhost
  gather_facts: false
  tasks:
    - watchparty.secrets.confirm: {question: Contain it now?}
"""


def job(lab: Lab, name: str, playbook: str | Path) -> tuple[int, str]:
    """The exit code and the output of a job, whose artifacts are in a folder of its name."""
    program, _option, inventory, path, *arguments = lab.command("-vvvv", "--diff", playbook=lab.root / playbook)
    folder = lab.directory / "runner"
    (folder / "env").mkdir(parents=True, exist_ok=True)
    (folder / "env" / "cmdline").write_text(" ".join(arguments), encoding="utf-8")
    (folder / "env" / "settings").write_text(json.dumps({"idle_timeout": 120}), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ansible_runner", "run", folder, "-p", path, "--inventory", inventory, "--ident", name],
        env={
            **lab.environment(),
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "PATH": f"{Path(program).parent}:{os.environ['PATH']}",
        },
        cwd=lab.root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_artifacts_hold_no_value(lab: Lab) -> None:
    (host,) = lab.add_hosts()
    canaries = Canaries()
    lab.seed(layout("1", token=canaries.value))
    for name in ("deploy", "validate"):
        code, output = job(lab, name, f"playbooks/{name}.yml")
        assert code == 0, output
        assert "API_TOKEN" in output
        events = list((lab.directory / "runner" / "artifacts" / name / "job_events").glob("*.json"))
        assert len(events) > 20
    host.assert_healthy("1")
    allowed = [host.env_file, state.backup(host.env_file)]
    assert in_files([lab.directory], canaries, allowed=allowed) == []


def test_a_question_fails(lab: Lab) -> None:
    (lab.directory / "question.yml").write_text(QUESTION, encoding="utf-8")
    code, output = job(lab, "question", lab.directory / "question.yml")
    assert code == 2, output
    assert "ansible-runner gives this run a terminal that no person reads" in output
