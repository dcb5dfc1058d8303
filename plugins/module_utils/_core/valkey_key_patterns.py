# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Patterns of Valkey's keys that may be purged, and the keys of brokers, which a purge never deletes. Python 3.8."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Dict, Iterable, List, Mapping, Optional, Pattern, Sequence, Set, Tuple

BROKER_KEYS: Mapping[str, str] = {
    "celery*": "Celery's queue and results",
    "_kombu.*": "Celery's bindings",
    "unacked*": "Celery's unfinished tasks",
    "asgi*": "Channels' groups and messages",
    "redbeat*": "the schedule of RedBeat",
    "rq:*": "the queues of RQ",
    "dramatiq:*": "the queues of Dramatiq",
}
"""Default patterns of brokers' keys, and their meanings."""

BINDINGS = "*_kombu.binding.*"
"""Sets with the names of all queues, including empty ones. A broker's prefix may precede the pattern."""

REPLIES = "*.celery.pidbox"
_SEPARATOR = b"\x06\x16"
_NAMED = re.compile(r"BROKER|CELERY|RESULT_BACKEND|CHANNEL_LAYER|CHANNELS", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s,;'\"\]\[]+(?:\[[^\]]*\][^\s,;'\"\]]*)?", re.IGNORECASE)
_ALL = (1 << 256) - 1

Mask = Optional[int]
"""A character of a pattern, with a bit for each possible byte. None for any number of any bytes."""


def names_a_broker(setting: str) -> bool:
    return bool(_NAMED.search(setting))


def urls_in(value: str) -> List[str]:
    """The URLs in a value: one, or a list with commas or as JSON."""
    return _URL.findall(value)


# --- patterns as SCAN understands them ------------------------------------------------------------------------------


def parsed(pattern: str) -> Tuple[Mask, ...]:
    """The characters of a pattern, as Valkey's SCAN parses it."""
    results: List[Mask] = []
    raw, at = pattern.encode("utf-8", "surrogateescape"), 0
    while at < len(raw):
        data = raw[at : at + 1]
        if data == b"*":
            if not results or results[-1] is not None:
                results.append(None)
        elif data == b"?":
            results.append(_ALL)
        elif data == b"[":
            mask, at = _class(raw, at + 1)
            results.append(mask)
        else:
            if data == b"\\" and at + 1 < len(raw):
                at += 1
            results.append(1 << raw[at])
        at += 1
    return tuple(results)


def _class(raw: bytes, at: int) -> Tuple[int, int]:
    """The characters between brackets, and the end. Without a closing bracket, they end with the pattern."""
    mask, negated = 0, raw[at : at + 1] == b"^"
    at += 1 if negated else 0
    while at < len(raw) and raw[at : at + 1] != b"]":
        if raw[at : at + 1] == b"\\" and at + 1 < len(raw):
            at += 1
            mask |= 1 << raw[at]
        elif raw[at + 1 : at + 2] == b"-" and at + 2 < len(raw):
            first, last = sorted((raw[at], raw[at + 2]))
            mask |= (1 << (last + 1)) - (1 << first)
            at += 2
        else:
            mask |= 1 << raw[at]
        at += 1
    return (_ALL & ~mask if negated else mask), at


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Pattern[bytes]:
    """The pattern as a regular expression."""
    return re.compile(b"".join(_expression(mask) for mask in parsed(pattern)), re.DOTALL)


def _expression(mask: Mask) -> bytes:
    if mask is None:
        return b".*"
    if mask == _ALL:
        return b"."
    members = b"".join(b"\\x%02x" % number for number in range(256) if mask >> number & 1)
    return b"[" + members + b"]" if members else b"(?!)"


def matches(pattern: str, key: bytes) -> bool:
    return bool(compiled(pattern).fullmatch(key))


