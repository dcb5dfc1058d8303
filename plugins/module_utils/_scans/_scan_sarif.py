# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A report as SARIF 2.1.0, for code scanning. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence
from urllib.parse import quote

from ansible_collections.watchparty.secrets.plugins.module_utils._scans._scan_report import LIVE, Finding, Report

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
DOCUMENTATION = "https://github.com/watchparty/secrets/blob/main/docs/scanning.md"
LIVE_RULE = "live-value"


def sarif(report: Report, version: str = "") -> Dict[str, Any]:
    """The whole log: one run, a rule a kind, accepted findings suppressed, what was not checked as notifications."""
    every = [*report.findings, *report.accepted]
    rules = sorted({_rule_id(one) for one in every})
    driver: Dict[str, Any] = {
        "name": "watchparty.secrets leak_scan",
        "informationUri": DOCUMENTATION,
        "rules": [_rule(name) for name in rules],
    }
    if version:
        driver["semanticVersion"] = version
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "invocations": [_invocation(report)],
                "results": [_result(one, rules, report) for one in every],
            }
        ],
    }


def _rule_id(one: Finding) -> str:
    return LIVE_RULE if one.kind == LIVE else one.rule


def _rule(name: str) -> Dict[str, Any]:
    live = name == LIVE_RULE
    short = "A value that a store holds stands here" if live else f"Something that looks like a secret ({name})"
    remedy = (
        "Rotate the credential: watchparty.secrets.rotate, or watchparty.secrets.leak_response if others may "
        "have read it. "
        "Taking it out of the file does not take it out of the history."
    )
    return {
        "id": name,
        "shortDescription": {"text": short},
        "fullDescription": {"text": short + "."},
        "help": {"text": remedy},
        "helpUri": DOCUMENTATION,
        "defaultConfiguration": {"level": "error" if live else "warning"},
    }


def _result(one: Finding, rules: Sequence[str], report: Report) -> Dict[str, Any]:
    rule = _rule_id(one)
    words = [f"The {one.stage} value of {one.rule}, {one.form}" if one.kind == LIVE else f"{one.rule}: {one.form}"]
    if one.also:
        words.append(f"also of {', '.join(one.also)}")
    if one.inside:
        words.append(f"in {one.inside}")
    if one.commit:
        words.append(f"commit {one.commit[:12]} by {one.author}, {one.date}")
    if one.reach:
        words.append(f"reached by {one.reach}")
    physical: Dict[str, Any] = {"artifactLocation": {"uri": quote(one.path.encode("utf-8", "replace"), safe="/")}}
    if one.line:
        physical["region"] = {"startLine": one.line}
    result: Dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": list(rules).index(rule),
        "level": "error" if one.sensitivity == "high" else "warning",
        "message": {"text": _unlinked("; ".join(words) + ".")},
        "locations": [{"physicalLocation": physical}],
        "partialFingerprints": {"watchpartySecrets/v1": one.fingerprint},
        "properties": {
            name: value for name, value in one.data().items() if value and name not in ("path", "line", "fingerprint")
        },
    }
    if one in report.accepted:
        reason = report.reasons.get(one.fingerprint, "")
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": reason}]
    return result


def _invocation(report: Report) -> Dict[str, Any]:
    notes: List[str] = [f"not checked: {one}" for one in report.not_checked]
    notes += [f"baseline: {one}" for one in report.problems]
    return {
        "executionSuccessful": True,
        "toolExecutionNotifications": [{"level": "warning", "message": {"text": _unlinked(note)}} for note in notes],
    }


def _unlinked(text: str) -> str:
    """A message in which nothing is a link: SARIF takes ``[text](target)`` for one."""
    return text.replace("](", "] (")
