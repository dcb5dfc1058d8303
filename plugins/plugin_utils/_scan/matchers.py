# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Multi-pattern search by hyperscan, by ahocorasick_rs, or in pure Python. Figures: docs/explanation/performance.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import compress, count
from typing import Any, NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.spellings import Anchor, Exact, Spelling
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Needle

BLOCK_WIDTHS: dict[int, Any] = {4: "I", 2: "H", 1: "B"}
"""The format character of ``memoryview.cast``, by the bytes of a block."""
LIBRARIES = ("hyperscan", "ahocorasick_rs")
SLOWER = (
    "the scan for live values is slower, since neither hyperscan nor ahocorasick-rs is installed. It finds the same. "
    "For a faster scan: pip install hyperscan (or ahocorasick-rs) for the Python that runs Ansible"
)


class Hit(NamedTuple):
    """The begin and end of a match, the index of its needle, and the form in which it was found."""

    begin: int
    end: int
    needle: int
    form: str = ""


class Automaton:
    def __init__(self, needles: Sequence[Needle]) -> None:
        grouped: dict[bytes, list[tuple[int, Spelling | Exact, Anchor]]] = {}
        for at, needle in enumerate(needles):
            for anchor in needle.spelling.anchors:
                grouped.setdefault(anchor.data, []).append((at, needle.spelling, anchor))
        self.anchors = list(grouped)
        self._groups = list(grouped.values())

    def hits(self, data: bytes) -> list[Hit]:
        """Matches in the data. Finds the anchors of each needle, then compares the whole needle."""
        results = set()
        for number, start in self._anchors_in(data) if self.anchors else ():
            for at, spelling, anchor in self._groups[number]:
                span = spelling.match(data, start, anchor)
                if span:
                    results.add(Hit(span.begin, span.end, at, span.form))
        return sorted(results)

    def _anchors_in(self, data: bytes) -> list[tuple[int, int]]:
        """The number and the begin of each anchor."""
        raise NotImplementedError


class Hyperscan(Automaton):
    def __init__(self, needles: Sequence[Needle], library: Any) -> None:
        super().__init__(needles)
        self._ends: list[int] = []
        if self.anchors:
            self._database = library.Database(mode=library.HS_MODE_BLOCK)
            # Expressions, not literals: the binding ends a literal at the first NUL, and UTF-16 is full of NULs.
            self._database.compile(
                expressions=[b"\\x" + anchor.hex(" ").replace(" ", "\\x").encode() for anchor in self.anchors],
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
    """The search without a library: looks up each aligned block of the data among the blocks of the anchors.

    Of any ``width`` consecutive offsets in an anchor, one is at a multiple of ``width`` in the data. So each anchor is
    known by its last ``width`` blocks, and the loop over the data runs inside the interpreter's C code.
    """

    def __init__(self, needles: Sequence[Needle]) -> None:
        super().__init__(needles)
        self._blocks: dict[int, dict[int, list[tuple[int, int]]]] = {}
        for number, anchor in enumerate(self.anchors):
            width = next(width for width in BLOCK_WIDTHS if len(anchor) >= 2 * width - 1)
            table = self._blocks.setdefault(width, {})
            last = len(anchor) - width
            for at in range(last, last - width, -1):
                block = int.from_bytes(anchor[at : at + width], sys.byteorder)
                table.setdefault(block, []).append((number, at))

    def _anchors_in(self, data: bytes) -> list[tuple[int, int]]:
        anchors: list[tuple[int, int]] = []
        for width, table in self._blocks.items():
            whole = len(data) - len(data) % width
            blocks = memoryview(data)[:whole].cast(BLOCK_WIDTHS[width])
            for index in compress(count(), map(table.__contains__, blocks)):
                for number, at in table[blocks[index]]:
                    start = index * width - at
                    if start >= 0 and data.startswith(self.anchors[number], start):
                        anchors.append((number, start))
        return anchors


def slower() -> str | None:
    """The warning for a Python without both libraries. None if one is installed."""
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
