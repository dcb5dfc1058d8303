# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists a server's unexplained logins, the rights of the application's logins, and the inventory for the baseline. Only
reads.

A server may answer anything, at any length and slowly: each has a time limit, names are cut, and the rest is counted.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Collection, Dict, Iterable, List, Mapping, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    postgresql,
    server_baseline,
    valkey,
    valkey_rights,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import login_of
from ansible_collections.watchparty.secrets.plugins.module_utils._host.honeytokens import (
    postgresql as postgresql_honeytokens,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.honeytokens import valkey as valkey_honeytokens
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import inventory as mysql_inventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import logins as mysql_logins
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import (
    connection as postgresql_connection,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import (
    inventory as postgresql_inventory,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import login_rights, provider_roles
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.connection import ServerConnection
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import inventory as rabbitmq_inventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import logins as rabbitmq_logins
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import connection as valkey_connection
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import inventory as valkey_inventory

SECONDS = 10
"""Seconds that a server may take in addition to its connections."""
MOST = 50
"""Logins of a server that are named."""
ROWS = 5000
"""Rows that a server is asked for."""
LONGEST = 80
"""Characters of a name."""
DIGEST = 8
"""Characters of a password's SHA-256: enough to compare, too few to search for the password."""
MESSAGE = 300
"""Characters of a problem."""
MEMORY = 256 * 1024 * 1024
"""Bytes that answers may take in all."""
LARGEST = 4 << 20
"""Bytes of all servers' inventories: a longer answer is refused."""
_FAULTS = (SecretsError, MemoryError, RecursionError, postgresql_connection.Retry, *valkey_connection.UNREADABLE)
_DOING = "reading roles"
_NO_ROOM = "the lists of all servers are larger than %d MiB, %s" % (LARGEST >> 20, server_baseline.TOO_MANY)
_READ_ONLY = "BEGIN READ ONLY; SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL statement_timeout = '5s'"

Report = Dict[str, Any]


def seen(wanted: Sequence[Mapping[str, Any]], timeout: int) -> Dict[str, Report]:
    """Report of each server, by place."""
    reports: Dict[str, Report] = {}
    remaining = LARGEST
    for entry in wanted:
        report = _seen(entry, timeout)
        size = server_baseline.size(report["inventory"])
        if size > remaining:
            report["inventory"] = {**server_baseline.no_inventory(), "problems": [_NO_ROOM]}
        else:
            remaining -= size
        reports[entry["place"]] = report
    return reports


def seconds(entry: Mapping[str, Any], timeout: int) -> int:
    """Seconds for one server."""
    asks = 1 + bool(entry["inventory"]) + bool(entry["honeytokens"])
    return SECONDS * asks + timeout * (len(entry["logins"]) + len(entry["nodes"]) * asks + 2)


def _seen(entry: Mapping[str, Any], timeout: int) -> Report:
    most = seconds(entry, timeout)
    late = {**_nothing(), "problems": ["gave no complete answer within %d seconds" % most]}
    try:
        report = within(most, partial(_SERVERS[entry["server"]], entry, timeout), late)
        rights = {name: [_escaped(right) for right in rights] for name, rights in report["rights"].items()}
        return {**report, "rights": rights}
    except _FAULTS as error:
        return {**_nothing(), "problems": [_problem(error)]}


def _nothing() -> Report:
    """An empty report. ``rights``: by credential. ``seen``: number of logins, if the list is complete."""
    return {
        "honeytokens": {},
        "problems": [],
        "rights": {},
        "listed": False,
        "seen": 0,
        "unexplained": [],
        "more": 0,
        "inventory": server_baseline.no_inventory(),
    }


def _take(report: Report, read: Callable[[], Report], *, further: bool = False) -> None:
    try:
        part = read()
    except _FAULTS as error:
        report["inventory"]["problems"].append(_problem(error))
    else:
        server_baseline.add(report["inventory"], part, further=further)


def _problem(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "its answer is too long"
    return str(error)[:MESSAGE] if isinstance(error, SecretsError) else "its answer cannot be read"


def _name(text: Any) -> str:
    """A cut name ends with ``…``, so that it equals no login's name."""
    name = str(text)
    return _escaped(name) if len(name) <= LONGEST else _escaped(name[:LONGEST]) + "…"


def _escaped(text: str) -> str:
    """Escapes characters that the controller would remove: the rest may be the name of a known login."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )


def _add(report: Report, logins: Iterable[Mapping[str, Any]]) -> None:
    """Names at most ``MOST`` logins, and counts the rest."""
    for login in logins:
        if len(report["unexplained"]) < MOST:
            report["unexplained"].append(login)
        else:
            report["more"] += 1


# --- PostgreSQL: any login may read the roles -----------------------------------------------------------------------


def _postgresql(entry: Mapping[str, Any], timeout: int) -> Report:
    report, databases = _nothing(), set()
    for login in entry["logins"]:
        try:
            target = postgresql.parse_url(login["url"], "the URL")
            with ServerConnection(target, label="the URL", timeout=timeout) as server:
                server.rows(_READ_ONLY, doing=_DOING)
                report["rights"][login["credential"]] = login_rights.read(server, entry["databases"])
                if not server.uses_password:
                    _add(report, [{"name": _name(target.user), "known": True, "nopass": True}])
                if not report["listed"]:
                    _roles(server, entry["known"], report)
                _take_honeytokens(report, entry, partial(postgresql_honeytokens.seen, server))
                if entry["inventory"] and target.database not in databases:
                    databases.add(target.database)
                    _take(report, partial(postgresql_inventory.read, server, entry["inventory"]))
        except _FAULTS as error:
            report["problems"].append("%s: %s" % (login["credential"], _problem(error)))
            report["inventory"]["problems"].append(report["problems"][-1])
    if entry["inventory"] and entry["admin_url"]:
        _take(report, partial(_as_administrator, entry, timeout), further=True)
    if entry["admin_url"]:
        _take_honeytokens(report, entry, partial(_as_administrator_honeytoken, entry, timeout))
    return report


def _take_honeytokens(report: Report, entry: Mapping[str, Any], read: Callable[[str], Report]) -> None:
    """Reads honeytokens that no earlier login could read."""
    for honeytoken in entry["honeytokens"]:
        name = honeytoken["credential"]
        if "exists" not in report["honeytokens"].get(name, {}):
            try:
                report["honeytokens"][name] = read(honeytoken["user"])
            except _FAULTS as error:
                report["honeytokens"][name] = {"problem": _problem(error)}


def _as_administrator_honeytoken(entry: Mapping[str, Any], timeout: int, user: str) -> Report:
    target = postgresql.parse_url(entry["admin_url"], postgresql.ADMIN_URL)
    with ServerConnection.administered(target, timeout=timeout) as server:
        return postgresql_honeytokens.seen(server, user)


def _as_administrator(entry: Mapping[str, Any], timeout: int) -> Report:
    target = postgresql.parse_url(entry["admin_url"], postgresql.ADMIN_URL)
    with ServerConnection.administered(target, timeout=timeout) as server:
        return postgresql_inventory.read_as_administrator(server, entry["inventory"])


def _roles(server: ServerConnection, known: Collection[str], report: Report) -> None:
    query = (
        "SELECT rolname::text, oid::bigint FROM pg_roles WHERE rolcanlogin OR oid = %d "
        "ORDER BY oid <> %d, rolname LIMIT %d"
    )
    rows = server.rows(query % (provider_roles.FIRST, provider_roles.FIRST, ROWS), doing=_DOING)
    if len(rows) >= ROWS:
        report["problems"].append(
            "has more than %d logins, so the rest was not checked. Drop unused logins, or check the rest by hand" % ROWS
        )
    first = next((name for name, oid in rows[:ROWS] if oid == provider_roles.FIRST), "")
    explained = {*known, *provider_roles.explained(first)}
    report.update(listed=True, seen=len(rows))
    _add(report, ({"name": _name(name), "known": False} for name, _oid in rows[:ROWS] if name not in explained))


# --- Valkey: an administrator lists the users -----------------------------------------------------------------------


def _valkey(entry: Mapping[str, Any], _timeout: int) -> Report:
    report = _nothing()
    logins = {login["credential"]: valkey.parse_url(login["url"], "the URL") for login in entry["logins"]}
    admin = valkey.parse_url(entry["admin_url"], valkey_connection.ADMIN) if entry["admin_url"] else None
    if admin:
        _take_honeytokens(report, entry, partial(valkey_honeytokens.seen, admin, entry["nodes"]))
    places = [admin, *(admin.at(node) for node in entry["nodes"])] if admin else list(logins.values())
    for address in places:
        if report["listed"] and not admin:
            break
        try:
            users = _users(address, valkey_connection.ADMIN if admin else "the URL", entry, report)
        except valkey_connection.NotAllowed as error:
            report["problems"] += [_problem(error)] if admin else []
            _take_own(report, address, logins, entry)
        except _FAULTS as error:
            report["problems"].append("%s: %s" % (address, _problem(error)))
            report["inventory"]["problems"].append(report["problems"][-1])
        else:
            _judge(report, users, logins, str(address), entry)
    return report


def _take_own(
    report: Report, address: valkey.Address, logins: Mapping[str, valkey.Address], entry: Mapping[str, Any]
) -> None:
    """Adds a user's own rights if it may not list users, and whether the node needs no password."""
    rights = _own_rights(address)
    if rights is not None:
        report["rights"].update({name: rights for name, login in logins.items() if login.user == address.user})
    if _needs_no_password(address):
        user = valkey.User(valkey.DEFAULT_USER, enabled=True, nopass=True)
        unexplained = _unexplained([user], str(address), entry)
        _add(report, [login for login in unexplained if login not in report["unexplained"]])


def _own_rights(address: valkey.Address) -> Optional[List[str]]:
    """None if the user may run no script, or the server is older than version 7."""
    try:
        with valkey_connection.Connection(address, "the URL") as connection:
            commands = connection.ask("EVAL", valkey_rights.SCRIPT, "0", *valkey_rights.ADMINISTRATION)
    except SecretsError:
        return None
    return valkey_rights.described(commands) if isinstance(commands, list) else None


def _needs_no_password(address: valkey.Address) -> bool:
    try:
        with valkey_connection.Connection(address, "the URL", logs_in=False) as connection:
            return bool(connection.ask("PING") == "PONG")
    except SecretsError:
        return False


def _users(address: valkey.Address, label: str, entry: Mapping[str, Any], report: Report) -> Mapping[str, valkey.User]:
    with valkey_connection.Connection(address, label) as connection:
        users = valkey.parse_users(connection.ask("ACL", "LIST"))
        if entry["inventory"]:
            _take(report, partial(valkey_inventory.read, connection.ask, str(address), users, entry["inventory"]))
        return users


def _judge(
    report: Report,
    users: Mapping[str, valkey.User],
    logins: Mapping[str, valkey.Address],
    node: str,
    entry: Mapping[str, Any],
) -> None:
    report.update(listed=True, seen=max(report["seen"], len(users)))
    _add(report, _unexplained(users.values(), node, entry))
    for name, login in logins.items():
        user = users.get(login.user)
        rights = valkey_rights.administration(user.rules) if user else []
        report["rights"][name] = sorted({*report["rights"].get(name, ()), *rights})


def _unexplained(users: Iterable[valkey.User], node: str, entry: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Users that can log in with a password that the stores do not hold, or without one."""
    for user in users:
        digests = entry["known"].get(user.name)
        unknown = sorted(user.digests - set(digests or ()))
        is_new = user.name in entry["changing"] and len(unknown) == 1  # the password that a rotation has just made
        if not user.enabled or not (user.nopass or unknown) or (is_new and not user.nopass):
            continue
        yield {
            "name": _name(user.name),
            "known": digests is not None,
            "node": node,
            "nopass": user.nopass,
            "passwords": len(unknown),
            "digests": [digest[:DIGEST] for digest in unknown[:MOST]],
        }


# --- MySQL, MariaDB and RabbitMQ: only an administrator asks --------------------------------------------------------


def _two_users(
    read: Callable[..., Report], inventory: Callable[..., Report], entry: Mapping[str, Any], _timeout: int
) -> Report:
    """``listed`` is False if no administrator was sent."""
    report, login = _nothing(), login_of(entry["admin_url"])
    if login is not None:
        credentials = {"username": login.username or "", "password": login.password or ""}
        answer = read(entry, credentials)
        report.update(listed=True, seen=answer["seen"], problems=answer["problems"])
        report["rights"] = {
            name: [right[:MESSAGE] for right in rights[:MOST]] for name, rights in answer["rights"].items()
        }
        _add(report, ({**item, "name": _name(item["name"])} for item in answer["unexplained"]))
        if entry["inventory"]:
            _take(report, partial(inventory, entry["address"], credentials, entry["inventory"]))
    return report


_SERVERS: Dict[str, Callable[[Mapping[str, Any], int], Report]] = {
    "mysql": partial(_two_users, mysql_logins.read, mysql_inventory.of_server),
    "postgresql": _postgresql,
    "rabbitmq": partial(_two_users, rabbitmq_logins.read, rabbitmq_inventory.of_server),
    "valkey": _valkey,
}
