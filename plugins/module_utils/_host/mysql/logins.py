# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the accounts of MySQL or MariaDB, and the application's rights outside its databases. Python 3.8.

A locked account is not a login. So the server's own accounts (mysql.sys, mysql.session, mariadb.sys) are logins only if
somebody unlocked them.
"""

from __future__ import annotations

import re
from typing import Any, Collection, Dict, Iterable, Iterator, List, Mapping, Optional, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import accounts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.accounts import Account
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import (
    MysqlConnection,
    administered,
)

ROWS, ROLES = 5000, 100
"""Limits of accounts that are read, and of accounts and roles whose grants are read for one credential."""
PUBLIC = "PUBLIC"
"""MariaDB's role that everyone has."""
MOST, LINE = 12, 1 << 15
"""Limits of listed rights, and of a grant's characters: regular expressions have no time limit."""
SYSTEM = "mysql"
"""The database of the accounts, which belongs to no application."""
HARMLESS = ("USAGE", "SHOW DATABASES")
_NAME = r"<(\d+)>"
_ROLES = re.compile(r"GRANT (%s(?:@%s)?(?:, ?%s(?:@%s)?)*) TO " % ((_NAME,) * 4))
_ROLE = re.compile(r"%s(?:@%s)?" % (_NAME, _NAME))
_GRANT = re.compile(
    r"GRANT (?P<rights>.+?) ON (?P<kind>(?:PROCEDURE|FUNCTION|PACKAGE BODY|PACKAGE) )?(?P<scope>\S+) "
    r"TO (?P<to>PUBLIC|<\d+>(?:@<\d+>)?)(?P<rest>.*)",
    re.DOTALL,
)
Login = Mapping[str, str]


def read(entry: Mapping[str, Any], login: Login) -> Dict[str, Any]:
    """Reads what the administrator sees. Raises RotationError."""
    with administered(entry["address"], login) as admin:
        seen = accounts.read(admin, ROWS)
        rights = {
            item["credential"]: _Grants(admin, seen.listed, entry["databases"]).of(item["users"])
            for item in entry["logins"]
        }
    problem = "has more than %d accounts, so the rest was not checked. Drop unused ones, or check the rest by hand"
    return {
        "rights": {name: result for name, result in rights.items() if result is not None},
        "seen": len(seen.logins),
        "problems": [] if seen.complete else [problem % ROWS],
        "unexplained": [
            *({"name": str(account), "known": False, "nopass": False, "hidden": True} for account in seen.hidden),
            *_unexplained(seen.logins, entry["known"], entry["address"]),
        ],
    }


def _unexplained(
    logins: Iterable[Account], known: Collection[str], address: Mapping[str, Any]
) -> Iterator[Dict[str, Any]]:
    for account in logins:
        is_known = bool(account.user) and (account.user in known or accounts.is_servers_own(account, address))
        if account.needs_no_password or not is_known:
            yield {"name": str(account), "known": is_known, "nopass": account.needs_no_password}


class _Grants:
    """Rights of accounts and their roles outside ``databases``."""

    def __init__(self, admin: MysqlConnection, listed: Collection[Account], databases: Collection[str]) -> None:
        self._admin, self._databases = admin, databases
        self._accounts = listed

    def of(self, users: Collection[str]) -> Optional[List[str]]:
        """The rights. None if the server has no such user."""
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
        """Grants with their names replaced by numbers: a name may contain the words of a grant."""
        query, parameters = ("SHOW GRANTS FOR %s@%s", [user, host]) if host else ("SHOW GRANTS FOR %s", [user])
        for (text,) in self._admin.rows(query, parameters):
            names: List[str] = []

            def numbered(match: Any, names: List[str] = names) -> str:
                names.append(match[2].replace("''", "'") if match[1] is None else match[1].replace("``", "`"))
                return "<%d>" % (len(names) - 1)

            if len(str(text)) > LINE or "<" in accounts.QUOTED.sub("", str(text)):
                raise self._other_form()
            yield accounts.QUOTED.sub(numbered, str(text)), names

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
        if database and not self._databases and name != SYSTEM:  # the application's databases are not known
            return
        listed = [right for right in re.split(", ?", rights) if right not in HARMLESS]
        if len(listed) > MOST and scope == "*.*":  # MySQL lists each right
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
