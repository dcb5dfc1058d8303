# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what may let somebody in at MySQL or MariaDB. Python 3.8.

A locked account is no entry: one of the application's two users is always locked.
"""

from __future__ import annotations

from typing import Any, Callable, Collection, Dict, Iterator, List, Mapping, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import TOO_MANY, entry_of, keyed
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import accounts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import inventory_queries as queries
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.accounts import (
    Account,
    Accounts,
    literal,
    quoted,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import (
    MysqlConnection,
    administered,
)

MOST, ROWS = 5000, 50000
"""Limits of a server's entries, and of the rights of all accounts."""
OWN_SCHEMAS, OWN_DEFINERS = ("mysql", "sys"), ("mysql.sys@localhost", "mariadb.sys@localhost")
"""Owners of objects that come with the server and change with its version."""
_NEEDED = {"event": ("EVENT",), "trigger": ("TRIGGER",), "routine": ("SELECT", "SHOW_ROUTINE")}
"""Global rights by kind. Without one of them, the server silently leaves out objects."""
_Login = Tuple[str, str]
_Row = Tuple[str, str, str]
"""Name, facts, and the command that removes it."""


def of_server(
    address: Mapping[str, Any],
    login: Mapping[str, str],
    request: Mapping[str, Any],
    *,
    without: Collection[_Login] = (),
) -> Dict[str, Any]:
    """Reads by a new connection, as the administrator. Raises what ``read`` does."""
    with administered(address, login) as admin:
        return read(admin, request, without=without)


def read(admin: MysqlConnection, request: Mapping[str, Any], *, without: Collection[_Login] = ()) -> Dict[str, Any]:
    """Kinds and entries. ``request`` has the ``key`` of digests, and the catalog's ``own`` logins with their shown
    names, unless they are ``idle``. Rights of the accounts ``without`` are left out, and kinds that the server does not
    show. Raises RotationError, or any error of an unexpected answer."""
    seen = accounts.read(admin, MOST)
    if not seen.complete:
        raise _too_many(admin)
    reader = _MysqlReader(admin, request, seen, without)
    kinds, rows = [], []
    for kind, act in reader.readers():
        try:
            entries = list(act())
        except RotationError:
            if kind in ("account", "grant"):
                raise
            continue
        kinds.append(kind)
        rows += [entry_of(kind, *entry) for entry in entries]
        if len(rows) > MOST:
            raise _too_many(admin)
    return {"kinds": kinds, "entries": rows}


def _too_many(admin: MysqlConnection) -> RotationError:
    return RotationError("%s has more than %d accounts, grants and objects, %s" % (admin.place, MOST, TOO_MANY))


