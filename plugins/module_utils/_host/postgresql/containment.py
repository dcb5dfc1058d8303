# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What holders of a leaked login do to keep it: locks, all connections, other ways in. Only in a leak."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import (
    LOGIN_URL,
    ConnectionTarget,
    DatabaseError,
    identifier,
    literal,
    logins_of,
    refuse_older,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import (
    inventory as postgresql_inventory,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.connection import (
    LOCK,
    Retry,
    ServerConnection,
    end_sessions,
    observe,
)

# Only this collection's runs take the lock, and they log in as we do.
_BLOCKERS = """SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a
WHERE a.pid <> pg_backend_pid() AND NOT (SELECT rolsuper FROM pg_roles WHERE oid = a.usesysid) AND (
  a.usename = %(login)s AND (a.backend_xid IS NOT NULL OR a.backend_xmin IS NOT NULL)
  OR a.usename <> current_user AND EXISTS (
    SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.classid = 0 AND l.objid = %(lock)d))"""

_FOOTHOLDS = """SELECT 'member', m.rolname::text, g.rolname::text FROM pg_auth_members a
  JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid
  WHERE g.rolname IN (%(roles)s) AND m.rolname NOT IN (%(roles)s) AND m.rolname <> current_user AND NOT m.rolsuper
  AND coalesce((to_jsonb(a)->>'inherit_option')::bool OR (to_jsonb(a)->>'set_option')::bool, true)
UNION SELECT 'owner', rolname::text, '' FROM pg_roles
  WHERE rolname = %(owner)s AND rolcanlogin AND rolname <> %(login)s
UNION SELECT 'prepared', gid, database::text FROM pg_prepared_xacts WHERE owner IN (%(roles)s)
UNION SELECT 'owns', %(login)s, coalesce(b.datname::text, '')
  FROM pg_shdepend d LEFT JOIN pg_database b ON b.oid = d.dbid
  WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o' AND %(login)s <> %(owner)s
  AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = %(login)s)
ORDER BY 1, 2, 3"""
_IN_DATABASE = """WITH own AS (SELECT oid FROM pg_roles WHERE rolname IN (%(roles)s))
SELECT 'definer', p.oid::regprocedure::text FROM pg_proc p WHERE prosecdef AND proowner IN (SELECT oid FROM own)
  AND has_function_privilege('public', p.oid, 'EXECUTE')
UNION SELECT 'public', c.oid::regclass::text FROM pg_class c, aclexplode(c.relacl) a
  WHERE a.grantee = 0 AND c.relowner IN (SELECT oid FROM own)
UNION SELECT 'default', '' FROM pg_default_acl d, aclexplode(d.defaclacl) a
  WHERE a.grantee = 0 AND d.defaclobjtype = 'r' AND d.defaclrole IN (SELECT oid FROM own)
ORDER BY 1, 2"""
"""Asked by the new login, in the application's database."""
_CAN_LOG_IN = "SELECT rolname::text FROM pg_roles WHERE rolcanlogin AND oid >= 16384 ORDER BY 1"
_GROUPS = """SELECT DISTINCT g.rolname::text FROM pg_auth_members a
  JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid WHERE m.rolname = %s"""
_LOGINS = "looking for logins that nothing explains"
MOST_EVICTED = 50
"""Logins that are removed; a comparison names the others."""
IN_BASELINE = ("member", "owner")
"""What a comparison with the baseline finds too, as it does all that is in the database."""
_WORDS = {
    "definer": "function {0} runs with its owner's rights for everybody: REVOKE EXECUTE ON FUNCTION {0} FROM PUBLIC",
    "public": "everybody has rights on {0}: REVOKE ALL ON {0} FROM PUBLIC",
    "default": "everybody gets rights on new tables: look at them by \\ddp, and ALTER DEFAULT PRIVILEGES … FROM PUBLIC",
    "member": "role {0} is a member of {1}: REVOKE {1} FROM {0}",
    "owner": "role {0} can log in: ALTER ROLE {0} NOLOGIN PASSWORD NULL",
    "prepared": "a prepared transaction in database {1}: ROLLBACK PREPARED {0}",
    "owns": "role {0} owns objects in database {1}, which its owner role should: look at them, then DROP OWNED BY {0}",
}


def end_blockers(server: ServerConnection, leaked: str) -> None:
    """Ends the sessions that hold up our transaction: those of the leaked login, and whoever has taken our lock."""
    server.rows(_BLOCKERS % {"login": literal(leaked), "lock": LOCK}, doing="ending sessions that block")


def blocked(
    server: ServerConnection,
    leaked: str,
    journal: int,
    seconds: float,
    *,
    unblock: Optional[Callable[[], object]] = None,
) -> int:
    """Takes the leaked login away before the new one is in use. Returns the number of sessions that were ended."""

    def act() -> None:
        role = observe(server, [leaked]).roles.get(leaked)
        refuse_older(role.comment if role else None, leaked, journal)
        server.rows("ALTER ROLE %s NOLOGIN" % identifier(leaked), doing="disabling role %s" % leaked)

    server.transaction(act, unblock=unblock)
    return end_sessions(server, leaked, seconds=seconds)


def shut_out(server: ServerConnection, leaked: str, problem: str, *, journal: int, seconds: float) -> str:
    """The same because of a problem; the warning that says so."""
    ended = blocked(server, leaked, journal, seconds)
    return (
        "%s. The leaked login %s was disabled first, and its %d sessions were ended; the application cannot log in "
        "until it has the new one" % (problem, leaked, ended)
    )


def by_superuser(problem: str, leaked: str) -> str:
    return (
        "%s. If the leaked login %s holds the connections, only a superuser gets in: ALTER ROLE %s NOLOGIN, then end "
        "its sessions (docs/runbooks/by-hand.md), and run the same command again"
        % (problem, leaked, identifier(leaked))
    )


def roll_back_prepared(server: ServerConnection, leaked: ConnectionTarget, timeout: int) -> None:
    """Ends the locks that prepared transactions of the leaked login hold: as itself, since its owner alone may."""
    text = "SELECT gid, database::text FROM pg_prepared_xacts WHERE owner = %s"
    for gid, database in server.rows(text % literal(leaked.user), doing="listing prepared transactions"):
        with ServerConnection.own_settings(leaked._replace(database=database), label=LOGIN_URL, timeout=timeout) as own:
            own.rows("SET ROLE NONE", doing="leaving the owner role")
            own.rows("ROLLBACK PREPARED %s" % literal(gid), doing="rolling back a prepared transaction")


def looked_for_footholds(server: ServerConnection, login: str, owner: str, *, but: Sequence[str] = ()) -> List[str]:
    """What may let the holder of the login in again, each with the statement that ends it; ``but`` some kinds."""
    roles = ", ".join(literal(name) for name in (owner, *logins_of(owner)))
    names = {"roles": roles, "login": literal(login), "owner": literal(owner)}
    try:
        rows = server.rows(_FOOTHOLDS % names, doing="looking for other ways in")
    except DatabaseError as error:
        return ["not checked: %s" % error]
    quoted = (
        (kind, (literal if kind == "prepared" else identifier)(name), other)
        for kind, name, other in rows
        if kind not in but
    )
    return [_WORDS[kind].format(name, identifier(other) if other else "") for kind, name, other in quoted]


def evicted(server: ServerConnection, known: Sequence[str], *, seconds: float) -> Dict[str, List[str]]:
    """Disables the roles that nothing explains, and ends their sessions: what was done, and what is left to do."""
    own = {name for row in server.rows("SELECT session_user::text, current_user::text", doing=_LOGINS) for name in row}
    names = [name for (name,) in server.rows(_CAN_LOG_IN, doing=_LOGINS) if name not in own]
    result: Dict[str, List[str]] = {"evicted": [], "footholds": []}
    for name in [name for name in names if server_baseline.is_unexplained(name, known)][:MOST_EVICTED]:
        try:
            result["evicted"].append(_evicted(server, name, seconds))
        except (DatabaseError, Retry) as error:
            result["footholds"].append("role %s is not disabled for good: %s" % (identifier(name), error))
    return result


def _evicted(server: ServerConnection, role: str, seconds: float) -> str:
    quoted = identifier(role)
    statements = ["ALTER ROLE %s NOLOGIN PASSWORD NULL" % quoted]
    for (group,) in server.rows(_GROUPS % literal(role), doing=_LOGINS):
        statements.append("REVOKE %s FROM %s" % (identifier(group), quoted))
    for statement in statements:
        server.rows(statement, doing="disabling role %s" % quoted)
    ended = end_sessions(server, role, seconds=seconds)
    return "role %s could log in: %s; %d sessions ended" % (quoted, "; ".join(statements), ended)


def inventoried(
    server: ServerConnection, successor: Optional[ConnectionTarget], request: Mapping[str, Any], timeout: int
) -> Dict[str, Any]:
    """What the server is compared by with its baseline, as the new login and the administrator see it."""
    inventory = server_baseline.no_inventory()
    try:
        if successor is None:
            raise DatabaseError("no_login", "no new login can look at the database")
        with ServerConnection.own_settings(successor, label=LOGIN_URL, timeout=timeout) as own:
            server_baseline.add(inventory, postgresql_inventory.read(own, request))
        server_baseline.add(inventory, postgresql_inventory.read_as_administrator(server, request), further=True)
    except (DatabaseError, Retry, ValueError, TypeError, MemoryError, RecursionError) as error:
        inventory["problems"].append(str(error) if isinstance(error, DatabaseError) else "its answer cannot be read")
    return inventory


def looked_for_in_database(successor: ConnectionTarget, owner: str, timeout: int) -> List[str]:
    """The same of what the owner role has in the application's database, as the new login sees it."""
    roles = ", ".join(literal(name) for name in (owner, *logins_of(owner)))
    try:
        with ServerConnection.own_settings(successor, label=LOGIN_URL, timeout=timeout) as server:
            rows = server.rows(_IN_DATABASE % {"roles": roles}, doing="looking for other ways in")
    except DatabaseError as error:
        return ["not checked: %s" % error]
    return [_WORDS[kind].format(name) for kind, name in rows]
