# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The numbers that alarms watch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import metrics

CATALOG: Any = SimpleNamespace(application="shop", environment="production")


def row(name: str, age: int | None, left: int | None, *, due: bool = False) -> dict[str, Any]:
    rotated = None if age is None else "2026-11-01T00:00:00Z"
    return {"name": name, "age_days": age, "due_in_days": left, "due": due, "rotated_at": rotated}


def report(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"credentials": list(rows), "rotation": None, "revocations": [], **more}


def numbers(found: list[metrics.Metric]) -> dict[str, float]:
    return {f"{one.name} {one.credential}".strip(): one.value for one in found}


def test_each_credential_and_all_together() -> None:
    found = report(
        row("database", 80, 10),
        row("cache", 95, -5, due=True),
        row("unknown", None, None, due=True),
        row("unlimited", 400, None),
        row("provisioned", 500, 1) | {"rotated_at": None},
        rotation={"id": "r-1", "credentials": ["cache"]},
        revocations=[{"credential": "token"}, {"credential": "database"}],
    )
    assert numbers(metrics.metrics(found)) == {
        "DaysUntilDue database": 10,
        "LastSuccess database": 80,
        "OpenRotations database": 0,
        "PendingConfirmations database": 1,
        "DaysUntilDue cache": -5,
        "LastSuccess cache": 95,
        "OpenRotations cache": 1,
        "PendingConfirmations cache": 0,
        "DaysUntilDue unknown": 0,
        "OpenRotations unknown": 0,
        "PendingConfirmations unknown": 0,
        "LastSuccess unlimited": 400,
        "OpenRotations unlimited": 0,
        "PendingConfirmations unlimited": 0,
        "DaysUntilDue provisioned": 1,
        "OpenRotations provisioned": 0,
        "PendingConfirmations provisioned": 0,
        "DaysUntilDue": -5,
        "LastSuccess": 400,
        "OpenRotations": 1,
        "PendingConfirmations": 2,
    }


def test_an_environment_without_limits_is_not_silent() -> None:
    """Its alarms would take no number for silence."""
    assert numbers(metrics.metrics(report()))["DaysUntilDue"] == metrics.NEVER


class Client:
    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def put_metric_data(self, **request: Any) -> None:
        self.asked.append(request)


def test_many_go_in_several_calls() -> None:
    client = Client()
    rows = [row(f"c{n}", 1, 1) for n in range(300)]
    metrics.put(client, CATALOG, metrics.metrics(report(*rows)))
    assert [len(one["MetricData"]) for one in client.asked] == [500, 500, 204]
    assert {one["Namespace"] for one in client.asked} == {"watchparty.secrets"}
    first, last = client.asked[0]["MetricData"][0], client.asked[-1]["MetricData"][-1]
    own = [{"Name": "Application", "Value": "shop"}, {"Name": "Environment", "Value": "production"}]
    assert first["Dimensions"] == [*own, {"Name": "Credential", "Value": "c0"}]
    assert last["Dimensions"] == own
