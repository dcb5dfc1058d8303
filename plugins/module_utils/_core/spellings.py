# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds a value in leaked text, in all its spellings. Standard library only; Python 3.8.

Every encoder leaves ASCII letters and digits alone, and writes other characters in a few ways. So a search looks for a
stretch of letters and digits, and compares the whole value only there. Base64 and hexadecimal change everything; they
are texts of their own, which may be wrapped into lines.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from typing import NamedTuple
from urllib.parse import unquote, unquote_plus

from ansible_collections.watchparty.secrets.plugins.module_utils._core import characters
from ansible_collections.watchparty.secrets.plugins.module_utils._core.value_encodings import AS_IS, HTML, JSON, URL

ANCHOR = 32
"""Most bytes of an anchor. The rest is compared at a match."""
UNBROKEN_LETTERS = 56
"""Letters that contain one line break at most, because programs wrap at 60 columns or more."""
PLENTY, ENOUGH = 30, 12
"""Bits that an anchor needs alone, and with neighbours."""
WRAPPED_ENOUGH, UTF_16_ENOUGH = 16, 6
"""Bits of anchors for wrapped text and for UTF-16, which get no neighbours. In UTF-16, even a few letters are rare,
because of the zero bytes between them."""
CORE_ENOUGH = 8
"""Bits that a core needs for a slower search."""
SIDE = 3
"""Bits of a neighbour."""
ESCAPED = "escaped or quoted"
FORMS = (AS_IS, URL, JSON, HTML, ESCAPED)
UTF_8 = "utf-8"
_UNITS = re.compile(r"[0-9A-Za-z]|([^0-9A-Za-z])\1*")
_RUNS = re.compile(r"[0-9A-Za-z]{1,%d}" % ANCHOR)
_WIDE_RUNS = re.compile(r"[0-9A-Za-z]{1,%d}" % (ANCHOR // 2))
_LETTERS = frozenset(string.ascii_letters + string.digits)


class Anchor(NamedTuple):
    """A byte string that every spelling contains, or those that other anchors do not cover."""

    data: bytes
    first: int = 0
    """First unit of the letters."""
    last: int = 0
    """Unit after the letters."""
    before: int = 0
    """Bytes before the letters."""


class Span(NamedTuple):
    """Begin, end and form of a match. The form is empty if the label states it."""

    begin: int
    end: int
    form: str = ""


# No dataclasses, because their import is a tenth of the time on a host.
class Exact:
    """A byte string without other spellings, for a text without an anchor."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Exact) and self.data == other.data

    def __hash__(self) -> int:
        return hash(self.data)

    @property
    def longest(self) -> int:
        return len(self.data)

    @property
    def anchors(self) -> Sequence[Anchor]:
        at = varied(self.data, ANCHOR)
        return [Anchor(self.data[at : at + ANCHOR], before=at)]

    def match(self, data: bytes, at: int, anchor: Anchor) -> Span | None:
        begin = at - anchor.before
        return Span(begin, begin + len(self.data)) if begin >= 0 and data.startswith(self.data, begin) else None


class Spelling:
    """A text in all spellings of encoders."""

    def __init__(self, text: str, codec: str = UTF_8, wrapped: bool = False) -> None:
        self.text = text
        self.codec = codec
        self.wrapped = wrapped
        """Whether the text is base64 or hexadecimal, which may be wrapped."""

    @property
    def _fields(self) -> tuple[str, str, bool]:
        return self.text, self.codec, self.wrapped

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spelling) and self._fields == other._fields

    def __hash__(self) -> int:
        return hash(self._fields)

    @cached_property
    def _units(self) -> list[str]:
        """Letters, digits, and other characters with their repetitions."""
        return [unit[0] for unit in _UNITS.finditer(self.text)]

    @cached_property
    def _heads(self) -> str:
        """First character of each unit: of a letter or digit, the whole unit."""
        return "".join([unit[0] for unit in self._units])

    @cached_property
    def _compiled(self) -> dict[tuple[str, int], re.Pattern[bytes]]:
        return {}

    @cached_property
    def longest(self) -> int:
        return self._reach(self._units)

    @cached_property
    def anchors(self) -> Sequence[Anchor]:
        """Empty if no stretch of the text is rare enough."""
        return [anchor for first, last in self._windows() for anchor in self._anchors_in(first, last)]

    @property
    def core(self) -> Anchor | None:
        """The rarest stretch. Found more often than the value. None if it is too common to search for."""
        first, last = self._rarest(0, len(self._units))
        rare = self._bits(first, last) >= CORE_ENOUGH
        return Anchor(self._encoded(self._heads[first:last]), first, last) if rare else None

    def match(self, data: bytes, at: int, anchor: Anchor) -> Span | None:
        """The span of the whole value around an anchor. None without one."""
        begin = at + anchor.before
        if self.codec != UTF_8:
            return self._match_wide(data, begin, anchor)
        plain = begin - len(_encoded("".join(self._units[: anchor.first])))
        whole = _encoded(self.text)
        if plain >= 0 and data.startswith(whole, plain):
            return Span(plain, plain + len(whole), "" if self.wrapped else AS_IS)
        letters = anchor.last - anchor.first
        behind = self._behind(anchor.last).match(data, begin + letters)
        if behind is None:
            return None
        start = max(0, begin - self._reach(self._units[: anchor.first]))
        ahead = self._ahead(anchor.first).search(data, start, begin)
        if ahead is None:
            return None
        form = "" if self.wrapped else form_of(data[ahead.start() : behind.end()], self.text)
        return Span(ahead.start(), behind.end(), form)

    def _match_wide(self, data: bytes, begin: int, anchor: Anchor) -> Span | None:
        """Decodes the surroundings from UTF-16, and matches there."""
        start = max(begin % 2, begin - self.longest)
        ahead = data[start:begin].decode(self.codec, "replace").encode("utf-8", "replace")
        behind = data[begin : begin + self.longest].decode(self.codec, "replace").encode("utf-8", "replace")
        span = Spelling(self.text).match(ahead + behind, len(ahead), anchor)
        if span is None:
            return None
        before, after = (
            len(part.decode("utf-8", "replace").encode(self.codec, "replace"))
            for part in (ahead[span.begin :], behind[: span.end - len(ahead)])
        )
        return Span(begin - before, begin + after)

    @property
    def _fixed(self) -> bool:
        """Whether the label states the form."""
        return self.wrapped or self.codec != UTF_8

    def _encoded(self, text: str) -> bytes:
        return _encoded(text, self.codec)

    def _reach(self, units: Iterable[str]) -> int:
        if self.wrapped:
            return 2 * len("".join(units)) + characters.INDENTED
        return len(self._encoded("a")) * sum([1 if unit in _LETTERS else _reach(unit) for unit in units])

    def _windows(self) -> Iterator[tuple[int, int]]:
        """Ranges for anchors. A wrapped text has two within one line's length, because a line break can split only
        one."""
        count = len(self._units)
        if not self.wrapped:
            yield 0, count
            return
        start = varied(self._heads.encode(), UNBROKEN_LETTERS)
        end = min(start + UNBROKEN_LETTERS, count)
        yield start, (start + end) // 2
        yield (start + end) // 2, end

    def _anchors_in(self, start: int, end: int) -> Iterator[Anchor]:
        first, last = self._rarest(start, end)
        letters = self._heads[first:last]
        bits = self._bits(first, last)
        enough = UTF_16_ENOUGH if self.codec != UTF_8 else WRAPPED_ENOUGH if self.wrapped else PLENTY
        if bits >= enough:
            yield Anchor(self._encoded(letters), first, last)
        elif letters and not self._fixed:
            heads = characters.endings(self._units[first - 1]) if first else [""]
            tails = characters.beginnings(self._units[last]) if last < len(self._units) else [""]
            if bits + SIDE * (bool(first) + (last < len(self._units))) >= ENOUGH:
                for head in heads:
                    for tail in tails:
                        data = self._encoded(head + letters + tail)
                        yield Anchor(data, first, last, len(self._encoded(head)))

    def _rarest(self, start: int, end: int) -> tuple[int, int]:
        return max(self._runs(start, end), key=lambda run: self._bits(*run), default=(0, 0))

    def _runs(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        runs = _RUNS if self.codec == UTF_8 else _WIDE_RUNS
        return (run.span() for run in runs.finditer(self._heads, start, end))

    def _bits(self, first: int, last: int) -> int:
        """The rarity of a stretch. Words are common."""
        letters = self._heads[first:last]
        cased = letters.islower() or letters.isupper() or letters.istitle()
        word = letters.isdigit() or (letters.isalpha() and cased)
        return min(len(letters), 2 * len(set(letters))) * (2 if word else 5)

    def _behind(self, at: int) -> re.Pattern[bytes]:
        return self._pattern("behind", at, [b"", *map(self._pattern_at, range(at, len(self._units)))])

    def _ahead(self, at: int) -> re.Pattern[bytes]:
        return self._pattern("ahead", at, [*map(self._pattern_at, range(at)), rb"\Z"])

    def _pattern(self, side: str, at: int, parts: Sequence[bytes]) -> re.Pattern[bytes]:
        if (side, at) not in self._compiled:
            self._compiled[side, at] = re.compile((characters.BREAK if self.wrapped else b"").join(parts))
        return self._compiled[side, at]

    def _pattern_at(self, at: int) -> bytes:
        unit = self._units[at]
        if _plain(unit):
            return unit.encode()
        escaped = at > 0 and self._units[at - 1][0] == "\\"
        return characters.pattern_of(unit, after_backslash=escaped, base64=self.wrapped)


def form_of(span: bytes, value: str) -> str:
    """The name of a value's spelling."""
    text = span.decode("utf-8", "replace")
    if value in (unquote(text), unquote_plus(text)):
        return URL
    with suppress(ValueError):
        if json.loads(f'"{text}"', strict=False) == value:
            return JSON
    import html  # a slow import, which only the scan needs

    return HTML if html.unescape(text) == value else ESCAPED


def varied(data: bytes, size: int) -> int:
    """Start of the most varied stretch. Common parts of key files, URLs and encodings are not varied."""
    if len(data) <= size:
        return 0
    step = max(1, (len(data) - size) // 64)
    return max(range(0, len(data) - size + 1, step), key=lambda at: len(set(data[at : at + size])))


def _encoded(text: str, codec: str = UTF_8) -> bytes:
    return text.encode(codec, "replace")


def _plain(unit: str) -> bool:
    return unit in _LETTERS


def _reach(unit: str) -> int:
    return len(unit) * (characters.INDENTED if unit[0] == "\n" else characters.LONGEST)
