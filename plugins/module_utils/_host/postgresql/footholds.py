# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Footholds of a leaked login's holder: named, compared with the baseline, disabled. Only in a leak; no failure here
stops a revocation."""

from __future__ import annotations

from typing import Any, Callable, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import (
    LOGIN_URL,
    ConnectionTarget,
    DatabaseError,
    identifier,
    literal,
    logins_of,
    parse_url,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import (
    inventory as postgresql_inventory,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import provider_roles
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.connection import (
    Retry,
    ServerConnection,
    end_sessions,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.inventory_queries import NEEDED

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
UNION SELECT 'physical slot', slot_name::text, '' FROM pg_replication_slots WHERE slot_type = 'physical'
  AND NOT temporary AND EXISTS (
    SELECT FROM pg_roles WHERE rolname IN (%(login)s, %(owner)s) AND (rolreplication OR rolsuper))
UNION SELECT 'process', pid::text, usename::text FROM pg_stat_activity WHERE usename IN (%(login)s, %(owner)s)
  AND backend_type <> 'client backend' AND backend_type !~ '^(logical replication|parallel)'
UNION SELECT 'template', datname::text, '' FROM pg_database d JOIN pg_roles r ON r.oid = datdba
  WHERE datistemplate AND rolname IN (%(roles)s)
UNION SELECT 'program', %(login)s, '' FROM pg_roles r, pg_roles g WHERE r.rolname IN (%(login)s, %(owner)s)
  AND g.rolname IN ('pg_execute_server_program', 'pg_write_server_files') AND pg_has_role(r.oid, g.oid, 'MEMBER')
ORDER BY 1, 2, 3"""
_IN_DATABASE = """WITH own AS (SELECT oid FROM pg_roles WHERE rolname IN (%(roles)s)),
given AS (
  SELECT relacl AS acl, oid::regclass::text AS name, relowner AS owner FROM pg_class
  UNION ALL SELECT attacl, attrelid::regclass::text, relowner FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
  WHERE attacl IS NOT NULL
  UNION ALL SELECT lomacl, 'LARGE OBJECT ' || oid, lomowner FROM pg_largeobject_metadata),
others AS (
  SELECT name, grantee FROM given, aclexplode(acl) WHERE owner IN (SELECT oid FROM own)
  AND grantee NOT IN (SELECT oid FROM own))
SELECT 'definer', p.oid::regprocedure::text FROM pg_proc p WHERE prosecdef AND proowner IN (SELECT oid FROM own)
  AND has_function_privilege('public', p.oid, 'EXECUTE')
UNION SELECT 'called', p.oid::regprocedure::text FROM pg_proc p, aclexplode(proacl) WHERE prosecdef
  AND proowner IN (SELECT oid FROM own) AND grantee <> 0 AND grantee NOT IN (SELECT oid FROM own)
UNION SELECT 'public', name FROM others WHERE grantee = 0
UNION SELECT 'granted', format('%%I', rolname) FROM others JOIN pg_roles r ON r.oid = grantee
UNION SELECT 'slot', format('%%L', slot_name) FROM pg_replication_slots WHERE database = current_database()
  AND NOT temporary
UNION SELECT 'pg_cron', format('%%I', current_database()) FROM pg_extension WHERE extname = 'pg_cron'
UNION SELECT 'default', '' FROM pg_default_acl d, aclexplode(d.defaclacl) a WHERE d.defaclobjtype IN ('r', 'S', 'n')
  AND d.defaclrole IN (SELECT oid FROM own) AND a.grantee NOT IN (SELECT oid FROM own)
ORDER BY 1, 2"""
"""Query of the new login, in the application's database."""
_DATABASE = "SELECT format('%I', current_database())"
_PG_CRON = _DATABASE + " FROM pg_extension WHERE extname = 'pg_cron'"
_JOBS = "SELECT jobid::bigint, username::text FROM cron.job WHERE username IN (%s) ORDER BY 1 LIMIT %d"
_CAN_LOG_IN = "SELECT rolname::text FROM pg_roles WHERE rolcanlogin AND oid >= 16384 ORDER BY 1"
_LOGIN_ROLES = """SELECT rolname::text, oid::bigint, %s FROM %s r WHERE rolcanlogin AND oid >= 16384
  AND rolname NOT IN (session_user, current_user) ORDER BY 1"""
