# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How encoders write one character: JSON's, URLs', HTML's, XML's, shells', SQL's, YAML's, within one another too.

Pure; standard library only; Python 3.8.

What is made here is the source of regular expressions. No text fits one of them in many ways, so that a repository
that holds a value by half costs no time.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import lru_cache

LONGEST, INDENTED = 24, 80
"""Bytes of one character's longest spelling, and of a line's end with the next line's indentation."""
_DOUBLED = frozenset("'\"$%`{}^")
_NAMED = {"\n": "n", "\t": "t", "\r": "r", "\b": "b", "\f": "f"}
_URL_SAFE = {"+": b"-", "/": b"_"}
_BACKSLASH = rb"(?:\\|%(?:25){0,3}5[Cc])"
_ESCAPE = _BACKSLASH + b"{1,7}"
_AMPERSAND = rb"(?:&|%%(?:25){0,3}26|%su0026)(?:amp;|#38;){0,3}"
BREAK = rb"(?:\s|\\{1,7}[rn]){0,70}"
"""What may stand between two letters of a text that is wrapped into lines."""
_POSSESSIVE = b"+" if sys.version_info >= (3, 11) else b""
"""Does not try fewer of them afterwards, which would be in vain; older versions of Python cannot say so."""


def expression(unit: str, *, after_backslash: bool = False, base64: bool = False) -> bytes:
    """Every way in which a character, with its repetitions, may be written: each time in the same way.

    Of ``\\"`` a backslash that is doubled and one that escapes follow one another, and belong to the first.
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
    """The names that HTML has for each character."""
    from html.entities import html5  # every host pays for an import, and few need it

    result: dict[str, list[str]] = {}
    for name, character in html5.items():
        if name.endswith(";"):
            result.setdefault(character, []).append(name)
    return result


def endings(unit: str) -> list[str]:
    """How the spellings of a character end."""
    letter = unit[-1]
    last = (letter.encode("utf-8", "replace")[-1], letter.encode("utf-16-be", "replace")[-1])
    numbers = [form.format(byte) for byte in last for form in ("{:02x}", "{:02X}", "{:03o}")]
    others = {" ": "+", "\n": " \t"}.get(letter, "") + _NAMED.get(letter, "")
    return list(dict.fromkeys([letter, ";", *numbers, *others]))


def beginnings(unit: str) -> list[str]:
    """How the spellings of a character begin."""
    others = {" ": "+", "\n": "\r"}.get(unit[0], "")
    return list(dict.fromkeys([unit[0], "\\", "%", "&", *others]))


def _literal(letter: str) -> bytes:
    return re.escape(letter.encode("utf-8", "replace"))


def _hexadecimal(digits: bytes) -> bytes:
    """In small letters or large ones."""
    return b"(?:%s|%s)" % (digits, digits.upper()) if digits != digits.upper() else digits


def _pairs(data: bytes) -> Iterator[bytes]:
    return (data[at : at + 2] for at in range(0, len(data), 2))
