# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The findings that an operator has accepted, each with a reason and a last day. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import Finding

_FINGERPRINT = re.compile(r"^[0-9a-f]{24}$")
SHOWN = 40
"""Number of unknown keys that a problem names, and characters of each."""
NO_LIST = "is not a mapping with a list called accepted"
NO_DAY = "has no expires, a day such as 2027-01-31"
_KEYS = {"fingerprint", "reason", "expires"}


@dataclass(frozen=True)
class AcceptedFinding:
    fingerprint: str
    reason: str


@dataclass(frozen=True)
class Baseline:
    entries: tuple[AcceptedFinding, ...] = ()
    problems: tuple[str, ...] = ()


def parse(document: Any, today: date) -> Baseline:
    """The baseline of a parsed YAML document. A malformed or expired entry accepts no finding and is a problem."""
    listed = accepted_in(document)
    if listed is None:
        return Baseline((), (NO_LIST,))
    entries: dict[str, AcceptedFinding] = {}
    problems: list[str] = []
    for number, entry in enumerate(listed, 1):
        name = f"entry {number}"
        if isinstance(entry, Mapping) and _is_fingerprint(entry.get("fingerprint")):
            name += f" ({entry['fingerprint']})"
        flaw = _flaw(entry)
        if flaw:
            problems.append(f"{name} {flaw}")
            continue
        ends = day(entry["expires"])
        if ends is not None and ends < today:
            problems.append(f"{name} {expired(ends)}")
        elif entry["fingerprint"] in entries:
            problems.append(f"{name} appears twice; remove one")
        elif ends is not None:
            entries[entry["fingerprint"]] = AcceptedFinding(entry["fingerprint"], entry["reason"].strip())
    return Baseline(tuple(entries.values()), tuple(problems))


def accepted_in(document: Any) -> list[Any] | None:
    """The entries of a parsed baseline file. None if it has no list ``accepted``."""
    listed = document.get("accepted") if isinstance(document, Mapping) else None
    return listed if isinstance(listed, list) else None


def expired(ends: date) -> str:
    return f"expired on {ends}; set a new end if it is still acceptable, or remove it"


def applied(baseline: Baseline | None, findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding], list[str]]:
    """The findings that are not accepted, the accepted findings, and the baseline's problems."""
    if baseline is None:
        return list(findings), [], []
    known = {accepted_finding.fingerprint for accepted_finding in baseline.entries}
    accepted = [finding for finding in findings if finding.fingerprint in known]
    return [finding for finding in findings if finding.fingerprint not in known], accepted, list(baseline.problems)


def _flaw(entry: Any) -> str | None:
    if not isinstance(entry, Mapping):
        return "is not a mapping with fingerprint, reason and expires"
    unknown = sorted(str(name)[:SHOWN] for name in set(entry) - _KEYS)
    if unknown:
        return f"has unknown keys: {', '.join(unknown[:SHOWN])}"
    if not _is_fingerprint(entry.get("fingerprint")):
        return "has no fingerprint of 24 hexadecimal digits; quote it"
    if not isinstance(entry.get("reason"), str) or not entry["reason"].strip():
        return "has no reason"
    if day(entry.get("expires")) is None:
        return NO_DAY
    return None


def _is_fingerprint(value: Any) -> bool:
    return isinstance(value, str) and bool(_FINGERPRINT.match(value))


def day(value: Any) -> date | None:
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    try:
        # The type is checked first: with YAML's aliases, the text of a small list can fill the memory.
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
