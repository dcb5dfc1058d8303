# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The topic, its alarms and its rule, against moto: made once, completed, and mended where they differ.

moto evaluates no alarm and passes nothing on to a topic: when an alarm fires is CloudWatch's to show.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    CatalogError,
    Denied,
    ProvisionError,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import metrics
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.alert_resources import AlertResources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.honeytoken_users import HoneytokenUsers
from tests import provision_rights
from tests.unit.plugins.store_fixtures import REGION, credentials, moto  # noqa: F401

TOPIC = "shop-test-secrets"
Moto = Callable[[str], tuple[Any, list[str]]]


class Account:
    """An account, and what a catalog would have in it."""

    def __init__(self, make: Moto) -> None:
        self._made: dict[str, Any] = {}
        self.calls: list[str] = []
        self._make = make
        self.arn = f"arn:aws:sns:{REGION}:123456789012:{TOPIC}"

    def client(self, service: str) -> Any:
        if service not in self._made:
            client, _calls = self._make(service)
            client.meta.events.register("before-call.*.*", lambda model, **_more: self.calls.append(model.name))
            self._made[service] = client
        return self._made[service]

    def missing(self, *, mirror: dict[str, Any] | None = None, **alerts: Any) -> list[Any]:
        alerts = {"emails": ["ops@example.com"], **alerts}
        settings = {"A": {"group": "core", "copies": [{"parameter": "A"}]}}
        document = {"application": "shop", "settings": settings, "alerts": alerts, "mirror": mirror}
        catalog = catalog_parser.parse(document, "test")
        assert catalog.alerts
        return AlertResources(self.client, catalog, catalog.alerts, {"Owner": "ops"}, region=REGION).missing()

    def make(self, **alerts: Any) -> list[str]:
        steps = self.missing(**alerts)
        for step in steps:
            step.act()
        return [step.message for step in steps]

    @property
    def alarms(self) -> dict[str, Any]:
        found = self.client("cloudwatch").describe_alarms()["MetricAlarms"]
        return {one["AlarmName"].removeprefix(f"{TOPIC}-"): one for one in found}

    @property
    def policy(self) -> dict[str, Any]:
        found = self.client("sns").get_topic_attributes(TopicArn=self.arn)["Attributes"]["Policy"]
        return dict(json.loads(found))


@pytest.fixture
def account(moto: Moto) -> Account:  # noqa: F811
    return Account(moto)


def test_it_is_planned_then_made_then_complete(account: Account) -> None:
    planned = [step.message for step in account.missing()]
    assert not [one for one in account.calls if re.match(r"(Create|Put|Set|Subscribe|Delete)", one)]
    assert account.make() == planned
    assert planned[0] == f"create topic {TOPIC}"
    assert f"subscribe ops@example.com to topic {TOPIC}; ops@example.com must confirm AWS's mail" in planned
    assert account.missing() == []


def test_an_alarm_fires_unless_a_report_said_that_all_is_well(account: Account) -> None:
    account.make()
    assert set(account.alarms) == {
        *("due-in-14-days", "due-in-3-days"),
        *("rotation-open", "confirmation-pending", "silent"),
    }
    for alarm in account.alarms.values():
        assert alarm["TreatMissingData"] == "breaching"
        assert alarm["EvaluationPeriods"] == alarm["DatapointsToAlarm"] == 26
        assert alarm["EvaluationPeriods"] * alarm["Period"] <= 604800  # CloudWatch looks back no further
        assert alarm["AlarmActions"] == [account.arn]
    due = account.alarms["due-in-3-days"]
    assert (due["MetricName"], due["Statistic"], due["ComparisonOperator"], due["Threshold"]) == (
        *("DaysUntilDue", "Minimum"),
        *("LessThanOrEqualToThreshold", 3.0),
    )


def test_verifications_have_alarms_where_the_catalog_asks_for_them(account: Account) -> None:
    account.make(verification_hours=50)
    found = {name: alarm for name, alarm in account.alarms.items() if name.startswith("verification-")}
    assert set(found) == {"verification-failed", "verification-not-checked"}
    for alarm in found.values():
        assert alarm["EvaluationPeriods"] == alarm["DatapointsToAlarm"] == 50
        assert "no report came for 50 hours. Run verify." in alarm["AlarmDescription"]
    assert {f"verification-{name}" for name in ("failed", "not-checked")} <= sounding(account, hours=0)
    document = {"application": "shop", "settings": {"A": {"value": "x"}}}
    well = metrics.of_verification({"fail": 0, "not_checked": 0})
    metrics.put(account.client("cloudwatch"), catalog_parser.parse(document, "test"), well)
    assert not [name for name in sounding(account, hours=1) if name.startswith("verification-")]
    assert account.make() == [f"delete alarm {TOPIC}-{name}" for name in sorted(found)]


COMPARISONS = {"LessThan": operator.lt, "LessThanOrEqualTo": operator.le, "GreaterThanOrEqualTo": operator.ge}


