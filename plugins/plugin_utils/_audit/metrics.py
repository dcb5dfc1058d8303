# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ages of credentials, and the result of a verification, as metrics of CloudWatch.

Each metric of ages exists for each credential, and for the environment as a whole. Alarms watch the environment, so
that they cover a credential that is added later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors

NAMESPACE = "watchparty.secrets"
DAYS_UNTIL_DUE = "DaysUntilDue"
OPEN_ROTATIONS = "OpenRotations"
PENDING_CONFIRMATIONS = "PendingConfirmations"
LAST_SUCCESS = "LastSuccess"
"""Days since the last successful rotation. An alarm can compare an age, but not a date."""
VERIFICATION_FAILED = "VerificationFailed"
VERIFICATION_NOT_CHECKED = "VerificationNotChecked"
COUNTS = (OPEN_ROTATIONS, PENDING_CONFIRMATIONS, VERIFICATION_FAILED, VERIFICATION_NOT_CHECKED)
NEVER = 9999
"""Days until an environment is due, if no credential has a limit."""
AT_ONCE = 500
"""Metrics of one call. AWS accepts 1,000, with 1 MB together."""


@dataclass(frozen=True)
class Metric:
    name: str
    value: float
    credential: str = ""
    """Empty for the environment as a whole."""

    def datum(self, catalog: Catalog) -> dict[str, Any]:
        unit = "Count" if self.name in COUNTS else "None"
        dimensions = dimensions_of(catalog, self.credential)
        return {"MetricName": self.name, "Dimensions": dimensions, "Value": self.value, "Unit": unit}

    def __str__(self) -> str:
        return f"{self.name} {self.credential or '(all)'}: {self.value:g}"


def dimensions_of(catalog: Catalog, credential: str = "") -> list[dict[str, str]]:
    own = {"Application": catalog.application, "Environment": catalog.environment}
    named = {**own, "Credential": credential} if credential else own
    return [{"Name": name, "Value": value} for name, value in named.items()]


def metrics(report: Mapping[str, Any]) -> list[Metric]:
    """The result of ``rotation_info`` as metrics."""
    each = [metric for credential in report["credentials"] for metric in _of(credential, report)]
    return [*each, *_together(each, report)]


def _of(credential: Mapping[str, Any], report: Mapping[str, Any]) -> Iterator[Metric]:
    name = credential["name"]
    days = 0 if credential["due"] and credential["due_in_days"] is None else credential["due_in_days"]
    if days is not None:
        yield Metric(DAYS_UNTIL_DUE, days, name)
    if credential["rotated_at"]:
        yield Metric(LAST_SUCCESS, credential["age_days"], name)
    yield Metric(OPEN_ROTATIONS, int(name in (report["rotation"] or {}).get("credentials", ())), name)
    yield Metric(
        PENDING_CONFIRMATIONS, [revocation["credential"] for revocation in report["revocations"]].count(name), name
    )


def _together(each: Sequence[Metric], report: Mapping[str, Any]) -> Iterator[Metric]:
    values = {name: [metric.value for metric in each if metric.name == name] for name in (DAYS_UNTIL_DUE, LAST_SUCCESS)}
    # An alarm would treat a missing number as silence.
    yield Metric(DAYS_UNTIL_DUE, min(values[DAYS_UNTIL_DUE], default=NEVER))
    if values[LAST_SUCCESS]:
        yield Metric(LAST_SUCCESS, max(values[LAST_SUCCESS]))
    yield Metric(OPEN_ROTATIONS, int(report["rotation"] is not None))
    yield Metric(PENDING_CONFIRMATIONS, len(report["revocations"]))


def of_verification(counts: Mapping[str, int]) -> list[Metric]:
    return [
        Metric(VERIFICATION_FAILED, counts["fail"]),
        Metric(VERIFICATION_NOT_CHECKED, counts["not_checked"]),
    ]


def put(client: Any, catalog: Catalog, metrics: Sequence[Metric]) -> None:
    """Raises SecretsError."""
    data = [metric.datum(catalog) for metric in metrics]
    for at in range(0, len(data), AT_ONCE):
        with aws_errors.translated("cloudwatch:PutMetricData", f"namespace {NAMESPACE}"):
            client.put_metric_data(Namespace=NAMESPACE, MetricData=data[at : at + AT_ONCE])
