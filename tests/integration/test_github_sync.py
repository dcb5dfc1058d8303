# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""github_sync.yml end to end, against an API that opens the sealed boxes that it is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.process import write_private
from tests.integration import harness
from tests.integration.github_server import REPOSITORY, TOKEN, GitHub
from tests.integration.harness import ENVIRONMENT, Lab, Run
from tests.unit.plugins.plugin_utils._github.test_job_env import Runner

PLAYBOOK = "playbooks/github_sync.yml"
RECORDS = f"/shop-github/{ENVIRONMENT}"
GIVEN = "canary-given-private-key\nwith a second line\n"
READS = re.compile(r"(Get|BatchGet|List|Describe)[A-Z]")


@pytest.fixture
def github() -> Iterator[GitHub]:
    with GitHub() as server:
        server.environment("prod")
        yield server


@pytest.fixture
def synced(lab: Lab, github: GitHub) -> Lab:
    """A lab whose catalog mirrors from every source to every scope."""
    extra = {
        "SSH_PRIVATE_KEY": {"github": "secret", "sensitivity": "high"},
        "SERVER_HOST": {"inventory": "ansible_host", "github": "secret"},
        "SERVER_NAMES": {"inventory": "inventory_hostname", "github": "variable", "type": "list"},
        "PROJECT_DIR": {"inventory": "project_dir", "github": "variable"},
    }
    lab.catalog = harness.catalog(
        extra=extra, github={"repository": REPOSITORY, "environment": "prod", "api_url": github.url}
    )
    settings = lab.catalog["settings"]
    settings["SECRET_KEY"]["github"] = "secret"
    settings["API_TOKEN"] |= {"github": "secret", "github_scope": "environment"}
    settings["DATABASE_URL"] |= {"github": "secret", "github_scope": "organization"}
    settings["GENERATION"] |= {"github": "variable"}
    settings["MODE"] |= {"github": "secret"}
    lab.catalog["credentials"] = {
        "database": {"kind": "postgresql_role", "appears_in": [{"setting": "DATABASE_URL"}, {"github": "DB_PASSWORD"}]}
    }
    lab.add_hosts(2, project_dir="/srv/shop")
    for host in lab.hosts:
        lab.host_vars[host.name]["ansible_host"] = "127.0.0.1"
    lab.seed(harness.layout(token=lambda name: f"canary-{name.lower()}-" + "x" * 50))
    return lab


def sync(lab: Lab, *arguments: str, token: str | None = TOKEN, **environment: str) -> Run:
    return lab.run(*arguments, playbook=PLAYBOOK, environment={"GITHUB_TOKEN": token, **environment})


def values_file(lab: Lab, **values: str) -> tuple[str, str]:
    path = lab.directory / "values.yml"
    write_private(path, json.dumps(values))
    return "-e", f"github_values_file={path}"


def records(lab: Lab) -> dict[str, Any]:
    client = lab.moto.client("ssm")
    pages = client.get_paginator("get_parameters_by_path").paginate(Path=RECORDS, Recursive=True)
    return {
        parameter["Name"].removeprefix(RECORDS): parameter["Value"]
        for page in pages
        for parameter in page["Parameters"]
    }