def overlap(name: str, other: str) -> bool:
    """Whether a key can match both patterns."""
    left, right = parsed(name), parsed(other)
    waiting: List[Tuple[int, int]] = [(0, 0)]
    seen: Set[Tuple[int, int]] = set()
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        i, j = at
        if i == len(left) and j == len(right):
            return True
        if i < len(left) and left[i] is None:
            waiting.append((i + 1, j))
            if j < len(right):
                waiting.append((i, j + 1))
        if j < len(right) and right[j] is None:
            waiting.append((i, j + 1))
            if i < len(left):
                waiting.append((i + 1, j))
        if i < len(left) and j < len(right):
            first, second = left[i], right[j]
            if first is not None and second is not None and first & second:
                waiting.append((i + 1, j + 1))
    return False


def literal(text: str) -> str:
    """A pattern that matches exactly this text."""
    return re.sub(r"([*?\[\]\\])", r"\\\1", text)


# --- what is a broker's ---------------------------------------------------------------------------------------------


def reaches(pattern: str, broker: Iterable[str] = tuple(BROKER_KEYS)) -> Optional[str]:
    """The first broker pattern that can match a common key."""
    return next((name for name in broker if overlap(pattern, name)), None)


def is_everything(pattern: str) -> bool:
    """Whether the pattern is for no particular application, such as ``*``."""
    return all(overlap(pattern, broker_key) for broker_key in BROKER_KEYS)


def problem(pattern: str, *, of_broker: bool) -> Optional[str]:
    """The problem of a pattern in the catalog. ``of_broker``: a broker uses the setting's database."""
    hit = reaches(pattern)
    if hit is None or (is_everything(pattern) and not of_broker):
        return None
    return "%r can match %s (%s); write the prefix of the cache's own keys" % (pattern, hit, BROKER_KEYS[hit])


def broker_patterns(bindings: Mapping[bytes, Iterable[bytes]]) -> Tuple[str, ...]:
    """Patterns of a broker's keys in one database, from its binding sets and their members."""
    prefixes: Set[bytes] = {b""}
    queues: Set[bytes] = set()
    for key, members in bindings.items():
        prefix = key.partition(b"_kombu.binding.")[0]
        prefixes.add(prefix)
        queues.update(prefix + member.rpartition(_SEPARATOR)[2] for member in members)
    result: Dict[str, None] = {}
    for prefix in sorted(prefixes):
        result.update(dict.fromkeys(literal(_text(prefix)) + broker_key for broker_key in BROKER_KEYS))
    for queue in sorted(queues - {b""}):
        name = literal(_text(queue))
        # A queue with priorities has a further key for each priority.
        result.update(dict.fromkeys((name, name + _SEPARATOR.decode() + "*")))
    return tuple(result)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def shown(key: bytes) -> str:
    """A key's name for messages."""
    return "".join(name if name.isprintable() else "?" for name in key.decode("utf-8", "replace"))[:120]


@dataclass(frozen=True)
class Sieve:
    """Decides on the keys that SCAN returns for an entry of ``purge``."""

    keys: Tuple[str, ...]
    broker: Tuple[str, ...] = ()
    spared: Tuple[str, ...] = ()
    """Patterns of sessions that stay."""

    def broker_key(self, key: bytes) -> Optional[str]:
        """The broker's pattern that matches the key."""
        return next((name for name in (*self.broker, BINDINGS, REPLIES) if matches(name, key)), None)

    def is_spared(self, key: bytes) -> bool:
        return any(matches(name, key) for name in self.spared)

    def fresh(self, number: int, page: Sequence[bytes]) -> List[bytes]:
        """The keys of a page that no earlier pattern of the entry matches."""
        before = [compiled(key) for key in self.keys[:number]]
        unique = dict.fromkeys(page)
        return [key for key in unique if not any(pattern.fullmatch(key) for pattern in before)]


def batches(keys: Sequence[bytes], size: int) -> Iterable[Sequence[bytes]]:
    return (keys[at : at + size] for at in range(0, len(keys), size))
