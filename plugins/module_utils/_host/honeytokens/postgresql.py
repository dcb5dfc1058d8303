# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A login of PostgreSQL that nothing uses, with its own database.

The database counts its sessions. Every login may read that count, and only a superuser may reset it. A failed login
appears only in the server's log, which SQL cannot read on most servers.
"""

from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import identifier, literal
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.connection import ServerConnection

OLDEST, MOST = 150000, 20
SESSIONS = 3
"""Concurrent sessions: a stolen login must not use up the server's connections."""
RIGHTS = ("SUPERUSER", "CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS")
_DOING = "reading a honeytoken"
_ROLE = """SELECT r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls, r.rolcanlogin,
 (SELECT count(*) FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid
  AND s.deptype = 'o'),
 (SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid),
 (SELECT count(*) FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid
  AND s.deptype = 'a' AND NOT (s.classid = 'pg_database'::regclass
  AND s.objid IN (SELECT d.oid FROM pg_database d WHERE d.datname = r.rolname)))
 FROM pg_roles r WHERE r.rolname = %s"""
_OPEN = """SELECT datname::text FROM pg_database WHERE datallowconn AND NOT datistemplate
 AND datname NOT IN (%s, 'postgres', 'rdsadmin') AND has_database_privilege('public', oid, 'CONNECT')
 ORDER BY 1 LIMIT %d"""
_EXISTS = "SELECT 1 FROM pg_roles WHERE rolname = %s"
_DATABASE = "SELECT pg_has_role(datdba, 'USAGE'), pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = %s"
_COUNT = """SELECT sessions, coalesce(to_char(stats_reset AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '')
 FROM pg_stat_database WHERE datname = %s"""

Report = Dict[str, Any]


def seen(server: ServerConnection, user: str) -> Report:
    """Raises RotationError for a server before version 15."""
    ((version,),) = server.rows("SELECT current_setting('server_version_num')::int", doing=_DOING)
    if version < OLDEST:
        raise RotationError(
            "%s: PostgreSQL counts the sessions of a honeytoken since version 15; upgrade the server"
            % server.target.place
        )
    name = literal(user)
    roles = server.rows(_ROLE % name, doing=_DOING)
    counts = server.rows(_COUNT % name, doing=_DOING)
    count, since = counts[0] if counts else (0, "")
    return {
        "exists": bool(roles and roles[0][5] and counts),
        "rights": _rights(roles[0]) if roles else [],
        "open": [str(database) for (database,) in server.rows(_OPEN % (name, MOST), doing=_DOING)],
        "uses": int(count),
        "since": str(since),
    }


def _rights(role: Any) -> List[str]:
    """The role's attributes, then its objects, memberships and grants."""
    numbers = zip(("%d objects of its own", "membership in %d roles", "%d grants"), role[6:])
    return [right for right, has in zip(RIGHTS, role) if has] + [text % number for text, number in numbers if number]


def check(server: ServerConnection, user: str, *, leak: bool) -> Report:
    """Raises RotationError for a login that has rights, or would get some.

    In a leak, objects that its holder made and grants by others stop nothing.
    """
    report = seen(server, user)
    refused = [right for right in report["rights"] if right in RIGHTS or not leak]
    if refused:
        raise RotationError(
            "role %s has rights (%s), so it cannot be a honeytoken; nothing was changed. Revoke them, or name "
            "another role in options.user" % (user, ", ".join(refused))
        )
    for is_ours, owner in server.rows(_DATABASE % literal(user), doing=_DOING):
        if not is_ours:
            raise RotationError(
                "database %s exists and belongs to %s; nothing was changed. Name another role in options.user: its "
                "database has the same name" % (user, owner)
            )
    if report["open"] and not leak:
        raise RotationError(open_to_all(report["open"]))
    return report


def open_to_all(databases: List[str]) -> str:
    revokes = " ".join("REVOKE CONNECT ON DATABASE %s FROM PUBLIC;" % identifier(name) for name in databases)
    return (
        "every login may connect to %s, so the honeytoken may too, and its sessions there are not counted. Grant "
        "CONNECT to the logins that need it, then: %s" % (", ".join(databases), revokes)
    )


def present(server: ServerConnection, user: str, verifier: str, *, leak: bool) -> Report:
    """Sets the login's password, and creates a missing login. Neither the login nor its database has a comment or a
    setting: another login must not see that it is a honeytoken.
    """
    report, role = check(server, user, leak=leak), identifier(user)
    verb = "ALTER" if server.rows(_EXISTS % literal(user), doing=_DOING) else "CREATE"
    server.rows("%s ROLE %s LOGIN PASSWORD %s" % (verb, role, literal(verifier)), doing="%s ROLE %s" % (verb, role))
    statements = [
        "REVOKE ALL ON DATABASE %s FROM PUBLIC" % role,
        "GRANT CONNECT ON DATABASE %s TO %s" % (role, role),
    ]
    if not server.rows(_DATABASE % literal(user), doing=_DOING):
        statements.insert(0, "CREATE DATABASE %s TEMPLATE template0 CONNECTION LIMIT %d" % (role, SESSIONS))
    for statement in statements:
        server.rows(statement, doing=statement)
    return report
