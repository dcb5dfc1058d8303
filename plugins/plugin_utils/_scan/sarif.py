# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A scan's report as SARIF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import sarif as reports_sarif
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import LIVE, Finding, ScanReport

DOCUMENTATION = "https://github.com/watchparty/secrets/blob/main/docs/how-to/scan-a-repository.md"
LIVE_RULE = "live-value"


def log(report: ScanReport) -> dict[str, Any]:
    """The log: one run, one rule for each kind. Accepted findings are suppressed, unchecked parts are notifications."""
    findings = [*report.findings, *report.accepted]
    rules = sorted({_rule_id(finding) for finding in findings})
    return reports_sarif.log(
        "leak_scan",
        DOCUMENTATION,
        [_rule(name) for name in rules],
        [_result(finding, rules, report) for finding in findings],
        _notifications(report),
    )


def _rule_id(finding: Finding) -> str:
    return LIVE_RULE if finding.kind == LIVE else finding.rule


def _rule(name: str) -> dict[str, Any]:
    live = name == LIVE_RULE
    short = "This line contains a value from the stores" if live else f"This line contains a possible secret ({name})"
    remedy = (
        "Rotate the credential: ansible-playbook watchparty.secrets.rotate. If others may have read the value: "
        "ansible-playbook watchparty.secrets.leak_response. A later commit does not remove the value from the history."
    )
    return {
        "id": name,
        "shortDescription": {"text": short},
        "fullDescription": {"text": short + "."},
        "help": {"text": remedy},
        "helpUri": DOCUMENTATION,
        "defaultConfiguration": {"level": "error" if live else "warning"},
    }


def _result(finding: Finding, rules: Sequence[str], report: ScanReport) -> dict[str, Any]:
    rule = _rule_id(finding)
    messages = [
        f"The {finding.stage} value of {finding.rule}, {finding.form}"
        if finding.kind == LIVE
        else f"{finding.rule}: {finding.form}"
    ]
    if finding.also:
        messages.append(f"also of {', '.join(finding.also)}")
    if finding.inside:
        messages.append(f"in {finding.inside}")
    if finding.commit:
        messages.append(f"commit {finding.commit[:12]} by {finding.author}, {finding.date}")
    if finding.reach:
        messages.append(f"reached by {finding.reach}")
    # GitHub accepts no location without a line. Binary files have none.
    physical = {
        "artifactLocation": {"uri": reports_sarif.uri(finding.path)},
        "region": {"startLine": finding.line or 1},
    }
    result: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": list(rules).index(rule),
        "level": "error" if finding.sensitivity == "high" else "warning",
        "message": reports_sarif.message("; ".join(messages) + "."),
        "locations": [{"physicalLocation": physical}],
        "partialFingerprints": {"watchpartySecrets/v1": finding.fingerprint},
        "properties": {
            name: value
            for name, value in finding.data().items()
            if value and name not in ("path", "line", "fingerprint")
        },
    }
    if finding in report.accepted:
        reason = report.reasons.get(finding.fingerprint, "")
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": reason}]
    return result


def _notifications(report: ScanReport) -> list[dict[str, Any]]:
    notes = [f"not checked: {reason}" for reason in report.not_checked]
    notes += [f"baseline: {problem}" for problem in report.problems]
    return [{"level": "warning", "message": reports_sarif.message(note)} for note in notes]
