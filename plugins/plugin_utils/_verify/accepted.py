# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accepted findings, each with a reason and an end day. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import (
    FAIL,
    NOT_APPLICABLE,
    NOT_CHECKED,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import baseline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import CheckResult, Outcome

TEXTS = ("check", "place", "message", "reason")
KEYS = {*TEXTS, "expires"}


@dataclass(frozen=True)
class Acceptance:
    check: str
    place: str
    message: str
    """Part of the finding's message, so that other findings at the same place are not accepted."""
    reason: str
    expires: date

    def covers(self, check: str, outcome: Outcome) -> bool:
        return (self.check, self.place) == (check, outcome.place) and self.message in outcome.message


@dataclass(frozen=True)
class Acceptances:
    entries: tuple[Acceptance, ...] = ()
    problems: tuple[str, ...] = ()


def parse(document: Any, today: date) -> Acceptances:
    """Parses YAML's values. A malformed or expired entry accepts nothing and becomes a problem."""
    listed = baseline.accepted_in(document)
    if listed is None:
        return Acceptances((), (baseline.NO_LIST,))
    entries, problems = [], []
    for number, entry in enumerate(listed, 1):
        flaw = _flaw(entry, today)
        expires = None if flaw else baseline.day(entry["expires"])
        if expires is None:
            problems.append(f"entry {number} {flaw}")
        else:
            entries.append(Acceptance(**{name: entry[name].strip() for name in TEXTS}, expires=expires))
    return Acceptances(tuple(entries), tuple(problems))


def applied(accepted: Acceptances, results: Sequence[CheckResult]) -> tuple[list[CheckResult], list[str]]:
    """Results with accepted findings as not applicable, and the file's problems, unused entries included."""
    ran = {result.check.id for result in results}
    used = {
        entry
        for entry in accepted.entries
        for result in results
        for outcome in result.outcomes
        if outcome.status in (FAIL, NOT_CHECKED) and entry.covers(result.check.id, outcome)
    }
    idle = [
        f"{entry.check} at {entry.place or 'no place'} is not found any more; remove the entry"
        for entry in accepted.entries
        if entry.check in ran and entry not in used
    ]
    return [_without(result, accepted.entries) for result in results], [*accepted.problems, *idle]


def _without(result: CheckResult, entries: Sequence[Acceptance]) -> CheckResult:
    return replace(result, outcomes=tuple(_judged(result.check.id, outcome, entries) for outcome in result.outcomes))


def _judged(check: str, outcome: Outcome, entries: Sequence[Acceptance]) -> Outcome:
    entry = next((entry for entry in entries if entry.covers(check, outcome)), None)
    if entry is None or outcome.status not in (FAIL, NOT_CHECKED):
        return outcome
    message = f"accepted until {entry.expires}, {entry.reason}: {outcome.message}"
    return replace(outcome, status=NOT_APPLICABLE, message=message)


def _flaw(entry: Any, today: date) -> str:
    if not isinstance(entry, Mapping) or set(entry) != KEYS:
        return f"is not a mapping with exactly {', '.join(sorted(KEYS))}"
    texts = [name for name in TEXTS if not isinstance(entry[name], str) or not (entry[name].strip() or name == "place")]
    if texts:
        return f"has no text in {', '.join(texts)}"
    expires = baseline.day(entry["expires"])
    if expires is None:
        return baseline.NO_DAY
    return baseline.expired(expires) if expires < today else ""
