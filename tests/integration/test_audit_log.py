# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""audit_log as a user meets it: ansible-playbook, a catalog, and moto's CloudWatch Logs and S3 over HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import Fault
from sandbox.process import REPOSITORY
from tests.integration.harness import Lab, Run, catalog

pytestmark = pytest.mark.slow

GROUP = "/shop/audit"
STREAM = {"logGroupName": GROUP, "logStreamName": "shop/production"}
BUCKET = "shop-audit"
SHOWN = ("changed", "head", "where", "problems", "msg", "kept", "records", "behind", "id")
BODIES = {"logs": {"log_group": GROUP}, "s3": {"s3": f"s3://{BUCKET}/records"}}


def record(number: int = 1, **extra: Any) -> dict[str, Any]:
    return {
        "rotation": f"r{number}",
        "outcome": "completed",
        "who": "ann@laptop",
        "at": "2026-11-25T10:00:00Z",
        "credentials": ["database"],
        **extra,
    }


class Log:
    """The lab's audit log."""

    def __init__(self, lab: Lab, kind: str) -> None:
        self.lab = lab
        lab.catalog = catalog(audit_log=BODIES[kind])
        lab.add_hosts()
        lab.host_vars["web1"] = {"ansible_connection": "local", "app_environment": "production"}
        self.path = lab.directory / "audit.jsonl"
        self.changelog = lab.directory / "CHANGELOG.md"
        if kind == "logs":
            lab.moto.client("logs").create_log_group(logGroupName=GROUP)
        else:
            where = {"LocationConstraint": "eu-west-3"}
            lab.moto.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)

    def run(
        self, state: str, *arguments: str, environment: Mapping[str, str | None] | None = None, **options: Any
    ) -> tuple[Run, dict[str, Any]]:
        task = {
            "watchparty.secrets.audit_log": {
                "catalog": "{{ secrets_catalog }}",
                "environment": "production",
                "state": state,
                **options,
            },
            "register": "answer",
            "ignore_errors": True,
        }
        shown = {"ansible.builtin.debug": {"msg": "answer:{{ answer | to_json | b64encode }}:"}}
        play = {"hosts": "app_hosts", "gather_facts": False, "tasks": [task, shown]}
        playbook = self.lab.directory / "playbook.json"
        playbook.write_text(json.dumps([play]))
        places = {"ANSIBLE_COLLECTIONS_PATH": str(self.lab.root / "playbooks" / "collections")}
        run = self.lab.run(*arguments, playbook=playbook, environment={**places, **(environment or {})})
        assert run.code == 0, run.output
        return run, json.loads(base64.b64decode(run.output.partition("answer:")[2].partition(":")[0]))

    def recorded(self, number: int = 1, *arguments: str, **options: Any) -> dict[str, Any]:
        options = {"path": str(self.path), "changelog": str(self.changelog), **options}
        return self.run("recorded", *arguments, record=record(number), **options)[1]


@pytest.fixture(params=["logs", "s3"])
def log(request: pytest.FixtureRequest, lab: Lab) -> Log:
    return Log(lab, request.param)


@pytest.fixture
def logs(lab: Lab) -> Log:
    return Log(lab, "logs")


def test_a_log_from_its_first_record_to_its_verification(log: Log) -> None:
    foreseen = log.recorded(1, "--check")
    assert foreseen["changed"]
    assert not log.path.exists()
    assert not log.changelog.exists()
    first = log.recorded(1)
    assert first["head"] == foreseen["head"]
    assert not log.recorded(1)["changed"]
    second = log.recorded(2)
    lines = log.path.read_text().splitlines(keepends=True)
    assert [json.loads(line)["rotation"] for line in lines] == ["r1", "r2"]
    assert second["head"] == {"number": 2, "digest": hashlib.sha256(lines[1].encode()).hexdigest()}
    assert log.changelog.read_text().count("- 2026-11-25 shop production: database, by ann@laptop (rotation r") == 2

    _run, verified = log.run("verified", head=second["head"], path=str(log.path))
    assert (verified["problems"], verified["records"], verified["behind"]) == ([], 2, 0)

    log.path.write_text(lines[0].replace("ann", "eve") + lines[1])
    _run, verified = log.run("verified", head=second["head"], path=str(log.path))
    assert verified["failed"]
    assert f"{log.path}: differs from the audit log from line 1 on" in verified["problems"]
    run, rebuilt = log.run("rebuilt", path=str(log.path))
    assert log.path.read_text() == "".join(lines)
    assert "eve" in Path(rebuilt["kept"]).read_text()
    assert "the old file was kept as" in run.text


def test_a_cut_off_body_is_found(log: Log) -> None:
    log.recorded(1)
    head = log.recorded(2)["head"]
    if "s3" in log.lab.catalog["audit_log"]:
        key = "records/shop/production/000000000002.json"
        log.lab.moto.client("s3").delete_object(Bucket=BUCKET, Key=key)
    else:
        client = log.lab.moto.client("logs")
        client.delete_log_stream(**STREAM)
        client.create_log_stream(**STREAM)
    _run, verified = log.run("verified", head=head)
    assert verified["failed"]
    assert "but its head is record 2" in verified["msg"]
    third = log.recorded(3, head=head)
    assert third["head"]["number"] == 3, "the chain goes on behind the gap"
    _run, verified = log.run("verified", head=third["head"])
    assert verified["problems"] != []