def test_what_arrives_is_what_the_stores_hold_and_a_second_run_sends_nothing(synced: Lab, github: GitHub) -> None:
    planned = sync(synced, "--check", "--diff", *values_file(synced, SSH_PRIVATE_KEY=GIVEN))
    assert planned.code == 0, planned.output
    assert github.writes() == []
    assert [operation for operation in planned.operations if not READS.match(operation)] == []
    assert "+secret SECRET_KEY (repository): GitHub has none" in planned.text

    run = sync(synced, "-vvvv", "--diff", *values_file(synced, SSH_PRIVATE_KEY=GIVEN))
    assert run.code == 0, run.output
    database = "canary-database_password-" + "x" * 50
    assert github.repository.values == {
        "SECRET_KEY": "canary-secret_key-" + "x" * 50,
        "MODE": "production",
        "DB_PASSWORD": database,
        "SSH_PRIVATE_KEY": GIVEN,
        "SERVER_HOST": "127.0.0.1",
        "SERVER_NAMES": "web1,web2",
        "PROJECT_DIR": "/srv/shop",
        "GENERATION": "1",
    }
    assert github.environments["prod"].values == {"API_TOKEN": "canary-api_token-" + "x" * 50}
    assert github.organization is not None
    assert github.organization.values == {"DATABASE_URL": f"postgresql://shop:{database}@db.example.com:5432/shop"}
    # Every scope's key is fetched once, and nothing but sealed boxes and low variables was sent.
    keys = [request.path for request in github.requests if request.path.endswith("public-key")]
    assert len(keys) == len(set(keys)) == 3
    for text in (run.output, planned.output, github.log(), json.dumps(records(synced))):
        assert "canary" not in text
    assert sorted(records(synced)) == [
        "/environment/secret/API_TOKEN",
        "/organization/secret/DATABASE_URL",
        *(
            f"/repository/secret/{name}"
            for name in ("DB_PASSWORD", "MODE", "SECRET_KEY", "SERVER_HOST", "SSH_PRIVATE_KEY")
        ),
        *(f"/repository/variable/{name}" for name in ("GENERATION", "PROJECT_DIR", "SERVER_NAMES")),
    ]

    before = github.writes()
    again = sync(synced)
    assert again.code == 0, again.output
    assert github.writes() == before
    assert [operation for operation in again.operations if not READS.match(operation)] == []
    assert again.result("web1")["changed"] == 0
    assert "10 unchanged" in again.text


@pytest.mark.slow
def test_what_is_missing_or_still_read_is_reported(synced: Lab, github: GitHub) -> None:
    refused = sync(synced, token=None)
    assert refused.code != 0
    assert (
        "there is no token for GitHub; run export GITHUB_TOKEN=$(gh auth token), or set GITHUB_TOKEN, "
        "GH_TOKEN or GITHUB_TOKEN_FILE" in refused.text
    )
    assert github.requests == []

    synced.host_vars["web2"]["app_environment"] = "staging"
    foreign = sync(synced)
    assert foreign.code != 0
    assert f"app_environment is {ENVIRONMENT}, but web2 declares staging" in foreign.text
    assert (foreign.operations, github.requests) == ([], [])
    synced.host_vars["web2"]["app_environment"] = ENVIRONMENT

    first = sync(synced)
    assert first.code == 0, first.output
    assert "still missing: SSH_PRIVATE_KEY" in first.text
    del synced.catalog["settings"]["MODE"]
    github.files[".github/workflows/deploy.yml"] = "env: ${{ secrets.MODE }}\n"
    run = sync(synced, "-e", "github_prune=true")
    assert run.code != 0
    assert (
        "MODE is not removed: the catalog no longer names it, but it is read: .github/workflows/deploy.yml:1"
    ) in run.text
    assert github.repository.values["MODE"] == "production"


@pytest.mark.slow
def test_a_job_gets_its_variables_and_only_the_runner_sees_them(synced: Lab) -> None:
    path, log = synced.directory / "github-env", synced.directory / "ansible.log"
    path.touch(mode=0o600)
    where = {"GITHUB_ACTIONS": "true", "GITHUB_ENV": str(path), "ANSIBLE_LOG_PATH": str(log)}
    run = synced.run("-vvvv", playbook="playbooks/ci_env.yml", environment=where)
    assert run.code == 0, run.output
    variables = Runner().file(path.read_text(encoding="utf-8"))
    assert variables["SECRET_KEY"] == "canary-secret_key-" + "x" * 50
    assert variables["MODE"] == "production"
    runner = Runner()
    shown = runner.output(run.output)
    assert "canary" not in shown
    assert "::add-mask::canary-secret_key-" in run.output
    assert "canary" not in log.read_text(encoding="utf-8")
    outside = synced.run(playbook="playbooks/ci_env.yml")
    assert outside.code != 0
    assert "this is not a job of GitHub Actions" in outside.text
    assert "canary" not in outside.output
