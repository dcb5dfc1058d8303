# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The packaged handler in a bare interpreter, with the events that AWS documents: doubled, lost and mixed up too."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.mirror_function import (
    package as mirror_package,
)
from sandbox.aws import ACCOUNT
from sandbox.faults import Fault
from tests.iam_calls import Asked, grants, usage
from tests.integration.canaries import Canaries
from tests.integration.harness import ENVIRONMENT, Lab, Run
from tests.integration.mirror_function import SCHEDULED, BareFunction, Invocations, event
from tests.integration.mirror_lab import (
    CORE,
    FULL,
    MIRRORED,
    PATH,
    change,
    edit,
    mirror_lab,
    parameters,
    secret,
    values,
)

__all__ = ("mirror_lab",)
NAME = f"shop-{ENVIRONMENT}-mirror"
TOKEN = f"{PATH}/shared/API_TOKEN"
UNSEEN = {
    "Copies ssm:GetParameter": "only where somebody else writes a parameter in the same moment",
    "CopiesKey kms:GenerateDataKey": "for parameters that somebody put into the advanced tier",
    "Log logs:CreateLogStream": "Lambda writes the log",
    "Log logs:PutLogEvents": "Lambda writes the log",
    "Failed sqs:SendMessage": "Lambda queues what failed",
}
"""Granted and not seen in these runs, and why it is granted all the same."""


@pytest.fixture
def function(mirror_lab: Lab, tmp_path: Path) -> BareFunction:
    return BareFunction(tmp_path, mirror_lab.catalog, ENVIRONMENT)


def invoked(lab: Lab, function: BareFunction, *events: dict[str, object], fails: bool = False) -> Invocations:
    run = function.invoke(lab.moto.env(), *events)
    assert set(run.outcomes) == {"FAILED" if fails else "SUCCEEDED"}, run.output
    return run


def put(lab: Lab, token: str, *labels: str) -> str:
    content = json.dumps({**secret(lab), "API_TOKEN": token})
    version: str = lab.moto.client("secretsmanager").put_secret_value(
        SecretId=CORE, SecretString=content, VersionStages=list(labels) or ["AWSCURRENT"]
    )["VersionId"]
    return version


def current(lab: Lab) -> str:
    stages = lab.moto.client("secretsmanager").describe_secret(SecretId=CORE)["VersionIdsToStages"]
    return next(version for version, labels in stages.items() if "AWSCURRENT" in labels)


def assert_mirrored(lab: Lab) -> None:
    now, held = secret(lab), values(lab)
    assert {name: held.get(name) for name in MIRRORED} == {name: now[name.rpartition("/")[2]] for name in MIRRORED}


def test_each_documented_event_leads_to_the_current_values(mirror_lab: Lab, function: BareFunction) -> None:
    lab, manager = mirror_lab, mirror_lab.moto.client("secretsmanager")
    invoked(lab, function, event("PutSecretValue", CORE))
    assert_mirrored(lab)

    before, staged = current(lab), put(lab, "a-staged-token-which-must-not-show", "AWSPENDING")
    assert invoked(lab, function, event("PutSecretValue", CORE, versionStages=["AWSPENDING"])).logs[0]["plan"] == []
    assert "a-staged-token-which-must-not-show" not in values(lab).values()

    manager.update_secret_version_stage(
        SecretId=CORE, VersionStage="AWSCURRENT", MoveToVersionId=staged, RemoveFromVersionId=before
    )
    invoked(lab, function, event("UpdateSecretVersionStage", CORE, versionStage="AWSCURRENT", moveToVersionId=staged))
    assert values(lab)[TOKEN] == "a-staged-token-which-must-not-show"

    manager.update_secret(SecretId=CORE, SecretString=json.dumps({**secret(lab), "API_TOKEN": "an-updated-token"}))
    assert invoked(lab, function, event("UpdateSecret", CORE)).logs[0]["cause"] == "UpdateSecret"
    assert values(lab)[TOKEN] == "an-updated-token"

    held = values(lab)
    manager.delete_secret(SecretId=CORE, RecoveryWindowInDays=7)
    deleted = invoked(lab, function, event("DeleteSecret", CORE, recoveryWindowInDays=7), fails=True)
    assert (
        f"secret {CORE}: scheduled for deletion. The mirror does not change the parameters of these settings"
        in deleted.output
    )
    assert values(lab) == held
    manager.restore_secret(SecretId=CORE)
    assert invoked(lab, function, event("RestoreSecret", CORE)).logs[0]["plan"] == []
    assert_mirrored(lab)


def test_events_doubled_mixed_up_and_lost(mirror_lab: Lab, function: BareFunction) -> None:
    """Ten changes; of their events some come late, some twice, some never. The schedule makes up for the rest."""
    lab, chance = mirror_lab, random.Random(7)
    events = [event("PutSecretValue", CORE, clientRequestToken=str(number)) for number in range(10)]
    late: list[dict[str, object]] = []
    for number, one in enumerate(events):
        put(lab, f"token-number-{number}-of-twenty-characters")
        late += [one] * chance.choice((0, 1, 2))
        if chance.random() < 0.4:
            chance.shuffle(late)
            invoked(lab, function, *late)
            late = []
    invoked(lab, function, SCHEDULED)
    assert_mirrored(lab)
    since = lab.moto.count()
    again = invoked(lab, function, *events[:3], *events[:3], SCHEDULED)
    assert [log["plan"] for log in again.logs] == [[]] * 7
    assert "PutParameter" not in lab.moto.operations(since=since)


