# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Spellings of one character by encoders: JSON, URLs, HTML, XML, shells, SQL, YAML, and these within one another.

Standard library only; Python 3.8.

The functions make sources of regular expressions. No text matches one of them in many ways, so that a repository with
parts of a value costs no time.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import lru_cache

LONGEST, INDENTED = 24, 80
"""Most bytes of a character, and of a line break with the next line's indentation."""
_DOUBLED = frozenset("'\"$%`{}^")
_NAMED = {"\n": "n", "\t": "t", "\r": "r", "\b": "b", "\f": "f"}
_URL_SAFE = {"+": b"-", "/": b"_"}
_BACKSLASH = rb"(?:\\|%(?:25){0,3}5[Cc])"
_ESCAPE = _BACKSLASH + b"{1,7}"
_AMPERSAND = rb"(?:&|%%(?:25){0,3}26|%su0026)(?:amp;|#38;){0,3}"
BREAK = rb"(?:\s|\\{1,7}[rn]){0,70}"
"""Bytes between two letters of a text that is wrapped into lines."""
_POSSESSIVE = b"+" if sys.version_info >= (3, 11) else b""
"""A possessive quantifier, which saves useless backtracking. Python before 3.11 has none."""


def pattern_of(unit: str, *, after_backslash: bool = False, base64: bool = False) -> bytes:
    """A pattern for the spellings of a repeated character. All repetitions have the same spelling.

    In ``\\"``, the doubled backslash and the one that escapes the quote are adjacent. The backslash's pattern matches
    both, so the quote's needs none (``after_backslash``).
    """
    letter, count = unit[0], len(unit)
    escape = _BACKSLASH + (b"{0,7}" if after_backslash else b"{1,7}")
    ways = [b"(?:%s){%d}" % (way, count) for way in _ways(letter, escape)]
    if base64 and letter in _URL_SAFE:
        ways.append(b"%s{%d}" % (_URL_SAFE[letter], count))
    if letter == "\\":
        ways.append(_BACKSLASH + b"{%d,%d}" % (count, 8 * count) + _POSSESSIVE)
    else:
        ways.append(b"(?:%s){%d,%d}" % (_literal(letter), count, count * (1 + (letter in _DOUBLED))))
    return b"(?:%s)" % b"|".join(ways)


def _ways(letter: str, escape: bytes) -> Iterator[bytes]:
    data = letter.encode("utf-8", "replace")
    units = [int.from_bytes(pair, "big") for pair in _pairs(letter.encode("utf-16-be", "replace"))]
    yield b"".join(escape + b"u" + _hexadecimal(b"%04x" % number) for number in units)
    yield b"".join(escape + b"x" + _hexadecimal(b"%02x" % byte) for byte in data)
    yield b"".join(escape + b"%03o" % byte for byte in data)
    yield b"".join(b"%{1,2}(?:25){0,3}" + _hexadecimal(b"%02x" % byte) for byte in data)
    names = [re.escape(name.encode()) for name in _entities().get(letter, ())]
    numbers = [b"#0{0,4}%d;" % ord(letter), b"#[xX]0{0,4}%s;" % _hexadecimal(b"%x" % ord(letter))]
    yield _BACKSLASH + b"{0,7}" + _AMPERSAND % escape + b"(?:%s)" % b"|".join(names + numbers)
    if letter in _NAMED:
        yield escape + _NAMED[letter].encode()
    if letter == "\n":
        yield rb"\r?\n[ \t]{0,64}"
    if letter == " ":
        yield rb"\+"
    if letter == "'":
        yield b"'" + _ESCAPE + b"''"
        yield b"'" + _BACKSLASH + b"{0,7}\"'" + _BACKSLASH + b"{0,7}\"'"
    if letter != "\\":
        yield escape + _literal(letter)


@lru_cache(maxsize=1)
def _entities() -> dict[str, list[str]]:
    """HTML's entity names by character."""
    from html.entities import html5  # a slow import, which few runs need

    result: dict[str, list[str]] = {}
    for name, character in html5.items():
        if name.endswith(";"):
            result.setdefault(character, []).append(name)
    return result


def endings(unit: str) -> list[str]:
    """Last characters of a character's spellings."""
    letter = unit[-1]
    last = (letter.encode("utf-8", "replace")[-1], letter.encode("utf-16-be", "replace")[-1])
    numbers = [form.format(byte) for byte in last for form in ("{:02x}", "{:02X}", "{:03o}")]
    others = {" ": "+", "\n": " \t"}.get(letter, "") + _NAMED.get(letter, "")
    return list(dict.fromkeys([letter, ";", *numbers, *others]))


def beginnings(unit: str) -> list[str]:
    """First characters of a character's spellings."""
    others = {" ": "+", "\n": "\r"}.get(unit[0], "")
    return list(dict.fromkeys([unit[0], "\\", "%", "&", *others]))


def _literal(letter: str) -> bytes:
    return re.escape(letter.encode("utf-8", "replace"))


def _hexadecimal(digits: bytes) -> bytes:
    """Matches both cases."""
    return b"(?:%s|%s)" % (digits, digits.upper()) if digits != digits.upper() else digits


def _pairs(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 2] for at in range(0, len(data), 2))
