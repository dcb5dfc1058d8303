# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The past in the audit log: rotations, and leaks with their duration. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.chain import Chain, record_of

LEAKS = {"contained": "contained", "drill": "drill", "false_alarm": "false alarm"}
"""Outcomes of leaks, and their names in reports."""
REVEALED = "revealed"
"""The outcome of showing a value to an operator, which is neither a rotation nor a leak."""
GOOD = {"completed": "complete", "revoked": "confirmed as revoked", "rotated_elsewhere": "rotated elsewhere"}
GOOD |= {"forgotten": "pending task forgotten"}
OUTCOMES = {**GOOD, "rolled_back": "rolled back"}


def records(chain: Chain) -> list[Mapping[str, Any]]:
    """Records of the chain, newest first."""
    return [record_of(entry.line) for entry in reversed(chain.entries)]


def since(records: Iterable[Mapping[str, Any]], moment: datetime) -> list[Mapping[str, Any]]:
    return [record for record in records if datetime.fromisoformat(str(record["at"])) >= moment]


def leaks(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": record["rotation"],
            "at": record.get("started") or record["at"],
            "who": record["who"],
            "outcome": LEAKS[record["outcome"]],
            "took": _took(record.get("seconds") or {}),
            "credentials": record.get("credentials") or [],
            "findings": record.get("notes") or [],
        }
        for record in records
        if record["outcome"] in LEAKS
    ]


def _took(seconds: Mapping[str, float]) -> str:
    """The time until containment. For a drill, which contains nothing, the time until the plan."""
    if "contained" in seconds:
        return f"{seconds['contained']:.0f} s"
    return f"plan ready in {seconds['planned']:.0f} s" if "planned" in seconds else ""


def rotations(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": record["rotation"],
            "at": record["at"],
            "who": record["who"],
            "outcome": OUTCOMES.get(record["outcome"], record["outcome"]),
            "is_bad": record["outcome"] not in GOOD,
            "credentials": record.get("credentials") or [],
            "reason": record.get("reason") or "",
        }
        for record in records
        if record["outcome"] not in (*LEAKS, REVEALED)
    ]
