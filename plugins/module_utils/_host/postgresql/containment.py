# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Removes what the holder of a leaked login does to keep it: locks, all connections. Only in a leak."""

from __future__ import annotations

from typing import Callable, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import (
    LOGIN_URL,
    ConnectionTarget,
    identifier,
    literal,
    refuse_older,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.connection import (
    LOCK,
    ServerConnection,
    end_sessions,
    observe,
)

# Only this collection's runs take the lock, and they log in as this administrator.
_BLOCKERS = """SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a
WHERE a.pid <> pg_backend_pid() AND NOT (SELECT rolsuper FROM pg_roles WHERE oid = a.usesysid) AND (
  a.usename = %(login)s AND (a.backend_xid IS NOT NULL OR a.backend_xmin IS NOT NULL)
  OR a.usename <> current_user AND EXISTS (
    SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.classid = 0 AND l.objid = %(lock)d))"""


def end_blockers(server: ServerConnection, leaked: str) -> None:
    """Ends the sessions that block the transaction: of the leaked login, and of others that hold the advisory lock."""
    server.rows(_BLOCKERS % {"login": literal(leaked), "lock": LOCK}, doing="ending sessions that block")


def blocked(
    server: ServerConnection,
    leaked: str,
    journal: int,
    seconds: float,
    *,
    unblock: Optional[Callable[[], object]] = None,
) -> int:
    """Disables the leaked login before the new one is in use. Returns the number of ended sessions."""

    def act() -> None:
        role = observe(server, [leaked]).roles.get(leaked)
        refuse_older(role.comment if role else None, leaked, journal)
        server.rows("ALTER ROLE %s NOLOGIN" % identifier(leaked), doing="disabling role %s" % leaked)

    server.transaction(act, unblock=unblock)
    return end_sessions(server, leaked, seconds=seconds)


def by_superuser(problem: str, leaked: str) -> str:
    return (
        "%s. If the leaked login %s holds the connections, only a superuser can log in. As a superuser: ALTER ROLE %s "
        "NOLOGIN, then end its sessions (docs/runbooks/by-hand.md, All connections are taken). Then run the same "
        "command again" % (problem, leaked, identifier(leaked))
    )


def roll_back_prepared(server: ServerConnection, leaked: ConnectionTarget, timeout: int) -> None:
    """Rolls back the leaked login's prepared transactions, as that login: only their owner or a superuser may."""
    text = "SELECT gid, database::text FROM pg_prepared_xacts WHERE owner = %s"
    for gid, database in server.rows(text % literal(leaked.user), doing="listing prepared transactions"):
        with ServerConnection.own_settings(leaked._replace(database=database), label=LOGIN_URL, timeout=timeout) as own:
            own.rows("SET ROLE NONE", doing="leaving the owner role")
            own.rows("ROLLBACK PREPARED %s" % literal(gid), doing="rolling back a prepared transaction")