class _MysqlReader:
    def __init__(
        self, admin: MysqlConnection, request: Mapping[str, Any], seen: Accounts, without: Collection[_Login]
    ) -> None:
        self._admin, self._key, self._own, self._seen = admin, request["key"], request["own"], seen
        self._idle, self._without = request.get("idle", ()), without
        self._held: Set[str] = set()
        """The administrator's own global rights."""

    def readers(self) -> Iterator[Tuple[str, Callable[[], Iterator[_Row]]]]:
        is_mariadb = self._seen.is_mariadb
        yield "account", self._accounts
        yield "grant", self._grants
        yield "role", self._roles
        for kind, query in {"event": queries.EVENTS, "trigger": queries.TRIGGERS}.items():
            if not self._held.isdisjoint(_NEEDED[kind]):
                yield kind, lambda kind=kind, query=query: self._objects(kind, query)  # type: ignore[misc]
        if is_mariadb or not self._held.isdisjoint(_NEEDED["routine"]):
            yield "routine", self._routines
        yield "loadable function", self._loadable_functions
        yield "plugin", self._plugins
        yield "replication", self._links
        yield "foreign server", self._servers
        yield "setting", self._settings
        if not is_mariadb:
            yield "second password", self._second_passwords
            yield "component", self._components

    def _name(self, user: str, host: str) -> str:
        """The same name for two users that alternate. Any other begins with a quote."""
        label = self._own.get(user, user)
        return _written(user, host) if label == user else "%s@%s" % (label, quoted(host))

    def _definer(self, text: str) -> str:
        user, _, host = text.rpartition("@")
        return self._name(user, host)

    def _digest(self, text: str) -> str:
        return "digest %s" % keyed(self._key, text)

    def _accounts(self) -> Iterator[_Row]:
        for account in self._seen.hidden:
            yield self._name(account.user, account.host), "in no table of accounts", account.removal
        for account in self._seen.logins:
            name = str(account) if account.user in self._idle else self._name(account.user, account.host)
            yield name, self._ways(account), "ALTER USER %s ACCOUNT LOCK" % str(account)

    def _ways(self, account: Account) -> str:
        """Authentication of an account, without passwords of the catalog's own users, and empty for two users that take
        turns: each rotation sets both."""
        label = self._own.get(account.user)
        if label is not None:
            return "" if label != account.user else " or ".join(plugin for plugin, _digest in account.ways)
        return " or ".join(
            "%s, %s" % (plugin, self._digest(digest) if digest else "no password") for plugin, digest in account.ways
        )

    def _grants(self) -> Iterator[_Row]:
        rights: Dict[Tuple[str, str, str], Set[str]] = {}
        me = [str(name).rpartition("@")[::2] for (name,) in self._rows("SELECT CURRENT_USER()")]
        for query in queries.GRANTS:
            for grantee, schema, table, column, right, grantable in self._rows(query, 6):
                user, host = accounts.parted(str(grantee))
                scope = self._scope(str(schema), str(table))
                if scope == "*.*" and (user, host) in me:
                    self._held.add(str(right))
                scope_rights = rights.setdefault((user, host, scope), set())
                scope_rights.add("%s (%s)" % (right, quoted(column)) if column else str(right))
                scope_rights.update(["GRANT OPTION"] if grantable == "YES" else ())
        for user, host, schema, name, kind, routine_rights in self._rows(queries.ROUTINE_GRANTS, 6):
            scope = "%s %s" % (kind, self._scope(str(schema), str(name)))
            rights.setdefault((str(user), str(host), scope), set()).add(str(routine_rights))
        for user, host, proxied, proxied_host, is_grantable in self._rows(queries.PROXY_GRANTS, 5):
            account = (str(user), str(host), "%s@%s" % (quoted(str(proxied)), quoted(str(proxied_host))))
            rights.setdefault(account, set()).update(["PROXY", *(["GRANT OPTION"] if is_grantable else [])])
        if self._seen.is_mariadb:
            for role, mask in self._rows(queries.ROLE_RIGHTS, 2):
                rights.setdefault((str(role), "", "*.*"), set()).update(["rights %s" % mask] if int(mask or 0) else [])
        for (user, host, scope), each in rights.items():
            if each and (user, host) not in self._without:
                revocable = ["GRANT OPTION"] if "GRANT OPTION" in each else []
                revocable.append("PROXY" if "PROXY" in each else "ALL PRIVILEGES")
                undo = "; ".join(
                    "REVOKE %s ON %s FROM %s" % (right, scope, _written(user, host)) for right in revocable
                )
                yield "on %s to %s" % (scope, self._name(user, host)), ", ".join(sorted(each)), undo

    @staticmethod
    def _scope(schema: str, name: str) -> str:
        return "%s.%s" % (quoted(schema) if schema else "*", quoted(name) if name else "*")

    def _roles(self) -> Iterator[_Row]:
        is_mariadb = self._seen.is_mariadb
        for user, host, role, role_host, is_admin in self._rows(queries.MEMBERS[is_mariadb], 5):
            facts = "with admin option" if str(is_admin).upper() in ("Y", "1") else ""
            yield self._member(str(role), str(role_host), str(user), str(host), facts)
        for user, host, role, role_host in self._rows(queries.DEFAULT_ROLES[is_mariadb], 4):
            name = "default role %s of %s" % (self._name(str(role), str(role_host)), self._name(str(user), str(host)))
            account = _written(str(user), str(host))
            undo = "SET DEFAULT ROLE NONE FOR %s" if is_mariadb else "ALTER USER %s DEFAULT ROLE NONE"
            yield name, "", undo % account

    def _member(self, role: str, role_host: str, user: str, host: str, facts: str) -> _Row:
        name = "%s of %s" % (self._name(role, role_host), self._name(user, host))
        return name, facts, "REVOKE %s FROM %s" % (_written(role, role_host), _written(user, host))

    def _objects(self, kind: str, query: str) -> Iterator[_Row]:
        for schema, name, definer, about, digest in self._rows(query, 5):
            if not _is_servers(str(schema), str(definer)):
                yield self._object(kind, str(schema), str(name), str(definer), str(about), digest)

    def _routines(self) -> Iterator[_Row]:
        for schema, name, definer, about, digest, kind in self._rows(queries.ROUTINES, 6):
            if _is_servers(str(schema), str(definer)):
                continue
            if digest is None:
                raise RotationError("%s does not show the text of each routine" % self._admin.place)
            name, facts, undo = self._object(str(kind), str(schema), str(name), str(definer), str(about), digest)
            yield "%s %s" % (str(kind).lower(), name), facts, undo

    def _object(self, kind: str, schema: str, name: str, definer: str, about: str, digest: Any) -> _Row:
        scope = self._scope(schema, name)
        facts = "%s, definer %s, %s" % (about, self._definer(definer), self._digest(str(digest)))
        return scope, facts, "DROP %s %s" % (kind.upper(), scope)

    def _loadable_functions(self) -> Iterator[_Row]:
        for name, library in self._rows(queries.LOADABLE_FUNCTIONS, 2):
            yield quoted(str(name)), "of %s" % library, "DROP FUNCTION %s" % quoted(str(name))

    def _plugins(self) -> Iterator[_Row]:
        for name, library in self._rows(queries.PLUGINS, 2):
            yield str(name), "of %s" % library, "UNINSTALL PLUGIN %s" % quoted(str(name))

    def _components(self) -> Iterator[_Row]:
        for (name,) in self._rows(queries.COMPONENTS):
            yield str(name), "", "UNINSTALL COMPONENT %s" % literal(str(name))

    def _second_passwords(self) -> Iterator[_Row]:
        for user, host, digest in self._rows(queries.SECOND_PASSWORDS, 3):
            account = (str(user), str(host))
            undo = "ALTER USER %s DISCARD OLD PASSWORD" % _written(*account)
            yield "of %s" % self._name(*account), self._digest(str(digest)), undo

    def _links(self) -> Iterator[_Row]:
        undo = "STOP SLAVE %s; RESET SLAVE %s ALL"
        undo = undo if self._seen.is_mariadb else "STOP REPLICA FOR CHANNEL %s; RESET REPLICA ALL FOR CHANNEL %s"
        for link in self._admin.records(queries.LINKS[self._seen.is_mariadb]):
            name, host, port, user = (str(link[column]) for column in queries.OF_A_LINK)
            facts = "from %s:%s as %s" % (host, port, quoted(user))
            yield "channel %s" % quoted(name), facts, undo % (literal(name), literal(name))

    def _servers(self) -> Iterator[_Row]:
        for name, host, port, user, wrapper, digest in self._rows(queries.SERVERS, 6):
            facts = "%s, at %s:%s as %s, %s" % (wrapper, host, port, quoted(str(user)), self._digest(str(digest)))
            yield quoted(str(name)), facts, "DROP SERVER %s" % quoted(str(name))

    def _settings(self) -> Iterator[_Row]:
        for name, value in self._rows(queries.VARIABLES, 2):
            is_secret = name in queries.SECRET_SETTINGS and value
            yield str(name), self._digest(str(value)) if is_secret else str(value), "SET GLOBAL %s = …" % name

    def _rows(self, query: str, columns: int = 1) -> List[Tuple[Any, ...]]:
        limited = "%s LIMIT %d" % (query, ROWS + 1) if query.startswith("SELECT") else query
        rows = self._admin.rows(limited, columns=columns)
        if len(rows) > ROWS:
            raise _too_many(self._admin)
        return rows


def _is_servers(schema: str, definer: str) -> bool:
    return schema in OWN_SCHEMAS and definer in OWN_DEFINERS


def _written(user: str, host: str) -> str:
    """The account as text. A role of MariaDB has no host."""
    return "%s@%s" % (quoted(user), quoted(host)) if host else quoted(user)
