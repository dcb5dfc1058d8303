# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The scan: sources and what is sought in, a report out.

    report = scan([GitSource("/srv/shop")], sought(live_values))

A source yields findings and says what it could not look at; :func:`scan` adds what is known of all of them.
"""

from __future__ import annotations

from collections import Counter
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._scans import _scan_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._scans._scan_report import (
    Finding,
    NotChecked,
    Report,
    chosen,
    masked,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._scans._scan_search import Searcher, Spot
from ansible_collections.watchparty.secrets.plugins.module_utils._scans._scan_sought import Label, Needle, Sought
from ansible_collections.watchparty.secrets.plugins.module_utils._scans._scan_unpack import UNPACKED, Limits, Unpacker

EACH = 50
"""Findings of one value in one object or file; more are counted in one."""
STAGES = ("current", "pending", "previous")


class Found(NamedTuple):
    """A value in some bytes, before it is known where those come from."""

    label: Label
    also: Tuple[str, ...]
    offset: int
    line: int
    inside: str
    times: int = 1


class Scanning:
    """What the sources of one scan share."""

    def __init__(self, sought: Sought, *, prefer: Optional[str] = None, limits: Limits = Limits()) -> None:  # noqa: B008
        self.searcher = Searcher(sought, prefer=prefer)
        self.unpacker = Unpacker(self.searcher, limits)
        self.not_checked: List[NotChecked] = []
        self.objects = 0

    def passed(self, source: str, what: str, reason: str) -> None:
        self.not_checked.append(NotChecked(source, what, reason))

    def unpacked(self, stream: object, source: str, what: str) -> List[Spot]:
        """What stands in an archive; what of it could not be looked into is noted."""
        spots = list(self.unpacker.search(stream))
        for one in self.unpacker.passed:
            inside = one.inside if one.inside != UNPACKED else ""
            self.passed(source, f"{what}!{inside}" if inside else what, one.reason)
        return spots

    def found(self, spots: Sequence[Spot]) -> List[Found]:
        return found_in(spots, self.searcher.sought.needles)


Source = Callable[[Scanning], Iterator[Finding]]
"""Something that can be scanned; _scan_sources has those that there are."""


def scan(
    sources: Sequence[Source],
    sought: Sought,
    *,
    engines: Sequence[Source] = (),
    engine: str = "",
    unread: Sequence[NotChecked] = (),
    baseline: Optional[_scan_baseline.Baseline] = None,
    prefer: Optional[str] = None,
    limits: Limits = Limits(),  # noqa: B008
) -> Report:
    """Scans every source; ``engines`` look for secrets that are not sought, ``unread`` is what is not sought at all.

    Raises ScanError where one cannot be scanned at all.
    """
    scanning = Scanning(sought, prefer=prefer, limits=limits)
    findings: List[Finding] = []
    for source in sources:
        findings += source(scanning)
    told = {(one.source, one.path, one.line) for one in findings}
    for source in engines:
        findings += [one for one in source(scanning) if (one.source, one.path, one.line) not in told]
    secrets = sought.texts()
    open_ones, accepted, problems = _scan_baseline.applied(baseline, masked(findings, secrets))
    names: Dict[str, List[str]] = {}
    for one in sought.left_out:
        names.setdefault(one.reason, []).append(f"{one.name} ({one.stage})")
    return Report(
        findings=tuple(open_ones),
        accepted=tuple(accepted),
        reasons={one.fingerprint: one.reason for one in baseline.entries} if baseline else {},
        not_checked=masked(dict.fromkeys([*unread, *scanning.not_checked]), secrets),
        problems=tuple(problems),
        left_out=Counter(one.reason for one in sought.left_out),
        left_out_names=names,
        values=sought.values,
        objects=scanning.objects,
        bytes=scanning.searcher.searched,
        engine=engine,
    )


def found_in(spots: Sequence[Spot], needles: Sequence[Needle]) -> List[Found]:
    """What the spots mean: the longest where one lies in another, and members' instead of their archive's."""
    kept: List[Found] = []
    end, inside = -1, ""
    for spot in sorted(set(spots), key=lambda one: (one.inside, one.offset, -len(needles[one.needle].whole))):
        needle = needles[spot.needle]
        label, also = _told(needle)
        if spot.inside == inside and spot.offset + len(needle.whole) <= end and kept:
            last = kept[-1]
            names = dict.fromkeys([*last.also, label.name, *also])
            kept[-1] = last._replace(also=tuple(name for name in names if name != last.label.name))
            continue
        end, inside = spot.offset + len(needle.whole), spot.inside
        kept.append(Found(label, also, spot.offset, spot.line, spot.inside))
    packed = {one.label.name for one in kept if one.inside}
    return _capped([one for one in kept if one.inside or not (packed and one.label.name in packed)])


def _told(needle: Needle) -> Tuple[Label, Tuple[str, ...]]:
    """Whose value it is first of all, and who else has it."""
    labels = sorted(needle.labels, key=lambda one: (_rank(one.stage), one))
    first = labels[0]
    return first, tuple(dict.fromkeys(one.name for one in labels if one.name != first.name))


def _rank(stage: str) -> int:
    return STAGES.index(stage) if stage in STAGES else len(STAGES)


def _capped(found: Sequence[Found]) -> List[Found]:
    seen: Counter[Tuple[str, str]] = Counter()
    kept: List[Found] = []
    more: Dict[Tuple[str, str], int] = {}
    for one in found:
        key = (one.label.name, one.inside)
        seen[key] += 1
        if seen[key] < EACH:
            kept.append(one)
        elif seen[key] == EACH:
            more[key] = len(kept)
            kept.append(one)
    for key, at in more.items():
        kept[at] = kept[at]._replace(times=seen[key] - EACH + 1)
    return kept


def finding(found: Found, **more: object) -> Finding:
    """A finding of what was found, with where that is."""
    return chosen(
        found.label,
        found.also,
        offset=found.offset,
        line=found.line,
        inside=found.inside,
        times=found.times,
        **more,
    )