_WRITTEN = """CASE WHEN current_setting('track_commit_timestamp')::bool THEN coalesce(to_char(
  pg_xact_commit_timestamp(r.xmin) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '') ELSE '' END"""
_GROUPS = """SELECT DISTINCT g.rolname::text FROM pg_auth_members a
  JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.roleid WHERE m.rolname = %s"""
_FINDING_JOBS = "looking for jobs of pg_cron"
_LOGINS = "looking for unknown logins"
MOST_EVICTED = 50
"""Limit of logins that are disabled. A comparison names the others."""
IN_BASELINE = ("member", "owner", "physical slot")
"""Kinds that a comparison with the baseline also finds, like everything in the database."""
_WORDS = {
    "definer": "function {0} runs with its owner's rights for everybody: REVOKE EXECUTE ON FUNCTION {0} FROM PUBLIC",
    "called": "function {0} runs with its owner's rights for other roles: show it (\\df+), then REVOKE or drop it",
    "granted": "role {0} has rights on the owner role's tables: list them (\\dp), then REVOKE them",
    "public": "everybody has rights on {0}: REVOKE ALL ON {0} FROM PUBLIC",
    "default": "other roles get rights on new objects: list them (\\ddp), then ALTER DEFAULT PRIVILEGES … REVOKE …",
    "member": "role {0} is a member of {1}: REVOKE {1} FROM {0}",
    "owner": "role {0} can log in: ALTER ROLE {0} NOLOGIN PASSWORD NULL",
    "prepared": "a prepared transaction in database {1}: ROLLBACK PREPARED {0}",
    "physical slot": "replication slot {0} keeps the server's changes: SELECT pg_drop_replication_slot({0})",
    "slot": "replication slot {0} keeps the database's changes: SELECT pg_drop_replication_slot({0})",
    "process": "process {0} on the server runs as role {1}: SELECT pg_terminate_backend({0})",
    "job": "pg_cron runs job {0} as role {1}: SELECT cron.unschedule({0})",
    "pg_cron": "not checked: jobs of pg_cron in database {0}. As a superuser there: SELECT * FROM cron.job",
    "template": "whoever may create databases may copy database {0}: ALTER DATABASE {0} IS_TEMPLATE false",
    "program": "not checked: files and processes on the database host. Role {0} could leave some (COPY … PROGRAM): "
    "compare that host with its baseline (verify, WPS211), or rebuild it",
    "owns": "role {0} owns objects in database {1} that the owner role should own: check them, then DROP OWNED BY {0}",
}
_QUOTED: Dict[str, Callable[[str], str]] = {"prepared": literal, "physical slot": literal, "process": str}
"""Functions that quote names which are not identifiers, by kind."""


def search_footholds(
    server: ServerConnection, login: str, owner: str, params: Mapping[str, Any], *, seconds: float
) -> Dict[str, Any]:
    """Searches for footholds. A comparison with the baseline replaces a part."""
    url, timeout = params["successor_url"], params["connect_timeout"]
    successor = parse_url(url, LOGIN_URL) if url else None
    request, catalog = params["inventory"], params["catalog_logins"]
    known = (request or {}).get("known")
    result: Dict[str, Any] = {"footholds": []}
    if known is not None:
        result = evict(server, known, seconds=seconds)
    elif catalog:
        result = undeclared(server, catalog, seconds=seconds)
    inventory = inventoried(server, successor, request, timeout) if request else {}
    is_compared = bool(inventory and not inventory["problems"])
    but = IN_BASELINE if is_compared else ()
    result["footholds"] += find_footholds(server, login, owner, but=but)
    if "scheduled job" not in inventory.get("kinds", ()):
        result["footholds"] += find_jobs(server, login, owner)
    if successor and not is_compared:
        result["footholds"] += find_in_database(server, successor, owner, timeout)
    return {**result, **({"inventory": inventory} if inventory else {})}


