# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Searching bytes that need not fit into memory: overlapping windows over streams."""

from __future__ import annotations

from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._scans import _scan_engine
from ansible_collections.watchparty.secrets.plugins.module_utils._scans._scan_sought import Sought

WINDOW = 4 * 1024 * 1024

Read = Callable[[int], bytes]


class Spot(NamedTuple):
    """Where a needle stands."""

    needle: int
    offset: int
    line: int
    inside: str = ""
    """The archive's member that it was found in."""


class Searcher:
    """One automaton, and the windows that it needs."""

    def __init__(self, sought: Sought, *, prefer: Optional[str] = None, window: int = WINDOW) -> None:
        self.sought = sought
        self.automaton = _scan_engine.automaton(sought.needles, prefer=prefer) if sought.needles else None
        self.overlap = max(sought.longest - 1, 0)
        self.window = max(window, 4 * self.overlap)
        self.searched = 0
        """Bytes so far."""

    def hits(self, data: bytes) -> Sequence[_scan_engine.Hit]:
        self.searched += len(data)
        return self.automaton.hits(data) if self.automaton else ()

    def in_bytes(self, data: bytes, inside: str = "") -> List[Spot]:
        return [Spot(needle, at, data.count(b"\n", 0, at) + 1, inside) for at, needle in self.hits(data)]

    def in_stream(self, read: Read, inside: str = "") -> Iterator[Spot]:
        """What stands in a stream; a value across the edge of two windows is found in the second one, once."""
        kept, offset, line = b"", 0, 1
        while True:
            fresh = read(self.window)
            if not fresh:
                return
            data = kept + fresh
            for at, needle in self.hits(data):
                # What ends within the kept part was found in the window before.
                if at + len(self.sought.needles[needle].whole) > len(kept):
                    yield Spot(needle, offset + at, line + data.count(b"\n", 0, at), inside)
            keep = min(self.overlap, len(data))
            line += data.count(b"\n", 0, len(data) - keep)
            offset += len(data) - keep
            kept = data[len(data) - keep :]
