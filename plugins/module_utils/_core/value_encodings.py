# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The forms of a value in leaked text. Standard library only; Python 3.8."""

from __future__ import annotations

import base64
import json
import re
from typing import Iterator, Tuple
from urllib.parse import quote, quote_plus

SHORTEST = 8
"""Least characters of a text. Shorter texts match everywhere."""
AS_IS, URL, JSON, HTML, BASE64, HEXADECIMAL = (
    "unchanged",
    "URL-encoded",
    "JSON-escaped",
    "HTML-escaped",
    "base64",
    "hexadecimal",
)
_PERCENT = re.compile("%[0-9A-F]{2}")
_GO_ESCAPES = re.compile("[<>&\u2028\u2029]")
"""Characters that Go's JSON escapes, and so kubectl, docker and terraform."""
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})
"""The table of html.escape, whose import is slow."""


def forms(value: str) -> Iterator[Tuple[str, str]]:
    """The forms of a value in a paste or a file, each with its name."""
    plain = list(_texts(value))
    yield from plain
    # A whole URL or document may be encoded, with a form of the value in it.
    for text in dict.fromkeys(text for _name, text in plain):
        data = text.encode(errors="replace")
        for core in base64_cores(data):
            yield BASE64, core
            yield BASE64, core.replace("+", "-").replace("/", "_")
        yield HEXADECIMAL, data.hex()
        yield HEXADECIMAL, data.hex().upper()


def _texts(value: str) -> Iterator[Tuple[str, str]]:
    yield AS_IS, value
    for encoded in (
        quote(value, safe="", errors="replace"),
        quote_plus(value, errors="replace"),
        quote(value, safe="!*'()", errors="replace"),  # as JavaScript does
    ):
        yield URL, encoded
        yield URL, _PERCENT.sub(lambda match: match[0].lower(), encoded)
    yield JSON, json.dumps(value)[1:-1]
    yield JSON, json.dumps(value, ensure_ascii=False)[1:-1]
    yield JSON, json.dumps(value)[1:-1].replace("/", "\\/")
    yield JSON, _GO_ESCAPES.sub(lambda match: "\\u%04x" % ord(match[0]), json.dumps(value, ensure_ascii=False)[1:-1])
    yield HTML, value.translate(_HTML)


def base64_cores(data: bytes) -> Iterator[str]:
    """The base64 characters that depend only on the data, for each offset in a longer text."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode().rstrip("=")
        first = (0, 2, 3)[before]
        end = len(encoded) - ((len(data) + before) % 3 != 0)
        if end - first >= SHORTEST:
            yield encoded[first:end]
