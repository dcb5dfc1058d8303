# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mirror's function, made in moto: once, again without a change, and mended where somebody changed it."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.action import mirror_function
from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, ProvisionError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.account_region import AccountRegion
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.former_mirror_function import (
    FormerMirrorFunction,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.mirror_function import (
    MirrorDeployment,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.mirror_function import (
    package as mirror_package,
)
from tests import provision_rights
from tests.unit.plugins.action.local_action import run_action
from tests.unit.plugins.store_fixtures import credentials

__all__ = ("credentials",)
NAME, REGION = "shop-production-mirror", "eu-west-3"
DOCUMENT: dict[str, Any] = {
    "application": "shop",
    "settings": {"TOKEN": {"group": "core"}, "HOST": {"secret": "{environment}-hosts", "key": "HOST"}},
    "mirror": {"groups": {"core": "shared"}, "function": {}},
    "environments": {"production": {"production": False}},
}
Client = Callable[[str], Any]
SERVICES = ("lambda", "events", "sqs", "cloudwatch", "logs")


@pytest.fixture
def client() -> Iterator[Client]:
    with mock_aws():
        made = cache(lambda service: boto3.client(service, region_name=REGION))
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
        trust["Statement"][0]["Principal"] = {"Service": "lambda.amazonaws.com"}  # type: ignore[index]
        made("iam").create_role(RoleName=NAME, AssumeRolePolicyDocument=json.dumps(trust))
        yield made


def test_the_documented_policy_lists_what_it_asks(client: Client) -> None:
    """IMPLIED is what AWS asks beside a call's own action, since the call brings tags or a role."""
    asked: set[str] = set()
    for service in SERVICES:
        client(service).meta.events.register(
            "before-call.*.*", lambda model, service=service, **_: asked.add(f"{service}:{model.name}")
        )
    made(client)
    made(client, function={"xray": True})
    former(client).delete()
    implied = {f"{service}:TagResource" for service in ("lambda", "events", "cloudwatch", "logs")}
    assert provision_rights.statements()[provision_rights.MIRROR] == asked | implied | {"sqs:TagQueue", "iam:PassRole"}


def deployment(client: Client, **mirror: Any) -> MirrorDeployment:
    document = copy.deepcopy(DOCUMENT)
    document["mirror"].update(mirror)
    catalog = catalog_parser.parse(document, "production")
    return MirrorDeployment(catalog, document, AccountRegion("123456789012", REGION), client, sleep=lambda _: None)


def made(client: Client, **mirror: Any) -> list[str]:
    steps = deployment(client, **mirror).missing()
    for step in steps:
        step.act()
    return [step.message for step in steps]


def former(client: Client, environment: str = "production") -> FormerMirrorFunction:
    document = {key: value for key, value in DOCUMENT.items() if key != "mirror"}
    return FormerMirrorFunction(catalog_parser.parse(document, environment), client)


class KilledError(Exception):
    """The process is gone."""


def is_killed(client: Client, write: int, act: Callable[[], object]) -> bool:
    """Whether the act came to the write of this number, which is never sent."""
    writes: list[str] = []

    def count(model: Any, **_: Any) -> None:
        writes.extend([] if model.name.startswith(("Get", "List", "Describe")) else [model.name])
        if len(writes) > write:
            raise KilledError

    for service in SERVICES:
        client(service).meta.events.register("before-call.*.*", count)
    try:
        act()
    except KilledError:
        return True
    finally:
        for service in SERVICES:
            client(service).meta.events.unregister("before-call.*.*", count)
    return False


def parts(client: Client) -> list[int]:
    """How much there is of each part."""
    rules = [one["Name"] for one in client("events").list_rules()["Rules"]]
    policies = [client("lambda").get_policy(FunctionName=NAME)["Policy"]] if rules else []
    return [
        len(client("lambda").list_functions()["Functions"]),
        sum(len(json.loads(policy)["Statement"]) for policy in policies),
        sum(len(client("events").list_targets_by_rule(Rule=rule)["Targets"]) for rule in rules),
        len(rules),
        len(client("sqs").list_queues().get("QueueUrls", [])),
        len(client("cloudwatch").describe_alarms()["MetricAlarms"]),
        len(client("logs").describe_log_groups()["logGroups"]),
    ]


def test_killed_at_every_write_and_run_again(client: Client) -> None:
    """What makes it has 13 writes, what deletes it 8."""
    killed = []
    for write in range(13):
        killed.append(is_killed(client, write, lambda: made(client)))
        made(client)
        assert (made(client), parts(client)) == ([], [1, 2, 2, 2, 1, 1, 1]), write
        killed.append(is_killed(client, write, former(client).delete))
        assert former(client).is_there() == killed[-1], write
        former(client).delete()
        assert parts(client) == [0] * 7, write
    assert (sum(killed[::2]), sum(killed[1::2])) == (13, 8)


def test_a_function_of_others_is_none_that_is_left(client: Client) -> None:
    assert not former(client).is_there()
    made(client)
    assert not former(client, "staging").is_there()
    client("lambda").untag_resource(
        Resource=f"arn:aws:lambda:{REGION}:123456789012:function:{NAME}", TagKeys=["ManagedBy"]
    )
    assert not former(client).is_there()


def test_it_is_deleted_when_the_catalog_dropped_it_and_the_operator_asks(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(client)
    warnings: list[str] = []
    monkeypatch.setattr(mirror_function.Display, "warning", lambda _display, line: warnings.append(line))
    dropped = {key: value for key, value in DOCUMENT.items() if key != "mirror"}
    where: dict[str, Any] = {"environment": "production", "region": REGION}

    def run(document: dict[str, Any], **given: Any) -> dict[str, Any]:
        return run_action(mirror_function.ActionModule, catalog=document, **where, **given)

    assert "has mirror.function; remove it there" in run(DOCUMENT, delete=True)["msg"]
    assert run(dropped)["plan"] == []
    (warning,) = warnings
    assert (
        "still mirrors, but the catalog has no mirror.function; delete it by -e provision_delete_function=true"
    ) in warning
    planned = run(dropped, delete=True, check=True)
    assert parts(client)[0] == 1
    assert run(dropped, delete=True) == planned
    assert (planned["changed"], parts(client)) == (True, [0] * 7)
    assert run(dropped, delete=True)["changed"] is False


def test_whoever_may_not_look_is_not_warned(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_former: object) -> bool:
        raise Denied("AWS denies lambda:GetFunction", "")

    monkeypatch.setattr(FormerMirrorFunction, "is_there", denied)
    given: dict[str, Any] = {"catalog": {**DOCUMENT, "mirror": {}}, "environment": "production", "region": REGION}
    assert run_action(mirror_function.ActionModule, **given) == {"changed": False, "plan": []}
    assert run_action(mirror_function.ActionModule, delete=True, **given)["failed"]


def test_everything_is_made_once(client: Client) -> None:
    first = made(client)
    assert [line.partition(" ")[0] for line in first] == [
        *("create", "set", "create", "create", "limit", "set"),
        *("create", "add", "allow") * 2,
        "set",
    ]
    assert made(client) == []
    found = client("lambda").get_function(FunctionName=NAME)
    assert found["Concurrency"]["ReservedConcurrentExecutions"] == 1
    configuration = found["Configuration"]
    assert (configuration["Handler"], configuration["TracingConfig"]["Mode"]) == ("mirror.handler", "PassThrough")
    failed = client("lambda").get_function_event_invoke_config(FunctionName=NAME)["DestinationConfig"]["OnFailure"]
    assert failed["Destination"].endswith(f":{NAME}-failed")
    alarm = client("cloudwatch").describe_alarms(AlarmNames=[NAME])["MetricAlarms"][0]
    assert (alarm["EvaluationPeriods"], alarm["TreatMissingData"], alarm["Threshold"]) == (6, "breaching", 1.0)
    for kind in ("events", "schedule"):
        targets = client("events").list_targets_by_rule(Rule=f"{NAME}-{kind}")["Targets"]
        assert [target["Arn"] for target in targets] == [configuration["FunctionArn"]]


@pytest.mark.parametrize(
    ("more", "topic"),
    [
        ({}, []),
        ({"alerts": {}}, [f"arn:aws:sns:{REGION}:123456789012:shop-production-secrets"]),
        ({"alerts": {}, "mirror": {**DOCUMENT["mirror"], "function": {"alarm_topic": "arn:own"}}}, ["arn:own"]),
    ],
    ids=["none", "alerts", "own"],
)
def test_whom_the_alarm_calls(client: Client, more: dict[str, Any], topic: list[str]) -> None:
    document = {**copy.deepcopy(DOCUMENT), **more}
    catalog = catalog_parser.parse(document, "production")
    place = AccountRegion("123456789012", REGION)
    for step in MirrorDeployment(catalog, document, place, client, sleep=lambda _: None).missing():
        step.act()
    assert client("cloudwatch").describe_alarms(AlarmNames=[NAME])["MetricAlarms"][0]["AlarmActions"] == topic


def test_what_the_catalog_changes_is_changed_and_no_more(client: Client) -> None:
    made(client)
    assert made(client, function={"schedule_minutes": 15, "alarm_hours": 2}) == [
        f"update the code of function {NAME}",
        f"change rule {NAME}-schedule",
        f"set alarm {NAME} to fire after 2 h without a success",
    ]
    assert made(client, function={"schedule_minutes": 15, "alarm_hours": 2}) == []
    # moto does not keep what UpdateFunctionConfiguration says of tracing.
    assert f"change TracingConfig of function {NAME}" in made(client, function={"xray": True})


def test_what_somebody_switched_off_is_switched_on(client: Client) -> None:
    made(client)
    client("events").disable_rule(Name=f"{NAME}-schedule")
    client("cloudwatch").disable_alarm_actions(AlarmNames=[NAME])
    assert made(client) == [
        f"change rule {NAME}-schedule",
        f"set alarm {NAME} to fire after 6 h without a success",
    ]
    assert made(client) == []


def test_what_somebody_took_away_is_made_again(client: Client) -> None:
    made(client)
    client("lambda").delete_function_concurrency(FunctionName=NAME)
    client("events").remove_targets(Rule=f"{NAME}-events", Ids=["mirror"])
    client("lambda").remove_permission(FunctionName=NAME, StatementId="schedule")
    client("cloudwatch").delete_alarms(AlarmNames=[NAME])
    assert len(made(client)) == 4
    assert made(client) == []


def test_a_function_of_somebody_else_is_left_alone(client: Client) -> None:
    role = f"arn:aws:iam::123456789012:role/{NAME}"
    code = {"ZipFile": mirror_package(DOCUMENT, "production")}
    client("lambda").create_function(FunctionName=NAME, Runtime="python3.13", Role=role, Handler="x.y", Code=code)
    with pytest.raises(ProvisionError, match=r"belongs to another owner .*; name another in aws\.roles\.mirror"):
        deployment(client).missing()


def matches(pattern: Any, event: Any) -> bool:
    """What EventBridge documents of patterns, as far as ours goes."""
    if isinstance(pattern, dict):
        return all(matches(part, event.get(key)) for key, part in pattern.items())
    return any(
        (one.get("exists") is False and event is None)
        or ("prefix" in one and isinstance(event, str) and event.startswith(one["prefix"]))
        if isinstance(one, dict)
        else one == event
        for one in pattern
    )


def call(name: str, secret: str, **more: Any) -> dict[str, Any]:
    detail = {"eventSource": "secretsmanager.amazonaws.com", "eventName": name, "requestParameters": {}}
    detail["requestParameters"] = {"secretId": secret}
    return {"source": "aws.secretsmanager", "detail-type": "AWS API Call via CloudTrail", "detail": {**detail, **more}}


def test_only_changes_of_mirrored_secrets_begin_a_run(client: Client) -> None:
    pattern, core = deployment(client).pattern(), "shop/production/core"
    arn = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:"
    for name in ("PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage", "DeleteSecret", "RestoreSecret"):
        for secret in (core, f"{arn}{core}-AbCdEf"):
            assert matches(pattern, call(name, secret))
        assert not matches(pattern, call(name, "production-hosts"))
    assert not matches(pattern, call("GetSecretValue", core))
    assert not matches(pattern, call("PutSecretValue", core, errorCode="AccessDenied"))


def test_the_package_is_the_same_each_time_and_readable_by_all() -> None:
    package = mirror_package(DOCUMENT, "production")
    assert package == mirror_package(dict(reversed(DOCUMENT.items())), "production")
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        infos = archive.infolist()
        assert {info.external_attr >> 16 for info in infos} == {0o644}
        names = [info.filename for info in infos]
        assert "mirror.py" in names
        assert all(
            name.startswith(("ansible_collections/watchparty/secrets/plugins", "mirror.py", "ansible_collections/"))
            for name in names
        )
        texts = [archive.read(name).decode() for name in names]
    assert not [text for text in texts if "import ansible\n" in text or "from ansible." in text]
    assert mirror_package(DOCUMENT, "staging") != package
