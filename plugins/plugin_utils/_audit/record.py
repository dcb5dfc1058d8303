# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The content that a record of the audit log may have: names, ids, times and counts. Unlisted fields are refused.

An allow-list of fields is the only safe filter: no rule distinguishes a value from a name by its form. Text that looks
like a digest, or like a password in a URL, is refused all the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AuditError

Check = Callable[[Any], Iterator[str]]
"""Yields the problems of a field, as ``.path: problem``."""

LONGEST = 512
"""The most characters of one text."""
LONGEST_WORDS = 400
"""The most characters of a reason that a record keeps."""
_DIGEST = re.compile(r"(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{40}|[0-9A-Fa-f]{56}|[0-9A-Fa-f]{64}|[0-9A-Fa-f]{96,128})")
_PASSWORD_IN_URL = re.compile(r"://[^/\s]*:[^/\s]*@")
_PRIVATE_KEY = "PRIVATE KEY"
_SINGLE = re.compile(r"[^\s:=,;]+")
_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,256}")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")


def _text(value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not value or len(value) > LONGEST or not value.isprintable():
        yield f": is not text of 1 to {LONGEST} printable characters"
    elif any(_DIGEST.fullmatch(item) for item in _SINGLE.findall(value)):
        yield ": looks like a digest or a key; name the version id instead"
    elif _PASSWORD_IN_URL.search(value) or _PRIVATE_KEY in value:
        yield ": looks like it holds a password or a key"


def _pattern(pattern: re.Pattern[str], message: str) -> Check:
    def check(value: Any) -> Iterator[str]:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            yield f": is not {message}"

    return check


def _count(value: Any) -> Iterator[str]:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        yield ": is not a whole number from 0 up"


def _number(value: Any) -> Iterator[str]:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        yield ": is not a number from 0 up"


def _nothing(value: Any) -> Iterator[str]:
    if value is not None:
        yield ": is not null"


def _either(*checks: Check) -> Check:
    """Accepts a value that any of the checks accepts. Otherwise, the problems of the last check count."""

    def check(value: Any) -> Iterator[str]:
        results = [list(check(value)) for check in checks]
        if all(results):
            yield from results[-1]

    return check


def _list(item: Check) -> Check:
    def check(value: Any) -> Iterator[str]:
        if not isinstance(value, (list, tuple)):
            yield ": is not a list"
            return
        for at, entry in enumerate(value):
            yield from (f"[{at}]{line}" for line in item(entry))

    return check


def _map(item: Check) -> Check:
    """Checks a mapping of names to ``item``."""

    def check(value: Any) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield ": is not a dictionary"
            return
        for name, entry in value.items():
            wrong = list(_text(name))
            yield from wrong or (f".{name}{line}" for line in item(entry))

    return check


def _object(fields: Mapping[str, Check]) -> Check:
    def check(value: Any) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield ": is not a dictionary"
            return
        for name, item in value.items():
            if name in fields:
                yield from (f".{name}{line}" for line in fields[name](item))
            else:
                # The name is not repeated, because it may be a value in the wrong place.
                yield f": has an unknown key; known are {', '.join(sorted(fields))}"

    return check


ID = _pattern(_ID, "an id: letters, digits and . _ : / + = @ - up to 256")
KEY = _pattern(_KEY, "an id of letters, digits and . _ - up to 64")
WORD = _pattern(_WORD, "a word of small letters, digits, _ and -")
TIME = _pattern(_TIME, "a time such as 2026-11-25T10:00:00Z")
_VERSION = _object({"from": _either(_nothing, ID), "to": _either(_nothing, ID)})
_REVISION = _object({"from": _either(_nothing, _count), "to": _either(_nothing, _count)})

REQUIRED: Mapping[str, Check] = {
    "rotation": KEY,
    "outcome": WORD,
    "application": KEY,
    "environment": KEY,
    "who": _text,
    "at": TIME,
}
OPTIONAL: Mapping[str, Check] = {
    "credentials": _list(_text),
    "github": _list(_text),
    "hosts": _list(_text),
    "journal": _count,
    "kinds": _map(WORD),
    "unverified_hosts": _list(_text),
    "notes": _list(_text),
    "pending_tasks": _list(_text),
    "parameters": _map(_either(_count, _REVISION)),
    "phases": _count,
    "reason": _text,
    "run": ID,
    "seconds": _map(_number),
    "secrets": _map(_either(ID, _VERSION)),
    "services": _list(_text),
    "settings": _list(_text),
    "skipped": _map(_text),
    "started": TIME,
}
CHAIN = ("number", "id", "previous")
"""Fields that the log itself adds."""


def plain(message: str) -> str:
    """The message as one printable, short line, without parts that look like a digest or a password."""
    line = "".join(name if name.isprintable() else " " for name in message)[:LONGEST_WORDS]
    line = line.replace(_PRIVATE_KEY, _PRIVATE_KEY.replace(" ", "-"))
    line = _SINGLE.sub(lambda match: "…" if _DIGEST.fullmatch(match[0]) else match[0], line)
    # Last, because the other replacements may remove the space that divides such a URL.
    return _PASSWORD_IN_URL.sub("://…@", line) or "no reason was given"


def is_word(name: str) -> bool:
    """Whether the log accepts the name as a kind."""
    return _WORD.fullmatch(name) is not None


def word(name: str) -> str:
    """The name of a kind, in the form that the log accepts."""
    spelt = re.sub(r"[^a-z0-9_-]", "_", name.lower())
    return (spelt if "a" <= spelt[:1] <= "z" else f"k_{spelt}")[:64]


def require(record: Any) -> None:
    """Raises :class:`AuditError`, with every problem and without any content, for an invalid record."""
    problems = list(_problems(record))
    if problems:
        lines = "\n".join(f"  - {line}" for line in problems)
        raise AuditError(f"The audit record is not valid; nothing was recorded:\n{lines}")


def _problems(record: Any) -> Iterator[str]:
    if not isinstance(record, Mapping):
        yield "record: is not a dictionary"
        return
    known = {**REQUIRED, **OPTIONAL}
    for name in REQUIRED:
        if name not in record:
            yield f"{name}: is required"
    for name, value in record.items():
        if name in CHAIN:
            yield f"{name}: is set by the log itself; leave it out"
        elif name not in known:
            yield f"record: has an unknown field; known are {', '.join(sorted(known))}"
        else:
            yield from (f"{name}{line}" for line in known[name](value))