def sounding(account: Account, *, hours: int) -> set[str]:
    """The alarms that have found nothing well in each of their periods, after so many hours more.

    That is what AWS documents where all periods count and missing data is breaching.
    """
    end, found = datetime.now(UTC) + timedelta(hours=hours), set()
    for name, alarm in account.alarms.items():
        query = {key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions", "Period")}
        start = end - timedelta(seconds=alarm["EvaluationPeriods"] * alarm["Period"])
        points = account.client("cloudwatch").get_metric_statistics(
            **query, StartTime=start, EndTime=end, Statistics=[alarm["Statistic"]]
        )["Datapoints"]
        breaches = COMPARISONS[alarm["ComparisonOperator"].removesuffix("Threshold")]
        found |= {name} if all(breaches(one[alarm["Statistic"]], alarm["Threshold"]) for one in points) else set()
    return found


def test_silence_is_an_alarm(account: Account) -> None:
    """The alarms look where a report's metrics are, and other environments' reports count for nothing."""
    account.make()
    every = set(account.alarms)

    def reported(environment: str, *, left: int) -> None:
        credential = {"name": "cache", "due": left <= 0, "due_in_days": left, "age_days": 3, "rotated_at": "today"}
        report = {"credentials": [credential], "rotation": None, "revocations": []}
        catalog = catalog_parser.parse({"application": "shop", "settings": {"A": {"value": "x"}}}, environment)
        metrics.put(account.client("cloudwatch"), catalog, metrics.metrics(report))

    reported("staging", left=60)
    assert sounding(account, hours=1) == every
    reported("test", left=60)
    assert [sounding(account, hours=hours) for hours in (1, 25, 27)] == [set(), set(), every]
    reported("test", left=5)  # the lowest of an hour counts
    assert sounding(account, hours=1) == {"due-in-14-days"}


def test_a_second_run_after_each_step_makes_the_rest(account: Account) -> None:
    """As after a kill at every write."""
    steps = len(account.missing())
    for left in range(steps, 0, -1):
        found = account.missing()
        assert len(found) == left
        found[0].act()
    assert account.missing() == []


def test_what_differs_is_mended_and_what_is_foreign_stays(account: Account) -> None:
    account.make()
    cloudwatch, sns = account.client("cloudwatch"), account.client("sns")
    cloudwatch.put_metric_alarm(
        **{
            key: value
            for key, value in account.alarms["silent"].items()
            if key in ("AlarmName", "Namespace", "MetricName", "Statistic", "Period", "Threshold", "ComparisonOperator")
        },
        EvaluationPeriods=1,
    )
    foreign = {"Sid": "Theirs", "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": account.arn}
    weak = {**account.policy, "Statement": [foreign, account.policy["Statement"][0]]}
    sns.set_topic_attributes(TopicArn=account.arn, AttributeName="Policy", AttributeValue=json.dumps(weak))
    own = {"AlarmName": f"{TOPIC}-own", "Namespace": "x", "MetricName": "x", "Statistic": "Sum", "Threshold": 1}
    cloudwatch.put_metric_alarm(**own, Period=60, EvaluationPeriods=1, ComparisonOperator="GreaterThanThreshold")
    account.client("events").disable_rule(Name=f"{TOPIC}-events")
    assert account.make(warn_days=[7]) == [
        f"allow the environment's alarms and rule to publish to topic {TOPIC}",
        f"create alarm {TOPIC}-due-in-7-days",
        f"change alarm {TOPIC}-silent",
        f"delete alarm {TOPIC}-due-in-14-days",
        f"delete alarm {TOPIC}-due-in-3-days",
        f"change rule {TOPIC}-events",
    ]
    assert [one["Sid"] for one in account.policy["Statement"]] == ["Theirs", "Alarms", "Events"]
    assert "own" in account.alarms
    assert account.missing(warn_days=[7]) == []


def test_the_mirrors_alarm_may_publish_unless_it_has_a_topic_of_its_own(account: Account) -> None:
    account.make(mirror={"function": {}})
    statements = {one["Sid"]: one for one in account.policy["Statement"]}
    assert statements["MirrorAlarm"]["Condition"] == {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:123456789012:alarm:shop-test-mirror"}
    }
    own = {"function": {"alarm_topic": "arn:aws:sns:eu-west-3:123456789012:pages"}}
    assert account.make(mirror=own) == [f"allow the environment's alarms and rule to publish to topic {TOPIC}"]
    assert [one["Sid"] for one in account.policy["Statement"]] == ["Alarms", "Events"]


def test_nobody_else_may_publish(account: Account) -> None:
    account.make()
    statements = {one["Sid"]: one for one in account.policy["Statement"]}
    assert {name: one["Principal"]["Service"] for name, one in statements.items()} == {
        "Alarms": "cloudwatch.amazonaws.com",
        "Events": "events.amazonaws.com",
    }
    assert statements["Alarms"]["Condition"] == {
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:123456789012:alarm:{TOPIC}-*"}
    }
    assert statements["Events"]["Condition"] == {
        "ArnEquals": {"aws:SourceArn": f"arn:aws:events:{REGION}:123456789012:rule/{TOPIC}-events"}
    }


def test_a_bus_that_is_not_there_is_named_before_anything_is_made(account: Account) -> None:
    with pytest.raises(ProvisionError, match=r"alerts.event_bus: ops does not exist; create it by 'aws events create"):
        account.missing(event_bus="ops")
    account.client("events").create_event_bus(Name="ops")
    account.make(event_bus="ops")
    assert account.missing(event_bus="ops") == []
    assert "rule/ops/" in json.dumps(account.policy)


def test_a_denial_names_what_to_allow(account: Account) -> None:
    def denied(**_more: Any) -> None:
        error = {"Error": {"Code": "AuthorizationError", "Message": "User is not authorized"}}
        raise account.client("sns").exceptions.ClientError(error, "GetTopicAttributes")

    account.client("sns").meta.events.register("before-call.sns.GetTopicAttributes", denied)
    with pytest.raises(Denied, match=f"AWS denies sns:GetTopicAttributes on topic {TOPIC}; allow sns:GetTopic"):
        account.missing()


DECOY = {
    "kind": "aws_access_key",
    "options": {"user": "shop-decoy", "honeytoken": True},
    "appears_in": [{"setting": "BACKUP_KEY_ID"}, {"setting": "BACKUP_KEY"}],
}


def decoyed(account: Account, **over: Any) -> list[Any]:
    document = {
        "application": "shop",
        "settings": {"BACKUP_KEY_ID": {"group": "core"}, "BACKUP_KEY": {"group": "core"}},
        "alerts": {},
        "credentials": {"decoy": {**DECOY, **over}},
    }
    catalog = catalog_parser.parse(document, "test")
    assert catalog.alerts
    users = HoneytokenUsers(account.client("iam"), catalog, {"Owner": "ops"}).missing()
    resources = AlertResources(account.client, catalog, catalog.alerts, {"Owner": "ops"}, region=REGION)
    return [*users, *resources.missing()]


class TestHoneytokens:
    def test_the_user_may_nothing_and_each_call_goes_to_the_topic(self, account: Account) -> None:
        for step in decoyed(account):
            step.act()
        assert decoyed(account) == []
        rule = account.client("events").describe_rule(Name=f"{TOPIC}-honeytokens")
        identity = {"accountId": ["123456789012"], "userName": ["shop-decoy"]}
        assert json.loads(rule["EventPattern"])["detail"] == {"userIdentity": identity}
        assert rule["State"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", "its first call is one that only reads"
        (target,) = account.client("events").list_targets_by_rule(Rule=f"{TOPIC}-honeytokens")["Targets"]
        assert target["Arn"] == account.arn
        assert "<user> called <act> from <address>" in target["InputTransformer"]["InputTemplate"]
        senders = {entry["Sid"]: entry["Condition"] for entry in account.policy["Statement"]}
        arn = f"arn:aws:events:{REGION}:123456789012:rule/{TOPIC}-honeytokens"
        assert senders["Honeytokens"] == {"ArnEquals": {"aws:SourceArn": arn}}
        policy = account.client("iam").get_user_policy(UserName="shop-decoy", PolicyName="deny-everything")
        assert policy["PolicyDocument"]["Statement"] == [{"Effect": "Deny", "Action": "*", "Resource": "*"}]

    def test_the_documented_policy_has_what_its_user_needs(self, account: Account) -> None:
        for step in decoyed(account):
            step.act()
        asked = {f"iam:{call}" for call in account.calls if call.endswith(("User", "UserPolicy"))}
        # AWS asks for iam:TagUser too, since the call brings tags.
        assert asked | {"iam:TagUser"} == provision_rights.statements()[provision_rights.HONEYTOKENS]

    def test_a_run_after_each_step_makes_the_rest(self, account: Account) -> None:
        for left in range(len(decoyed(account)), 0, -1):
            found = decoyed(account)
            assert len(found) == left
            found[0].act()

    def test_a_policy_that_was_weakened_is_mended(self, account: Account) -> None:
        for step in decoyed(account):
            step.act()
        weak = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        account.client("iam").put_user_policy(
            UserName="shop-decoy", PolicyName="deny-everything", PolicyDocument=json.dumps(weak)
        )
        assert [step.message for step in decoyed(account)] == ["deny everything to IAM user shop-decoy"]

    def test_without_one_there_is_no_rule(self, account: Account) -> None:
        account.make()
        assert [rule["Name"] for rule in account.client("events").list_rules()["Rules"]] == [f"{TOPIC}-events"]

    @pytest.mark.parametrize(
        ("over", "message"),
        [
            ({"options": {"user": "x", "honeytoken": "yes"}}, "honeytoken: must be true, or left out"),
            ({"options": {"honeytoken": True}}, "honeytoken: needs options.user"),
            ({"kind": "external"}, "only a credential of the kind aws_access_key can be a honeytoken"),
        ],
    )
    def test_what_the_catalog_may_not_say(self, over: dict[str, Any], message: str, account: Account) -> None:
        with pytest.raises(CatalogError, match=message):
            decoyed(account, **over)
