# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two users of MySQL or MariaDB that alternate. Each step can be repeated. Python 3.8.

A user's accounts, one for each host, change together. The old user is locked and not dropped, because views and
routines may be defined as it.
"""

from __future__ import annotations

import re
import secrets
import time
from contextlib import suppress
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import accounts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.accounts import literal
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import (
    AccountUnknown,
    LoginRefused,
    MysqlConnection,
)

LOOKS, PAUSE = 25, 0.5
"""Tries until sessions end, and seconds in between. A server gives a login 10 seconds."""
HOSTS = "SELECT Host FROM mysql.user WHERE User = %s"
LOGGING_IN = "unauthenticated user"
SECOND_PASSWORDS = (8, 0, 14)
"""First version of MySQL with two passwords for an account."""
_PASSWORD = re.compile(r" IDENTIFIED (?:BY|VIA|WITH)\b.*?(?= REQUIRE | WITH GRANT | WITH MAX|$)")
_LIMITS = """SELECT ssl_type, ssl_cipher, x509_issuer, x509_subject,
max_questions, max_updates, max_connections, max_user_connections FROM mysql.user WHERE User = %s AND Host = %s"""
Login = Mapping[str, str]


def require_primary(admin: MysqlConnection, *, leaked: bool) -> str:
    """Raises RotationError if the server may be a replica: the user would not be locked at the primary. A leaked user's
    holder may make a primary read-only; the result then is a warning."""
    for (value,) in admin.rows("SELECT @@global.read_only"):
        if str(value) not in ("0", "OFF"):
            if leaked and not _may_be_replica(admin):
                return "the server is read-only. If that is not yours: SET GLOBAL read_only = OFF"
            raise RotationError(
                "%s is read-only, perhaps a replica; write the primary's address into server.address of the catalog, "
                "or if it is the primary: SET GLOBAL read_only = OFF" % admin.place
            )
    return ""


def _may_be_replica(admin: MysqlConnection) -> bool:
    """Whether the server follows another, also by a connection with a name. True without the right to see it."""
    for statement in ("SHOW ALL REPLICAS STATUS", "SHOW REPLICA STATUS"):  # MySQL knows only the second
        with suppress(RotationError):
            return bool(admin.records(statement))
    return True


def require_visible(admin: MysqlConnection, server: Mapping[str, Any], login: Login) -> None:
    """Logs in. Raises RotationError if the administrator does not see that session, and so could not end it."""
    with MysqlConnection(server, login) as connection:
        for (number,) in connection.rows("SELECT CONNECTION_ID()"):
            if (number, login["username"]) in _sessions(admin, [login["username"]]):
                return
    raise RotationError(
        "the administrator sees no session of user %s at %s; grant it PROCESS. If the address leads to several "
        "servers, write the address of one of them into server.address of the catalog"
        % (login["username"], admin.place)
    )


def shadowed(admin: MysqlConnection) -> str:
    """Names anonymous accounts that may keep every user out from this host: the server compares hosts first. Whoever
    may make users can make one."""
    accounts = ", ".join("''@%s" % literal(host) for host in _hosts(admin, ""))
    return "an anonymous user may take precedence. If it is not yours: DROP USER %s" % accounts if accounts else ""


def require_twins(admin: MysqlConnection, user: str, other: str, *, leaked: bool) -> None:
    """Raises RotationError if more than the passwords differs. A leaked user's holder may cause that, as by SET DEFAULT
    ROLE."""
    for name in (user, other):
        if not _hosts(admin, name):
            raise RotationError(
                "%s has no user %s; create it with the rights of %s: CREATE USER '%s'@'HOST' ACCOUNT LOCK"
                % (admin.place, name, user if name == other else other, name)
            )
    if not leaked and _rights(admin, user) != _rights(admin, other):
        raise RotationError(
            "users %s and %s have different hosts, roles or rights at %s; compare SHOW GRANTS of both, and correct one"
            % (user, other, admin.place)
        )


def _hosts(admin: MysqlConnection, user: str) -> List[str]:
    return sorted(str(host) for (host,) in admin.rows(HOSTS, [user]))


def _rights(admin: MysqlConnection, user: str) -> Dict[str, List[str]]:
    """Rights by host, without the user's name and password."""
    return {host: sorted(_lines(admin, user, host)) for host in _hosts(admin, user)}


