# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The multi-pattern search: hyperscan's, ahocorasick_rs's, or our own; docs/explanation/performance.md has figures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import compress, count
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Needle

Hit = tuple[int, int]
"""Where a needle begins, and which it is."""
LIBRARIES = ("hyperscan", "ahocorasick_rs")
SLOWER = (
    "the scan for live values is slower, since neither hyperscan nor ahocorasick-rs is installed. It finds the same. "
    "For a faster scan: pip install hyperscan (or ahocorasick-rs) for the Python that runs Ansible"
)


class Automaton:
    """Finds every needle in a byte string."""

    def __init__(self, needles: Sequence[Needle]) -> None:
        self._needles = needles
        grouped: dict[bytes, list[int]] = {}
        for at, needle in enumerate(needles):
            grouped.setdefault(needle.anchor, []).append(at)
        self.anchors = list(grouped)
        self._groups = list(grouped.values())

    def hits(self, data: bytes) -> list[Hit]:
        """Where needles begin in the data, each looked at whole."""
        if not self.anchors:
            return []
        results = []
        for anchor, start in self._anchors_in(data):
            for at in self._groups[anchor]:
                needle = self._needles[at]
                begin = start - needle.at
                if begin >= 0 and data.startswith(needle.whole, begin):
                    results.append((begin, at))
        return sorted(set(results))

    def _anchors_in(self, data: bytes) -> list[tuple[int, int]]:
        """Anchors by number, and where each begins."""
        raise NotImplementedError


class Hyperscan(Automaton):
    def __init__(self, needles: Sequence[Needle], library: Any) -> None:
        super().__init__(needles)
        self._ends: list[int] = []
        if self.anchors:
            self._database = library.Database(mode=library.HS_MODE_BLOCK)
            # Not its literals: the binding ends those at the first NUL, and UTF-16 is full of them.
            self._database.compile(
                expressions=[b"".join(b"\\x%02x" % byte for byte in anchor) for anchor in self.anchors],
                ids=list(range(len(self.anchors))),
                elements=len(self.anchors),
                flags=[0] * len(self.anchors),
            )

    def _anchors_in(self, data: bytes) -> list[tuple[int, int]]:
        anchors: list[tuple[int, int]] = []

        def keep(anchor: int, _start: int, end: int, _flags: int, _context: Any) -> None:
            anchors.append((anchor, end - len(self.anchors[anchor])))

        if data:
            self._database.scan(data, match_event_handler=keep)
        return anchors


class AhoCorasick(Automaton):
    def __init__(self, needles: Sequence[Needle], library: Any) -> None:
        super().__init__(needles)
        if self.anchors:
            self._automaton = library.BytesAhoCorasick(
                self.anchors, matchkind=library.MatchKind.Standard, implementation=library.Implementation.DFA
            )

    def _anchors_in(self, data: bytes) -> list[tuple[int, int]]:
        indexes = self._automaton.find_matches_as_indexes(data, overlapping=True)
        return [(anchor, start) for anchor, start, _end in indexes]


class Blocks(Automaton):
    """The search that needs no library: looks up each aligned block of the data among the blocks of the anchors.

    Of any ``width`` neighbouring places in an anchor, one is at a multiple of ``width`` in the data. So each anchor is
    known by its last ``width`` blocks, and the loop over the data runs inside the interpreter's C code.
    """

    WIDTHS: dict[int, Any] = {4: "I", 2: "H", 1: "B"}
    """Bytes of a block, and what memoryview calls such a block."""

    def __init__(self, needles: Sequence[Needle]) -> None:
        super().__init__(needles)
        shortest = min(map(len, self.anchors), default=1)
        self._width = next(width for width in self.WIDTHS if shortest >= 2 * width - 1)
        self._blocks: dict[int, list[tuple[int, int]]] = {}
        for number, anchor in enumerate(self.anchors):
            last = len(anchor) - self._width
            for at in range(last, last - self._width, -1):
                block = int.from_bytes(anchor[at : at + self._width], sys.byteorder)
                self._blocks.setdefault(block, []).append((number, at))

    def _anchors_in(self, data: bytes) -> list[tuple[int, int]]:
        whole = len(data) - len(data) % self._width
        blocks = memoryview(data)[:whole].cast(self.WIDTHS[self._width])
        anchors: list[tuple[int, int]] = []
        for index in compress(count(), map(self._blocks.__contains__, blocks)):
            for number, at in self._blocks[blocks[index]]:
                start = index * self._width - at
                if start >= 0 and data.startswith(self.anchors[number], start):
                    anchors.append((number, start))
        return anchors


def slower() -> str | None:
    """What to tell whoever has neither library, or None."""
    return None if any(_installed(name) for name in LIBRARIES) else SLOWER


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ValueError:  # a module without a spec
        return False


def automaton(needles: Sequence[Needle], *, prefer: str | None = None) -> Automaton:
    """The fastest search that this Python has."""
    if prefer in (None, "hyperscan"):
        try:
            import hyperscan

            return Hyperscan(needles, hyperscan)
        except ImportError:
            pass
    if prefer in (None, "ahocorasick_rs"):
        try:
            import ahocorasick_rs

            return AhoCorasick(needles, ahocorasick_rs)
        except ImportError:
            pass
    return Blocks(needles)
