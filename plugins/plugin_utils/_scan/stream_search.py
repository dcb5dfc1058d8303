# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Searching bytes that need not fit into memory: overlapping windows over streams."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.redaction import MASK
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
    size: int = 0
    form: str = ""


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

    def __init__(self, terms: Sought, *, prefer: str | None = None, window: int = WINDOW) -> None:
        self.sought = terms
        self.automaton = matchers.automaton(terms.needles, prefer=prefer) if terms.needles else None
        self.overlap = max(terms.longest - 1, 0)
        self.window = max(window, 4 * self.overlap)
        self.searched = 0
        """Bytes so far."""
        self.bounds = Bounds()

    def hits(self, data: bytes) -> Sequence[matchers.Hit]:
        self.bounds.check()
        self.searched += len(data)
        return self.automaton.hits(data) if self.automaton else ()

    def in_bytes(self, data: bytes, inside: str = "") -> list[NeedleMatch]:
        return list(placed(data, self.hits(data), inside=inside))

    def hidden(self, text: str) -> str:
        """A text for people without what is sought."""
        data = text.encode("utf-8", "replace")
        parts, position = [], 0
        for hit in self.automaton.hits(data) if self.automaton else ():
            if hit.end > position:
                parts += [data[position : hit.begin], MASK.encode()] if hit.begin >= position else []
                position = hit.end
        return b"".join([*parts, data[position:]]).decode("utf-8", "replace") if parts else text

    def in_stream(self, read: Read, inside: str = "") -> Iterator[NeedleMatch]:
        """What stands in a stream; a value across the edge of two windows is found in the second one, once."""
        tail, offset, line = b"", 0, 1
        while True:
            fresh = read(self.window)
            if not fresh:
                return
            data = tail + fresh
            # What ends within the kept part was found in the window before.
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
    """The hits, which are in order, each with its line; the object begins with ``line`` at ``start`` of the data."""
    counted = start
    for begin, end, needle, form in hits:
        line += data.count(b"\n", counted, begin)
        counted = begin
        yield NeedleMatch(needle, begin - start, line, inside, end - begin, form)
