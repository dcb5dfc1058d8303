# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Footholds of a leaked user's holder at MySQL or MariaDB: named, compared with the baseline, locked. Only in a leak;
no failure stops a revocation.

Times are not read: SET timestamp lets any user choose the creation time of an object. Python 3.8.
"""

from __future__ import annotations

from typing import Any, Collection, Dict, Iterator, List, Mapping, Sequence, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within
from ansible_collections.watchparty.secrets.plugins.module_utils._host import compared_inventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import accounts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import inventory as mysql_inventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import users as mysql_users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.accounts import Account, literal, quoted
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import MysqlConnection

SECONDS, MOST = 10.0, 20
"""Seconds of the search, and names in one finding."""
MOST_EVICTED = 50
"""Limit of locked users. A comparison names the others."""
UNCLEAR = ("", "event_scheduler", "system user", mysql_users.LOGGING_IN)
"""Users whose sessions cannot be listed: an anonymous user's sessions have names chosen by their programs. The server's
threads have the other names."""
_OBJECTS = {
    "event": "SELECT EVENT_SCHEMA, EVENT_NAME, DEFINER FROM information_schema.EVENTS",
    "trigger": "SELECT TRIGGER_SCHEMA, TRIGGER_NAME, DEFINER FROM information_schema.TRIGGERS",
    "routine": "SELECT ROUTINE_SCHEMA, ROUTINE_NAME, DEFINER FROM information_schema.ROUTINES",
}
_DROP = {"event": "DROP EVENT", "trigger": "DROP TRIGGER", "routine": "DROP PROCEDURE or DROP FUNCTION"}
SYSTEM = ("mysql", "sys", "information_schema", "performance_schema")
_COULD = (
    (
        "SELECT COUNT(*) FROM mysql.user WHERE User IN (%s, %s) AND "
        "'Y' IN (Create_user_priv, Insert_priv, Update_priv, Super_priv, Grant_priv)"
    ),
    "SELECT COUNT(*) FROM mysql.db WHERE User IN (%s, %s) AND 'mysql' LIKE Db AND 'Y' IN (Insert_priv, Update_priv)",
)
"""Queries whether either of the two users may make users."""
_WRITES = "SELECT COUNT(*) FROM mysql.user WHERE User IN (%s, %s) AND File_priv = 'Y'"
Row = Tuple[Any, ...]


def search_footholds(
    admin: MysqlConnection, server: Mapping[str, Any], login: Mapping[str, str], user: str, search: Mapping[str, Any]
) -> Dict[str, Any]:
    """Searches for footholds as the administrator ``login``. ``search`` has the catalog's users (``known``), the new
    ``login``, which sees what the leaked user could make, and the request of the comparison (``inventory``)."""
    request = search["inventory"]
    if not request:
        return {"footholds": findings(admin, server, user, search)}
    result: Dict[str, Any] = {"evicted": [], "footholds": []}
    locked = _evicted(admin, server, request["known"], result) if "known" in request else set()
    inventory = compared_inventory.read(lambda: mysql_inventory.of_server(server, login, request, without=locked))
    but = compared_inventory.comparable_kinds(inventory, request)
    result["footholds"] += findings(admin, server, user, search, but=but)
    return {**result, "inventory": inventory}


def _evicted(
    admin: MysqlConnection, server: Mapping[str, Any], known: Collection[str], result: Dict[str, Any]
) -> Set[Tuple[str, str]]:
    """Locks unexplained users, which can be undone, and ends their sessions. Returns the accounts.

    A failed lock stops no other: whoever may write the table of accounts can make such a row.
    """
    locked: Dict[str, List[Account]] = {}
    failed: List[str] = []
    ended: Dict[str, int] = {}
    try:
        for account in _evictable(admin, server, known):
            if account.user in locked or len(locked) < MOST_EVICTED:
                try:
                    admin.rows("ALTER USER %s@%s ACCOUNT LOCK", [account.user, account.host])
                    locked.setdefault(account.user, []).append(account)
                except RotationError as error:
                    failed.append("%s: %s" % (str(account), error))
        named = [user for user in locked if user not in UNCLEAR]
        ended = mysql_users.end_sessions(admin, named) if named else {}
    except (RotationError, *compared_inventory.UNREADABLE) as error:
        message = str(error) if isinstance(error, RotationError) else "%s gave an unexpected answer" % admin.place
        result["footholds"].append("%s. Unknown users may remain there" % message)
    if failed:
        line = "%d unknown accounts could not be locked, such as %s"
        result["footholds"].append(line % (len(failed), failed[0]))
    for user in UNCLEAR:
        if user in locked:
            line = "sessions of user %s may remain open at %s: SHOW PROCESSLIST"
            result["footholds"].append(line % (quoted(user), admin.place))
    for user, each in locked.items():
        statements = "; ".join("ALTER USER %s ACCOUNT LOCK" % str(account) for account in each)
        line = "unknown user %s, locked by: %s; %d sessions ended"
        result["evicted"].append(line % (quoted(user), statements, ended.get(user, 0)))
    return {(account.user, account.host) for each in locked.values() for account in each}


def _evictable(admin: MysqlConnection, server: Mapping[str, Any], known: Collection[str]) -> List[Account]:
    own = {str(name).rpartition("@")[0] for (name,) in admin.rows("SELECT CURRENT_USER()")}
    own.update(name for names in accounts.PROVIDERS.values() for name in names)
    return [
        account
        for account in accounts.read(admin, mysql_inventory.MOST).logins
        if account.user not in own
        and not accounts.is_servers_own(account, server)
        and server_baseline.is_unexplained(account.user, known)
    ]


def findings(
    admin: MysqlConnection,
    server: Mapping[str, Any],
    user: str,
    search: Mapping[str, Any],
    *,
    but: Collection[str] = (),
) -> List[str]:
    """Footholds except the kinds ``but``, which a comparison names."""
    late = "%s gave no complete answer within %d seconds" % (admin.place, SECONDS)
    lines: List[str] = []
    twins = [user, str(search["login"]["username"])]

    def collect() -> str:
        if "account" not in but:
            lines.extend(_users(admin, server, twins, search["known"]))
        if any(int(number) for (number,) in admin.rows(_WRITES, twins)):
            line = "not checked: files on the database host. User %s could write some (INTO OUTFILE): "
            lines.append(line % quoted(user) + "compare that host with its baseline (verify, WPS211), or rebuild it")
        queries = {kind: query for kind, query in _OBJECTS.items() if kind not in but}
        objects = {
            kind: {row for row in _of(admin.rows(query, columns=3)) if row[2].rpartition("@")[0] in twins}
            for kind, query in queries.items()
        }
        problem = _add_seen(server, search["login"], objects) if objects else ""
        lines.extend(_named(objects, admin.place))
        return problem

    try:
        problem = within(SECONDS, collect, late)
    except RotationError as error:
        problem = str(error)
    return [*lines, *(["not checked: %s" % problem] if problem else [])]


def _add_seen(
    server: Mapping[str, Any], login: Mapping[str, str], objects: Mapping[str, Set[Tuple[str, str, str]]]
) -> str:
    """Adds what the login sees. Returns why that failed, or an empty text."""
    try:
        with MysqlConnection(server, login) as successor:
            for kind, rows in objects.items():
                rows.update(_of(successor.rows(_OBJECTS[kind], columns=3)))
    except RotationError as error:
        return str(error)
    return ""


def _users(
    admin: MysqlConnection, server: Mapping[str, Any], twins: Sequence[str], known: Sequence[str]
) -> Iterator[str]:
    """Findings if the leaked user could make users."""
    counts = [int(number) for query in _COULD for (number,) in admin.rows(query, twins)]
    if not any(counts):
        return
    seen = accounts.read(admin, mysql_inventory.MOST)
    logins = [(account.user, account.host) for account in seen.logins if not accounts.is_servers_own(account, server)]
    others = [login for login in logins if login[0] not in known]
    for name, host in others[:MOST]:
        account = "%s@%s" % (literal(name), literal(host))
        yield "user %s is not in the catalog, and %s could create users: DROP USER %s" % (account, twins[0], account)
    if others[MOST:]:
        yield "%d more users are not in the catalog; mysql.user lists them" % len(others[MOST:])
    for user in sorted(set(known).difference(twins)):
        each = ["%s@%s" % (literal(name), literal(host)) for name, host, *_rest in seen.listed if name == user]
        if each[1:]:  # the catalog names no hosts
            line = "user %s has %d accounts, and %s could create users: %s. If one is not yours: DROP USER"
            yield line % (literal(user), len(each), twins[0], ", ".join(each[:MOST]))


def _named(objects: Mapping[str, Set[Tuple[str, str, str]]], place: str) -> Iterator[str]:
    for kind, rows in objects.items():
        names = ["%s.%s (definer %s)" % row for row in sorted(rows)]
        if names:
            rest = " and %d more" % len(names[MOST:]) if names[MOST:] else ""
            plural = "" if len(names) == 1 else "s"
            line = "%d %s%s at %s run with the rights of their definers: %s%s. If one is not yours: %s"
            yield line % (len(names), kind, plural, place, ", ".join(names[:MOST]), rest, _DROP[kind])


def _of(rows: List[Row]) -> Iterator[Tuple[str, str, str]]:
    for schema, name, definer in rows:
        if str(schema).lower() not in SYSTEM:
            yield str(schema), str(name), str(definer)
