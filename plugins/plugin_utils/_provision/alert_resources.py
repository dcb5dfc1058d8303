# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The topic, subscribers, alarms and rules of an environment: finds and creates the parts that are missing or differ.

Every alarm fires unless a report of the last hours was good. A missing report therefore fires every alarm.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import honeytokens
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_alerts import Alerts
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, ProvisionError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import metrics
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.events import SOURCE
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.account_region import AccountRegion
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.event_rule import EventRule
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.missing_part import MissingPart

HOUR = 3600
SUBSCRIBED = ({"prefix": "leak."}, {"prefix": "report."}, {"suffix": ".failed"})
"""Patterns of the events that go to the topic."""
WATCHED = "-honeytokens"
"""The end of the name of the rule for calls with honeytokens."""
CALLS = ("AWS API Call via CloudTrail", "AWS Console Sign In via CloudTrail")
READ_TOO = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
"""The state of a rule that also matches calls which only read."""
USED = {
    "InputPathsMap": {
        "user": "$.detail.userIdentity.userName",
        "act": "$.detail.eventName",
        "address": "$.detail.sourceIPAddress",
        "at": "$.detail.eventTime",
    },
    "InputTemplate": (
        '"Honeytoken used: <user> called <act> from <address> at <at>. Somebody has read the place where the key '
        'is stored. Run ansible-playbook watchparty.secrets.verify -e verify_only=honeytokens."'
    ),
}
AWS_DEFAULT, MIRROR_ALARM = "__default_statement_ID", "MirrorAlarm"
"""Ids of statements in a topic's policy."""


@dataclass(frozen=True)
class Alarm:
    """An alarm on a metric of the whole environment."""

    ending: str
    """The end of the alarm's name, after the topic's name."""
    metric: str
    compared: str
    threshold: float
    statistic: str
    says: str
    hours: int
    playbook: str = "rotation_report"
    """The playbook whose report the alarm waits for."""

    def request(self, catalog: Catalog, alerts: Alerts, topic: str) -> dict[str, Any]:
        """The arguments of PutMetricAlarm, which DescribeAlarms returns too."""
        about = f"{catalog.application} {catalog.environment}: {self.says}"
        return {
            "AlarmName": f"{alerts.topic}-{self.ending}",
            "AlarmDescription": f"{about}, or no report came for {self.hours} hours. Run {self.playbook}.",
            "Namespace": metrics.NAMESPACE,
            "MetricName": self.metric,
            "Dimensions": metrics.dimensions_of(catalog),
            "ComparisonOperator": f"{self.compared}Threshold",
            "Threshold": float(self.threshold),
            "Statistic": self.statistic,
            "Period": HOUR,
            "EvaluationPeriods": self.hours,
            "DatapointsToAlarm": self.hours,
            "TreatMissingData": "breaching",
            "ActionsEnabled": True,
            "AlarmActions": [topic],
            "OKActions": [topic],
        }


def alarms(alerts: Alerts) -> Iterator[Alarm]:
    hours = alerts.silent_hours
    for days in sorted(set(alerts.warn_days), reverse=True):
        says = f"a credential is due within {days} days"
        yield Alarm(f"due-in-{days}-days", metrics.DAYS_UNTIL_DUE, "LessThanOrEqualTo", days, "Minimum", says, hours)
    for ending, metric, says in (
        ("rotation-open", metrics.OPEN_ROTATIONS, "a rotation is open"),
        ("confirmation-pending", metrics.PENDING_CONFIRMATIONS, "a provider has not yet revoked an old value"),
    ):
        yield Alarm(ending, metric, "GreaterThanOrEqualTo", 1, "Minimum", says, hours)
    yield Alarm("silent", metrics.OPEN_ROTATIONS, "LessThan", 1, "SampleCount", "the ages are unknown", hours)
    if alerts.verification_hours:
        yield from _of_verifications(alerts.verification_hours)


def _of_verifications(hours: int) -> Iterator[Alarm]:
    for ending, metric, says in (
        ("failed", metrics.VERIFICATION_FAILED, "a check of the last verification failed"),
        ("not-checked", metrics.VERIFICATION_NOT_CHECKED, "a check of the last verification could not be made"),
    ):
        yield Alarm(f"verification-{ending}", metric, "GreaterThanOrEqualTo", 1, "Minimum", says, hours, "verify")


