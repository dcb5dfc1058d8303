# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mirror's Lambda function and its resources: finds and creates the parts that are missing or differ."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import mirror_plan
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_mirror import MirrorFunction
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    NotFound,
    ProvisionError,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import resources as access_resources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import program_bundle
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.account_region import AccountRegion
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.event_rule import EventRule
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.missing_part import MissingPart

RUNTIME, SECONDS, MEGABYTES = "python3.13", 900, 256
RETENTION_DAYS, HOUR = 30, 3600
RETRIES, EVENT_SECONDS = 2, 3600
ROLE_TRIES, ROLE_PAUSE = 10, 3.0
"""Attempts, and seconds between them. Lambda refuses a new role until IAM has propagated it."""
EVENTS = ("PutSecretValue", "UpdateSecret", "UpdateSecretVersionStage", "DeleteSecret", "RestoreSecret")


def package(document: Mapping[str, Any], environment: str) -> bytes:
    """The zip of the function: our own files, and the catalog, which holds names and no value.

    The same catalog and sources give the same bytes.
    """
    return program_bundle.function("_host.mirror_function", "mirror", {"catalog": document, "environment": environment})


class MirrorDeployment:
    """Creates and changes parts. Deletes nothing."""

    def __init__(
        self,
        catalog: Catalog,
        document: Mapping[str, Any],
        place: AccountRegion,
        client: Callable[[str], Any],
        *,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._catalog, self._place, self._client, self._sleep = catalog, place, client, sleep
        self._name = catalog.aws.roles["mirror"] if catalog.aws else ""
        self._settings = (catalog.mirror.function if catalog.mirror else None) or MirrorFunction()
        self._tags = access_resources.tags(catalog)
        self._listed_tags = [{"Key": key, "Value": value} for key, value in self._tags.items()]
        self._code = package(document, catalog.environment)
        self._queue = place.arn("sqs", f"{self._name}-failed")
        self._function = place.arn("lambda", f"function:{self._name}")

    def missing(self) -> list[MissingPart]:
        """Missing parts, in the order of creation. Raises :class:`ProvisionError` for another owner's function."""
        return [
            *self._log_steps(),
            *self._queue_steps(),
            *self._function_steps(),
            *self._rule_steps(),
            *self._alarm_steps(),
        ]

    # Each part: AWS's state, compared with the wanted state.

    def _log_steps(self) -> Iterator[MissingPart]:
        logs, name = self._client("logs"), f"/aws/lambda/{self._name}"
        with aws_errors.translated("logs:DescribeLogGroups", name):
            groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        present = next((group for group in groups if group["logGroupName"] == name), None)
        if present is None:
            yield self._step(
                f"create log group {name}",
                "logs:CreateLogGroup",
                logs.create_log_group,
                logGroupName=name,
                tags=self._tags,
            )
        if present is None or "retentionInDays" not in present:
            yield self._step(
                f"set the retention of log group {name} to {RETENTION_DAYS} days",
                "logs:PutRetentionPolicy",
                logs.put_retention_policy,
                logGroupName=name,
                retentionInDays=RETENTION_DAYS,
            )

    def _queue_steps(self) -> Iterator[MissingPart]:
        sqs, name = self._client("sqs"), f"{self._name}-failed"
        with aws_errors.translated("sqs:ListQueues", name):
            urls = sqs.list_queues(QueueNamePrefix=name).get("QueueUrls", [])
        if not any(url.endswith(f"/{name}") for url in urls):
            attributes = {"MessageRetentionPeriod": "1209600", "SqsManagedSseEnabled": "true"}
            yield self._step(
                f"create queue {name}",
                "sqs:CreateQueue",
                sqs.create_queue,
                QueueName=name,
                Attributes=attributes,
                tags=self._tags,
            )

    def _function_steps(self) -> Iterator[MissingPart]:
        client = self._client("lambda")
        present = self._found("lambda:GetFunction", client.get_function)
        wanted = self._configuration()
        if present is None:
            yield MissingPart(f"create function {self._name}", lambda: self._create(wanted))
        else:
            self._require_ours(present.get("Tags", {}))
            yield from self._changes(present["Configuration"], wanted)
        if (present or {}).get("Concurrency", {}).get("ReservedConcurrentExecutions") != 1:
            yield self._step(
                f"limit function {self._name} to one run at a time",
                "lambda:PutFunctionConcurrency",
                client.put_function_concurrency,
                FunctionName=self._name,
                ReservedConcurrentExecutions=1,
            )
        asynchronous: dict[str, Any] = {"MaximumRetryAttempts": RETRIES, "MaximumEventAgeInSeconds": EVENT_SECONDS}
        asynchronous["DestinationConfig"] = {"OnFailure": {"Destination": self._queue}}
        retry_settings = (
            self._found("lambda:GetFunctionEventInvokeConfig", client.get_function_event_invoke_config) or {}
        )
        retry_settings = {
            **retry_settings,
            "DestinationConfig": {"OnFailure": retry_settings.get("DestinationConfig", {}).get("OnFailure")},
        }
        if {key: retry_settings.get(key) for key in asynchronous} != asynchronous:
            yield self._step(
                f"set retries and the queue of failed events of function {self._name}",
                "lambda:PutFunctionEventInvokeConfig",
                client.put_function_event_invoke_config,
                FunctionName=self._name,
                **asynchronous,
            )

    def _configuration(self) -> dict[str, Any]:
        return {
            "Runtime": RUNTIME,
            "Role": self._place.arn("iam", f"role/{self._name}", region=False),
            "Handler": "mirror.handler",
            "Timeout": SECONDS,
            "MemorySize": MEGABYTES,
            "TracingConfig": {"Mode": "Active" if self._settings.xray else "PassThrough"},
        }

    def _changes(self, present: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[MissingPart]:
        client = self._client("lambda")
        digest = base64.b64encode(hashlib.sha256(self._code).digest()).decode()
        if present.get("CodeSha256") != digest:
            yield self._step(
                f"update the code of function {self._name}",
                "lambda:UpdateFunctionCode",
                client.update_function_code,
                FunctionName=self._name,
                ZipFile=self._code,
            )
        differs = [key for key in wanted if present.get(key) != wanted[key]]
        if differs:
            yield self._step(
                f"change {', '.join(differs)} of function {self._name}",
                "lambda:UpdateFunctionConfiguration",
                client.update_function_configuration,
                FunctionName=self._name,
                **wanted,
            )

    def _create(self, wanted: Mapping[str, Any]) -> None:
        make, code = self._client("lambda").create_function, {"ZipFile": self._code}
        for attempt in range(ROLE_TRIES):
            try:
                self._act("lambda:CreateFunction", make, FunctionName=self._name, Code=code, Tags=self._tags, **wanted)
                return
            except StoreError as error:
                if "cannot be assumed" not in str(error) or attempt == ROLE_TRIES - 1:
                    raise
            self._sleep(ROLE_PAUSE)

    def _require_ours(self, tags: Mapping[str, str]) -> None:
        differs = [
            f"{tag}={tags.get(tag, '(none)')}" for tag in access_resources.OURS if tags.get(tag) != self._tags[tag]
        ]
        if differs:
            raise ProvisionError(
                [
                    (
                        f"function {self._name} belongs to another owner ({', '.join(differs)}); name another in "
                        "aws.roles.mirror"
                    )
                ]
            )

    def _rule_steps(self) -> Iterator[MissingPart]:
        minutes = self._settings.schedule_minutes
        yield from self._rule("events", {"EventPattern": json.dumps(self.pattern(), sort_keys=True)})
        yield from self._rule("schedule", {"ScheduleExpression": f"rate({minutes} minute{'s' if minutes > 1 else ''})"})

    def pattern(self) -> dict[str, Any]:
        """The events that start a run: calls in CloudTrail that change a mirrored secret, by its name or its ARN."""
        secrets = sorted({place.name for _setting, place in mirror_plan.pairs(self._catalog).values()})
        arns = [{"prefix": self._place.arn("secretsmanager", f"secret:{name}")} for name in secrets]
        return {
            "source": ["aws.secretsmanager"],
            "detail-type": ["AWS API Call via CloudTrail"],
            "detail": {
                "eventSource": ["secretsmanager.amazonaws.com"],
                "eventName": list(EVENTS),
                "errorCode": [{"exists": False}],
                "requestParameters": {"secretId": [*secrets, *arns]},
            },
        }

    def _rule(self, kind: str, wanted: Mapping[str, str]) -> Iterator[MissingPart]:
        name = f"{self._name}-{kind}"
        arn = self._place.arn("events", f"rule/{name}")
        target = {"Id": "mirror", "Arn": self._function}
        yield from EventRule(
            self._client("events"), name, wanted, target, f"function {self._name}", self._listed_tags
        ).missing()
        if not self._is_permitted(arn):
            yield self._step(
                f"allow rule {name} to run function {self._name}",
                "lambda:AddPermission",
                self._client("lambda").add_permission,
                FunctionName=self._name,
                StatementId=kind,
                Action="lambda:InvokeFunction",
                Principal="events.amazonaws.com",
                SourceArn=arn,
            )

    def _is_permitted(self, rule: str) -> bool:
        answer = self._found("lambda:GetPolicy", self._client("lambda").get_policy)
        statements = json.loads(answer["Policy"])["Statement"] if answer else []
        return any(
            statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn") == rule for statement in statements
        )

    def _alarm_steps(self) -> Iterator[MissingPart]:
        client, wanted = self._client("cloudwatch"), self._alarm()
        with aws_errors.translated("cloudwatch:DescribeAlarms", self._name):
            alarms = client.describe_alarms(AlarmNames=[self._name])["MetricAlarms"]
        present = alarms[0] if alarms else {}
        if any(_plain(present.get(key)) != _plain(wanted[key]) for key in wanted):
            tags = {} if alarms else {"Tags": self._listed_tags}
            yield self._step(
                f"set alarm {self._name} to fire after {self._settings.alarm_hours} h without a success",
                "cloudwatch:PutMetricAlarm",
                client.put_metric_alarm,
                **wanted,
                **tags,
            )

    def _alarm(self) -> dict[str, Any]:
        """An alarm on hours without a success. Successes are runs minus errors, so an hour without a run has none."""
        dimensions = [{"Name": "FunctionName", "Value": self._name}]

        def metric(name: str) -> dict[str, Any]:
            stat = {
                "Metric": {"Namespace": "AWS/Lambda", "MetricName": name, "Dimensions": dimensions},
                "Period": HOUR,
                "Stat": "Sum",
            }
            return {"Id": name.lower(), "MetricStat": stat, "ReturnData": False}

        success = {"Id": "successes", "Expression": "FILL(invocations, 0) - FILL(errors, 0)", "ReturnData": True}
        return {
            "AlarmName": self._name,
            "ActionsEnabled": True,
            "AlarmDescription": f"The mirror of {self._catalog.application} has not succeeded",
            "Metrics": [success, metric("Invocations"), metric("Errors")],
            "EvaluationPeriods": self._settings.alarm_hours,
            "DatapointsToAlarm": self._settings.alarm_hours,
            "Threshold": 1.0,
            "ComparisonOperator": "LessThanThreshold",
            "TreatMissingData": "breaching",
            "AlarmActions": [topic] if (topic := self._alarm_topic()) else [],
        }

    def _alarm_topic(self) -> str | None:
        alerts = self._catalog.alerts
        return self._settings.alarm_topic or (self._place.arn("sns", alerts.topic) if alerts else None)

    def _found(self, operation: str, ask: Callable[..., Any]) -> dict[str, Any] | None:
        try:
            with aws_errors.translated(operation, f"function {self._name}"):
                answer: dict[str, Any] = ask(FunctionName=self._name)
        except NotFound:
            return None
        return answer

    def _step(self, message: str, operation: str, act: Callable[..., Any], **arguments: Any) -> MissingPart:
        return MissingPart(message, lambda: self._act(operation, act, **arguments))

    def _act(self, operation: str, act: Callable[..., Any], **arguments: Any) -> None:
        """Makes one call. Waits for the function, because AWS accepts one change of a function at a time."""
        with aws_errors.translated(operation, self._name):
            act(**arguments)
            if operation in (
                "lambda:CreateFunction",
                "lambda:UpdateFunctionCode",
                "lambda:UpdateFunctionConfiguration",
            ):
                self._client("lambda").get_waiter("function_active_v2").wait(FunctionName=self._name)
                self._client("lambda").get_waiter("function_updated_v2").wait(FunctionName=self._name)


def _plain(value: Any) -> Any:
    """The value for a comparison, with mappings in the order of their ``Id``."""
    if isinstance(value, list) and value and isinstance(value[0], Mapping) and "Id" in value[0]:
        return sorted(value, key=lambda entry: str(entry["Id"]))
    return value
