# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which accounts MySQL or MariaDB has, and what the application's may do outside its databases. Only reads. Python 3.8.

A locked account is not a login. So MySQL's own accounts (mysql.sys, mysql.session, mariadb.sys) are logins only if
somebody unlocked them.
"""

from __future__ import annotations

import json
import re
from typing import Any, Collection, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import (
    MysqlConnection,
    administered,
)

ROWS, ROLES = 5000, 100
"""Accounts that a server is asked for, and accounts and roles whose grants are read for one credential."""
PUBLIC = "PUBLIC"
"""MariaDB's role that everyone has."""
FIRST, LOCAL = ("root", "mysql", "rdsadmin"), ("localhost", "127.0.0.1", "::1")
"""The server's and AWS's own administrators, at the server itself."""
WITHOUT_PASSWORD = (
    *("", "caching_sha2_password", "ed25519", "mysql_native_password", "mysql_old_password", "parsec"),
    "sha256_password",
)
"""Ways of authentication that need no password where none is set; others never look at it."""
MOST, LINE = 12, 1 << 15
"""Rights that are listed one by one, and characters of a grant: no time limit ends the search of a regular expression.
"""
SYSTEM = "mysql"
"""The database of the accounts, which is no application's."""
HARMLESS = ("USAGE", "SHOW DATABASES")
_MARIADB = "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'global_priv'"
_ACCOUNTS = {
    True: (
        "SELECT User, Host, JSON_VALUE(Priv, '$.plugin'), JSON_VALUE(Priv, '$.authentication_string'), "
        "COALESCE(JSON_VALUE(Priv, '$.account_locked'), 0) IN ('1', 'true'), "
        "COALESCE(JSON_VALUE(Priv, '$.is_role'), 0) IN ('1', 'true'), JSON_QUERY(Priv, '$.auth_or') "
        "FROM mysql.global_priv ORDER BY User, Host LIMIT "
    ),
    False: (
        "SELECT User, Host, plugin, authentication_string, account_locked = 'Y', 0, '[]' FROM mysql.user "
        "ORDER BY User, Host LIMIT "
    ),
}
"""By whether it is MariaDB, whose mysql.user does not show locks, nor other ways in which an account may log in."""
_LOADED = "SELECT MAX(GRANTEE) FROM information_schema.USER_PRIVILEGES GROUP BY CAST(GRANTEE AS BINARY) LIMIT "
"""The accounts that the server uses. Whoever deletes one from the table keeps it until FLUSH PRIVILEGES."""
_QUOTED = re.compile(r"`((?:[^`]|``)*)`|'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_NAME = r"<(\d+)>"
_ROLES = re.compile(r"GRANT (%s(?:@%s)?(?:, ?%s(?:@%s)?)*) TO " % ((_NAME,) * 4))
_ROLE = re.compile(r"%s(?:@%s)?" % (_NAME, _NAME))
_GRANT = re.compile(
    r"GRANT (?P<rights>.+?) ON (?P<kind>(?:PROCEDURE|FUNCTION|PACKAGE BODY|PACKAGE) )?(?P<scope>\S+) "
    r"TO (?P<to>PUBLIC|<\d+>(?:@<\d+>)?)(?P<rest>.*)",
    re.DOTALL,
)
Login = Mapping[str, str]


class Account(NamedTuple):
    user: str
    host: str
    needs_no_password: bool
    is_locked: bool
    is_role: bool

    def __str__(self) -> str:
        return "%s@%s" % (_quoted(self.user), _quoted(self.host))


def read(entry: Mapping[str, Any], login: Login) -> Dict[str, Any]:
    """What the administrator sees. Raises RotationError."""
    with administered(entry["address"], login) as admin:
        loaded = [str(name) for (name,) in admin.rows(_LOADED + str(ROWS + 1))]
        is_mariadb = any(int(count) for (count,) in admin.rows(_MARIADB))
        rows = admin.rows(_ACCOUNTS[is_mariadb] + str(ROWS + 1), columns=7)
        accounts = [_account(*row) for row in rows[:ROWS]]
        rights = {
            item["credential"]: _Grants(admin, accounts, entry["databases"]).of(item["users"])
            for item in entry["logins"]
        }
    logins = [account for account in accounts if not account.is_role and not account.is_locked]
    problem = "has more than %d accounts, so the rest was not checked. Drop unused ones, or check the rest by hand"
    return {
        "rights": {name: result for name, result in rights.items() if result is not None},
        "seen": len(logins),
        "problems": [problem % ROWS] if len(rows) > ROWS else [],
        "unexplained": [
            *(_hidden(loaded, accounts) if len(rows) <= ROWS else ()),
            *_unexplained(logins, entry["known"]),
        ],
    }


def _account(user: Any, host: Any, plugin: Any, digest: Any, is_locked: Any, is_role: Any, others: Any) -> Account:
    """An empty one of the ``others`` is the first way."""
    ways = [(plugin, digest)]
    ways += [(way.get("plugin"), way.get("authentication_string")) for way in json.loads(others or "[]") if way]
    is_open = any(not digest and str(plugin or "") in WITHOUT_PASSWORD for plugin, digest in ways)
    return Account(str(user), str(host), is_open, bool(is_locked), bool(is_role))


def _hidden(loaded: Iterable[str], accounts: Iterable[Account]) -> Iterator[Dict[str, Any]]:
    """Those that the server accepts, and that the table does not have."""
    listed = {(account.user, account.host.lower() or "%") for account in accounts}
    for name in sorted(loaded):
        user, _, host = name[1:-1].rpartition("'@'")
        if (user, host.lower() or "%") not in listed:
            account = Account(user, host, needs_no_password=False, is_locked=False, is_role=False)
            yield {"name": str(account), "known": False, "nopass": False, "hidden": True}


def _unexplained(logins: Iterable[Account], known: Collection[str]) -> Iterator[Dict[str, Any]]:
    for account in logins:
        is_first = account.user in FIRST and account.host in LOCAL
        is_known = bool(account.user) and (account.user in known or is_first)
        if account.needs_no_password or not is_known:
            yield {"name": str(account), "known": is_known, "nopass": account.needs_no_password}


class _Grants:
    """What accounts and their roles may do at other places than ``databases``."""

    def __init__(self, admin: MysqlConnection, accounts: Collection[Account], databases: Collection[str]) -> None:
        self._admin, self._databases = admin, databases
        self._accounts = accounts

    def of(self, users: Collection[str]) -> Optional[List[str]]:
        """None where the server has no such user."""
        rights: Set[str] = set()
        wanted = [(item.user, item.host) for item in self._accounts if item.user in users and not item.is_role]
        if not wanted:
            return None
        wanted += [(item.user, "") for item in self._accounts if item.is_role and item.user == PUBLIC]
        seen: Set[Tuple[str, str]] = set()
        while wanted:
            account = wanted.pop()
            if account in seen:
                continue
            seen.add(account)
            if len(seen) > ROLES:
                raise RotationError("its login has more than %d roles; give it fewer" % ROLES)
            for line in self._lines(*account):
                wanted += _roles(*line)
                rights.update(self._judged(*line))
        return sorted(rights)

    def _lines(self, user: str, host: str) -> Iterator[Tuple[str, List[str]]]:
        """Each with the names in it replaced by their numbers: a name may have the words of a grant."""
        query, parameters = ("SHOW GRANTS FOR %s@%s", [user, host]) if host else ("SHOW GRANTS FOR %s", [user])
        for (text,) in self._admin.rows(query, parameters):
            names: List[str] = []

            def numbered(match: Any, names: List[str] = names) -> str:
                names.append(match[2].replace("''", "'") if match[1] is None else match[1].replace("``", "`"))
                return "<%d>" % (len(names) - 1)

            if len(str(text)) > LINE or "<" in _QUOTED.sub("", str(text)):
                raise self._other_form()
            yield _QUOTED.sub(numbered, str(text)), names

    def _judged(self, text: str, names: List[str]) -> Iterator[str]:
        match = _GRANT.match(text)
        if not match:
            if text.startswith("GRANT ") and not _ROLES.match(text):
                raise self._other_form()
            return
        scope, rest, rights = match["scope"], match["rest"], re.sub(r" \([^()]*\)", "", match["rights"])
        database = re.match(_NAME + r"\.", scope)
        name = names[int(database[1])].replace("\\", "") if database else ""
        if database and name in self._databases:
            return
        if database and not self._databases and name != SYSTEM:  # which of them are the application's is not known
            return
        listed = [right for right in re.split(", ?", rights) if right not in HARMLESS]
        if len(listed) > MOST and scope == "*.*":  # MySQL lists each of them
            listed = ["ALL PRIVILEGES"]
        place = _restored("%s%s" % (match["kind"] or "", scope), names)
        account = _restored(match["to"], names)
        if listed:
            yield "%s: %s ON %s" % (account, ", ".join(listed), place)
        if "GRANT OPTION" in rest and "PROXY" not in listed:
            yield "%s: GRANT OPTION ON %s" % (account, place)

    def _other_form(self) -> RotationError:
        return RotationError("%s shows grants in another form than MySQL and MariaDB" % self._admin.place)


def _roles(text: str, names: List[str]) -> List[Tuple[str, str]]:
    match = _ROLES.match(text)
    pairs = _ROLE.findall(match[1]) if match else []
    return [(names[int(role)], names[int(host)] if host else "") for role, host in pairs]


def _restored(text: str, names: List[str]) -> str:
    return re.sub(_NAME, lambda match: "`%s`" % names[int(match[1])].replace("`", "``"), text)


def _quoted(text: str) -> str:
    return "`%s`" % text.replace("`", "``")