class AlertResources:
    """Creates and changes parts. Deletes only alarms that the catalog asked for earlier."""

    def __init__(
        self, client: Callable[[str], Any], catalog: Catalog, alerts: Alerts, tags: Mapping[str, str], *, region: str
    ) -> None:
        self._sns, self._cloudwatch, self._events = client("sns"), client("cloudwatch"), client("events")
        self._catalog, self._alerts, self._tags = catalog, alerts, [{"Key": k, "Value": v} for k, v in tags.items()]
        self._account, partition = aws_errors.identity(client("sts"))
        self._arn = AccountRegion(self._account, region, partition).arn
        self._topic = self._arn("sns", alerts.topic)
        self._rule = f"{alerts.topic}-events"

    def missing(self) -> list[MissingPart]:
        """Missing parts, in the order in which they are created. Raises SecretsError."""
        self._require_bus()
        return [
            *self._topic_steps(),
            *self._alarm_steps(),
            *(part for rule in self._rules() for part in rule.missing()),
        ]

    def _require_bus(self) -> None:
        bus = self._alerts.event_bus
        if bus == "default":
            return
        try:
            with aws_errors.translated("events:DescribeEventBus", f"event bus {bus}"):
                self._events.describe_event_bus(Name=bus)
        except NotFound:
            raise ProvisionError(
                [f"alerts.event_bus: {bus} does not exist; create it by 'aws events create-event-bus --name {bus}'"]
            ) from None

    def _topic_steps(self) -> Iterator[MissingPart]:
        name = self._alerts.topic
        try:
            with aws_errors.translated("sns:GetTopicAttributes", f"topic {name}"):
                attributes = self._sns.get_topic_attributes(TopicArn=self._topic)["Attributes"]
        except NotFound:
            yield MissingPart(f"create topic {name}", self._make_topic)
            attributes = {}
        policy = json.loads(attributes.get("Policy") or "{}")
        if self._restricted(policy) != policy:
            message = f"allow the environment's alarms and rule to publish to topic {name}"
            yield MissingPart(message, lambda: self._restrict(self._restricted(policy)))
        present = self._subscribed() if attributes else set()
        for address in self._alerts.emails:
            if address not in present:
                message = f"subscribe {address} to topic {name}; {address} must confirm AWS's mail"
                yield MissingPart(message, lambda address=address: self._subscribe(address))  # type: ignore[misc]

    def _subscribed(self) -> set[str]:
        with aws_errors.translated("sns:ListSubscriptionsByTopic", f"topic {self._alerts.topic}"):
            pages = self._sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=self._topic)
            return {str(subscription["Endpoint"]) for page in pages for subscription in page["Subscriptions"]}

    def _make_topic(self) -> None:
        with aws_errors.translated("sns:CreateTopic", f"topic {self._alerts.topic}"):
            self._sns.create_topic(Name=self._alerts.topic, Tags=self._tags)

    def _restrict(self, policy: Mapping[str, Any]) -> None:
        with aws_errors.translated("sns:SetTopicAttributes", f"topic {self._alerts.topic}"):
            self._sns.set_topic_attributes(
                TopicArn=self._topic, AttributeName="Policy", AttributeValue=json.dumps(policy)
            )

    def _subscribe(self, address: str) -> None:
        with aws_errors.translated("sns:Subscribe", f"topic {self._alerts.topic}"):
            self._sns.subscribe(TopicArn=self._topic, Protocol="email", Endpoint=address)

    def _restricted(self, policy: Mapping[str, Any]) -> dict[str, Any]:
        """The policy with our statements. AWS's default statement, which lets the whole account publish, is removed."""
        ours = self._statements()
        replaced = {AWS_DEFAULT, MIRROR_ALARM, *(statement["Sid"] for statement in ours)}
        others = [statement for statement in policy.get("Statement", ()) if statement.get("Sid") not in replaced]
        return {"Version": "2012-10-17", "Statement": [*others, *ours]}

    def _statements(self) -> list[dict[str, Any]]:
        """Statements that let only AWS's services publish, and only for these alarms and rules."""
        bus = self._alerts.event_bus
        rule = self._arn("events", f"rule/{self._rule}" if bus == "default" else f"rule/{bus}/{self._rule}")
        senders = [("Alarms", "cloudwatch", "ArnLike", self._arn("cloudwatch", f"alarm:{self._alerts.topic}-*"))]
        senders += [
            (MIRROR_ALARM, "cloudwatch", "ArnEquals", self._arn("cloudwatch", f"alarm:{name}"))
            for name in self._mirror_alarm()
        ]
        senders.append(("Events", "events", "ArnEquals", rule))
        if honeytokens.users(self._catalog):
            watched = self._arn("events", f"rule/{self._alerts.topic}{WATCHED}")
            senders.append(("Honeytokens", "events", "ArnEquals", watched))
        return [
            {
                "Sid": sid,
                "Effect": "Allow",
                "Principal": {"Service": f"{service}.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": self._topic,
                "Condition": {operator: {"aws:SourceArn": arn}},
            }
            for sid, service, operator, arn in senders
        ]

    def _mirror_alarm(self) -> tuple[str, ...]:
        """The alarm of the mirror's function. Empty without one, or if the catalog names another topic for it."""
        mirror, aws = self._catalog.mirror, self._catalog.aws
        own = mirror and mirror.function and not mirror.function.alarm_topic
        return (aws.roles["mirror"],) if own and aws else ()

    def _alarm_steps(self) -> Iterator[MissingPart]:
        prefix = f"{self._alerts.topic}-"
        with aws_errors.translated("cloudwatch:DescribeAlarms", f"alarms {prefix}*"):
            pages = self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
            by_name = {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}
        wanted = [alarm.request(self._catalog, self._alerts, self._topic) for alarm in alarms(self._alerts)]
        for alarm in wanted:
            present = by_name.get(alarm["AlarmName"], {})
            if any(_plain(present.get(key)) != _plain(value) for key, value in alarm.items()):
                message = f"{'change' if present else 'create'} alarm {alarm['AlarmName']}"
                yield MissingPart(message, lambda alarm=alarm: self._put_alarm(alarm))  # type: ignore[misc]
        ours = re.compile(re.escape(prefix) + r"(due-in-\d+-days|verification-(failed|not-checked))")
        for name in sorted(filter(ours.fullmatch, by_name.keys() - {alarm["AlarmName"] for alarm in wanted})):
            yield MissingPart(f"delete alarm {name}", lambda name=name: self._remove_alarm(name))  # type: ignore[misc]

    def _put_alarm(self, request: Mapping[str, Any]) -> None:
        with aws_errors.translated("cloudwatch:PutMetricAlarm", f"alarm {request['AlarmName']}"):
            self._cloudwatch.put_metric_alarm(**request, Tags=self._tags)

    def _remove_alarm(self, name: str) -> None:
        with aws_errors.translated("cloudwatch:DeleteAlarms", f"alarm {name}"):
            self._cloudwatch.delete_alarms(AlarmNames=[name])

    def _rules(self) -> Iterator[EventRule]:
        own = {"application": [self._catalog.application], "environment": [self._catalog.environment]}
        pattern = {"source": [SOURCE], "detail-type": list(SUBSCRIBED), "detail": own}
        transformer = {"InputPathsMap": {"summary": "$.detail.summary"}, "InputTemplate": '"<summary>"'}
        yield self._to_topic(self._rule, pattern, transformer, bus=self._alerts.event_bus)
        honeytoken_users = sorted(honeytokens.users(self._catalog).values())
        if honeytoken_users:
            identity = {
                "accountId": [self._account],
                "userName": honeytoken_users,
            }  # another account may have such a user
            calls = {"detail-type": list(CALLS), "detail": {"userIdentity": identity}}
            yield self._to_topic(f"{self._alerts.topic}{WATCHED}", calls, USED, state=READ_TOO)

    def _to_topic(
        self, name: str, pattern: Mapping[str, Any], transformer: Mapping[str, Any], **options: str
    ) -> EventRule:
        """A rule with the topic as its target. ``transformer`` is the InputTransformer for the topic's message."""
        target = {"Id": "topic", "Arn": self._topic, "InputTransformer": transformer}
        when = {"EventPattern": json.dumps(pattern)}
        return EventRule(self._events, name, when, target, f"topic {self._alerts.topic}", self._tags, **options)


def _plain(value: Any) -> Any:
    return sorted(value, key=str) if isinstance(value, list) else value
