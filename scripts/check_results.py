# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results of the project's checks: counts, failures, skips with their reasons, and the table at the end.

Tests report how much they tried by pytest's ``record_property``: a name and a whole number, added up by name.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

REASON = 160
"""Limit of a failure's reason in the list at the end."""


@dataclass(frozen=True)
class Tally:
    passed: int = 0
    failures: tuple[str, ...] = ()
    skipped: Counter[str] = field(default_factory=Counter)
    """Number of skips by reason."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Amounts that the tests tried, by name. Zeros count: so many requests failed."""

    @property
    def failed(self) -> int:
        return len(self.failures)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.passed + other.passed,
            self.failures + other.failures,
            self.skipped + other.skipped,
            {name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in (*self.counts, *other.counts)},
        )


def skipped(reason: str) -> Tally:
    return Tally(skipped=Counter({reason: 1}))


def counted(report: Path) -> Tally:
    """Results in pytest's report."""
    if not report.exists():
        return Tally()
    tally = Tally()
    for case in ET.parse(report).iter("testcase"):
        skip = case.find("skipped")
        reason = next((element for element in case if element.tag in ("failure", "error")), None)
        if reason is not None:
            tally += Tally(failures=(_failure(case, reason),))
        elif skip is not None and skip.get("type") != "pytest.xfail":
            tally += skipped(skip.get("message") or "no reason given")
        else:
            tally += Tally(passed=1)
        tally += Tally(counts=_counts(case))
    return tally


def _counts(case: ET.Element) -> dict[str, int]:
    properties = {element.get("name") or "?": element.get("value") or "" for element in case.iter("property")}
    return {name: int(value) for name, value in properties.items() if value.isdecimal()}


def _failure(case: ET.Element, reason: ET.Element) -> str:
    """A failed test, as pytest takes its name, and the beginning of the reason."""
    message = " ".join((reason.get("message") or "").split())[:REASON]
    return f"{(case.get('classname') or '?').replace('.', '/')}.py::{case.get('name')}: {message}"


def total(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())


def summary(results: dict[str, tuple[Tally, float]], seconds: float) -> Tally:
    whole = total(tally for tally, _ in results.values())
    print(f"\n{'stage':<12} {'passed':>7} {'failed':>7} {'skipped':>8} {'seconds':>8}")
    rows = [(name, tally, duration) for name, (tally, duration) in results.items()]
    for name, tally, duration in [*rows, ("all", whole, seconds)]:
        print(f"{name:<12} {tally.passed:>7} {tally.failed:>7} {tally.skipped.total():>8} {duration:>8.1f}")
    if whole.counts:
        print("\nTried:")
        for label in sorted(whole.counts, key=lambda name: name.partition(":")[0]):
            print(f"  {whole.counts[label]:>9,}  {label}")
    if whole.failures:
        print("\nFailed:")
        for name, tally, _seconds in rows:
            for failure in tally.failures:
                print(f"  {name}: {failure}")
    if whole.skipped:
        print("\nNot tested here:")
        for reason, count in whole.skipped.items():
            print(f"  {count} x {reason}")
    print(f"\n{whole.passed} passed, {whole.failed} failed, {whole.skipped.total()} skipped", flush=True)
    return whole
