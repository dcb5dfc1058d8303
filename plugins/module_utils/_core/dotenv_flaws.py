# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds flaws of a ``.env`` that its settings do not show. Standard library only; Python 3.8.

Results contain no value.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Callable, Dict, Iterator, List, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv_dialects import (
    BARE,
    DOUBLE,
    SINGLE,
    refusals,
)

LONGEST = 4096
"""Characters of a comment that are searched. The time of the expressions grows with the square of this."""
_ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*[\"']?[^\s\"']{4}")
_NAMED = re.compile(r"([A-Z][A-Z0-9_]{2,})[ \t]*:[ \t]*[\"']?[^\s\"']{4}")
_LOGIN = re.compile(r"://[^/\s:@]*:[^@\s]+@")
_TOKEN = re.compile(r"(?<![\w/.-])(?=(?:[^\s]*\d){3})(?=(?:[^\s]*[A-Za-z]){3})[A-Za-z0-9+/_=.~-]{16,}")
_ADDRESS = re.compile(r"https?://[^\s@]+")


def flaws(text: str, readers: Sequence[str], holds: Callable[[str], Sequence[str]]) -> Dict[str, Any]:
    """Settings with several assignments, settings that a reader misreads, and comments with a hidden value.

    ``holds`` names the settings whose value is in a text. Raises DotenvError.
    """
    items = dotenv.assignments(text, readers)
    counts = Counter(name for name, _value, _text in items)
    misread = {
        (name, reader)
        for name, value, source in items
        for reader in readers
        if refusals(reader, _spelling(source), name, value)
    }
    return {
        "twice": sorted(name for name, count in counts.items() if count > 1),
        "misread": [{"name": name, "reader": reader} for name, reader in sorted(misread)],
        "comments": list(_comments(text, [source for _name, _value, source in items], holds)),
    }


def _spelling(source: str) -> str:
    return {"'": SINGLE, '"': DOUBLE}.get(source.partition("=")[2].lstrip(" \t")[:1], BARE)


def _comments(text: str, sources: Sequence[str], holds: Callable[[str], Sequence[str]]) -> Iterator[Dict[str, Any]]:
    """Comments on their own lines and behind assignments."""
    position = 0
    for source in [*sources, None]:
        start = text.index(source, position) if source is not None else len(text)
        for offset, line in _lines(text[position:start]):
            yield from _judged(text, position + offset, line, holds)
        if source is not None:
            position = start + len(source)
            tail = _tail(source)
            if tail:
                yield from _judged(text, position - len(tail), tail, holds)


def _lines(text: str) -> List[Any]:
    offset, result = 0, []
    for line in text.splitlines(keepends=True):
        result.append((offset, line))
        offset += len(line)
    return result


def _tail(source: str) -> str:
    """The comment behind a value."""
    value = source.partition("=")[2].lstrip(" \t")
    if value[:1] in ("'", '"'):
        match = re.match(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"", value, re.DOTALL)
        value = value[match.end() :] if match else ""
        return value if "#" in value else ""
    _before, mark, comment = value.partition(" #")
    return comment if mark else ""


def _judged(text: str, at: int, comment: str, holds: Callable[[str], Sequence[str]]) -> Iterator[Dict[str, Any]]:
    names, comment = holds(comment), comment[:LONGEST]
    bare = _ADDRESS.sub("", comment)
    named = _ASSIGNED.search(bare) or _NAMED.search(bare)
    if names:
        why = "holds %s" % ", ".join(names)
    elif named:
        why = "assigns %s" % named[1]
    elif _LOGIN.search(comment):
        why = "holds a URL with a password"
    elif _TOKEN.search(bare):
        why = "holds what looks like a key"
    else:
        return
    yield {"line": text.count("\n", 0, at) + 1, "why": why}
