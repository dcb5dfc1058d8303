# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The workflow that deploys: what it says, and that its last step does with a key what it claims."""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.watchparty.secrets.plugins.filter.catalog import github_workflow
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from sandbox.process import wait_until
from tests.integration.fake_service import ended

ROOT = Path(__file__).parents[4]
CATALOG: dict[str, Any] = {
    "application": "app",
    "audit_log": {"log_group": "/app"},
    "contacts": {"security": "security@example.com"},
    "github": {"repository": "example/app"},
    "settings": {
        "KEY": {"group": "core", "github": "secret", "example": "canary-example"},
        "PLAIN": {"value": "canary-literal", "github": "variable"},
        "HOST": {"inventory": "ansible_host", "github": "variable"},
    },
    "environments": {
        "production": {"region": "eu-west-3", "expected_account_id": "123456789012"},
        "staging": {"region": "eu-west-1", "github": {"environment": "Staging & more"}},
        "ci": {"region": "eu-west-1"},
    },
}


def parsed(**options: Any) -> dict[str, Any]:
    result: dict[str, Any] = yaml.safe_load(github_workflow(CATALOG, **options))
    return result


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("environments", "production", "region"), "eu-west-3\n          evil: 1"),
        (("environments", "production", "region"), "${{ github.event.comment.body }}"),
        (("environments", "production", "github"), {"environment": "x\ny: 1"}),
        (("environments", "production", "github"), {"environment": "${{ inputs.x }}"}),
        (("aws",), {"roles": {"deploy": "x\n        evil: 1"}}),
    ],
)
def test_no_line_or_expression_comes_from_a_value(path: tuple[str, ...], value: Any) -> None:
    document = copy.deepcopy(CATALOG)
    part = document
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    with pytest.raises(AnsibleFilterError, match="does not match"):
        github_workflow(document)


def test_each_environment_has_a_job_of_its_own() -> None:
    jobs = parsed()["jobs"]
    assert list(jobs) == ["production", "staging"]
    assert [job["environment"] for job in jobs.values()] == ["production", "Staging & more"]
    assert jobs["production"]["if"] == "github.event_name == 'push' || inputs.environment == 'production'"
    assert jobs["staging"]["if"] == "inputs.environment == 'staging'"
    for job in jobs.values():
        assert job["permissions"] == {"contents": "read", "id-token": "write"}
        assert job["concurrency"]["cancel-in-progress"] is False
    assert parsed()["permissions"] == {}
    assert list(parsed(environments=["staging", "production"])["jobs"]) == ["staging", "production"]


def test_roles_are_taken_by_identity() -> None:
    given = [
        step["with"]
        for job in parsed()["jobs"].values()
        for step in job["steps"]
        if step.get("uses", "").startswith("aws-actions/")
    ]
    assert given[0]["role-to-assume"] == "arn:aws:iam::123456789012:role/app-production-deploy"
    assert given[0]["allowed-account-ids"] == "123456789012"
    assert given[1]["role-to-assume"] == "${{ vars.AWS_ROLE_TO_ASSUME }}"
    assert [item["aws-region"] for item in given] == ["eu-west-3", "eu-west-1"]


def test_actions_are_pinned_and_no_value_or_static_key_is_there() -> None:
    text = github_workflow(CATALOG)
    used = re.findall(r"uses: (\S+)(.*)", text)
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)
    for word in ("canary", "AWS_ACCESS_KEY", "AWS_SECRET", "upload-artifact", "set -x", "secrets.KEY"):
        assert word not in text
    assert "HOST: ${{ vars.HOST }}" in text
    # Expressions are in env and with alone: in a script they would be run.
    assert not any("${{" in step.get("run", "") for job in parsed()["jobs"].values() for step in job["steps"])


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"branch": "main]\nx: ["}, "may hold letters, digits, dots"),
        ({}, {"inventory": "-e x"}, "inventory: '-e x' may hold"),
        ({}, {"nonsense": "x"}, "nonsense"),
        ({}, {"environments": ["ci"]}, "environments: names no environment that a workflow can deploy"),
        ({"environments": {"production": {}}}, {}, r"environments\.production\.region: is required"),
        ({"application": 1}, {}, "The catalog"),
    ],
)
def test_bad_input(change: dict[str, Any], options: dict[str, Any], message: str) -> None:
    from ansible.errors import AnsibleFilterError

    with pytest.raises(AnsibleFilterError, match=message):
        github_workflow({**CATALOG, **change}, **options)


def test_the_example_is_what_the_catalog_gives() -> None:
    path = ROOT / "examples" / "watchparty" / "group_vars" / "all" / "secrets_catalog.yml"
    catalog = yaml.safe_load(path.read_text(encoding="utf-8"))["secrets_catalog"]
    example = ROOT / "examples" / "github" / "deploy.yml"
    assert github_workflow(catalog) == example.read_text(encoding="utf-8")


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    program = shutil.which("zizmor", path=f"{Path(sys.executable).parent}:{ROOT / '.venv' / 'bin'}")
    if not program:
        pytest.skip("no zizmor: the workflow was not linted")
    (tmp_path / "deploy.yml").write_text(github_workflow(CATALOG), encoding="utf-8")
    results = [program, "--offline", "--persona=auditor", "--no-progress", tmp_path / "deploy.yml"]
    run = subprocess.run(results, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("succeeds", [True, False])
def test_the_key_is_in_an_agent_and_in_no_file(tmp_path: Path, succeeds: bool) -> None:
    """The step's own script, with a program in ansible-playbook's place that looks around."""
    if not shutil.which("ssh-agent"):
        pytest.skip("no ssh-agent: the step that deploys was not run")
    script = parsed()["jobs"]["production"]["steps"][-1]["run"]
    stub = tmp_path / "bin" / "ansible-playbook"
    stub.parent.mkdir()
    stub.write_text(
        f'#!/bin/sh\necho "$@"; ssh-add -l; env; cat "$RUNNER_TEMP/known_hosts"\n'
        f'echo "$SSH_AGENT_PID" > "{tmp_path}/agent"\n'
        f"exit {0 if succeeds else 3}\n",
        encoding="utf-8",
    )
    stub.chmod(0o700)
    key = key_pair.new_private_key()
    environment = {
        "PATH": f"{stub.parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "RUNNER_TEMP": str(tmp_path),
        "SSH_PRIVATE_KEY": key.strip(),
        "SSH_KNOWN_HOSTS": "web1 ssh-ed25519 AAAA",
    }
    run = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == (0 if succeeds else 3), run.stderr
    assert "-i deploy/inventory watchparty.secrets.deploy -e app_environment=production" in run.stdout
    assert key_pair.fingerprint(key, "key") in run.stdout
    assert "web1 ssh-ed25519 AAAA" in run.stdout
    assert "UserKnownHostsFile=" in run.stdout
    middle = key.splitlines()[2]
    assert middle not in run.stdout + run.stderr
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or middle not in path.read_text(errors="replace"), path
    agent = int((tmp_path / "agent").read_text())
    assert wait_until(lambda: ended(agent), seconds=60), "the agent outlived the step"

    refused = subprocess.run(
        ["bash", "-c", script], env={**environment, "SSH_KNOWN_HOSTS": ""}, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert refused.stdout.startswith("::error::SSH_KNOWN_HOSTS is empty")
