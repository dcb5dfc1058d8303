# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The report of a scan: findings, unchecked parts and accepted findings, without values. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import printable

T = TypeVar("T")
LIVE, PATTERN = "live value", "pattern"
WORKING_TREE = "the working tree"


@dataclass(frozen=True)
class NotChecked:
    """A part that was not searched, and the reason."""

    source: str
    what: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(name for name in (self.source, self.what, self.reason) if name)


@dataclass(frozen=True)
class Finding:
    """A location with a live value, or with a text that looks like a secret."""

    source: str
    """The scanned repository, directory or file."""
    kind: str
    """LIVE or PATTERN."""
    rule: str
    """The setting or credential. For a pattern, the rule of the engine."""
    form: str = ""
    stage: str = ""
    also: tuple[str, ...] = ()
    """Other settings or credentials with the same value."""
    place: str = ""
    """The location of the value in the stores."""
    sensitivity: str = "high"
    path: str = ""
    paths: int = 1
    """Number of paths under which the history has these bytes."""
    inside: str = ""
    """The member of an archive."""
    line: int = 0
    offset: int = 0
    times: int = 1
    blob: str = ""
    commit: str = ""
    author: str = ""
    date: str = ""
    commits: int = 0
    reach: str = ""
    """The closest reference that still reaches the commit: a branch, a tag, another reference, a reflog, or none."""

    @property
    def fingerprint(self) -> str:
        """The identifier of the finding, equal in every run. It depends on no value."""
        # A finding in a repository does not depend on the path of the clone.
        place = self.commit or ("" if self.reach == WORKING_TREE else self.source)
        where = self.blob or f"{place}\n{self.path}"
        parts = [self.kind, where, self.inside, self.rule, self.form, str(self.offset or self.line)]
        if self.times > 1:
            parts.append(str(self.times))
        return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:24]

    @property
    def location(self) -> str:
        path = f"{self.path}!{self.inside}" if self.inside else self.path
        return f"{path}:{self.line}" if self.line else path

    def data(self) -> dict[str, Any]:
        return {**asdict(self), "also": list(self.also), "fingerprint": self.fingerprint}


@dataclass(frozen=True)
class ScanReport:
    findings: tuple[Finding, ...] = ()
    accepted: tuple[Finding, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Reasons of the accepted findings, by fingerprint."""
    problems: tuple[str, ...] = ()
    """Problems of the baseline."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Number of values that were not searched for, by reason."""
    left_out_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    values: int = 0
    objects: int = 0
    bytes: int = 0
    engine: str = ""
    """The program that looked for unknown secrets. Empty if none did."""
    failures: tuple[str, ...] = ()
    """Failures of programs that were required to look for unknown secrets."""

    @property
    def clean(self) -> bool:
        """Whether every finding is accepted. Says nothing about unchecked parts."""
        return not self.findings and not self.problems

    @property
    def complete(self) -> bool:
        return not self.not_checked

    def data(self) -> dict[str, Any]:
        return {
            "clean": self.clean,
            "complete": self.complete,
            "findings": [finding.data() for finding in self.findings],
            "accepted": [
                {**finding.data(), "reason": self.reasons.get(finding.fingerprint, "")} for finding in self.accepted
            ],
            "not_checked": [asdict(not_checked) for not_checked in self.not_checked],
            "problems": list(self.problems),
            "searched_values": self.values,
            "left_out": dict(self.left_out),
            "left_out_names": {name: list(names) for name, names in self.left_out_names.items()},
            "objects": self.objects,
            "bytes": self.bytes,
            "engine": self.engine,
        }


def masked(results: Iterable[T], hide: Callable[[str], str]) -> tuple[T, ...]:
    """Findings or notes with values masked, because a file name, an author or an archive's member may hold one.

    Call this before reading fingerprints, which would otherwise be digests of a value. Control characters for a
    terminal are replaced, too.
    """

    def clean(item: Any) -> Any:
        texts = {name: getattr(item, name) for name in _FREE if hasattr(item, name)}
        return replace(item, **{name: printable(hide(text)) for name, text in texts.items()})

    return tuple(clean(item) for item in results)


_FREE = ("source", "rule", "path", "inside", "author", "date", "commit", "what", "reason")
"""Fields with text from the scanned source or from gitleaks."""


def lines(report: ScanReport) -> Sequence[str]:
    """The report for a terminal: a table, problems, unchecked parts and a summary."""
    messages = [*_table(report.findings)]
    messages += [f"baseline: {problem}" for problem in report.problems]
    messages += [f"not checked: {not_checked}" for not_checked in report.not_checked]
    messages.append(summary(report))
    return messages


def summary(report: ScanReport) -> str:
    searched = f"{report.values} values in {report.objects} objects and files ({report.bytes / 1e6:.1f} MB)"
    value_count = sum(report.left_out.values())
    messages = [f"{len(report.findings)} findings", f"{len(report.accepted)} accepted", f"searched for {searched}"]
    if value_count:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(report.left_out.items()))
        messages.append(f"{value_count} values left out: {reasons}")
    messages.append(f"unknown secrets were {f'looked for by {report.engine}' if report.engine else 'not looked for'}")
    return "; ".join(messages)


HEAD = ("what", "form", "version", "where", "commit", "author", "date", "reached by", "fingerprint")


def _table(findings: Sequence[Finding]) -> Sequence[str]:
    if not findings:
        return []
    rows = [HEAD, *(_row(finding) for finding in findings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows]


def _row(finding: Finding) -> tuple[str, ...]:
    name = finding.rule + (f" (also {', '.join(finding.also)})" if finding.also else "")
    where = finding.location + (f" and {finding.paths - 1} more paths" if finding.paths > 1 else "")
    where += f" ({finding.times} times)" if finding.times > 1 else ""
    return (
        name,
        finding.form,
        finding.stage,
        where,
        finding.commit[:12],
        finding.author,
        finding.date[:10],
        finding.reach,
        finding.fingerprint,
    )


def chosen(label: Any, others: Sequence[str], **extra: Any) -> Finding:
    return Finding(
        kind=LIVE,
        rule=label.name,
        form=label.form,
        stage=label.stage,
        place=label.place,
        sensitivity=label.sensitivity,
        also=tuple(others),
        **extra,
    )
