# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two users of MySQL or MariaDB that take turns: what is asked and changed. Each act can be repeated. Python 3.8.

A user's accounts, one for each host that it comes from, change together. The user whose turn is over is locked and not
dropped, because views and routines may be defined as it.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Any, Dict, List, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import (
    LoginRefused,
    MysqlConnection,
)

LOOKS, PAUSE = 10, 0.5
"""At sessions that end, and the seconds in between."""
_PASSWORD = re.compile(r" IDENTIFIED (?:BY|VIA|WITH)\b.*?(?= REQUIRE | WITH GRANT | WITH MAX|$)")
Login = Mapping[str, str]


def require_twins(admin: MysqlConnection, user: str, other: str) -> None:
    """Raises RotationError where the users differ in more than their passwords."""
    for name in (user, other):
        if not _hosts(admin, name):
            raise RotationError(
                "%s has no user %s; create it with the rights of %s: CREATE USER '%s'@'HOST' ACCOUNT LOCK"
                % (admin.place, name, user if name == other else other, name)
            )
    if _rights(admin, user) != _rights(admin, other):
        raise RotationError(
            "users %s and %s have different hosts, roles or rights at %s; compare SHOW GRANTS of both, and correct one"
            % (user, other, admin.place)
        )


def _hosts(admin: MysqlConnection, user: str) -> List[str]:
    return sorted(str(host) for (host,) in admin.rows("SELECT Host FROM mysql.user WHERE User = %s", [user]))


def _rights(admin: MysqlConnection, user: str) -> Dict[str, List[str]]:
    """By host, what the server says that the user may do, without its name and its password."""
    return {host: sorted(_lines(admin, user, host)) for host in _hosts(admin, user)}


def _lines(admin: MysqlConnection, user: str, host: str) -> List[str]:
    rows = admin.rows("SHOW GRANTS FOR %s@%s", [user, host])
    quoted = re.compile("([`'])%s\\1@" % re.escape(user))
    return [_PASSWORD.sub("", quoted.sub("USER@", str(text))) for (text,) in rows]


def set_password(admin: MysqlConnection, new: Login) -> None:
    for host in _require_hosts(admin, new["username"]):
        account = [new["username"], host, new["password"]]
        admin.rows("ALTER USER %s@%s IDENTIFIED BY %s ACCOUNT UNLOCK", account)


def _require_hosts(admin: MysqlConnection, user: str) -> List[str]:
    hosts = _hosts(admin, user)
    if not hosts:
        raise RotationError("%s has no user %s any more; create it again" % (admin.place, user))
    return hosts


def require_accepted(server: Mapping[str, Any], login: Login) -> str:
    """Where. Raises RotationError."""
    with MysqlConnection(server, login) as connection:
        connection.rows("SELECT 1")
        return connection.place


def revoke(admin: MysqlConnection, server: Mapping[str, Any], old: Login) -> int:
    """Locks the user under a password that is on record nowhere, and ends its sessions: how many."""
    for host in _hosts(admin, old["username"]):
        account = [old["username"], host, secrets.token_urlsafe(32)]
        admin.rows("ALTER USER %s@%s IDENTIFIED BY %s ACCOUNT LOCK", account)
    ended = _end_sessions(admin, old["username"])
    try:
        require_accepted(server, old)
    except LoginRefused:
        return ended
    raise RotationError(
        "%s still accepts user %s after it was locked; look at its accounts" % (admin.place, old["username"])
    )


def _end_sessions(admin: MysqlConnection, user: str) -> int:
    ended = 0
    for look in range(LOOKS):
        time.sleep(PAUSE if look else 0)
        rows = admin.rows("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = %s", [user])
        numbers = [number for (number,) in rows if isinstance(number, int)]
        if not numbers:
            return ended
        ended += sum(admin.ended(number) for number in numbers)
    raise RotationError("sessions of user %s stay open at %s; end them there" % (user, admin.place))
