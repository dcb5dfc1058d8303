# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The scan: searches sources for values and returns a report.

    report = scan([GitSource("/srv/shop")], needles_for(live_values))

A source yields findings and reports the parts that it could not search. :func:`scan` combines all sources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.spellings import FORMS
from ansible_collections.watchparty.secrets.plugins.module_utils._core.value_encodings import AS_IS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import baseline as _baseline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.archives import UNPACKED, Limits, Unpacker
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Bounds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Label, Needle, Needles
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_progress import ScanProgress, Show
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import (
    Finding,
    NotChecked,
    ScanReport,
    chosen,
    masked,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.stream_search import (
    SPOTS,
    NeedleMatch,
    Searcher,
    Spots,
)

EACH = 50
"""Findings of one value in one object or file. The last one counts the rest."""
FINDINGS = 10_000
"""Findings of one source. Further ones are counted."""
NOTES = 100
"""Notes about one source's unchecked parts. Further ones are counted."""
STAGES = ("current", "pending", "previous")


class ValueMatch(NamedTuple):
    """A value in some bytes, whose object or file is not known yet."""

    label: Label
    also: tuple[str, ...]
    offset: int
    line: int
    inside: str
    times: int = 1


class Scanning:
    """The state that all sources of one scan share."""

    def __init__(
        self,
        terms: Needles,
        *,
        prefer: str | None = None,
        limits: Limits = Limits(),  # noqa: B008
        bounds: Bounds = Bounds(),  # noqa: B008
        show: Show | None = None,
    ) -> None:
        self.searcher = Searcher(terms, prefer=prefer)
        self.unpacker = Unpacker(self.searcher, limits)
        self.objects = 0
        self.progress = ScanProgress(show)
        self._bounds = bounds
        self._notes: dict[str, dict[NotChecked, None]] = {}
        self._more: Counter[str] = Counter()

    @property
    def bounds(self) -> Bounds:
        return self.searcher.bounds

    def begin(self, source: str) -> None:
        """Starts the time of one source."""
        self.progress.begin(source)
        self.searcher.bounds = self._bounds.started()

    def passed(self, source: str, place: str, reason: str) -> None:
        note, notes = NotChecked(source, place, reason), self._notes.setdefault(source, {})
        if note in notes or len(notes) < NOTES:
            notes[note] = None
        else:
            self._more[source] += 1

    @property
    def not_checked(self) -> list[NotChecked]:
        gaps = [note for notes in self._notes.values() for note in notes]
        return gaps + [NotChecked(source, "", f"… and {count:,} more") for source, count in self._more.items()]

    def unpacked(self, stream: object, note: Callable[[str, str], None], kind: str | None = None) -> Spots:
        """Matches in an archive. Reports parts that could not be searched to ``note``."""
        spots = Spots(self.unpacker.search(stream, kind))
        for passed in self.unpacker.passed:
            note(passed.inside if passed.inside != UNPACKED else "", passed.reason)
        if self.unpacker.more:
            note("", f"… and {self.unpacker.more:,} more of its members")
        return spots

    def noting(self, source: str, place: str) -> Callable[[str, str], None]:
        """A callback that notes the unsearched parts of a file."""
        return lambda inside, reason: self.passed(source, f"{place}!{inside}" if inside else place, reason)

    def found(self, spots: Spots) -> list[ValueMatch]:
        return found_in(spots, self.searcher.sought.needles) if spots.kept else []


Source = Callable[[Scanning], Iterator[Finding]]
"""A callable that scans one source. ``sources.py`` has all of them."""


def scan(
    sources: Sequence[Source],
    terms: Needles,
    *,
    engines: Sequence[Source] = (),
    engine: str = "",
    unread: Sequence[NotChecked] = (),
    baseline: _baseline.Baseline | None = None,
    prefer: str | None = None,
    limits: Limits = Limits(),  # noqa: B008
    bounds: Bounds = Bounds(),  # noqa: B008
    show: Show | None = None,
) -> ScanReport:
    """Scans every source. ``engines`` look for unknown secrets, ``unread`` lists values that could not be read.

    A source that fails is reported as not checked, and the others are scanned. Raises ScanError if a source does not
    exist, or if all fail before they searched anything and no engine found anything: the report would look clean.
    ``show`` is called with lines of progress.
    """
    for source in sources:
        getattr(source, "check", lambda: None)()
    scanning = Scanning(terms, prefer=prefer, limits=limits, bounds=bounds, show=show)
    looks = [_scan_source(source, scanning) for source in sources]
    findings = [finding for look in looks for finding in look.findings]
    places = {(finding.source, finding.path, finding.line) for finding in findings}
    for source in engines:
        looks.append(_scan_source(source, scanning))
        additions = looks[-1].findings
        findings += [finding for finding in additions if (finding.source, finding.path, finding.line) not in places]
    failed = all(look.failure for look in looks[: len(sources)] or looks)
    if looks and failed and not scanning.objects and not findings:
        raise ScanError(looks[0].failure)
    hide = scanning.searcher.hidden
    open_ones, accepted, problems = _baseline.applied(baseline, masked(findings, hide))
    names: dict[str, list[str]] = {}
    for left_out in terms.left_out:
        names.setdefault(left_out.reason, []).append(f"{left_out.name} ({left_out.stage})")
    return ScanReport(
        findings=tuple(open_ones),
        accepted=tuple(accepted),
        reasons={accepted_finding.fingerprint: accepted_finding.reason for accepted_finding in baseline.entries}
        if baseline
        else {},
        not_checked=masked(dict.fromkeys([*unread, *scanning.not_checked]), hide),
        problems=tuple(problems),
        left_out=Counter(left_out.reason for left_out in terms.left_out),
        left_out_names=names,
        values=terms.values,
        objects=scanning.objects,
        bytes=scanning.searcher.searched,
        engine=engine if any(getattr(source, "ran", True) for source in engines) else "",
        failures=tuple(look.failure for look in looks[len(sources) :] if look.failure),
    )


class _Look(NamedTuple):
    """The findings of one source, and its failure. ``failure`` is empty if it succeeded."""

    findings: list[Finding]
    failure: str = ""


def _scan_source(source: Source, scanning: Scanning) -> _Look:
    name = str(getattr(source, "path", ""))
    findings: list[Finding] = []
    count, failure = 0, ""
    scanning.begin(name)
    try:
        for item in source(scanning):
            if len(findings) < FINDINGS:
                findings.append(item)
            else:
                count += 1
    except ScanError as error:
        failure = str(error)
    except Exception as error:  # noqa: BLE001 libraries can raise anything, and a message may hold a value
        failure = f"unexpected error: {type(error).__name__}; please report it"
    failure = failure.partition(f"{name}: ")[2] or failure
    if failure:
        scanning.passed(name, "", failure)
    if count:
        scanning.passed(
            name, "", f"{count:,} more findings are not listed; fix the first {FINDINGS:,}, then scan again"
        )
    return _Look(findings, f"{name}: {failure}" if failure and name not in failure else failure)


def found_in(spots: Spots, needles: Sequence[Needle]) -> list[ValueMatch]:
    """The matches at these spots. Of overlapping spots, the first and longest is kept.

    Matches in an archive's members replace matches of the same value in the archive's own bytes.
    """
    result: list[ValueMatch] = []
    end, inside = -1, ""
    for spot in sorted(set(spots.kept), key=_longest_first):
        label, also = _owners(needles[spot.needle])
        if spot.inside == inside and spot.offset + spot.size <= end and result:
            last = result[-1]
            names = dict.fromkeys([*last.also, label.name, *also])
            result[-1] = last._replace(also=tuple(name for name in names if name != last.label.name))
            continue
        end, inside = spot.offset + spot.size, spot.inside
        result.append(ValueMatch(label.in_form(spot.form), also, spot.offset, spot.line, spot.inside))
    packed = {value_match.label.name for value_match in result if value_match.inside}
    remaining = _capped(
        [
            value_match
            for value_match in result
            if value_match.inside or not (packed and value_match.label.name in packed)
        ]
    )
    return _counted(remaining, spots, needles)


def _longest_first(spot: NeedleMatch) -> tuple[str, int, int, int, int]:
    return spot.inside, spot.offset, -spot.size, FORMS.index(spot.form or AS_IS), spot.needle


def _counted(value_matches: list[ValueMatch], spots: Spots, needles: Sequence[Needle]) -> list[ValueMatch]:
    """Adds the spots that were only counted to the last match of each value."""
    extra: dict[tuple[str, str], int] = {}
    for (needle, inside), seen in spots.seen.items():
        key = (_owners(needles[needle])[0].name, inside)
        extra[key] = max(extra.get(key, 0), seen - SPOTS)
    last = {(value_match.label.name, value_match.inside): at for at, value_match in enumerate(value_matches)}
    for key, count in extra.items():
        if count > 0 and key in last:
            value_matches[last[key]] = value_matches[last[key]]._replace(times=value_matches[last[key]].times + count)
    return value_matches


def _owners(needle: Needle) -> tuple[Label, tuple[str, ...]]:
    """The first owner of a needle, by stage and name, and the names of the other owners."""
    labels = sorted(needle.labels, key=lambda label: (_rank(label.stage), label))
    first = labels[0]
    return first, tuple(dict.fromkeys(label.name for label in labels if label.name != first.name))


def _rank(stage: str) -> int:
    return STAGES.index(stage) if stage in STAGES else len(STAGES)


def _capped(value_matches: Sequence[ValueMatch]) -> list[ValueMatch]:
    seen: Counter[tuple[str, str]] = Counter()
    result: list[ValueMatch] = []
    extra: dict[tuple[str, str], int] = {}
    for value_match in value_matches:
        key = (value_match.label.name, value_match.inside)
        seen[key] += 1
        if seen[key] < EACH:
            result.append(value_match)
        elif seen[key] == EACH:
            extra[key] = len(result)
            result.append(value_match)
    for key, at in extra.items():
        result[at] = result[at]._replace(times=seen[key] - EACH + 1)
    return result


def finding(value_match: ValueMatch, **extra: object) -> Finding:
    return chosen(
        value_match.label,
        value_match.also,
        offset=value_match.offset,
        line=value_match.line,
        inside=value_match.inside,
        times=value_match.times,
        **extra,
    )
