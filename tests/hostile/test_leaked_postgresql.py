# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whoever has a leaked login of PostgreSQL cannot stop its revocation, nor keep a way in unnamed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import INTERFERED
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import MOST_NAMED
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import connection
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import main as postgresql_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import DISABLED
from sandbox import postgres as sandbox_postgres
from sandbox.postgres import Postgres
from tests.integration.by_hand import enabling, login_blocked
from tests.integration.postgresql_login.shop import Shop
from tests.modules import run_module

KEY = "canary-key-of-digests"
FEW = "max_connections = 12\nmax_prepared_transactions = 4\nwal_level = logical\ntrack_commit_timestamp = on\n"
ITSELF = "SET ROLE NONE"
"""The leaked login becomes its owner as it logs in; its own settings are only its own to change."""
SETTINGS = {
    "statement_timeout": "1",
    "lock_timeout": "1",
    "idle_session_timeout": "1",
    "default_transaction_read_only": "on",
    "search_path": "evil, public",
    "local_preload_libraries": "nope",
    "role": "none",
}
DATABASE = {
    "statement timeout": ("ALTER DATABASE {o} SET statement_timeout = 1",),
    "read only": ("ALTER DATABASE {o} SET default_transaction_read_only = on",),
    "a library that is not there": ("ALTER DATABASE {o} SET local_preload_libraries = 'nope'",),
    "functions of its own before the system's": (
        "CREATE SCHEMA evil",
        "CREATE FUNCTION evil.current_setting(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE $$evil$$; END'",
        "ALTER DATABASE {o} SET search_path = evil, pg_catalog",
    ),
    "another encoding": ("ALTER DATABASE {o} SET client_encoding = 'SQL_ASCII'",),
    "idle sessions end": (
        "ALTER DATABASE {o} SET idle_session_timeout = 1",
        "ALTER DATABASE {o} SET idle_in_transaction_session_timeout = 1",
    ),
    "sessions end at an error": ("ALTER DATABASE {o} SET exit_on_error = on",),
    "no connections": ("ALTER DATABASE {o} CONNECTION LIMIT 0",),
    "no right to connect": ("REVOKE ALL ON DATABASE {o} FROM {o}, PUBLIC",),
}
"""What the owner of a database may set for all who connect to it."""
HELD = {
    "our lock": ("postgres", 1, f"SELECT pg_advisory_lock({connection.LOCK})"),
    "a change of its role that never ends": ("", 1, f"{ITSELF}; ALTER ROLE {{a}} PASSWORD 'evil'"),
    "all connections": ("", 20, ""),
}
"""By name the database, the number of sessions, and what each does in a transaction that stays open."""
SPREAD = ("statement_timeout", "search_path", "no connections", "a change of its role that never ends")
"""What make test tries of them."""


@dataclass
class Leak:
    """A leak response on one server, and whoever has the leaked login."""

    shop: Shop
    stage: str = ""
    warnings: list[Any] = field(default_factory=list)
    held: list[psycopg.Connection] = field(default_factory=list)
    inventory: dict[str, Any] | None = None
    catalog_logins: dict[str, Any] | None = None

    def carried_out(self) -> dict[str, Any]:
        """The answer of the last act, or of the first that fails."""
        shop = self.shop
        acts = {"checked": shop.check, "present": shop.set, "usable": shop.test, "revoked": shop.revoke}
        result: dict[str, Any] = {}
        for self.stage, act in acts.items():
            new = {"successor_url": shop.url(shop.second), "inventory": self.inventory}
            new = {**new, "catalog_logins": self.catalog_logins} if self.stage == "revoked" else {}
            result = act(leaked=shop.first, allow_sessions=True, **new)
            if result.get("reason") == INTERFERED:  # the kind carries on like this
                self.warnings.append(DISABLED)
                shop.call(state="blocked", **shop.args(shop.first, leaked=shop.first))
                result = act(leaked=shop.first, allow_sessions=True)
            self.warnings += result.get("warnings", [])
            if result.get("failed"):
                break
        return result

    def as_leaked(self, *statements: str) -> None:
        with self.shop.connect(self.shop.first) as session:
            for statement in statements:
                session.execute(self._named(statement))

    def hold(self, database: str, number: int, statements: str) -> None:
        for _ in range(number):
            with suppress(psycopg.OperationalError):
                self.held.append(psycopg.connect(self.shop.url(self.shop.first, database=database or None)))
                if statements:
                    self.held[-1].execute(self._named(statements))

    def _named(self, statement: str) -> str:
        return statement.format(o=self.shop.owner, a=self.shop.first, b=self.shop.second)

    @property
    def can_log_in(self) -> list[str]:
        return self.shop.server.execute(
            f"SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname LIKE '{self.shop.owner}%'"
        ).splitlines()

    def settings_of(self, role: str) -> str:
        return self.shop.server.execute(
            "SELECT string_agg(setconfig::text, ' ') FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole "
            f"WHERE rolname = '{role}'"
        )


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox_postgres, "SETTINGS", sandbox_postgres.SETTINGS.replace("max_connections = 200\n", FEW))
        with Postgres() as postgres:
            postgres.create_master()
            yield postgres


