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

from sandbox.aws import REGION
from sandbox.process import REPOSITORY
from tests import state
from tests.integration.canaries import Canaries, in_files
from tests.integration.harness import Lab, layout
from tests.integration.prefork import COLLECTIONS

pytestmark = pytest.mark.slow
CHECK = "--check"
JOBS: tuple[tuple[str, tuple[str, ...], int, str], ...] = (
    ("baseline", (), 0, "are recorded"),
    ("ci_env", (), 2, "this is not a job of GitHub Actions"),
    ("deploy", (CHECK,), 0, "API_TOKEN"),
    ("env_encrypt", (), 0, "is written"),
    ("env_decrypt", (), 0, "is written"),
    ("env_example", (), 0, "is written"),
    ("fetch", (CHECK,), 0, "API_TOKEN"),
    ("github_sync", (), 2, "add github: {repository: OWNER/NAME}"),
    ("github_workflow", (), 0, "is written"),
    ("host", (CHECK,), 2, "app_host_sudo"),
    ("host_keys", (), 0, "ssh_host_keys"),
    ("impact", ("leak_credentials=token",), 0, "token"),
    ("import", (), 2, "import_file=FILE"),
    ("leak_alert", (), 2, "leak_alert_credentials"),
    ("leak_response", (), 2, "leak_credentials="),
    ("mirror", (CHECK,), 0, "SECRET_KEY"),
    ("provision", (CHECK, "aws_access_adopt=alias/shop-production"), 0, "shop-production-host"),
    ("provision_values", (CHECK,), 0, "shop/production/core"),
    ("rotate", ("rotation_credentials=token",), 2, "rotation_values_file"),
    ("rotation_due", (), 2, "token"),
    ("rotation_elsewhere", (), 2, "rotation_elsewhere=NAME"),
    ("rotation_forget", (), 2, "rotation_forget=NAME"),
    ("rotation_prepare", (), 2, "rotation_credentials=NAME"),
    ("rotation_report", (), 0, "token"),
    ("scan", (), 2, "scan_repositories"),
    ("set", ("set_names=API_TOKEN",), 2, "set_value_file=FILE"),
    ("validate", (), 0, "API_TOKEN"),
    ("verify", ("verify_only=git",), 0, "report:"),
)
"""Each playbook, its arguments, exit code, and a part of its output. A missing answer is named, not waited for."""


def job(lab: Lab, name: str, playbook: str | Path, *given: str) -> tuple[int, str]:
    """The exit code and the output of a job, whose artifacts are in a folder of its name."""
    program, _option, inventory, path, *arguments = lab.command("-vvvv", "--diff", *given, playbook=lab.root / playbook)
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


@pytest.fixture
def canaries(lab: Lab) -> Canaries:
    """A lab whose playbooks all have something to do."""
    canaries = Canaries()
    lab.add_hosts()
    lab.seed(layout("1", token=canaries.value))
    lab.catalog["credentials"] = {"token": {"kind": "external", "appears_in": [{"setting": "API_TOKEN"}]}}
    lab.catalog["encrypted_env"] = {"file": str(lab.directory / "{environment}.env.enc")}
    lab.catalog["environments"]["production"]["region"] = REGION
    lab.catalog["mirror"] = {}
    kms = lab.moto.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/shop-production", TargetKeyId=key)
    lab.moto.client("logs").create_log_group(logGroupName="/shop/audit")
    return canaries


def test_every_playbook_is_listed() -> None:
    playbooks = {path.stem for path in (REPOSITORY / "playbooks").glob("*.yml")}
    assert playbooks == {name for name, *_rest in JOBS}


@pytest.mark.long
def test_every_playbook(lab: Lab, canaries: Canaries) -> None:
    wrong = []
    for name, arguments, code, text in JOBS:
        given = [word for item in arguments for word in ((item,) if item.startswith("-") else ("-e", item))]
        ended, output = job(lab, name, f"playbooks/{name}.yml", *given)
        if ended != code or text not in output:
            wrong.append(f"{name}: exit code {ended} instead of {code}, or without {text!r}:\n{output[-1500:]}")
        assert list((lab.directory / "runner" / "artifacts" / name / "job_events").glob("*.json")) or ended
    assert not wrong, "\n".join(wrong)
    decrypted = lab.directory / "runner" / ".env"
    assert in_files([lab.directory], canaries, allowed=[decrypted]) == []


def test_a_question_fails(lab: Lab) -> None:
    lab.add_hosts()
    lab.seed()
    code, output = job(lab, "set", "playbooks/set.yml", "-e", "set_names=API_TOKEN")
    assert code == 2, output
    assert "ansible-runner gives this run a terminal that no person reads" in output
    assert "set_value_file=FILE" in output
