# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts of MySQL or MariaDB, and which belong to the server or its provider. Python 3.8."""

from __future__ import annotations

import json
import re
from typing import Any, Collection, Dict, Iterable, List, Mapping, NamedTuple, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_endpoint import Endpoint
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import MysqlConnection

FIRST, LOCAL = ("root", "mysql"), ("localhost", "127.0.0.1", "::1")
"""The server's own administrators, at the server itself."""
PROVIDERS: Dict[str, Tuple[str, ...]] = {
    "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_MySQL.html": ("rdsadmin", "rdsrepladmin"),
    "https://cloud.google.com/sql/docs/mysql/users": (
        *("cloudsqladmin", "cloudsqlapplier", "cloudsqlexport", "cloudsqlimport", "cloudsqlobservabilityadmin"),
        *("cloudsqloneshot", "cloudsqlreplica"),
    ),
    "https://learn.microsoft.com/azure/mysql/single-server/how-to-create-users": ("azure_superuser",),
}
"""Accounts of providers, by source. No provider reserves a name: whoever may make users can make rdsrepladmin@'%'. But
nobody logs in over the network as an account at LOCAL."""
WITHOUT_PASSWORD = (
    *("", "caching_sha2_password", "ed25519", "mysql_native_password", "mysql_old_password", "parsec"),
    "sha256_password",
)
"""Plugins that need no password if none is set. Others never check it."""
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
"""Queries by whether the server is MariaDB. Its mysql.user shows neither locks nor alternative plugins."""
_LOADED = "SELECT MAX(GRANTEE) FROM information_schema.USER_PRIVILEGES GROUP BY CAST(GRANTEE AS BINARY) LIMIT "
"""Query for the accounts that the server uses. An account deleted from the table stays in use until FLUSH PRIVILEGES.
"""

QUOTED = re.compile(r"`((?:[^`]|``)*)`|'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
"""A name or a text in a statement that the server shows."""


class Account(NamedTuple):
    user: str
    host: str
    ways: Tuple[Tuple[str, str], ...] = ()
    """Plugins that may log in, each with the stored password digest."""
    is_locked: bool = False
    is_role: bool = False

    @property
    def needs_no_password(self) -> bool:
        return any(not digest and plugin in WITHOUT_PASSWORD for plugin, digest in self.ways)

    @property
    def removal(self) -> str:
        """Command for an account that no table has. In the table, a name that ends in a space lacks it: FLUSH
        PRIVILEGES would open the account of that name."""
        return "DROP USER %s" % str(self) if self.user.endswith(" ") else "FLUSH PRIVILEGES"

    def __str__(self) -> str:
        return "%s@%s" % (quoted(self.user), quoted(self.host))


class Accounts(NamedTuple):
    listed: List[Account]
    hidden: List[Account]
    """Accounts that the server accepts, but its table does not have."""
    is_mariadb: bool
    complete: bool

    @property
    def logins(self) -> List[Account]:
        return [account for account in self.listed if not account.is_role and not account.is_locked]


def read(admin: MysqlConnection, most: int) -> Accounts:
    """Raises RotationError, or any error of an unexpected answer."""
    loaded = [str(name) for (name,) in admin.rows(_LOADED + str(most + 1))]
    is_mariadb = any(int(count) for (count,) in admin.rows(_MARIADB))
    rows = admin.rows(_ACCOUNTS[is_mariadb] + str(most + 1), columns=7)
    listed, complete = [_account(*row) for row in rows[:most]], len(rows) <= most
    listed = [item._replace(is_locked=item.is_locked and is_locked(admin, item, is_mariadb)) for item in listed]
    return Accounts(listed, _hidden(loaded, listed) if complete else [], is_mariadb, complete)


def is_locked(admin: MysqlConnection, account: Account, is_mariadb: bool) -> bool:
    """Whether the lock is in use. An account locked only in the table stays open until FLUSH PRIVILEGES."""
    try:
        rows = admin.rows("SHOW CREATE USER %s@%s", [account.user, account.host])
    except RotationError:
        return True  # only the table has it
    texts = [QUOTED.sub("", str(text)) for (text,) in rows]
    open_texts = [text for text in texts if " ACCOUNT LOCK" not in text and (is_mariadb or " ACCOUNT UNLOCK" in text)]
    return not open_texts


def _account(user: Any, host: Any, plugin: Any, digest: Any, is_locked: Any, is_role: Any, others: Any) -> Account:
    """An empty entry of ``others`` stands for the first plugin."""
    ways = [(plugin, digest)]
    ways += [(way.get("plugin"), way.get("authentication_string")) for way in json.loads(others or "[]") if way]
    texts = tuple((str(plugin or ""), str(digest or "")) for plugin, digest in ways)
    return Account(str(user), str(host), texts, bool(is_locked), bool(is_role))


def _hidden(loaded: Iterable[str], listed: Collection[Account]) -> List[Account]:
    known = {(account.user, account.host.lower() or "%") for account in listed}
    accounts = [Account(*parted(name)) for name in sorted(loaded)]
    return [account for account in accounts if (account.user, account.host.lower() or "%") not in known]


def parted(grantee: str) -> Tuple[str, str]:
    """User and host of an account in information_schema, which escapes no quotes."""
    user, _, host = grantee[1:-1].rpartition("'@'")
    return user, host


def is_servers_own(account: Account, address: Mapping[str, Any]) -> bool:
    """Whether an account at the server itself is the server's, or its provider's at an ``address`` of another host."""
    if account.host not in LOCAL:
        return False
    is_here = Endpoint(address["host"], address["port"]).is_local
    return account.user in FIRST or (not is_here and any(account.user in names for names in PROVIDERS.values()))


def quoted(text: str) -> str:
    return "`%s`" % text.replace("`", "``")


def literal(text: str) -> str:
    return "'%s'" % text.replace("\\", "\\\\").replace("'", "''")
