# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands that correct logins at a database, cache or broker. Pure. The names in them come from the server."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import (
    MYSQL,
    POSTGRESQL,
    RABBITMQ,
    VALKEY,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerDifference
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import logins
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import finding_command

LIST = "\\du"
"""Lists logins in psql, if no statement is known."""
DATABASES = "\\l"
"""Lists who may connect, in psql: revoking PUBLIC would lock out logins without a grant of their own."""
LISTS = {
    MYSQL: ["SELECT User, Host FROM mysql.user"],
    POSTGRESQL: [LIST],
    RABBITMQ: ["list_users"],
    VALKEY: ["ACL", "LIST"],
}
"""Commands that list a server's logins."""
LOADED = "SELECT DISTINCT GRANTEE FROM information_schema.USER_PRIVILEGES"
"""MySQL: the accounts that the server uses. FLUSH PRIVILEGES could remove the application's account too."""
_ADMINISTRATORS = {MYSQL: "root", POSTGRESQL: "postgres", VALKEY: "default"}
"""Defaults, if the catalog names none."""
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
"""Statements, by the beginning of a right that ends with a name."""
_REMOVALS = {
    MYSQL: re.compile(r"(?:(?:^|; )(?:ALTER|DROP|REVOKE|SET DEFAULT ROLE|STOP|RESET|UNINSTALL) [^;…\\]+)+"),
    POSTGRESQL: re.compile(r"(?:ALTER|DROP|REVOKE|SELECT pg_drop_replication_slot|SELECT cron\.unschedule)\b[^;…\\]+"),
    RABBITMQ: re.compile(r"rabbitmqctl (?:clear|delete)_[a-z_]+ .+"),
    VALKEY: re.compile(r"(?:ACL DELUSER|FUNCTION DELETE|MODULE UNLOAD) .+"),
}
"""Forms of commands in inventories."""
_FUNCTION = re.compile(r"may run ([\w$.]+\([\w$., \[\]]*\))")
"""Function whose name the server did not have to quote."""
_ID = r"`(?:[^`\\]|\\(?!`)|``)*`"
_ACCOUNT = re.compile(rf"{_ID}@{_ID}")
_GRANT = re.compile(
    rf"(PUBLIC|{_ID}(?:@{_ID})?): ([A-Z][A-Z_ ,]*) ON "
    rf"(\*\.\*|(?:PROCEDURE |FUNCTION |PACKAGE |PACKAGE BODY )?{_ID}\.(?:\*|{_ID})|{_ID}@{_ID})"
)
"""MySQL grant, as the host writes it."""


def at(place: str, server: Mapping[str, Any], words: Sequence[str]) -> str:
    """Command that runs ``words`` (SQL, if the server has it) as the administrator and asks for the password."""
    host, _, port = place.rpartition(":")
    host, user = host.strip("[]"), _administrator(server)
    if not host or not port.isdigit():
        return ""
    if server["server"] == POSTGRESQL:
        login = ["psql", "-h", host, "-p", port, "-U", user, "-d", server.get("database") or "postgres"]
        return finding_command.literal([*login, *(part for word in words for part in ("-c", word))])
    if server["server"] == MYSQL:
        return finding_command.literal(["mysql", "-h", host, "-P", port, "-u", user, "-p", "-e", "; ".join(words)])
    if server["server"] == RABBITMQ:  # on a node of the cluster
        return finding_command.literal(["rabbitmqctl", *words])
    address = ["-s", host] if host.startswith("/") else ["-h", host, "-p", port]
    tls = ["--tls"] if server.get("tls") else []
    return finding_command.literal(["valkey-cli", *address, *tls, "--user", user, "--askpass", *words])


def revoking(place: str, server: Mapping[str, Any], user: str, rights: Sequence[str], tags: Sequence[str] = ()) -> str:
    """Command that revokes a login's rights. Shows those of an administrator, who could not restore them.

    At RabbitMQ, the ``tags`` stay.
    """
    engine, admin = server["server"], _administrator(server)
    if engine in (MYSQL, RABBITMQ) and user == admin:
        return at(place, server, LISTS[engine])
    if engine == MYSQL:
        grants = [match for match in map(_GRANT.fullmatch, rights) if match]
        statements = [f"REVOKE {grant[2]} ON {grant[3]} FROM {grant[1]}" for grant in grants]
        return at(place, server, statements or LISTS[MYSQL])
    if engine == RABBITMQ:
        return at(place, server, _of_rabbitmq(tags, rights[0]))
    if engine == VALKEY:
        return at(place, server, ["ACL", "GETUSER", user] if user == admin else ["ACL", "SETUSER", user, "-@admin"])
    if user == admin:
        return at(place, server, [LIST])
    statements = [text for right in rights for text in _statements(right, quoted(user), quoted(admin))]
    return at(place, server, list(dict.fromkeys(statements)) or [LIST])


def disabling(place: str, server: Mapping[str, Any], name: str) -> str:
    """Command that disables a login or MySQL account, which can be undone. Shows the administrator instead."""
    engine, is_own = server["server"], name == _administrator(server)
    if "\\" in name or "…" in name:  # the host may have escaped or cut it
        return at(place, server, LISTS[engine])
    if engine == RABBITMQ:
        return at(place, server, ["clear_password", *_operands(name)])
    if engine == MYSQL:
        return at(place, server, [f"ALTER USER {name} ACCOUNT LOCK"] if _ACCOUNT.fullmatch(name) else LISTS[MYSQL])
    if engine == POSTGRESQL:
        return at(place, server, [LIST if is_own else f"ALTER ROLE {quoted(name)} NOLOGIN"])
    return at(place, server, ["ACL", "GETUSER", name] if is_own else ["ACL", "SETUSER", name, "off"])


def removing(place: str, server: Mapping[str, Any], difference: ServerDifference) -> str:
    """Command that removes an addition. A host wrote it: a client would run other forms on the operator's machine."""
    engine, undo = server["server"], difference.undo
    if not _REMOVALS[engine].fullmatch(undo):
        return ""
    if engine in (MYSQL, POSTGRESQL):
        database = next(iter(server.get("databases", {}).values()), "")
        return at(place, {**server, "database": database}, [undo])
    node = difference.name.rpartition(" at ")[2]
    try:
        words = shlex.split(undo)
    except ValueError:
        return ""
    return at(node if node in server.get("nodes", ()) else place, server, words[1:] if engine == RABBITMQ else words)


def _administrator(server: Mapping[str, Any]) -> str:
    return str(server.get("administrator_user") or _ADMINISTRATORS.get(server["server"], ""))


def quoted(name: str) -> str:
    """SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _of_rabbitmq(tags: Sequence[str], right: str) -> list[str]:
    """Command for the first right; the next run finds the next right."""
    user, mark, extra = right.partition(f": {logins.VHOST}")
    if mark:
        return ["clear_permissions", "-p", extra, *_operands(user)]
    return ["set_user_tags", *_operands(right.partition(f": {logins.TAG}")[0], *tags)]


def _operands(*words: str) -> list[str]:
    return [*(["--"] if any(word.startswith("-") for word in words) else []), *words]


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
