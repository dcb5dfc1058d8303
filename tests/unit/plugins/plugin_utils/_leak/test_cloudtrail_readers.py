# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What CloudTrail is asked for a credential, and that a CloudTrail that cannot be asked fails nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ansible.errors import AnsibleActionFail
from botocore.stub import ANY, Stubber

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError, RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import cloudtrail_readers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._leak.trail_events import event
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, CORE, KINDS, TOKEN, World

KEY = "AKIALEAKEDEXAMPLE001"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.cloudtrail.PAUSE", 0.0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.fixture
def world() -> World:
    aws = {"kind": "aws_access_key", "appears_in": [{"secret": "mailer", "keys": ["access_key_id", "secret"]}]}
    extra = {"credentials": {**CATALOG["credentials"], "mailer": aws}, "secrets": {"mailer": {"environment": "test"}}}
    made = World(catalog=catalog_parser.parse({**CATALOG, **extra}, "test"))
    made.secrets.seed("mailer", json.dumps({"access_key_id": KEY, "secret": "canary-secret-key"}))
    return made


@pytest.fixture
def trail() -> Iterator[Stubber]:
    with Stubber(boto3.client("cloudtrail", region_name="eu-west-3")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def ask(world: World, client: Any, *, credentials: Sequence[str], **options: Any) -> dict[str, Any]:
    def bounded(_service: str, _seconds: float) -> Any:
        if isinstance(client, Exception):
            raise client
        return client

    connection: Any = SimpleNamespace(bounded_client=bounded)
    setting = RotationSetup(world.catalog, KINDS, world.rotator(), connection)
    result = cloudtrail_readers.question(setting, credentials, seconds=8, **options)()
    assert "canary" not in json.dumps(result)
    return result


def asked_for(stubber: Stubber, attribute: str, value: str, *events: dict[str, Any]) -> None:
    attributes = [{"AttributeKey": attribute, "AttributeValue": value}]
    expected = {"LookupAttributes": attributes, "MaxResults": ANY}
    stubber.add_response("lookup_events", {"Events": list(events)}, expected)


def test_by_name_and_by_what_was_called(world: World, trail: Stubber) -> None:
    asked_for(trail, "ResourceName", TOKEN)
    for act in ("GetParameter", "GetParameters", "GetParametersByPath"):
        asked_for(trail, "EventName", act, event(act, identity=act, path="/app/test", who="somebody"))
    asked_for(trail, "EventName", "GetParameterHistory")
    result = ask(world, trail.client, credentials=["token"])
    assert result["asked"]
    assert result["messages"] == [
        f"{TOKEN}: GetParametersByPath by somebody from 10.0.3.7, key ASIAWEBEXAMPLE000001, 2026-11-25T10:00:00Z",
        f"CloudTrail was searched in eu-west-3 only; {cloudtrail_readers.LATE}",
    ]
    assert result["access_keys"] == []


def test_a_leaked_key_and_one_of_before(world: World, trail: Stubber) -> None:
    asked_for(trail, "AccessKeyId", "AKIAFORMER", event("RunInstances", identity="1", key="AKIAFORMER"))
    asked_for(trail, "AccessKeyId", KEY)
    asked_for(trail, "ResourceName", "mailer")
    for act in ("GetSecretValue", "BatchGetSecretValue"):
        asked_for(trail, "EventName", act)
    result = ask(world, trail.client, credentials=["mailer"], access_keys=["AKIAFORMER"])
    assert result["messages"][0].startswith("key AKIAFORMER: RunInstances by")
    assert result["access_keys"] == ["AKIAFORMER", KEY]


def test_nobody_read_it(world: World, trail: Stubber) -> None:
    for at in range(3):
        trail.add_response("lookup_events", {"Events": [event(identity=str(at), secretId="other")]})
    result = ask(world, trail.client, credentials=["django"])
    assert result["messages"][0] == "CloudTrail has recorded no reader"


def test_what_was_not_asked_to_the_end(world: World, trail: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudtrail_readers, "PAGES", 1)
    trail.add_response("lookup_events", {"Events": [], "NextToken": "more"})
    for _question in range(2):
        trail.add_response("lookup_events", {"Events": [event(identity="1", secretId=CORE)]})
    result = ask(world, trail.client, credentials=["django"])
    assert result["messages"][-1] == f"CloudTrail's answer is incomplete: no events of ResourceName {CORE}"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDeniedException", "CloudTrail was not searched: AWS denies cloudtrail:LookupEvents on"),
        ("UnknownOperationException", "CloudTrail was not searched: AWS refused cloudtrail:LookupEvents"),
    ],
)
def test_a_cloudtrail_that_refuses(world: World, trail: Stubber, code: str, message: str) -> None:
    trail.add_client_error("lookup_events", code)
    result = ask(world, trail.client, credentials=["django"])
    assert not result["asked"]
    assert len(result["messages"]) == 1
    assert result["messages"][0].startswith(message)


def test_one_that_refuses_later(world: World, trail: Stubber) -> None:
    trail.add_response("lookup_events", {"Events": []})
    trail.add_client_error("lookup_events", "ThrottlingException")
    message = ask(world, trail.client, credentials=["django"])["messages"]
    assert message[-1].startswith("CloudTrail was not searched further: AWS still throttles")


def test_no_client_and_no_place(world: World, trail: Stubber) -> None:
    result = ask(world, AnsibleActionFail("boto3 is missing"), credentials=["django"])
    assert result["messages"] == ["CloudTrail was not searched: boto3 is missing"]
    world.secrets.set_state("mailer", deleted=True)
    assert ask(world, AnsibleActionFail("x"), credentials=["mailer"], access_keys=["AKIAFORMER"])["access_keys"] == [
        "AKIAFORMER"
    ]


def test_bad_input(world: World, trail: Stubber) -> None:
    with pytest.raises(
        RotationError,
        match=r"^nobody: is not a credential of the catalog; choose from database, django, mailer, token$",
    ):
        ask(world, trail.client, credentials=["nobody"])
    with pytest.raises(JournalError, match="is not a time such as"):
        ask(world, trail.client, credentials=["django"], since="yesterday")
