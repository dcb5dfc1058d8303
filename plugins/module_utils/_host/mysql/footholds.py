# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may let the holder of a leaked user of MySQL or MariaDB in again. Only in a leak, and it stops no revocation.

No time is asked for: SET timestamp lets any user choose the time at which an object was made. Python 3.8.
"""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import MysqlConnection

SECONDS, MOST = 10.0, 20
"""For the search, and names in one finding."""
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
"""Whether either of the two users may make others."""
Row = Tuple[Any, ...]


def findings(admin: MysqlConnection, server: Mapping[str, Any], user: str, search: Mapping[str, Any]) -> List[str]:
    """``search`` has the users that the catalog has as ``known``, and the ``login`` that took the user's place: it sees
    what the leaked one could make."""
    late = ["not checked: %s gave no complete answer within %d seconds" % (admin.place, SECONDS)]

    def named() -> List[str]:
        twin = str(search["login"]["username"])
        lines = list(_users(admin, [user, twin], search["known"]))
        with MysqlConnection(server, search["login"]) as successor:
            return lines + list(_objects(admin, successor, {user, twin}))

    try:
        return within(SECONDS, named, late)
    except RotationError as error:
        return ["not checked: %s" % error]


def _users(admin: MysqlConnection, twins: List[str], known: List[str]) -> Iterator[str]:
    """If the leaked user could make any."""
    counts = [int(number) for query in _COULD for (number,) in admin.rows(query, twins)]
    if not any(counts):
        return
    rows = sorted((str(name), str(host)) for name, host in admin.rows("SELECT User, Host FROM mysql.user", columns=2))
    others = [row for row in rows if row[0] not in known and not row[0].startswith(("mysql.", "mariadb."))]
    for name, host in others[:MOST]:
        account = "%s@%s" % (_quoted(name), _quoted(host))
        yield "user %s is not in the catalog, and %s could make users: DROP USER %s" % (account, twins[0], account)
    if others[MOST:]:
        yield "%d more users are not in the catalog; mysql.user lists them" % len(others[MOST:])
    for user in sorted(set(known).difference(twins)):
        accounts = ["%s@%s" % (_quoted(name), _quoted(host)) for name, host in rows if name == user]
        if accounts[1:]:  # the catalog names no hosts
            line = "user %s has %d accounts, and %s could make users: %s. DROP USER those that are not yours"
            yield line % (_quoted(user), len(accounts), twins[0], ", ".join(accounts[:MOST]))


def _objects(admin: MysqlConnection, successor: MysqlConnection, twins: Set[str]) -> Iterator[str]:
    for kind, query in _OBJECTS.items():
        objects = set(_of(successor.rows(query, columns=3)))
        objects |= {row for row in _of(admin.rows(query, columns=3)) if row[2].rpartition("@")[0] in twins}
        names = ["%s.%s (definer %s)" % row for row in sorted(objects)]
        if names:
            rest = " and %d more" % len(names[MOST:]) if names[MOST:] else ""
            plural = "" if len(names) == 1 else "s"
            line = "%d %s%s at %s run with the rights of their definers: %s%s. If one is not yours: %s"
            yield line % (len(names), kind, plural, admin.place, ", ".join(names[:MOST]), rest, _DROP[kind])


def _of(rows: List[Row]) -> Iterator[Tuple[str, str, str]]:
    for schema, name, definer in rows:
        if str(schema).lower() not in SYSTEM:
            yield str(schema), str(name), str(definer)


def _quoted(text: str) -> str:
    return "'%s'" % text.replace("\\", "\\\\").replace("'", "''")