def find_footholds(server: ServerConnection, login: str, owner: str, *, but: Sequence[str] = ()) -> List[str]:
    """Footholds, each with the statement that ends it, except the kinds ``but``."""
    roles = ", ".join(literal(name) for name in (owner, *logins_of(owner)))
    names = {"roles": roles, "login": literal(login), "owner": literal(owner)}
    try:
        rows = server.rows(_FOOTHOLDS % names, doing="looking for other ways in")
    except DatabaseError as error:
        return ["not checked: %s" % error]
    quoted = ((kind, _QUOTED.get(kind, identifier)(name), other) for kind, name, other in rows if kind not in but)
    return [_WORDS[kind].format(name, identifier(other) if other else "") for kind, name, other in quoted]


def find_jobs(server: ServerConnection, login: str, owner: str) -> List[str]:
    """Jobs of pg_cron that run as the login or the owner role, in the administrator's database."""
    try:
        for (database,) in server.rows(_PG_CRON, doing=_FINDING_JOBS):
            if not server.rows(NEEDED["scheduled job"], doing=_FINDING_JOBS):
                return [_WORDS["pg_cron"].format(database)]
            roles = ", ".join(map(literal, (login, owner)))
            rows = server.rows(_JOBS % (roles, server_baseline.MOST_NAMED + 1), doing=_FINDING_JOBS)
            jobs = [_WORDS["job"].format(int(number), identifier(role)) for number, role in rows]
            if len(jobs) > server_baseline.MOST_NAMED:
                jobs[-1] = "more jobs of pg_cron: SELECT * FROM cron.job"
            return jobs
    except DatabaseError as error:
        return ["not checked: %s" % error]
    return []


def evict(server: ServerConnection, known: Sequence[str], *, seconds: float) -> Dict[str, List[str]]:
    """Disables unexplained roles and ends their sessions. Returns what was done, and what remains."""
    own = {name for row in server.rows("SELECT session_user::text, current_user::text", doing=_LOGINS) for name in row}
    names = [name for (name,) in server.rows(_CAN_LOG_IN, doing=_LOGINS) if name not in own]
    result: Dict[str, List[str]] = {"evicted": [], "footholds": []}
    for name in [name for name in names if server_baseline.is_unexplained(name, known)][:MOST_EVICTED]:
        try:
            result["evicted"].append(_evicted(server, name, seconds))
        except (DatabaseError, Retry) as error:
            result["footholds"].append("unknown role %s may log in again: %s" % (identifier(name), error))
    return result


def undeclared(server: ServerConnection, catalog: Mapping[str, Any], *, seconds: float) -> Dict[str, List[str]]:
    """Searches a server without a baseline for roles that are missing in the catalog. Roles made before the leak are
    skipped. If the operator asks for it, newer roles are disabled."""
    result: Dict[str, List[str]] = {"evicted": [], "footholds": []}
    since: str = catalog["since"]
    try:
        roles = _login_roles(server)
        first = server.rows(provider_roles.FIRST_ROLE, doing=_LOGINS)
    except DatabaseError as error:
        return {**result, "footholds": ["not checked: %s" % error]}
    explained = {*catalog["logins"], *(name for row in first for name in provider_roles.explained(row[0]))}
    names = {name for name, _number, _written in roles}
    # Roles with a smaller oid were made before the leak, even if they were written since.
    oldest = max((number for _name, number, written in roles if written and written < since), default=0)
    for name, number, written in roles:
        if number <= oldest or not server_baseline.is_unexplained(name, explained):
            continue
        is_new = bool(since and written) and not _takes_turns(name, names)
        line = "role %s can log in and is not in the catalog" % identifier(name)
        line += ", written %s" % written if written else ", created at an unknown time"
        try:
            if is_new and catalog["evicts"] and len(result["evicted"]) < MOST_EVICTED:
                result["evicted"].append(_evicted(server, name, seconds))
                continue
        except (DatabaseError, Retry) as error:
            line += " (not disabled: %s)" % error
        result["footholds"].append("%s: ALTER ROLE %s NOLOGIN PASSWORD NULL" % (line, identifier(name)))
    rest = len(result["footholds"]) - server_baseline.MOST_NAMED
    if rest > 0:
        result["footholds"][server_baseline.MOST_NAMED :] = ["%d more roles; \\du lists them" % rest]
    return result


