# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Formats of Django's stored sessions, and whose they are. Pure; Python 3.8.

Nothing is verified: a session is read to end it, also if its signing key is gone.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import pickle
import re
import zlib
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Iterable, Iterator, Mapping, NamedTuple, NoReturn, Optional, Sequence, Tuple

STOCK = "django.contrib.sessions.backends."
ENGINES = ("cached_db", "db", "cache", "file", "signed_cookies")
"""Django's own engines. An engine stands before the ones that it builds upon."""
CACHED = {"cache": "django.contrib.sessions.cache", "cached_db": "django.contrib.sessions.cached_db"}
"""Prefixes of session keys in the cache, after the cache's own prefix."""
LARGEST = 4 * 1024 * 1024
"""Limit of bytes of a session."""
_USER = "_auth_user_id"
_KEY = re.compile(r"[0-9a-z]{8,128}")
_IN_CACHE = re.compile(r"(.*(?:%s))([0-9a-z]{8,128})" % "|".join(map(re.escape, CACHED.values())), re.DOTALL)
_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")


class DjangoSession(NamedTuple):
    key: str
    user: Optional[str]
    """Id of the logged-in user."""
    readable: bool = True
    live: bool = True
    """Whether it has not expired."""


class Doubt(NamedTuple):
    """The reason why sessions may remain after a store was emptied, and what ends them."""

    why: str
    options: Tuple[str, ...] = ()
    """Options that may differ from the application's."""
    restart: bool = False
    """Whether only a restart of the services ends them."""

    def as_data(self) -> Dict[str, Any]:
        return {"why": self.why, "options": list(self.options), "restart": self.restart}


@dataclass(frozen=True)
class Whose:
    """Users whose sessions end; all users if the list is empty."""

    ids: Optional[FrozenSet[str]] = None

    @property
    def everyone(self) -> bool:
        return self.ids is None

    def takes(self, session: DjangoSession) -> bool:
        return self.ids is None or session.user in self.ids


@dataclass
class Tally:
    store: str
    count: int = 0
    unreadable: int = 0
    live: int = 0
    """Selected sessions that had not expired."""

    def as_data(self) -> Dict[str, Any]:
        return {"store": self.store, "count": self.count, "unreadable": self.unreadable}


def decoded(text: str) -> Optional[Mapping[str, Any]]:
    """Content of a session from the database or a file. None if it cannot be read."""
    try:
        parts = text.rsplit(":", 2)
        return _json(_signed(parts[0])) if len(parts) == 3 else _json(_before_django_3(text))
    except (ValueError, binascii.Error, zlib.error):
        return None


def _signed(payload: str) -> bytes:
    compressed = payload.startswith(".")
    raw = payload[1:] if compressed else payload
    data = base64.b64decode(raw + "=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    if not compressed:
        return data
    opened = zlib.decompressobj()
    whole = opened.decompress(data, LARGEST)
    if opened.unconsumed_tail:
        raise ValueError("too large")
    return whole


def _before_django_3(text: str) -> bytes:
    return base64.b64decode(text, validate=True).partition(b":")[2]


def _json(raw: bytes) -> Optional[Mapping[str, Any]]:
    result = json.loads(raw.decode("utf-8"))
    return result if isinstance(result, dict) else None


class _Plain(pickle.Unpickler):
    """Loads plain values only: a pickle that imports a name can run a program."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError("%s.%s" % (module, name))


def unpickled(raw: bytes) -> Optional[Mapping[str, Any]]:
    """Content of a session from a cache, read without running anything."""
    try:
        _require_bounded(raw)
        result = _Plain(io.BytesIO(raw)).load()
    except Exception:  # noqa: BLE001 - an invalid pickle can raise anything
        return None
    return result if isinstance(result, dict) else None


_SIZED = ("PUT", "LONG_BINPUT", "BYTEARRAY8")
"""Opcodes that make the unpickler allocate their argument's size before it reads on: six bytes cost 64 GB."""


def _require_bounded(raw: bytes) -> None:
    import pickletools  # rarely needed, but every host would pay for it

    for opcode, argument, _at in pickletools.genops(raw):
        size = len(argument) if isinstance(argument, bytearray) else argument
        if opcode.name in _SIZED and not (isinstance(size, int) and 0 <= size <= len(raw)):
            raise pickle.UnpicklingError("a memo index beyond the length of the pickle")


def session(key: str, content: Optional[Mapping[str, Any]]) -> DjangoSession:
    if content is None:
        return DjangoSession(key, None, readable=False)
    user = content.get(_USER)
    return DjangoSession(key, None if user is None else str(user))


def is_key(text: str) -> bool:
    return bool(_KEY.fullmatch(text))


def start_in_cache(key: str) -> str:
    """Beginning of a cache key before the session's own key. Empty if it belongs to no session."""
    match = _IN_CACHE.fullmatch(key)
    return match.group(1) if match else ""


def is_table(text: str) -> bool:
    return bool(_TABLE.fullmatch(text))


def quoted(table: str) -> str:
    return ".".join('"%s"' % part for part in table.split("."))


def engine_of(bases: Iterable[str]) -> Optional[str]:
    """The engine on which a class of sessions builds, by the modules of its bases."""
    modules = set(bases)
    return next((name for name in ENGINES if STOCK + name in modules), None)


class SessionStore:
    name = ""
    note = ""

    def pages(self, *, read: bool) -> Iterator[Sequence[DjangoSession]]:
        """Every session in pages. ``read`` tells the user too."""
        raise NotImplementedError

    def end(self, keys: Sequence[str]) -> int:
        """Ends these sessions. Returns their number."""
        raise NotImplementedError

    def doubt(self, rows: int) -> Optional[Doubt]:
        """Sessions that may remain. ``rows`` is the database's number of sessions that have not expired."""
        del rows
        return None


def ended(store: SessionStore, whose: Whose, *, check: bool) -> Tally:
    """Ends a store's selected sessions, or counts them."""
    tally = Tally(store.name)
    for page in store.pages(read=not whose.everyone):
        taken_sessions = [django_session for django_session in page if whose.takes(django_session)]
        keys = [django_session.key for django_session in taken_sessions]
        tally.live += sum(1 for django_session in taken_sessions if django_session.live)
        tally.unreadable += sum(1 for django_session in page if not django_session.readable)
        if keys:
            tally.count += len(keys) if check else store.end(keys)
    return tally
