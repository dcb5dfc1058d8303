# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a verification's table and files go."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.action import verify_report
from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError

FOUND: dict[str, Any] = {
    "application": "shop",
    "environment": "test",
    "at": "2026-11-28T10:00:00Z",
    "counts": {"pass": 0, "fail": 0, "not_checked": 0, "not_applicable": 0},
    "unreachable": {},
    "checks": [],
    "ages": [],
    "hosts": {},
    "graph": {"declared": [], "credentials": [], "edges": []},
}


def test_a_report_of_some_checks_leaves_the_full_one(tmp_path: Path) -> None:
    full = verify_report.written(FOUND, str(tmp_path), partial=False)
    before = {path: Path(path).read_bytes() for path in full}
    some = verify_report.written({**FOUND, "environment": "other"}, str(tmp_path), partial=True)
    assert {Path(path).name for path in some} == {"partial.json", "partial.sarif", "partial.html"}
    assert {path: Path(path).read_bytes() for path in full} == before


@pytest.mark.parametrize(
    ("callback", "to_stderr"),
    [
        ("default", False),
        ("ansible.builtin.default", False),
        ("watchparty.secrets.console", False),
        ("json", True),
        ("ansible.posix.jsonl", True),
        ("example.own.junit", True),
    ],
)
def test_the_output_of_another_callback_stays_its_own(
    monkeypatch: pytest.MonkeyPatch, callback: str, to_stderr: bool
) -> None:
    lines: list[tuple[str, bool]] = []
    monkeypatch.setattr(constants.config, "get_config_value", lambda name: {"DEFAULT_STDOUT_CALLBACK": callback}[name])
    monkeypatch.setattr(Display, "display", lambda _self, text, color=None, stderr=False: lines.append((text, stderr)))
    verify_report.show(FOUND, ["/srv/report/verify.json"])
    assert {stderr for _text, stderr in lines} == {to_stderr}
    assert lines[-1][0] == "report: /srv/report/verify.json"


def test_a_failure_is_announced_and_who_is_deaf_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _self, line, **_how: warnings.append(line))
    file = tmp_path / "event"
    notify = {"file": {"command": ["/bin/sh", "-c", f"cat > {file}"]}, "deaf": {"command": ["/bin/false"]}}
    catalog = catalog_parser.parse({"application": "shop", "settings": {"A": {"value": "x"}}, "notify": notify}, "test")
    action = verify_report.ActionModule.__new__(verify_report.ActionModule)
    action._announced(catalog, ["WPS101"], ["reports"], "1 of 2 checks fails: WPS101", {})
    detail = json.loads(file.read_text(encoding="utf-8"))
    assert (detail["event"], detail["checks"], detail["environment"]) == ("verification.failed", ["WPS101"], "test")
    assert detail["credentials"] == ["reports"]
    assert "shop test: somebody used the honeytoken reports; verification failed: WPS101" in detail["summary"]
    failure = "/bin/false failed with exit code 1; run it by hand to see the cause"
    assert warnings == [f"deaf was not notified of verification.failed: {failure}"]


COUNTS = {"pass": 40, "fail": 2, "not_checked": 1, "not_applicable": 3}


@pytest.mark.parametrize("alerts", [{}, {"alerts": {}}])
def test_metrics_are_for_those_who_have_alerts(monkeypatch: pytest.MonkeyPatch, alerts: dict[str, Any]) -> None:
    sent: list[dict[str, Any]] = []
    client = SimpleNamespace(put_metric_data=lambda **request: sent.append(request))
    measured(monkeypatch, client, alerts)
    numbers = {one["MetricName"]: (one["Value"], one["Unit"]) for request in sent for one in request["MetricData"]}
    wanted = {"VerificationFailed": (2, "Count"), "VerificationNotChecked": (1, "Count")}
    assert numbers == ({} if not alerts else wanted)


def test_metrics_that_aws_refuses_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_request: Any) -> None:
        raise SecretsError("AWS denies cloudwatch:PutMetricData")

    warnings = measured(monkeypatch, SimpleNamespace(put_metric_data=refused), {"alerts": {}})
    assert warnings == ["no metrics were sent: AWS denies cloudwatch:PutMetricData"]


def measured(monkeypatch: pytest.MonkeyPatch, client: Any, alerts: dict[str, Any]) -> list[str]:
    warnings: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _self, line, **_how: warnings.append(line))
    monkeypatch.setattr(verify_report, "suit", lambda *_arguments, **_options: None)
    monkeypatch.setattr(verify_report.AwsConnection, "store_client", lambda _self, _service: client)
    document = {"application": "shop", "settings": {"A": {"value": "x"}}, **alerts}
    action = verify_report.ActionModule.__new__(verify_report.ActionModule)
    action._measured(catalog_parser.parse(document, "test"), COUNTS, {})
    return warnings


def test_a_host_whose_time_is_over_is_named_with_the_remedy() -> None:
    """A task that times out has no ``file``, and is not marked as unreachable."""
    late = {"msg": "Task failed: Timed out after 7 second(s).", "timedout": {"period": 7}}
    problem = verify_report.host(late)["problem"]
    assert problem.startswith("no answer within the 7 s that the run had left.")
    assert problem.endswith("-e verify_budget=SECONDS")
