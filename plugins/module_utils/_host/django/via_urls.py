# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends sessions of a Django application by the URLs in its .env. Runs on the host; Python 3.8.

``via_application`` knows the application's engine, user names and prefixes, but imports the application. This module
does not: for an application in an image, one that does not start, and one whose code may be an attacker's.
"""

from __future__ import annotations

import sys
from typing import Any, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import postgresql, valkey, valkey_key_patterns
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django import session_formats
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django.session_formats import (
    CACHED,
    DjangoSession,
    Doubt,
    SessionStore,
    session,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import purge as valkey_purge

PAGE = 500
SECONDS = 10
DECLARE = "add %(node)s to server.nodes of its credential in the catalog, or to the option cache_nodes"
OF_SESSIONS = "*%s*" % CACHED["cache"]
"""Pattern of every session's key, of both engines and with any prefix."""


class Table(SessionStore):
    """The table of sessions in PostgreSQL or SQLite."""

    name = "db"

    def __init__(self, url: str, label: str, table: str) -> None:
        if not session_formats.is_table(table):
            raise HostError("table: %r is not a table's name" % table)
        self._table = session_formats.quoted(table)
        self._connection, self._mark = _connected(url, label)

    def pages(self, *, read: bool) -> Iterator[Sequence[DjangoSession]]:
        columns, last = "session_key, expire_date > CURRENT_TIMESTAMP%s" % (", session_data" if read else ""), ""
        while True:
            text = "SELECT %s FROM %s WHERE session_key > %s ORDER BY session_key LIMIT %d"
            page = self._run(text % (columns, self._table, self._mark, PAGE), [last]).fetchall()
            # An open transaction would keep old rows from being cleaned away.
            self._connection.commit()
            if not page:
                return
            last = page[-1][0]
            entries = [(session(row[0], session_formats.decoded(row[2]) if read else {}), row[1]) for row in page]
            yield [django_session._replace(live=bool(live)) for django_session, live in entries]

    def end(self, keys: Sequence[str]) -> int:
        marks = ", ".join([self._mark] * len(keys))
        cursor = self._run("DELETE FROM %s WHERE session_key IN (%s)" % (self._table, marks), list(keys))  # noqa: S608
        self._connection.commit()
        return int(cursor.rowcount)

    def _run(self, text: str, values: Sequence[Any]) -> Any:
        cursor = self._connection.cursor()
        try:
            cursor.execute(text, values)
        except Exception as error:  # noqa: BLE001 - each driver has its own
            message = (str(error) or type(error).__name__).splitlines()[0]
            raise HostError(
                "%s: %s; set django_session_table (option table) to the table of sessions" % (self._table, message)
            ) from None
        return cursor


def _connected(url: str, label: str) -> Tuple[Any, str]:
    """A connection, and the driver's placeholder."""
    scheme, _separator, rest = url.partition("://")
    if scheme in ("sqlite", "sqlite3"):
        import sqlite3

        path = rest.partition("?")[0]
        path = path[1:] if path.startswith("/") else path
        try:
            return sqlite3.connect("file:%s?mode=rw" % path.replace("%", "%25").replace("#", "%23"), uri=True), "?"
        except sqlite3.Error as error:
            raise HostError("%s: %s: %s" % (label, path, error)) from None
    target = postgresql.parse_url(url, label)
    driver = _driver()
    try:
        return driver.connect(**{"connect_timeout": SECONDS, **target.keywords()}), "%s"
    except driver.Error as error:
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise HostError("%s: %s" % (target.place, message)) from None


def _driver() -> Any:
    for name in ("psycopg", "psycopg2"):
        try:
            return __import__(name)
        except ImportError:
            continue
    raise HostError(
        "%s has neither psycopg nor psycopg2; set rotation_python (option python) to an interpreter that has one"
        % sys.executable
    )


class ValkeySessions(SessionStore):
    name = "cache"

    def __init__(self, url: str, label: str, start: str, nodes: Sequence[str]) -> None:
        self._place = valkey_purge.reached(valkey.parse_url(url, label), label, nodes, DECLARE)
        self._start = start
        self._here = self._place.primaries[0]
        self._found, self._other = False, ""

    def pages(self, *, read: bool) -> Iterator[Sequence[DjangoSession]]:
        start = self._start.encode("utf-8")
        for primary in self._place.primaries:
            # Ending a page's sessions asks the node that has them.
            self._here = primary
            for page in primary.pages(OF_SESSIONS):
                entries = list(dict.fromkeys(page))
                names = [entry[len(start) :].decode("ascii", "replace") for entry in entries if entry.startswith(start)]
                keys = [name for name in names if session_formats.is_key(name)]
                self._note(entries, bool(keys))
                contents = self._contents(primary, keys) if read and keys else [{}] * len(keys)
                yield [session(key, content) for key, content in zip(keys, contents)]

    def _note(self, page: Sequence[bytes], is_found: bool) -> None:
        self._found = self._found or is_found
        starts = (session_formats.start_in_cache(data.decode("utf-8", "replace")) for data in page)
        self._other = self._other or next((start for start in starts if start not in ("", self._start)), "")

    def doubt(self, rows: int) -> Optional[Doubt]:
        if self._found:
            return None
        ours = valkey_key_patterns.shown(self._start.encode("utf-8"))
        if self._other:
            other = valkey_key_patterns.shown(self._other.encode("utf-8"))
            why = "the cache has session keys that begin with %s, but none with %s" % (other, ours)
            return Doubt(why, ("cache_prefix", "engine"))
        if rows:
            why = "the database had %d sessions, and the cache has no copy of them under keys that begin with %s" % (
                rows,
                ours,
            )
            return Doubt(why, ("cache_prefix", "cache_setting"))
        return None

    def _contents(self, primary: valkey_purge.Primary, keys: Sequence[str]) -> List[Any]:
        answers = primary.many([["GET", self._start + key] for key in keys])
        return [session_formats.unpickled(answer) if isinstance(answer, bytes) else None for answer in answers]

    def end(self, keys: Sequence[str]) -> int:
        return sum(self._here.many([["UNLINK", self._start + key] for key in keys]))


def stores(
    engine: str,
    *,
    database: Optional[Tuple[str, str]],
    cache: Optional[Tuple[str, str]],
    nodes: Sequence[str],
    table: str,
    prefix: str,
) -> List[SessionStore]:
    """Stores of an engine's sessions, in the order of emptying. Each URL comes with its setting."""
    session_stores: List[SessionStore] = []
    if engine in ("db", "cached_db"):
        if database is None:
            raise HostError(
                "engine %s needs the URL of the database; set django_session_database_setting (option "
                "database_setting) to the name of the setting with this URL" % engine
            )
        session_stores.append(Table(database[1], database[0], table))
    if engine in CACHED:
        if cache is None:
            raise HostError(
                "engine %s needs the URL of the cache; set django_session_cache_setting (option cache_setting) to the "
                "name of the setting with this URL" % engine
            )
        session_stores.append(ValkeySessions(cache[1], cache[0], prefix + CACHED[engine], nodes))
    return session_stores