@pytest.fixture
def leak(server: Postgres, capsys: pytest.CaptureFixture[str]) -> Iterator[Leak]:
    def call(**args: Any) -> dict[str, Any]:
        return run_module(postgresql_main.main, args, capsys)[0]

    shop = Shop(server, call, f"shop{secrets.token_hex(4)}")
    shop.passwords[shop.first] = server.create_logins(shop.owner, shop.owner, master="master")
    leak = Leak(shop)
    yield leak
    for session in leak.held:
        session.close()


def each(names: dict[str, Any]) -> list[Any]:
    return [name if name in SPREAD else pytest.param(name, marks=pytest.mark.long) for name in names]


def revoked(leak: Leak, *others: str) -> dict[str, Any]:
    """The answer; ``others`` may log in too."""
    result = leak.carried_out()
    assert (leak.stage, result.get("refused")) == ("revoked", True), result
    assert sorted(leak.can_log_in) == sorted([leak.shop.second, *others])
    return result


@pytest.mark.parametrize("name", each(SETTINGS))
def test_a_setting_of_the_leaked_login_is_not_copied(name: str, leak: Leak) -> None:
    leak.as_leaked(ITSELF, f"ALTER ROLE {{a}} SET {name} = {SETTINGS[name]}")
    assert revoked(leak)["footholds"] == []
    role = f"{{role={leak.shop.owner}}}"
    assert (leak.settings_of(leak.shop.second), leak.settings_of(leak.shop.first)) == (role, role)
    assert name == "role" or f"were not copied to {leak.shop.second}" in str(leak.warnings)
    assert name == "role" or name in str(leak.warnings)


@pytest.mark.parametrize("name", each(DATABASE))
def test_what_the_owner_sets_for_the_database_stops_nothing(name: str, leak: Leak) -> None:
    leak.as_leaked(*DATABASE[name])
    assert [line[:12] for line in revoked(leak)["footholds"]] == ["not checked:"] * name.startswith("no ")
    assert ("The server accepts the login itself" in str(leak.warnings)) is name.startswith("no ")


def test_what_is_set_for_the_administrator_stops_nothing(leak: Leak, server: Postgres) -> None:
    """As whoever may change every role can do it."""
    where = ("ROLE master", "DATABASE postgres")
    server.execute("; ".join(f"ALTER {name} SET default_transaction_read_only = on" for name in where))
    revoked(leak)
    read_write = "SET default_transaction_read_only = off; "
    server.execute(read_write + "; ".join(f"ALTER {name} RESET default_transaction_read_only" for name in where))


@pytest.mark.parametrize("name", each(HELD)[:2])
def test_a_lock_is_ended_with_its_session(name: str, leak: Leak) -> None:
    leak.hold(*HELD[name])
    revoked(leak)


@pytest.mark.long
def test_a_lock_of_a_prepared_transaction_is_rolled_back(leak: Leak) -> None:
    leak.as_leaked(ITSELF, "BEGIN", "ALTER ROLE {a} PASSWORD 'evil'", "PREPARE TRANSACTION 'lock'")
    revoked(leak)
    assert leak.shop.server.execute("SELECT gid FROM pg_prepared_xacts WHERE gid = 'lock'") == ""


