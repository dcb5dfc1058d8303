# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Searching bytes that need not fit into memory: overlapping windows over streams."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import matchers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Bounds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Sought

WINDOW = 4 * 1024 * 1024
SPOTS = 10_000
"""Places of one needle in one file that are held; more are counted."""

Read = Callable[[int], bytes]


class NeedleMatch(NamedTuple):
    """Where a needle stands."""

    needle: int
    offset: int
    line: int
    inside: str = ""
    """The archive's member that it was found in."""


class Spots:
    """Places in one object or file, so many of each needle."""

    def __init__(self, spots: Iterable[NeedleMatch] = ()) -> None:
        self.kept: list[NeedleMatch] = []
        self.seen: dict[tuple[int, str], int] = {}
        """How often each needle stands in each member."""
        self.add(spots)

    def add(self, spots: Iterable[NeedleMatch]) -> None:
        for spot in spots:
            key = (spot.needle, spot.inside)
            self.seen[key] = self.seen.get(key, 0) + 1
            if self.seen[key] <= SPOTS:
                self.kept.append(spot)

    def join(self, other: Spots) -> None:
        """Those of what is packed in the same object or file."""
        self.kept += other.kept
        for key, count in other.seen.items():
            self.seen[key] = self.seen.get(key, 0) + count


class Searcher:
    """One automaton, and the windows that it needs."""

    def __init__(self, sought: Sought, *, prefer: str | None = None, window: int = WINDOW) -> None:
        self.sought = sought
        self.automaton = matchers.automaton(sought.needles, prefer=prefer) if sought.needles else None
        self.overlap = max(sought.longest - 1, 0)
        self.window = max(window, 4 * self.overlap)
        self.searched = 0
        """Bytes so far."""
        self.bounds = Bounds()

    def hits(self, data: bytes) -> Sequence[matchers.Hit]:
        self.bounds.check()
        self.searched += len(data)
        return self.automaton.hits(data) if self.automaton else ()

    def in_bytes(self, data: bytes, inside: str = "") -> list[NeedleMatch]:
        return [NeedleMatch(needle, at, line, inside) for at, needle, line in lined(data, self.hits(data))]

    def in_stream(self, read: Read, inside: str = "") -> Iterator[NeedleMatch]:
        """What stands in a stream; a value across the edge of two windows is found in the second one, once."""
        kept, offset, line = b"", 0, 1
        while True:
            fresh = read(self.window)
            if not fresh:
                return
            data = kept + fresh
            for at, needle, number in lined(data, self.hits(data), line):
                # What ends within the kept part was found in the window before.
                if at + len(self.sought.needles[needle].whole) > len(kept):
                    yield NeedleMatch(needle, offset + at, number, inside)
            keep = min(self.overlap, len(data))
            line += data.count(b"\n", 0, len(data) - keep)
            offset += len(data) - keep
            kept = data[len(data) - keep :]


def lined(data: bytes, hits: Iterable[matchers.Hit], line: int = 1, start: int = 0) -> Iterator[tuple[int, int, int]]:
    """The hits, which are in order, each with its line; the data begins with ``line`` at ``start``."""
    for at, needle in hits:
        line += data.count(b"\n", start, at)
        start = at
        yield at, needle, line
