# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds values in a text, in any spelling.

Most texts hold none, and a search for each spelling would take most of the time. So a text is first read as numbers of
eight bytes, and skipped if no spelling has one of them.
"""

from __future__ import annotations

import sys
import time
from typing import Dict, Iterator, List, Mapping, Sequence, Tuple, Union

from ansible_collections.watchparty.secrets.plugins.module_utils._core.spellings import Anchor, Exact, Spelling
from ansible_collections.watchparty.secrets.plugins.module_utils._core.value_encodings import BASE64, HEXADECIMAL, forms

BLOCK = 8
STEPS = (1, 2, 3, 4)
FIND = 20
"""Number of searches for a byte string that take as long as checking every block."""

Place = Tuple[str, Union[Spelling, Exact], Anchor]
"""Name of a value, its spelling, and the part to search for."""


class OutOfTime(Exception):
    """Raised after the time for a search."""


class ValueMatcher:
    """Matcher, made once since a value has dozens of spellings."""

    def __init__(self, texts: Mapping[str, Sequence[str]]) -> None:
        self._places: Dict[bytes, List[Place]] = {}
        for name, values in texts.items():
            for spelling, anchor in (pair for value in values if value for pair in _spellings(value)):
                self._places.setdefault(anchor.data, []).append((name, spelling, anchor))
        self._step = min(STEPS, key=lambda step: FIND / step + sum(len(data) < _least(step) for data in self._places))
        least = _least(self._step)
        self._short = [data for data in self._places if len(data) < least]
        self._blocks = frozenset(block for data in self._places if len(data) >= least for block in self._inner(data))
        places = (place for places in self._places.values() for place in places)
        self.longest = max((spelling.longest for _name, spelling, _anchor in places), default=0)

    def named(self, content: bytes, until: float = float("inf")) -> List[str]:
        """Names of values in the content. Raises OutOfTime when this process's CPU time passes ``until``."""
        if time.process_time() > until:
            raise OutOfTime
        blocks = memoryview(content)[: len(content) // BLOCK * BLOCK].cast("Q")[:: self._step]
        anchors = self._short if self._blocks.isdisjoint(blocks) else self._places
        return sorted({name for data in anchors if data in content for name in self._names(data, content, until)})

    def _inner(self, data: bytes) -> Iterator[int]:
        """Blocks in the middle of the data: the start of a URL is found everywhere."""
        first = (len(data) - _least(self._step)) // 2
        return (int.from_bytes(data[at : at + BLOCK], sys.byteorder) for at in range(first, first + BLOCK * self._step))

    def _names(self, data: bytes, content: bytes, until: float) -> Iterator[str]:
        places, at = self._places[data], content.find(data)
        while places and at >= 0:
            if time.process_time() > until:
                raise OutOfTime
            matching = [place for place in places if place[1].match(content, at, place[2])]
            yield from (name for name, _spelling, _anchor in matching)
            places = [place for place in places if place not in matching]
            at = content.find(data, at + 1)


def _spellings(value: str) -> Iterator[Tuple[Union[Spelling, Exact], Anchor]]:
    spelling = Spelling(value)
    core = spelling.core
    if core:
        yield spelling, core
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    texts = [text for form, text in [*forms(value), ("", quoted)] if form in (BASE64, HEXADECIMAL) or not core]
    encoded = [text.encode("utf-8", "surrogateescape") for text in texts]
    wide = value.encode("utf-16-le", "surrogatepass")[:-1]  # a part of the big-endian form, too
    for data in dict.fromkeys([*encoded, wide]):
        yield Exact(data), Anchor(data)


def _least(step: int) -> int:
    """Fewest bytes that always contain a whole checked block, if every ``step``-th is checked."""
    return BLOCK * (step + 1) - 1