@pytest.mark.long
def test_all_connections(leak: Leak) -> None:
    """No administrator gets in who is not a superuser: the message says what one has to do."""
    leak.hold(*HELD["all connections"])
    message = leak.carried_out()["msg"]
    assert f'only a superuser can log in. As a superuser: ALTER ROLE "{leak.shop.first}" NOLOGIN' in message
    leak.shop.server.execute(f"ALTER ROLE {leak.shop.first} NOLOGIN")
    for session in leak.held:
        session.close()
    revoked(leak)


@pytest.mark.long
def test_all_other_connections(leak: Leak, server: Postgres) -> None:
    """An administrator that keeps a connection of its own disables the leaked login to test the new one."""
    url = server.admin_url()
    args, leak.shop.args = leak.shop.args, lambda login, **extra: {**args(login, **extra), "admin_url": url}
    leak.hold(*HELD["all connections"])
    revoked(leak)
    assert "was disabled first" in str(leak.warnings)


def test_ways_in_are_named_with_the_statement_that_ends_them(leak: Leak, server: Postgres) -> None:
    leak.as_leaked("CREATE TABLE kept ()", "GRANT CREATE ON DATABASE {o} TO {a}", ITSELF, "CREATE SCHEMA evil")
    leak.as_leaked("BEGIN", "DROP TABLE kept", "PREPARE TRANSACTION 'kept'")
    server.execute(f"CREATE ROLE {leak.shop.owner}_thief; GRANT {leak.shop.first} TO {leak.shop.owner}_thief")
    server.execute(f"ALTER ROLE {leak.shop.owner} LOGIN")
    result = leak.carried_out()
    server.execute("ROLLBACK PREPARED 'kept'", database=leak.shop.owner)
    owner, first = f'"{leak.shop.owner}"', f'"{leak.shop.first}"'
    thief = f'"{leak.shop.owner}_thief"'
    then = f"check them, then DROP OWNED BY {first}"
    assert result["footholds"] == [
        f"role {thief} is a member of {first}: REVOKE {first} FROM {thief}",
        f"role {owner} can log in: ALTER ROLE {owner} NOLOGIN PASSWORD NULL",
        f"role {first} owns objects in database {owner} that the owner role should own: {then}",
        f"a prepared transaction in database {owner}: ROLLBACK PREPARED 'kept'",
    ]


