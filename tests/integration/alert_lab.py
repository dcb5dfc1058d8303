# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWS is sent: EventBridge's events, by a rule with a queue, and CloudWatch's metrics.

moto passes events on to queues and log groups, not to SNS; it evaluates no alarm and sends no mail.
"""

from __future__ import annotations

import datetime
import json
from typing import Any

import jsonschema

from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.events import SCHEMA, SOURCE
from sandbox.aws import ACCOUNT, REGION, Moto


class EventQueue:
    """A queue that gets every event of ours on the default bus."""

    def __init__(self, moto: Moto) -> None:
        self._sqs, events = moto.client("sqs"), moto.client("events")
        self._url = self._sqs.create_queue(QueueName="secrets-events")["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name="secrets-events", EventPattern=json.dumps({"source": [SOURCE]}))
        events.put_targets(Rule="secrets-events", Targets=[{"Id": "queue", "Arn": arn}])

    def taken(self) -> list[dict[str, Any]]:
        """The details of the events since the last call, each of which fits the published schema."""
        found: list[dict[str, Any]] = []
        while True:
            messages = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", [])
            if not messages:
                return sorted(found, key=lambda one: str(one["at"]))
            for message in messages:
                event = json.loads(message["Body"])
                jsonschema.validate(event["detail"], SCHEMA, format_checker=jsonschema.FormatChecker())
                assert (event["source"], event["detail-type"]) == (SOURCE, event["detail"]["event"])
                found.append(event["detail"])
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])


def measured(moto: Moto) -> dict[str, list[float]]:
    """Each metric's numbers, by its name and its credential."""
    found: dict[str, list[float]] = {}
    client = moto.client("cloudwatch")
    for metric in client.list_metrics(Namespace="watchparty.secrets")["Metrics"]:
        dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
        name = f"{metric['MetricName']} {dimensions.get('Credential', '')}".strip()
        query = {"Metric": metric, "Period": 86400, "Stat": "Maximum"}
        now = datetime.datetime.now(datetime.UTC)
        day = datetime.timedelta(days=1)
        answer = client.get_metric_data(
            MetricDataQueries=[{"Id": "m", "MetricStat": query}], StartTime=now - day, EndTime=now + day
        )
        found[name] = answer["MetricDataResults"][0]["Values"]
    return found


def assert_alerts(moto: Moto, topic: str) -> None:
    """The topic with its one subscriber, the alarms and the rule, each once."""
    sns, events = moto.client("sns"), moto.client("events")
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:{topic}"
    endpoints = [one["Endpoint"] for one in sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]]
    assert endpoints == ["ops@example.com"]
    policy = json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
    services = [one["Principal"] for one in policy["Statement"]]
    assert services == [{"Service": "cloudwatch.amazonaws.com"}, {"Service": "events.amazonaws.com"}]
    alarms = moto.client("cloudwatch").describe_alarms(AlarmNamePrefix=topic)["MetricAlarms"]
    endings = ("confirmation-pending", "due-in-14-days", "due-in-3-days", "rotation-open", "silent")
    assert sorted(one["AlarmName"] for one in alarms) == [f"{topic}-{ending}" for ending in endings]
    for alarm in alarms:
        assert (alarm["TreatMissingData"], alarm["AlarmActions"]) == ("breaching", [arn])
    (target,) = events.list_targets_by_rule(Rule=f"{topic}-events")["Targets"]
    assert target["Arn"] == arn