def test_diff_shows_the_line(logs: Log) -> None:
    run, _answer = logs.run("recorded", "--diff", record=record())
    assert '+{"application":"shop","at":"2026-11-25T10:00:00Z"' in run.output
    run, _answer = logs.run("recorded", record=record(2))
    assert '+{"application"' not in run.output


def test_a_missing_group(logs: Log) -> None:
    logs.lab.moto.client("logs").delete_log_group(logGroupName=GROUP)
    answer = logs.recorded()
    assert answer["failed"]
    assert "create it by 'aws logs create-log-group --log-group-name /shop/audit'" in answer["msg"]
    assert not logs.path.exists()


@pytest.mark.parametrize(
    ("operation", "message"),
    [("PutLogEvents", "allow logs:PutLogEvents on it"), ("GetLogEvents", "allow logs:GetLogEvents on it")],
)
def test_denied(logs: Log, operation: str, message: str) -> None:
    logs.lab.moto.set_faults(Fault("deny", operation))
    answer = logs.recorded()
    assert answer["failed"]
    assert message in answer["msg"]
    assert answer["error_type"] == "Denied"
    assert not logs.path.exists()


@pytest.mark.parametrize("effect", ["throttle", "lose"])
def test_every_call_fails_at_its_first_try(log: Log, effect: str) -> None:
    log.recorded(1)
    log.lab.moto.set_faults(Fault(effect, calls=tuple(range(1, 40, 2))))
    head = log.recorded(2)["head"]
    log.lab.moto.set_faults()
    _run, verified = log.run("verified", head=head, path=str(log.path))
    assert (verified["problems"], verified["records"]) == ([], 2)


def test_another_account_is_refused(logs: Log) -> None:
    logs.lab.catalog["environments"]["production"]["expected_account_id"] = "999999999999"
    answer = logs.recorded()
    assert "the catalog expects 999999999999" in answer["msg"]
    assert logs.lab.moto.operations()[-1] == "GetCallerIdentity"


def test_a_runners_workspace_is_no_only_place(logs: Log) -> None:
    """Production needs audit_log in the catalog; other environments may do without, and a CI job may not."""
    logs.lab.catalog = catalog(audit_log={})
    answer = logs.recorded()
    assert (
        "audit_log: is required for production; add audit_log: {log_group: /APPLICATION/audit} or {s3: BUCKET/PREFIX}"
        in answer["msg"]
    )
    logs.lab.catalog = catalog(audit_log={}, environments={"production": {"production": False}})
    runner = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(logs.lab.directory)}
    _run, answer = logs.run("recorded", record=record(), path=str(logs.path), environment=runner)
    assert "this is GitHub Actions, and the file would be lost when the job ends" in answer["msg"]
    assert not logs.path.exists()
    run, answer = logs.run("recorded", record=record(), path=str(logs.path))
    assert answer["changed"]
    assert run.operations == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"record": {**record(), "password": "x"}}, "record: has an unknown field; known are"),
        ({"record": {**record(), "reason": "a" * 64}}, "reason: looks like a digest or a key"),
        ({"record": record(), "head": {"number": 1}}, "head: give number and digest as audit_log returned them"),
        ({}, "state is recorded but all of the following are missing: record"),
    ],
)
def test_bad_input(logs: Log, options: dict[str, Any], message: str) -> None:
    run, answer = logs.run("recorded", path=str(logs.path), **options)
    assert answer["failed"]
    assert message in answer["msg"]
    assert "PutLogEvents" not in run.operations
    assert not logs.path.exists()


def commands(name: str) -> str:
    """The commands of the documentation that stand below this mark."""
    text = (REPOSITORY / "docs" / "how-to" / "audit-log.md").read_text(encoding="utf-8")
    return text.split(f"<!-- {name} -->\n```sh\n")[1].split("```")[0]


def shell(log: Log, script: str, *arguments: str) -> str:
    environment = {**log.lab.environment(), "PATH": os.environ["PATH"]}
    argv = ["/bin/sh", "-ceu", script, "sh", *arguments]
    done = subprocess.run(argv, cwd=log.lab.directory, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.skipif(not shutil.which("jq"), reason="no jq: the commands in docs/how-to/audit-log.md were not run")
def test_the_log_is_verified_by_hand(logs: Log) -> None:
    for number in (1, 2, 3):
        head = logs.recorded(number)["head"]
    script = commands("verify")
    assert shell(logs, script, str(logs.path)) == f"3 {head['digest']}\n"
    lines = logs.path.read_text().splitlines(keepends=True)
    for wrong in ([lines[0], lines[2]], [lines[1], lines[0], lines[2]], [lines[0].replace("ann", "eve"), *lines[1:]]):
        logs.path.write_text("".join(wrong))
        assert "does not follow the one before" in shell(logs, script, str(logs.path))


@pytest.mark.skipif(not shutil.which("jq") or not shutil.which("aws"), reason="no aws-cli: no copy was made by hand")
def test_a_copy_is_made_by_hand(log: Log) -> None:
    for number in (1, 2):
        log.recorded(number)
    before = log.path.read_bytes()
    log.path.unlink()
    shell(log, commands(next(iter(log.lab.catalog["audit_log"])).replace("log_group", "logs")))
    assert log.path.read_bytes() == before