def test_what_the_owner_role_gave_to_everybody_is_named(leak: Leak) -> None:
    leak.as_leaked(
        "CREATE TABLE orders ()",
        "GRANT SELECT ON orders TO PUBLIC",
        "CREATE FUNCTION peek() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    )
    command = "REVOKE EXECUTE ON FUNCTION public.peek() FROM PUBLIC"
    assert revoked(leak)["footholds"] == [
        "other roles get rights on new objects: list them (\\ddp), then ALTER DEFAULT PRIVILEGES … REVOKE …",
        f"function public.peek() runs with its owner's rights for everybody: {command}",
        "everybody has rights on public.orders: REVOKE ALL ON public.orders FROM PUBLIC",
    ]


PEEK = "CREATE FUNCTION peek() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"
GIVEN = {
    "a column to everybody": (
        ("CREATE TABLE orders (id int)", "GRANT SELECT (id) ON orders TO PUBLIC"),
        "everybody has rights on public.orders: ",
    ),
    "a large object to everybody": (
        ("SELECT lo_create(4711)", "GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC"),
        "everybody has rights on LARGE OBJECT 4711: REVOKE ALL ON LARGE OBJECT 4711 FROM PUBLIC",
    ),
    "a table to another role": (
        ("CREATE TABLE orders (id int)", "GRANT SELECT ON orders TO pg_monitor"),
        "role pg_monitor has rights on the owner role's tables: ",
    ),
    "new tables to another role": (
        ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor",),
        "other roles get rights on new objects: ",
    ),
    "new schemas to everybody": (
        ("ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO PUBLIC",),
        "other roles get rights on new objects: ",
    ),
    "copies of the database": (
        ("ALTER DATABASE {o} IS_TEMPLATE true",),
        "whoever may create databases may copy database ",
    ),
    "a function to another role": (
        (PEEK, "REVOKE ALL ON FUNCTION peek() FROM PUBLIC", "GRANT EXECUTE ON FUNCTION peek() TO pg_monitor"),
        "function public.peek() runs with its owner's rights for other roles: ",
    ),
}
"""By name what the owner role gives away, and how the line on it begins."""


@pytest.mark.parametrize("name", GIVEN)
def test_what_the_owner_role_gave_to_others_is_named(name: str, leak: Leak) -> None:
    statements, begins = GIVEN[name]
    leak.as_leaked(*statements)
    (line,) = revoked(leak)["footholds"]
    assert line.startswith(begins)


def test_many_objects_are_named_in_part(leak: Leak) -> None:
    one = "CREATE FUNCTION f%s() RETURNS int LANGUAGE sql SECURITY DEFINER AS $f$SELECT 1$f$"
    leak.as_leaked(
        f"DO $$ BEGIN FOR i IN 1..90 LOOP EXECUTE format('{one}', i); END LOOP; END $$",
        "CREATE TABLE orders ()",
        "GRANT SELECT ON orders TO PUBLIC",
    )
    *_functions, table, rest = revoked(leak)["footholds"]
    assert table.startswith("everybody has rights on public.orders: ")
    assert rest == f"{90 - MOST_NAMED} more such objects in the database"


def test_a_full_table_of_locks_is_named_with_the_remedy(leak: Leak, server: Postgres) -> None:
    """Nobody gets in then, so a person has to block the login."""
    leak.hold("postgres", 1, "")
    (session,) = leak.held
    session.autocommit = True
    with pytest.raises(psycopg.errors.OutOfMemory):
        session.execute("SELECT count(pg_advisory_lock(n)) FROM generate_series(1, 100000) n")
    with suppress(psycopg.errors.OutOfMemory):
        for number in range(100000):
            session.execute("SELECT pg_advisory_lock(%s)", (number,))
    assert "kill -TERM" in leak.carried_out()["msg"]
    with login_blocked(server, leak.shop.first):
        with pytest.raises(psycopg.OperationalError, match="rejects connection"):
            leak.as_leaked()
        revoked(leak)


def test_with_a_baseline_what_exists_is_told_for_comparison(leak: Leak) -> None:
    began = time.time()
    leak.as_leaked("CREATE TABLE orders ()", "GRANT SELECT ON orders TO PUBLIC")
    leak.as_leaked("BEGIN", "DROP TABLE orders", "PREPARE TRANSACTION 'kept'")
    leak.inventory = {"key": KEY, "own": {}}
    result = revoked(leak)
    leak.shop.server.execute("ROLLBACK PREPARED 'kept'", database=leak.shop.owner)
    listed = {(entry["kind"], entry["name"]): entry["since"] for entry in result["inventory"]["entries"]}
    written = listed["grant", "SELECT on public.orders to PUBLIC"]
    assert began - 1 < timestamps.seconds_of(written) < time.time(), "the server says since when"
    assert listed["grant", "USAGE on schema public to PUBLIC"] == ""
    assert ("membership", f"of {leak.shop.first} in {leak.shop.owner}") in listed
    assert [line[:10] for line in result["footholds"]] == ["a prepared"], "what no baseline has"


def test_what_cannot_be_compared_is_looked_for_as_without_a_baseline(leak: Leak) -> None:
    leak.as_leaked("CREATE TABLE orders ()", "GRANT SELECT ON orders TO PUBLIC", *DATABASE["no connections"])
    leak.inventory = {"key": KEY, "own": {}}
    result = revoked(leak)
    assert (result["inventory"]["kinds"], len(result["inventory"]["problems"])) == ([], 1)
    assert [line[:12] for line in result["footholds"]] == ["not checked:"]


@pytest.mark.parametrize("name", ["", "our lock", "a change of its role that never ends"])
def test_the_leaked_login_is_blocked_before_a_new_one_is_made(name: str, leak: Leak) -> None:
    leak.hold(*HELD[name] if name else ("", 1, ""))
    shop = leak.shop
    for _time in range(2):
        result = shop.call(state="blocked", **shop.args(shop.first, leaked=shop.first, journal=5))
        assert not result.get("failed"), result
        assert leak.can_log_in == []
    assert shop.server.execute(f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{shop.first}'") == "0"
    shop.server.execute(enabling("postgresql_role", {"watchparty_production_a": shop.first}))
    leak.as_leaked()
    revoked(leak)


def test_own_password_changed(leak: Leak) -> None:
    leak.as_leaked(ITSELF, "ALTER ROLE {a} PASSWORD 'evil'")
    assert revoked(leak)["footholds"] == []


postgresql_main.ARGUMENT_SPEC["leaked"] = {"type": "str"}
