# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what may let somebody in at a server and in one of its databases.

A server may answer anything: texts are cut, entries are counted, and possible values are digested.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import DatabaseError, literal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    TOO_MANY,
    Entry,
    entry_of,
    keyed,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.connection import ServerConnection
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.inventory_queries import (
    END,
    KINDS,
    NEEDED,
    OF_ADMINISTRATORS,
    OF_ALL,
    ROLES,
)

Inventory = Dict[str, Any]
"""Kinds that were read, and entries."""
MOST = 5000
_DOING = "reading what exists"
_BEGIN = (
    "BEGIN READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL statement_timeout = '5s'; "
    "SET LOCAL quote_all_identifiers = off"
)


def read(server: ServerConnection, request: Mapping[str, Any]) -> Inventory:
    """Reads what any login sees. ``request`` has the ``key`` of digests, and the catalog's ``own`` logins with their
    shown names. Raises DatabaseError."""
    return {"kinds": list(KINDS), "entries": _entries(server, request, OF_ALL)}


def read_as_administrator(server: ServerConnection, request: Mapping[str, Any]) -> Inventory:
    """Reads what an administrator may see. Kinds that this administrator may not read are left out."""
    kinds: List[str] = []
    entries: List[Entry] = []
    for kind, query in OF_ADMINISTRATORS.items():
        try:
            if kind in NEEDED and not _read(server, NEEDED[kind]):
                continue
            entries += _entries(server, request, query)
        except DatabaseError:
            continue
        kinds.append(kind)
    return {"kinds": kinds, "entries": entries}


def _entries(server: ServerConnection, request: Mapping[str, Any], query: str) -> List[Entry]:
    own = "".join(", (%s, %s)" % (literal(raw), literal(text)) for raw, text in sorted(request["own"].items()))
    rows = _read(server, ROLES % {"own": own} + END % {"query": query, "limit": MOST + 1})
    if len(rows) > MOST:
        raise DatabaseError("too_many", "it has more than %d roles, grants and objects, %s" % (MOST, TOO_MANY))
    return [_entry(request["key"], row) for row in rows]


def _read(server: ServerConnection, query: str) -> List[Sequence[Any]]:
    server.rows(_BEGIN, doing=_DOING)
    try:
        return server.rows(query, doing=_DOING)
    finally:
        server.roll_back()


def _entry(key: str, row: Sequence[Any]) -> Entry:
    kind, name, facts, text, undo, since = (str(item) for item in row)
    digest = "digest %s" % keyed(key, text) if text else ""
    return {**entry_of(kind, name, ", ".join(filter(None, (facts, digest))), undo), "since": since}
