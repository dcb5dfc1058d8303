# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands that correct logins at a server of databases or caches. Pure. The names in them come from the server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import POSTGRESQL
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import finding_command

LIST = "\\du"
"""What psql shows where no statement is known."""
DATABASES = "\\l"
"""What psql shows of who may connect: without PUBLIC, logins without a grant of their own are locked out."""
_ATTRIBUTES = ("SUPERUSER", "CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS")
_STATEMENTS = {
    "member of ": "REVOKE {0} FROM {1}",
    "owner of database ": "ALTER DATABASE {0} OWNER TO {2}",
    "rights in database ": "REVOKE ALL ON DATABASE {0} FROM {1}",
    "CONNECT on database ": DATABASES,
    "may set parameter ": "REVOKE SET, ALTER SYSTEM ON PARAMETER {0} FROM {1}",
    "may write functions in ": "REVOKE USAGE ON LANGUAGE {0} FROM PUBLIC, {1}",
    "may read ": "REVOKE SELECT ON {0} FROM PUBLIC, {1}",
}
"""By how a right begins that ends with a name."""
_FUNCTION = re.compile(r"may run ([\w$.]+\([\w$., \[\]]*\))")
"""One whose name the server did not have to quote."""


def at(place: str, server: Mapping[str, Any], words: Sequence[str]) -> str:
    """Runs them as the server's administrator, who is asked for the password. Statements, where the server has SQL."""
    host, _, port = place.rpartition(":")
    host, user = host.strip("[]"), _administrator(server)
    if not host or not port.isdigit():
        return ""
    if server["server"] == POSTGRESQL:
        login = ["psql", "-h", host, "-p", port, "-U", user, "-d", server.get("database") or "postgres"]
        return finding_command.literal([*login, *(part for word in words for part in ("-c", word))])
    address = ["-s", host] if host.startswith("/") else ["-h", host, "-p", port]
    tls = ["--tls"] if server.get("tls") else []
    return finding_command.literal(["valkey-cli", *address, *tls, "--user", user, "--askpass", *words])


def revoking(place: str, server: Mapping[str, Any], user: str, rights: Sequence[str]) -> str:
    """What takes a login's rights. An administrator's own are shown: it could not give them back to itself."""
    admin = _administrator(server)
    if server["server"] != POSTGRESQL:
        return at(place, server, ["ACL", "GETUSER", user] if user == admin else ["ACL", "SETUSER", user, "-@admin"])
    if user == admin:
        return at(place, server, [LIST])
    statements = [text for right in rights for text in _statements(right, quoted(user), quoted(admin))]
    return at(place, server, list(dict.fromkeys(statements)) or [LIST])


def disabling(place: str, server: Mapping[str, Any], user: str) -> str:
    """What keeps a login out, which can be undone. The administrator itself is shown."""
    is_postgresql, is_own = server["server"] == POSTGRESQL, user == _administrator(server)
    if is_postgresql:
        return at(place, server, [LIST if is_own else f"ALTER ROLE {quoted(user)} NOLOGIN"])
    return at(place, server, ["ACL", "GETUSER", user] if is_own else ["ACL", "SETUSER", user, "off"])


def _administrator(server: Mapping[str, Any]) -> str:
    return str(server.get("administrator_user") or ("postgres" if server["server"] == POSTGRESQL else "default"))


def quoted(name: str) -> str:
    """As an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def _statements(right: str, user: str, admin: str) -> Iterator[str]:
    attribute, _, role = right.partition(" by role ")
    if attribute in _ATTRIBUTES:
        yield f"REVOKE {quoted(role)} FROM {user}" if role else f"ALTER ROLE {user} NO{attribute}"
        return
    function = _FUNCTION.match(right)
    if function:
        yield f"REVOKE EXECUTE ON FUNCTION {function[1]} FROM PUBLIC, {user}"
    for start, statement in _STATEMENTS.items():
        if right.startswith(start):
            yield statement.format(quoted(right[len(start) :].partition(", by PUBLIC")[0]), user, admin)
