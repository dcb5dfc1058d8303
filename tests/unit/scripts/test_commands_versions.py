# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The versions of a setting, who wrote and who read it; CloudTrail is a stub, since moto has no event history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.scripts.commands import versions
from tests.unit.scripts.commands_lab import AUDITED, CANARY, LOG_GROUP, Lab


@pytest.fixture
def trail(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    monkeypatch.setattr("ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.cloudtrail.PAUSE", 0.0)
    client = boto3.client("cloudtrail", region_name="eu-west-3")
    monkeypatch.setattr(AwsConnection, "bounded_client", lambda *_args: client)
    with Stubber(client) as stubber:
        yield stubber


def event(act: str, **asked: Any) -> dict[str, Any]:
    detail = {
        "userIdentity": {"arn": "arn:aws:iam::1:user/ann"},
        "sourceIPAddress": "192.0.2.7",
        "requestParameters": asked,
    }
    return {"EventName": act, "EventTime": datetime.now(UTC), "CloudTrailEvent": json.dumps(detail)}


def answers(trail: Stubber, *events: dict[str, Any]) -> None:
    trail.add_response("lookup_events", {"Events": list(events)})


class TestHistory:
    def test_versions_of_a_secret(self, lab: Lab, trail: Stubber) -> None:
        lab.store(TOKEN="t", KEY="k")
        lab.store(TOKEN="t", KEY="other")
        lab.store(TOKEN="new", KEY="other")
        newest = lab.client("secretsmanager").get_secret_value(SecretId="app/test/core")["VersionId"]
        answers(trail, event("PutSecretValue", secretId="app/test/core", clientRequestToken=newest))
        ran = lab.run("history", "test", "TOKEN", "--json")
        assert ran.code == 0, ran.err
        rows = ran.answer["versions"]
        assert [row["value"] for row in rows] == ["changed", "same", "first"]
        assert (rows[0]["version"], rows[0]["labels"]) == (newest, ["AWSCURRENT"])
        assert (rows[0]["who"], rows[0]["address"]) == ("arn:aws:iam::1:user/ann", "192.0.2.7")
        assert rows[1]["who"] == ""
        assert CANARY not in ran.out + ran.err

    def test_versions_of_a_parameter(self, lab: Lab, trail: Stubber) -> None:
        for value in ("info", "debug"):
            lab.client("ssm").put_parameter(Name="/app/test/LEVEL", Value=value, Type="String", Overwrite=True)
        answers(trail, event("PutParameter", name="/app/test/LEVEL"))
        ran = lab.run("history", "test", "LEVEL")
        assert ran.code == 0, ran.err
        assert ran.out.startswith("parameter /app/test/LEVEL:\n  date ")
        assert "changed" in ran.out
        assert "192.0.2.7" in ran.out
        assert "debug" not in ran.out

    def test_a_rotation_is_named(self, lab: Lab) -> None:
        row = versions.Row("secret core key TOKEN", "core", "v2", "2026-11-01T00:00:00Z")
        record = {"who": "ann@laptop", "rotation": "r-1", "secrets": {"core": {"from": "v1", "to": "v2"}}}
        other = {"who": "bob@laptop", "rotation": "r-2", "secrets": {"else": {"from": "v1", "to": "v2"}}}
        assert versions._with_records([row], [other])[0].who == ""
        assert versions._with_records([row], [record])[0].rotation == "r-1"

    def test_what_cannot_be_asked_is_a_note(self, lab: Lab, trail: Stubber) -> None:
        lab.inventory(AUDITED)
        lab.store(TOKEN="t")
        trail.add_client_error("lookup_events", "AccessDeniedException")
        ran = lab.run("history", "test", "TOKEN")
        assert ran.code == 0
        assert "the audit log was not read: " in ran.out
        assert "CloudTrail was not searched: AWS denies cloudtrail:LookupEvents" in ran.out
        assert LOG_GROUP in ran.out

    def test_a_missing_copy_does_not_prevent_the_rest(self, lab: Lab, trail: Stubber) -> None:
        place = {"group": "core", "copies": [{"parameter": "COPY"}]}
        lab.inventory({"application": "app", "settings": {"TOKEN": place}})
        lab.store(TOKEN="t")
        for _place in range(2):
            answers(trail)
        ran = lab.run("history", "test", "TOKEN")
        assert ran.code == 0, ran
        assert "parameter /app/test/COPY was not read: parameter /app/test/COPY does not exist" in ran.out

    @pytest.mark.parametrize(("name", "reason"), [("NONE", "is not a setting"), ("MODE", "is in no store")])
    def test_a_setting_without_versions(self, lab: Lab, name: str, reason: str) -> None:
        ran = lab.run("history", "test", name)
        assert ran.code == 1
        assert f"{name}: {reason}" in ran.err


class TestWho:
    def test_readers(self, lab: Lab, trail: Stubber) -> None:
        for events in ((event("GetSecretValue", secretId="app/test/core"),), (), ()):
            answers(trail, *events)
        ran = lab.run("who", "test", "TOKEN", "--since", "2d")
        assert ran.code == 0, ran
        assert ran.out.startswith("app/test/core: GetSecretValue by arn:aws:iam::1:user/ann from 192.0.2.7, ")

    def test_no_answer_is_no_access(self, lab: Lab, trail: Stubber) -> None:
        trail.add_client_error("lookup_events", "AccessDeniedException")
        assert lab.run("who", "test", "TOKEN").code == 3