def _login_roles(server: ServerConnection) -> List[Tuple[str, int, str]]:
    """Name, oid and time of the last write, which is empty if the server does not tell."""
    try:
        rows = server.rows(_LOGIN_ROLES % (_WRITTEN, "pg_authid"), doing=_LOGINS)
    except DatabaseError:  # only a superuser may read pg_authid
        rows = server.rows(_LOGIN_ROLES % ("''", "pg_roles"), doing=_LOGINS)
    return [(name, int(number), str(written)) for name, number, written in rows]


def _takes_turns(login: str, names: Collection[str]) -> bool:
    """Whether the other login of a pair exists, as another application's rotation makes them."""
    return not server_baseline.is_unexplained(login, {*map(server_baseline.printable, names)} - {login})


def _evicted(server: ServerConnection, role: str, seconds: float) -> str:
    quoted = identifier(role)
    statements = ["ALTER ROLE %s NOLOGIN PASSWORD NULL" % quoted]
    for (group,) in server.rows(_GROUPS % literal(role), doing=_LOGINS):
        statements.append("REVOKE %s FROM %s" % (identifier(group), quoted))
    for statement in statements:
        server.rows(statement, doing="disabling role %s" % quoted)
    ended = end_sessions(server, role, seconds=seconds)
    return "unknown role %s, disabled by: %s; %d sessions ended" % (quoted, "; ".join(statements), ended)


def inventoried(
    server: ServerConnection, successor: Optional[ConnectionTarget], request: Mapping[str, Any], timeout: int
) -> Dict[str, Any]:
    """Inventory for the comparison with the baseline, as the new login and the administrator see it."""
    inventory = server_baseline.no_inventory()
    try:
        if successor is None:
            raise DatabaseError("no_login", "no new login exists that could search the database")
        with ServerConnection.own_settings(successor, label=LOGIN_URL, timeout=timeout) as own:
            server_baseline.add(inventory, postgresql_inventory.read(own, request))
        server_baseline.add(inventory, postgresql_inventory.read_as_administrator(server, request), further=True)
    except (DatabaseError, Retry, ValueError, TypeError, MemoryError, RecursionError) as error:
        inventory["problems"].append(str(error) if isinstance(error, DatabaseError) else "its answer cannot be read")
    return inventory


def find_in_database(
    administrator: ServerConnection, successor: ConnectionTarget, owner: str, timeout: int
) -> List[str]:
    """Footholds of the owner role in the application's database, as the new login sees them."""
    roles = ", ".join(literal(name) for name in (owner, *logins_of(owner)))
    try:
        ((checked,),) = administrator.rows(_DATABASE, doing=_FINDING_JOBS)
        with ServerConnection.own_settings(successor, label=LOGIN_URL, timeout=timeout) as server:
            rows = server.rows(_IN_DATABASE % {"roles": roles}, doing="looking for other ways in")
    except DatabaseError as error:
        return ["not checked: %s" % error]
    lines: Dict[str, List[str]] = {}
    for kind, name in rows:
        lines.setdefault(kind, []).extend([_WORDS[kind].format(name)] if (kind, name) != ("pg_cron", checked) else [])
    result = [line for each in lines.values() for line in each[: server_baseline.MOST_NAMED]]
    rest = sum(map(len, lines.values())) - len(result)
    return result + (["%d more such objects in the database" % rest] if rest else [])
