# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The search in bytes that need not fit into memory: overlapping windows over streams."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.redaction import MASK
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import matchers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Bounds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Needles

WINDOW = 4 * 1024 * 1024
SPOTS = 10_000
"""Matches of one needle in one file that are kept. Further ones are counted."""

Read = Callable[[int], bytes]


class NeedleMatch(NamedTuple):
    needle: int
    offset: int
    line: int
    inside: str = ""
    """The member of an archive that holds the match."""
    size: int = 0
    form: str = ""


class Spots:
    """Matches in one object or file, at most SPOTS of each needle and member."""

    def __init__(self, spots: Iterable[NeedleMatch] = ()) -> None:
        self.kept: list[NeedleMatch] = []
        self.seen: dict[tuple[int, str], int] = {}
        """Number of all matches of each needle in each member."""
        self.add(spots)

    def add(self, spots: Iterable[NeedleMatch]) -> None:
        for spot in spots:
            key = (spot.needle, spot.inside)
            self.seen[key] = self.seen.get(key, 0) + 1
            if self.seen[key] <= SPOTS:
                self.kept.append(spot)

    def join(self, other: Spots) -> None:
        """Adds the matches in packed content of the same object or file."""
        self.kept += other.kept
        for key, count in other.seen.items():
            self.seen[key] = self.seen.get(key, 0) + count


class Searcher:
    def __init__(self, terms: Needles, *, prefer: str | None = None, window: int = WINDOW) -> None:
        self.sought = terms
        self.automaton = matchers.automaton(terms.needles, prefer=prefer) if terms.needles else None
        self.overlap = max(terms.longest - 1, 0)
        self.window = max(window, 4 * self.overlap)
        self.searched = 0
        """Bytes that were searched so far."""
        self.bounds = Bounds()

    def hits(self, data: bytes) -> Sequence[matchers.Hit]:
        self.bounds.check()
        self.searched += len(data)
        return self.automaton.hits(data) if self.automaton else ()

    def in_bytes(self, data: bytes, inside: str = "") -> list[NeedleMatch]:
        return list(placed(data, self.hits(data), inside=inside))

    def hidden(self, text: str) -> str:
        """A text with the searched values masked."""
        data = text.encode("utf-8", "replace")
        parts, position = [], 0
        for hit in self.automaton.hits(data) if self.automaton else ():
            if hit.end > position:
                parts += [data[position : hit.begin], MASK.encode()] if hit.begin >= position else []
                position = hit.end
        return b"".join([*parts, data[position:]]).decode("utf-8", "replace") if parts else text

    def in_stream(self, read: Read, inside: str = "") -> Iterator[NeedleMatch]:
        """Matches in a stream. A match across the edge of two windows is found once, in the second one."""
        tail, offset, line = b"", 0, 1
        while True:
            fresh = read(self.window)
            if not fresh:
                return
            data = tail + fresh
            # A hit that ends within the kept part was found in the previous window.
            hits = [hit for hit in self.hits(data) if hit.end > len(tail)]
            for match in placed(data, hits, line, inside=inside):
                yield match._replace(offset=offset + match.offset)
            keep = min(self.overlap, len(data))
            line += data.count(b"\n", 0, len(data) - keep)
            offset += len(data) - keep
            tail = data[len(data) - keep :]


def placed(
    data: bytes, hits: Iterable[matchers.Hit], line: int = 1, start: int = 0, inside: str = ""
) -> Iterator[NeedleMatch]:
    """Hits with their lines. ``hits`` are in order. The object begins at ``start`` of the data, in line ``line``."""
    counted = start
    for begin, end, needle, form in hits:
        line += data.count(b"\n", counted, begin)
        counted = begin
        yield NeedleMatch(needle, begin - start, line, inside, end - begin, form)