def _lines(admin: MysqlConnection, user: str, host: str) -> List[str]:
    rows = admin.rows("SHOW GRANTS FOR %s@%s", [user, host])
    quoted = re.compile("([`'])%s\\1@" % re.escape(user))
    limits = admin.rows(_LIMITS, [user, host], columns=8)  # MySQL shows limits in no grant
    return [_PASSWORD.sub("", quoted.sub("USER@", str(text))) for (text,) in rows] + [str(row) for row in limits]


def set_password(admin: MysqlConnection, new: Login) -> None:
    """Sets the password, unlocks the user, and ends sessions of earlier passwords."""
    hosts = _require_hosts(admin, new["username"])
    with suppress(RotationError):  # MariaDB writes passwords into its general log
        admin.rows("SET SESSION sql_log_off = 1")
    _altered(admin, new["username"], hosts, lambda: new["password"], "UNLOCK")
    end_sessions(admin, [new["username"]])


def _altered(admin: MysqlConnection, user: str, hosts: Sequence[str], password: Callable[[], str], lock: str) -> None:
    """Changes each account of the user that the server uses. An account that is only in the table stops no other:
    whoever may make users can leave one, also by a name that ends in a space."""
    unknown: List[AccountUnknown] = []
    for host in hosts:
        try:
            _discard_second_password(admin, user, host)
            admin.rows("ALTER USER %s@%s IDENTIFIED BY %s ACCOUNT " + lock, [user, host, password()])
        except AccountUnknown as error:
            unknown.append(error)
    if unknown and len(unknown) == len(hosts):
        raise unknown[0]


def _discard_second_password(admin: MysqlConnection, user: str, host: str) -> None:
    """Discards the password of RETAIN CURRENT PASSWORD, which outlives a change of the first. MariaDB has none."""
    for (version,) in admin.rows("SELECT VERSION()"):
        numbers = tuple(int(number) for number in re.findall(r"[0-9]+", str(version)[:20])[:3])
        if "mariadb" not in str(version).lower() and numbers >= SECOND_PASSWORDS:
            admin.rows("ALTER USER %s@%s DISCARD OLD PASSWORD", [user, host])


def _require_hosts(admin: MysqlConnection, user: str) -> List[str]:
    hosts = _hosts(admin, user)
    if not hosts:
        raise RotationError("%s has no user %s any more; create it again" % (admin.place, user))
    return hosts


def revoke(admin: MysqlConnection, server: Mapping[str, Any], old: Login) -> int:
    """Locks the user with a random password that is not stored, and ends its sessions. Returns their number."""
    user = old["username"]

    def lock() -> None:
        _altered(admin, user, _hosts(admin, user), lambda: secrets.token_urlsafe(32), "LOCK")

    def locked_again() -> bool:
        """Locks what the user unlocked or made in a session that was not ended yet. Some users may change users."""
        if all(
            accounts.is_locked(admin, accounts.Account(user, host), is_mariadb=True) for host in _hosts(admin, user)
        ):
            return False
        lock()
        return True

    lock()
    ended = end_sessions(admin, [user], locked_again)[user]
    try:
        with MysqlConnection(server, old):
            pass
    except LoginRefused:
        return ended
    raise RotationError(
        "%s still accepts user %s after it was locked; check every account of this user in mysql.user"
        % (admin.place, old["username"])
    )


def end_sessions(
    admin: MysqlConnection, users: Sequence[str], changed_again: Callable[[], bool] = lambda: False
) -> Dict[str, int]:
    """Ends sessions. Returns their number by user. Waits for logins that began before the change, because they may
    succeed with the old password. ``changed_again``: repeats the change if a session undid it."""
    ended = dict.fromkeys(users, 0)
    logging_in = {number for number, name in _sessions(admin, users) if name == LOGGING_IN}
    for look in range(LOOKS):
        time.sleep(PAUSE if look else 0)
        sessions = _sessions(admin, users)
        own = [(number, name) for number, name in sessions if name in ended]
        if not own and logging_in.isdisjoint(number for number, _name in sessions) and not changed_again():
            return ended
        for number, name in own:
            ended[name] += admin.ended(number)
        changed_again()
    raise RotationError("sessions of user %s stay open at %s; end them there" % (", ".join(users), admin.place))


def _sessions(admin: MysqlConnection, users: Sequence[str]) -> List[Tuple[Any, ...]]:
    """Number and user of the users' sessions, and of logins whose user is not known yet."""
    query = "SELECT ID, USER FROM information_schema.PROCESSLIST WHERE USER IN %s"
    return admin.rows(query, [[*users, LOGGING_IN]], columns=2)
