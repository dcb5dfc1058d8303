# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A job's variables: masks to the terminal first, then the file, and nothing outside of a job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.action import github_env as action
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError, HostError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from tests.unit.plugins.plugin_utils._github.test_job_env import Runner

KEY, URL = "canary-line-1\ncanary-line-2\n", "postgres://app:canary-password@db/app"
CATALOG: dict[str, Any] = {
    "application": "app",
    "settings": {
        "KEY": {"group": "core"},
        "URL": {"group": "core", "type": "url"},
        "PIN": {"group": "core"},
        "DEBUG": {"value": "False"},
    },
}


class Job:
    """What happens in the job, in order."""

    def __init__(self, path: Path, shown: list[str]) -> None:
        self.path, self.shown = path, shown
        self.document = CATALOG

    def run(self, *, check: bool = False, names: list[str] | None = None) -> dict[str, Any]:
        made = action.ActionModule.__new__(action.ActionModule)
        made._task = SimpleNamespace(check_mode=check)
        specs = {**made.options, **made.extra_options}
        options = {name: item.get("default") for name, item in specs.items()}
        own = {"catalog": self.document, "environment": "ci", "names": names or []}
        result: dict[str, Any] = made.result({**options, **own}, {})
        assert "canary" not in json.dumps(result)
        return result


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Job]:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    path, shown = tmp_path / "env", list[str]()
    path.write_text("EARLIER=value without an end", encoding="utf-8")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_ENV", str(path))

    class Terminal:
        def display(self, line: str, *, screen_only: bool) -> None:
            assert screen_only, "it would reach a log file"
            assert "canary" not in path.read_text(), "it was written before it was masked"
            shown.append(line)

    monkeypatch.setattr(action, "Display", Terminal)
    with mock_aws():
        clients = {name: boto3.client(name, region_name="eu-west-3") for name in ("secretsmanager", "ssm")}
        content = json.dumps({"KEY": KEY, "URL": URL, "PIN": "1234"})
        clients["secretsmanager"].create_secret(Name="app/ci/core", SecretString=content)
        monkeypatch.setattr(AwsConnection, "store_client", lambda _self, service: clients[service])
        yield Job(path, shown)


def test_masks_first_then_variables(job: Job) -> None:
    assert job.run(check=True)["names"] == ["DEBUG", "KEY", "PIN", "URL"]
    assert (job.shown, job.path.read_text()) == ([], "EARLIER=value without an end")
    result = job.run()
    assert result["notes"] == ["PIN: too short to be masked, because the mask would hide too much of the log"]
    values = {"DEBUG": "False", "KEY": KEY, "PIN": "1234", "URL": URL}
    runner = Runner()
    assert runner.file(job.path.read_text()) == {"EARLIER": "value without an end", **values}
    assert runner.output("\n".join(job.shown)) == ""
    shown = runner.output("\n".join(["it is canary-line-2!", URL, "canary-password"]))
    assert shown == "it is ***!\n***\n***"
    assert not any("False" in line or "1234" in line for line in job.shown)


def test_only_some(job: Job) -> None:
    job.path.write_text("", encoding="utf-8")
    assert job.run(names=["URL"])["names"] == ["URL"]
    assert Runner().file(job.path.read_text()) == {"URL": URL}
    assert not any("line-1" in line for line in job.shown)
    with pytest.raises(HostError, match="NOPE: ci has no value of that name"):
        job.run(names=["NOPE"])


@pytest.mark.parametrize("missing", ["GITHUB_ACTIONS", "GITHUB_ENV"])
def test_outside_of_a_job(job: Job, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delenv(missing)
    with pytest.raises(HostError, match="this is not a job of GitHub Actions"):
        job.run()
    assert job.shown == []


def test_a_name_that_would_steer_programs_stops_it_before_anything_is_shown(job: Job) -> None:
    job.document = {**CATALOG, "settings": {**CATALOG["settings"], "NODE_OPTIONS": {"value": "x"}}}
    with pytest.raises(DotenvError, match="NODE_OPTIONS cannot be set in a job"):
        job.run()
    assert job.shown == []


def test_a_file_that_is_not_the_runners(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "link"
    link.symlink_to(job.path)
    for path, message in (
        (link, "Too many levels"),
        (tmp_path / "none", "No such file"),
        (Path("/dev/null"), "not a regular file"),
    ):
        monkeypatch.setenv("GITHUB_ENV", str(path))
        with pytest.raises(HostError, match=rf"\(GITHUB_ENV\): .*{message}"):
            job.run()
    assert "canary" not in job.path.read_text()
