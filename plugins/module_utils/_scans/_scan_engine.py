# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The multi-pattern automaton: hyperscan's, or the one in ahocorasick_rs. docs/performance.md has both measured."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import ScanError
from ansible_collections.watchparty.secrets.plugins.module_utils._scans._scan_sought import Needle

Hit = Tuple[int, int]
"""Where a needle begins, and which it is."""
REMEDY = "pip install hyperscan (or ahocorasick-rs, which is slower) for the Python that runs Ansible"


class Automaton:
    """Finds every needle in a byte string."""

    def __init__(self, needles: Sequence[Needle]) -> None:
        self._needles = needles
        grouped: Dict[bytes, List[int]] = {}
        for at, needle in enumerate(needles):
            grouped.setdefault(needle.anchor, []).append(at)
        self.anchors = list(grouped)
        self._groups = list(grouped.values())

    def hits(self, data: bytes) -> List[Hit]:
        """Where needles begin in the data, each looked at whole."""
        if not self.anchors:
            return []
        found = []
        for anchor, start in self._anchors_in(data):
            for at in self._groups[anchor]:
                needle = self._needles[at]
                begin = start - needle.at
                if begin >= 0 and data.startswith(needle.whole, begin):
                    found.append((begin, at))
        return sorted(set(found))

    def _anchors_in(self, data: bytes) -> List[Tuple[int, int]]:
        """Anchors by number, and where each begins."""
        raise NotImplementedError


class Hyperscan(Automaton):
    def __init__(self, needles: Sequence[Needle], library: Any) -> None:
        super().__init__(needles)
        self._ends: List[int] = []
        if self.anchors:
            self._database = library.Database(mode=library.HS_MODE_BLOCK)
            # Not its literals: the binding ends those at the first NUL, and UTF-16 is full of them.
            self._database.compile(
                expressions=[b"".join(b"\\x%02x" % byte for byte in anchor) for anchor in self.anchors],
                ids=list(range(len(self.anchors))),
                elements=len(self.anchors),
                flags=[0] * len(self.anchors),
            )

    def _anchors_in(self, data: bytes) -> List[Tuple[int, int]]:
        found: List[Tuple[int, int]] = []

        def keep(anchor: int, _start: int, end: int, _flags: int, _context: Any) -> None:
            found.append((anchor, end - len(self.anchors[anchor])))

        if data:
            self._database.scan(data, match_event_handler=keep)
        return found


class AhoCorasick(Automaton):
    def __init__(self, needles: Sequence[Needle], library: Any) -> None:
        super().__init__(needles)
        if self.anchors:
            self._automaton = library.BytesAhoCorasick(
                self.anchors, matchkind=library.MatchKind.Standard, implementation=library.Implementation.DFA
            )

    def _anchors_in(self, data: bytes) -> List[Tuple[int, int]]:
        found = self._automaton.find_matches_as_indexes(data, overlapping=True)
        return [(anchor, start) for anchor, start, _end in found]


def automaton(needles: Sequence[Needle], *, prefer: Optional[str] = None) -> Automaton:
    """The fastest automaton that is installed. Raises ScanError, with the remedy, where none is."""
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
    raise ScanError(f"no library that searches for many values at once is installed; {REMEDY}")