def test_what_it_cannot_mirror_fails_and_the_rest_is_done(mirror_lab: Lab, function: BareFunction) -> None:
    lab = mirror_lab
    invoked(lab, function, SCHEDULED)
    edit(lab, TOKEN, "edited-in-the-console")
    change(lab, SECRET_KEY="another-key-of-more-than-twenty-characters")
    run = invoked(lab, function, event("PutSecretValue", CORE), fails=True)
    assert len(run.logs[0]["plan"]) == 2
    assert "was changed by another writer (version 2; the mirror wrote 1)" in run.logs[0]["remaining"]
    assert values(lab)[TOKEN] == "edited-in-the-console"
    lab.catalog["mirror"] = {"deletes": 1}
    function.deploy(lab.catalog, ENVIRONMENT)
    held = set(parameters(lab))
    assert "2 parameters would be deleted, but only 1 may be" in invoked(lab, function, SCHEDULED, fails=True).output
    assert set(parameters(lab)) == held


def test_an_open_rotation_and_an_unreadable_journal(mirror_lab: Lab, function: BareFunction) -> None:
    lab, held = mirror_lab, f"{PATH}/App/SECRET_KEY"
    invoked(lab, function, SCHEDULED)
    plan = {"secrets": {CORE: "v"}, "parameters": {held: "1"}, "credentials": {}, "phases": 1}
    lab.journal(1, rotation="r7", step="create", at="2026-11-25T10:00:00Z", plan=plan)
    before = values(lab)[held]
    change(lab, SECRET_KEY="current-key-that-the-rotation-writes-itself")
    assert invoked(lab, function, event("UpdateSecretVersionStage", CORE)).logs[0]["held"] == [held]
    assert values(lab)[held] == before
    lab.moto.set_faults(Fault("deny", operation="GetObject"))
    refused = invoked(lab, function, SCHEDULED, fails=True)
    assert "cannot be read; allow s3:GetObject on it" in refused.output


def test_no_value_is_in_its_log(mirror_lab: Lab, function: BareFunction) -> None:
    """Of a success, a conflict, a failed write, a secret that is no JSON, and an error that nobody expects."""
    lab, canaries = mirror_lab, Canaries()
    manager = lab.moto.client("secretsmanager")
    change(lab, **{name: canaries.value("DATABASE_PASSWORD") for name in ("SECRET_KEY", "API_TOKEN")})
    output = invoked(lab, function, SCHEDULED, fails=True).output
    assert "was not written by the mirror" in output
    edit(lab, TOKEN, canaries.value("DATABASE_PASSWORD"))
    lab.moto.set_faults(Fault("error", operation="PutParameter"))
    change(lab, DATABASE_URL=f"postgresql://shop:{canaries.value('DATABASE_PASSWORD')}@db.example.com/shop")
    output += invoked(lab, function, SCHEDULED, fails=True).output
    lab.moto.set_faults()
    manager.put_secret_value(SecretId=CORE, SecretString=f"{{ {canaries.value('DATABASE_PASSWORD')}")
    output += invoked(lab, function, SCHEDULED, fails=True).output
    assert "is not JSON" in output
    assert canaries.found(output.encode()) == set()


def test_a_strange_event_is_a_run_like_any_other(mirror_lab: Lab, function: BareFunction) -> None:
    strange: list[Any] = [{}, [], None, "x", {"detail": {"eventName": "a\nb"}}, {"detail": 7}]
    run = invoked(mirror_lab, function, *strange)
    assert [log["cause"] for log in run.logs] == ["schedule"] * len(strange)
    assert_mirrored(mirror_lab)


def test_provision_makes_it_with_its_role(lab: Lab) -> None:
    """--check makes nothing, a second run changes nothing, and the code is what the tests above run."""
    lab.add_hosts()
    lab.catalog["mirror"] = {**FULL, "function": {}}
    lab.seed()

    def provisioned(*arguments: str, tags: str = "mirror") -> Run:
        run = lab.run("--tags", tags, *arguments, playbook="playbooks/provision.yml")
        assert run.code == 0, run.output
        return run

    shown = provisioned("--check", "--diff")
    assert f"create function {NAME}" in shown.text
    functions = lab.moto.client("lambda")
    assert functions.list_functions()["Functions"] == []
    provisioned(tags="access,mirror")
    again = provisioned()
    assert again.result("web1")["changed"] == 0, again.output
    found = functions.get_function(FunctionName=NAME)["Configuration"]
    assert found["Role"] == f"arn:aws:iam::{ACCOUNT}:role/{NAME}"
    package = mirror_package(lab.catalog, ENVIRONMENT)
    assert found["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()

    del lab.catalog["mirror"]
    assert f"function {NAME} still mirrors" in provisioned().text
    deleted = provisioned("-e", "provision_delete_function=true")
    assert f"function {NAME} is deleted, with its rules" in deleted.text
    assert functions.list_functions()["Functions"] == []


def test_its_role_grants_what_it_asks_and_no_more(mirror_lab: Lab, function: BareFunction) -> None:
    lab = mirror_lab
    lab.catalog["mirror"] = {**FULL, "function": {}}
    function.deploy(lab.catalog, ENVIRONMENT)
    since = lab.moto.count()
    invoked(lab, function, SCHEDULED)
    seen = lab.moto.count()
    change(lab, API_TOKEN=None)
    ours = lab.moto.count()
    invoked(lab, function, SCHEDULED)
    assert TOKEN not in values(lab)
    calls = [*lab.moto.calls(since=since)[: seen - since], *lab.moto.calls(since=ours)]
    catalog = catalog_parser.parse(lab.catalog, ENVIRONMENT)
    judged = usage("mirror", Asked(catalog), [call for call in calls if call["operation"] != "GetParametersByPath"])
    assert judged.refused == []
    assert grants("mirror", catalog) - judged.used == set(UNSEEN)
