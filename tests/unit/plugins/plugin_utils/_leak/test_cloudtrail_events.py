# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who read what, out of CloudTrail's events."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import cloudtrail_events
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.cloudtrail_events import (
    LookupQuery,
    WatchedItems,
)
from tests.unit.plugins.plugin_utils._leak.trail_events import ARN, ROLE, event

CORE, TOKEN, KEY = "app/test/core", "/app/test/TOKEN", "AKIALEAKEDEXAMPLE001"
AT = "2026-11-25T11:00:00Z"
WEB = "ASIAWEBEXAMPLE000001"
WANTED = WatchedItems(frozenset({CORE}), frozenset({TOKEN}), frozenset({KEY}))


def lines(*events: dict[str, Any], wanted: WatchedItems = WANTED) -> list[str]:
    return cloudtrail_events.lines([use for use in map(cloudtrail_events.parsed, events) if use], wanted)


@pytest.mark.parametrize(
    "asked",
    [
        {"secretId": CORE},
        {"secretId": ARN},
        {"secretId": ARN.rpartition("-")[0]},
        {"secretIdList": ["other", CORE]},
    ],
)
def test_a_secret_by_its_names(asked: dict[str, Any]) -> None:
    message = f"{CORE}: GetSecretValue by {ROLE} from 10.0.3.7, key ASIAWEBEXAMPLE000001, 2026-11-25T10:00:00Z"
    assert lines(event(**asked)) == [message]


@pytest.mark.parametrize(
    ("act", "asked"),
    [
        ("GetParameter", {"name": TOKEN, "withDecryption": True}),
        ("GetParameter", {"name": f"{TOKEN}:3"}),
        ("GetParameter", {"name": f"arn:aws:ssm:eu-west-3:123456789012:parameter{TOKEN}"}),
        ("GetParameters", {"names": [TOKEN, "/app/test/OTHER"]}),
        ("GetParametersByPath", {"path": "/app/test"}),
        ("GetParametersByPath", {"path": "/"}),
        ("GetParameterHistory", {"name": TOKEN}),
    ],
)
def test_a_parameter_by_its_names(act: str, asked: dict[str, Any]) -> None:
    (message,) = lines(event(act, **asked))
    assert message.startswith(f"{TOKEN}: {act} by {ROLE}")


@pytest.mark.parametrize(
    ("act", "asked"),
    [
        ("GetSecretValue", {"secretId": "app/test/core2"}),
        ("GetSecretValue", {}),
        ("DescribeSecret", {"secretId": CORE}),
        ("PutSecretValue", {"secretId": CORE}),
        ("GetParametersByPath", {"path": "/app/te"}),
        ("GetParameter", {"name": "/app/test"}),
        ("GetParameter", {"name": 7}),
    ],
)
def test_what_is_no_read_of_it(act: str, asked: dict[str, Any]) -> None:
    assert lines(event(act, **asked)) == []


def test_calls_that_differ_in_time_alone_are_one_line() -> None:
    messages = lines(
        event(identity="1", at="2026-11-25T11:00:00+00:00", secretId=CORE),
        event(identity="2", at="2026-11-25T10:00:00+00:00", secretId=CORE, key="ASIAOTHER"),
        event(identity="2", at="2026-11-25T10:00:00+00:00", secretId=CORE, key="ASIAOTHER"),
        event(identity="3", at="2026-11-25T12:00:00+01:00", address="203.0.113.9", error="AccessDenied", secretId=CORE),
    )
    refused, both = messages
    assert refused == f"{CORE}: GetSecretValue by {ROLE} from 203.0.113.9, key {WEB}, {AT}; refused: AccessDenied"
    assert both.startswith(f"{CORE}: GetSecretValue 2 times by {ROLE} from 10.0.3.7, key {WEB} and ASIAOTHER, ")
    assert both.endswith("2026-11-25T10:00:00Z to 2026-11-25T11:00:00Z")


def test_every_call_with_a_leaked_key() -> None:
    messages = lines(event("RunInstances", key=KEY, who="arn:aws:iam::1:user/mailer", imageId="canary-image"))
    assert messages == [f"key {KEY}: RunInstances by arn:aws:iam::1:user/mailer from 10.0.3.7, 2026-11-25T10:00:00Z"]
    assert lines(event(key=KEY, secretId=CORE))[0].startswith(f"{CORE}: GetSecretValue by"), "reported as a read"


def test_a_caller_without_a_name_and_words_that_a_thief_chose() -> None:
    odd = event(who=None, address="\u202ex\n" + "a" * 300, secretId=CORE)
    (message,) = lines(odd)
    assert "by i-0abc from ?x?a" in message
    assert len(message) < 400
    nobody = {**event(who=7, address=None, secretId=CORE), "Username": None}
    assert "by an unnamed principal from an unknown address" in lines(nobody)[0]


@pytest.mark.parametrize("broken", ["{", "[]", "7", '{"requestParameters": 7, "userIdentity": []}'])
def test_an_event_that_is_none(broken: str) -> None:
    assert lines({**event(secretId=CORE), "CloudTrailEvent": broken}) == []
    assert cloudtrail_events.parsed({"CloudTrailEvent": "{}"}) is None


def test_nothing_is_reported_but_named_fields() -> None:
    messages = lines(
        event(secretId=CORE, canary="canary-parameter"), event(identity="2", key=KEY, secretString="canary-x")
    )
    assert "canary" not in str(messages)


def test_many_lines_are_counted() -> None:
    messages = lines(
        *(event(identity=str(at), address=f"10.0.0.{at}", secretId=CORE) for at in range(cloudtrail_events.MOST + 3))
    )
    assert len(messages) == cloudtrail_events.MOST + 1
    assert messages[-1] == "and 3 more; CloudTrail shows all of them"


def test_questions_the_cheap_ones_first() -> None:
    asked = WANTED.questions()
    assert asked[:3] == (
        LookupQuery("AccessKeyId", KEY),
        LookupQuery("ResourceName", TOKEN),
        LookupQuery("ResourceName", CORE),
    )
    assert [lookup_query.value for lookup_query in asked[3:]] == [
        *cloudtrail_events.SECRET_READS,
        *cloudtrail_events.PARAMETER_READS,
    ]
    assert WatchedItems().questions() == ()
    assert str(asked[0]) == f"AccessKeyId {KEY}"
