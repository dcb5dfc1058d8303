# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A verification's results as SARIF."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import sarif as reports_sarif

LEVELS = {"high": "error", "medium": "warning", "low": "note"}
SCORES = {"high": "8.0", "medium": "5.0", "low": "2.0"}
"""GitHub sorts by these numbers."""
NOWHERE = "secrets_catalog.yml"
"""File of findings that have none: GitHub shows no finding without a file."""


def log(report: Mapping[str, Any]) -> dict[str, Any]:
    checks = report["checks"]
    return reports_sarif.log(
        "verify",
        "https://github.com/watchparty/secrets",
        [_rule(check) for check in checks],
        [_result(*where) for where in _outcomes(checks, FAIL)],
        [_notification(*where) for where in _outcomes(checks, NOT_CHECKED)],
        invocation={"endTimeUtc": report["at"]},
        run={"automationDetails": {"id": f"secrets/{report['application']}/{report['environment']}/"}},
    )


def _outcomes(
    checks: Sequence[Mapping[str, Any]], status: str
) -> Iterator[tuple[int, Mapping[str, Any], Mapping[str, Any]]]:
    """Each outcome with this status, its check, and the check's index in the list of rules."""
    for index, check in enumerate(checks):
        yield from ((index, check, outcome) for outcome in check["outcomes"] if outcome["status"] == status)


def _rule(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": entry["id"],
        "name": "".join(part.capitalize() for part in entry["name"].split("-")),
        "shortDescription": {"text": entry["title"]},
        "fullDescription": {"text": entry["reason"]},
        "help": {"text": entry["fix"], "markdown": f"{entry['fix']} [More]({entry['link']})"},
        "helpUri": entry["link"],
        "defaultConfiguration": {"level": LEVELS[entry["severity"]]},
        "properties": {"security-severity": SCORES[entry["severity"]], "tags": ["security", entry["area"]]},
    }


def _result(index: int, check: Mapping[str, Any], outcome: Mapping[str, Any]) -> dict[str, Any]:
    file, line = outcome.get("file") or NOWHERE, outcome.get("line") or 1
    # GitHub recognizes a finding by this hash. Messages hold times and counts, so they are not part of it.
    identity = hashlib.sha256(json.dumps([check["id"], outcome["place"], file]).encode()).hexdigest()
    return {
        "ruleId": check["id"],
        "ruleIndex": index,
        "level": LEVELS[check["severity"]],
        "message": _message(outcome),
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": reports_sarif.uri(file)},
                    "region": {"startLine": line},
                },
                "logicalLocations": [{"fullyQualifiedName": outcome["place"] or check["id"]}],
            }
        ],
        "partialFingerprints": {"place/v1": identity},
    }


def _notification(index: int, check: Mapping[str, Any], outcome: Mapping[str, Any]) -> dict[str, Any]:
    """An outcome that could not be checked is a notification, not a finding."""
    return {
        "level": "note",
        "message": _message(outcome),
        "associatedRule": {"id": check["id"], "index": index},
    }


def _message(outcome: Mapping[str, Any]) -> dict[str, str]:
    place = f"{outcome['place']}: " if outcome["place"] else ""
    return reports_sarif.message(f"{place}{outcome['message']}")
