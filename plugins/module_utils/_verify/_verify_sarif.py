# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A verification's results as SARIF 2.1.0, for code scanning. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, List, Mapping
from urllib.parse import quote

from ansible_collections.watchparty.secrets.plugins.module_utils._verify._verification import FAIL, NOT_CHECKED

LEVELS = {"high": "error", "medium": "warning", "low": "note"}
SCORES = {"high": "8.0", "medium": "5.0", "low": "2.0"}
"""GitHub sorts by these numbers."""
NOWHERE = "secrets_catalog.yml"
"""A finding that is in no file is told at the catalog: GitHub shows none without a file."""


def sarif(found: Mapping[str, Any], version: str = "") -> Dict[str, Any]:
    checks = found["checks"]
    driver: Dict[str, Any] = {
        "name": "watchparty.secrets verify",
        "informationUri": "https://github.com/watchparty/secrets",
        "rules": [_rule(one) for one in checks],
    }
    if version:
        driver["semanticVersion"] = version
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "automationDetails": {"id": f"secrets/{found['application']}/{found['environment']}/"},
                "invocations": [{"executionSuccessful": True, "endTimeUtc": found["at"], **_unchecked(checks)}],
                "results": [
                    _result(at, check, outcome)
                    for at, check in enumerate(checks)
                    for outcome in check["outcomes"]
                    if outcome["status"] == FAIL
                ],
            }
        ],
    }


def _rule(one: Mapping[str, Any]) -> Dict[str, Any]:
    return {
        "id": one["id"],
        "name": "".join(part.capitalize() for part in one["name"].split("-")),
        "shortDescription": {"text": one["title"]},
        "fullDescription": {"text": one["reason"]},
        "help": {"text": one["fix"], "markdown": f"{one['fix']} [More]({one['link']})"},
        "helpUri": one["link"],
        "defaultConfiguration": {"level": LEVELS[one["severity"]]},
        "properties": {"security-severity": SCORES[one["severity"]], "tags": ["security", one["area"]]},
    }


def _result(at: int, check: Mapping[str, Any], outcome: Mapping[str, Any]) -> Dict[str, Any]:
    file, line = outcome.get("file") or NOWHERE, outcome.get("line") or 1
    place = f"{outcome['place']}: " if outcome["place"] else ""
    # What GitHub recognises a finding by from run to run: not the words, which hold times and counts.
    identity = hashlib.sha256(json.dumps([check["id"], outcome["place"], file]).encode()).hexdigest()
    return {
        "ruleId": check["id"],
        "ruleIndex": at,
        "level": LEVELS[check["severity"]],
        "message": {"text": _unlinked(f"{place}{outcome['words']}")},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(file), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": line},
                },
                "logicalLocations": [{"fullyQualifiedName": outcome["place"] or check["id"]}],
            }
        ],
        "partialFingerprints": {"place/v1": identity},
    }


def _unchecked(checks: List[Mapping[str, Any]]) -> Dict[str, Any]:
    """What could not be checked is a notification, not a finding."""
    told = [
        {
            "level": "note",
            "message": {
                "text": _unlinked(f"{outcome['place']}: {outcome['words']}" if outcome["place"] else outcome["words"])
            },
            "associatedRule": {"id": check["id"], "index": at},
        }
        for at, check in enumerate(checks)
        for outcome in check["outcomes"]
        if outcome["status"] == NOT_CHECKED
    ]
    return {"toolExecutionNotifications": told} if told else {}


def _unlinked(text: str) -> str:
    """A message in which nothing is a link: SARIF takes ``[text](target)`` for one."""
    return text.replace("](", "] (")
