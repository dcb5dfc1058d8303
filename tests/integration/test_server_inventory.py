# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever somebody leaves at a real server is a difference, and its command removes it. A rotation leaves none."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import postgresql, server_baseline, valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import POSTGRESQL, VALKEY
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerReading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import (
    connection as postgresql_connection,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import (
    inventory as postgresql_inventory,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import main as postgresql_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.connection import ServerConnection
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.inventory_queries import KINDS
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import connection as valkey_connection
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import inventory as valkey_inventory
from sandbox.postgres import Postgres, scram_verifier
from sandbox.valkey import Valkey
from tests import planted
from tests.integration.postgresql_login.shop import Shop
from tests.integration.server_checks import removals
from tests.integration.valkey_lab import LOCAL, new_password, runner
from tests.modules import run_module

pytestmark = pytest.mark.servers
KEY = "k" * 64
BIND_PASSWORD = "canary-of-ldap"


def source_of(reading: ServerReading) -> RecordedServer:
    return RecordedServer("2026-11-29T00:00:00Z", "op@host", reading.kinds, reading.entries)


def inventory_of(*parts: dict[str, Any]) -> dict[str, Any]:
    inventory = server_baseline.no_inventory()
    for part in parts:
        server_baseline.add(inventory, part, further=True)
    return inventory


# --- PostgreSQL -----------------------------------------------------------------------------------------------------

PLANTED = {
    "a login": "CREATE ROLE thief LOGIN",
    "a superuser": "CREATE ROLE thief SUPERUSER",
    "a right of the owner role": "ALTER ROLE {o} LOGIN",
    "a right of a login that alternates": "ALTER ROLE {a} CREATEROLE",
    "a membership": "CREATE ROLE thief; GRANT {o} TO thief",
    "a member of the login": "CREATE ROLE thief; GRANT {a} TO thief",
    "a setting of the login": "ALTER ROLE {a} SET search_path = evil",
    "a setting of the database": "ALTER DATABASE {o} SET search_path = evil",
    "a setting of all": "ALTER ROLE ALL SET statement_timeout = 1",
    "a schema's owner": "CREATE ROLE thief; ALTER SCHEMA public OWNER TO thief",
    "a grant on the database": "GRANT CONNECT ON DATABASE {o} TO PUBLIC",
    "a grant on a schema": "CREATE ROLE thief; GRANT CREATE ON SCHEMA public TO thief",
    "a grant on tables": "CREATE ROLE thief; GRANT SELECT ON orders TO thief",
    "a grant to everybody": "GRANT SELECT ON orders TO PUBLIC",
    "a grant on a column": "CREATE ROLE thief; GRANT SELECT (note) ON orders TO thief",
    "default privileges": "ALTER DEFAULT PRIVILEGES FOR ROLE {o} GRANT SELECT ON TABLES TO PUBLIC;"
    "ALTER DEFAULT PRIVILEGES FOR ROLE {o} IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
    "a function of the owner": "CREATE FUNCTION peek() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    "a procedure of the owner": "CREATE PROCEDURE peek() LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    "an untrusted function": "CREATE FUNCTION pid() RETURNS int LANGUAGE internal AS 'pg_backend_pid'",
    "a trigger": "CREATE TRIGGER evil BEFORE INSERT ON orders EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "a rule": "CREATE RULE evil AS ON DELETE TO orders DO ALSO SELECT 1",
    "an event trigger": "CREATE FUNCTION evil() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
    "CREATE EVENT TRIGGER evil ON ddl_command_end EXECUTE FUNCTION evil()",
    "a foreign server": "CREATE FOREIGN DATA WRAPPER f; CREATE SERVER evil FOREIGN DATA WRAPPER f",
    "a publication": "CREATE PUBLICATION evil",
    "a slot": "SELECT pg_create_physical_replication_slot('evil')",
    "a password": "ALTER ROLE {o} PASSWORD 'evil'",
    "a changed password": "ALTER ROLE report PASSWORD 'evil'",
    "a changed function": "CREATE OR REPLACE FUNCTION kept() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 2'",
    "a removed trigger": "DROP TRIGGER audit ON orders",
}
"""What is planted, as statements of a superuser in the application's database."""
VERIFIER = scram_verifier("canary", salt=b"0" * 16)
MENDED = {
    "a changed password": f"ALTER ROLE report PASSWORD '{VERIFIER}'",
    "a changed function": "CREATE OR REPLACE FUNCTION kept() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    "a schema's owner": "ALTER SCHEMA public OWNER TO pg_database_owner",
    "a removed trigger": "CREATE TRIGGER audit BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION "
    "suppress_redundant_updates_trigger()",
}
"""What has no command of its own."""
LEFT = ("DROP FUNCTION evil", "DROP FOREIGN DATA WRAPPER f", "DROP OWNED BY thief", "DROP ROLE thief")
"""What is not a way in any more."""


@pytest.fixture
def shop(server: Postgres, capsys: pytest.CaptureFixture[str]) -> Shop:
    def call(**args: Any) -> dict[str, Any]:
        return run_module(postgresql_main.main, args, capsys)[0]

    shop = Shop(server, call, f"shop{secrets.token_hex(4)}")
    shop.passwords[shop.first] = server.create_logins(shop.owner, shop.owner, master="master")
    shop.sql(
        "CREATE TABLE orders (id int, note text); ALTER TABLE orders OWNER TO {o}; GRANT SELECT ON orders TO report"
    )
    for name in MENDED:
        shop.sql(MENDED[name])
    return shop


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as server:
        server.create_master()
        server.execute("CREATE ROLE report LOGIN")
        with (server.directory / "data" / "pg_hba.conf").open("a") as file:
            file.write(f"host all ldap 127.0.0.1/32 ldap ldapserver=l ldapbasedn=b ldapbindpasswd={BIND_PASSWORD}\n")
        yield server


def inventory_of_postgresql(shop: Shop, login: str) -> dict[str, Any]:
    request = {"key": KEY, "own": server_baseline.own_names([shop.first])}
    own, admin = (postgresql.parse_url(url, "the URL") for url in (shop.url(login), shop.server.admin_url()))
    with ServerConnection(own, label="the URL", timeout=5) as session:
        seen = postgresql_inventory.read(session, request)
    with ServerConnection.administered(admin, timeout=5) as session:
        return inventory_of(seen, postgresql_inventory.read_as_administrator(session, request))


def of_postgresql(shop: Shop, login: str) -> ServerReading:
    return server_baseline.reading_of(inventory_of_postgresql(shop, login))


@planted.mistakes("Left at PostgreSQL since its baseline", planted.SERVER, checks="WPS1103", rows=PLANTED)
def test_what_is_left_at_postgresql(shop: Shop) -> None:
    """One after another, since a server and its database take longer to start than all of this."""
    recorded = source_of(of_postgresql(shop, shop.first))
    assert recorded.kinds == {*KINDS, "password", "pg_hba rule"}
    assert any(name.endswith("ldap") for kind, name in recorded.entries if kind == "pg_hba rule")
    assert BIND_PASSWORD not in str(recorded)

    server = {"server": POSTGRESQL, "databases": {"s": shop.owner}}
    password = postgresql.parse_url(shop.server.admin_url(), "the URL").password

    def found() -> list[list[str]]:
        inventory = inventory_of_postgresql(shop, shop.first)
        return removals(server, f"{shop.server.host}:{shop.server.port}", recorded, inventory)

    assert found() == []
    with psycopg.connect(shop.server.admin_url(shop.owner), autocommit=True) as session:
        for name, statement in PLANTED.items():
            session.execute(statement.format(o=shop.owner, a=shop.first))
            left = found()
            assert left, name
            assert VERIFIER not in str(left)
            if name in MENDED:
                session.execute(MENDED[name])
            for command in left if name not in MENDED else ():
                environment = {**os.environ, "PGPASSWORD": password}
                subprocess.run([*command, "-v", "ON_ERROR_STOP=1"], env=environment, check=True, capture_output=True)
            for remnant in LEFT:
                with suppress(psycopg.Error):
                    session.execute(remnant)
            assert found() == [], name


def test_a_rotation_of_postgresql_is_no_difference(shop: Shop) -> None:
    recorded = source_of(of_postgresql(shop, shop.first))
    shop.set()
    assert server_baseline.compare("db", recorded, of_postgresql(shop, shop.second)) == [], "while both are valid"
    shop.revoke()
    assert server_baseline.compare("db", recorded, of_postgresql(shop, shop.second)) == []


BY_APPLICATION = (
    *("CREATE TABLE visits (id serial PRIMARY KEY, at timestamptz)", "INSERT INTO visits (at) VALUES (now())"),
    *("CREATE INDEX ON visits (at)", "ALTER TABLE visits ADD COLUMN place text", "CREATE VIEW recent AS TABLE visits"),
    *("TRUNCATE visits", "CREATE TEMPORARY TABLE mine ()", "DROP VIEW recent; DROP TABLE visits", "DISCARD ALL"),
    "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
)
BY_ADMINISTRATOR = (
    *("VACUUM", "ANALYZE", "REINDEX TABLE orders", "CHECKPOINT", "ALTER EXTENSION plpgsql UPDATE"),
    *("ALTER SYSTEM SET work_mem = '8MB'", "SELECT pg_reload_conf()"),
)
"""What happens at any server of PostgreSQL."""


def test_ordinary_work_at_postgresql_is_no_difference(shop: Shop) -> None:
    recorded = source_of(of_postgresql(shop, shop.first))
    admin = psycopg.connect(shop.server.admin_url(shop.owner), autocommit=True)
    with admin, shop.connect(shop.first) as own:
        for session, statements in ((own, BY_APPLICATION), (admin, BY_ADMINISTRATOR)):
            for statement in statements:
                session.execute(statement)
                assert server_baseline.compare("db", recorded, of_postgresql(shop, shop.first)) == [], statement


EVIL_CRON = """CREATE SCHEMA cron;
CREATE FUNCTION cron.run() RETURNS text LANGUAGE plpgsql AS $$BEGIN COPY (SELECT 1) TO '{path}'; RETURN ''; END$$;
CREATE VIEW cron.job AS SELECT 1 AS jobid, '' AS username, cron.run() AS schedule, '' AS database, '' AS command"""
"""In a read-only transaction a superuser may still write files and run programs."""
CRON = """DROP SCHEMA cron CASCADE; CREATE SCHEMA cron;
CREATE TABLE cron.job AS SELECT 7::bigint jobid, 'shop'::text username, '@daily'::text schedule, 'shop'::text database,
  'DROP TABLE x'::text command;
SET allow_system_table_mods = on;
INSERT INTO pg_extension VALUES (99999, 'pg_cron', 10, 'cron'::regnamespace, true, '1');
INSERT INTO pg_depend VALUES ('pg_class'::regclass, 'cron.job'::regclass, 0, 'pg_extension'::regclass, 99999, 0, 'e')"""
"""As the extension makes it."""


def test_a_view_of_the_databases_owner_does_not_run_as_the_administrator(shop: Shop) -> None:
    path = shop.server.directory / "evil"
    with shop.connect(shop.first) as session:
        session.execute(EVIL_CRON.format(path=path))
    admin = postgresql.parse_url(shop.server.admin_url(shop.owner), "the URL")
    request: dict[str, Any] = {"key": KEY, "own": {}}

    def read() -> dict[str, Any]:
        with ServerConnection.administered(admin, timeout=5) as session:
            return postgresql_inventory.read_as_administrator(session, request)

    assert "scheduled job" not in read()["kinds"]
    assert not path.exists()
    shop.sql(CRON)
    (job,) = (entry for entry in read()["entries"] if entry["kind"] == "scheduled job")
    assert (job["name"], job["undo"]) == ("7 of shop", "SELECT cron.unschedule(7)")
    shop.sql("ALTER TABLE cron.job OWNER TO {o}")
    assert "scheduled job" not in read()["kinds"]


def test_settings_of_the_databases_owner_change_no_reading(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = source_of(of_postgresql(shop, shop.first))
    shop.sql("ALTER DATABASE {o} SET quote_all_identifiers = on; ALTER DATABASE {o} SET search_path = public")
    found = server_baseline.compare("db", recorded, of_postgresql(shop, shop.first))
    assert [item.kind for item in found] == ["setting"] * 2
    monkeypatch.setattr(postgresql_connection, "SETTINGS", "")  # as a pooler passes none on
    admin = postgresql.parse_url(shop.server.admin_url(shop.owner), "the URL")
    with ServerConnection.administered(admin, timeout=5) as session:
        ((path,),) = session.rows("SHOW search_path", doing="asking")
    assert path.replace('"', "") == "pg_catalog, pg_temp"


# --- Valkey ---------------------------------------------------------------------------------------------------------

USERS = {
    "a user": ("ACL SETUSER thief on nopass ~* +@all", "ACL DELUSER thief"),
    "a second password": ("ACL SETUSER report >evil", "ACL SETUSER report <evil"),
    "other rules": ("ACL SETUSER report +@all", "ACL SETUSER report -@all +get"),
    "rules of the application's user": ("ACL SETUSER shop -flushall", "ACL SETUSER shop -@all +@all"),
    "a function": ("FUNCTION LOAD LIBRARY", "FUNCTION DELETE evil"),
    "a setting": ("CONFIG SET protected-mode no", "CONFIG SET protected-mode yes"),
    "the user for a primary": ("CONFIG SET masteruser evil", "CONFIG SET masteruser replicator"),
}
"""What is done, and what undoes it if the finding only lists the differences."""
LIBRARY = "#!lua name=evil\nredis.register_function('f', function() return 1 end)"


def words(command: str) -> list[str]:
    return [{"LIBRARY": LIBRARY, "NONE": ""}.get(word, word) for word in command.split()]


@pytest.fixture(scope="module")
def cache() -> Iterator[Valkey]:
    with Valkey(password=new_password()) as node:
        node.create_user("shop", new_password())
        node.create_user("report", new_password(), "~*", "+get")
        yield node


def inventory_of_valkey(node: Valkey) -> dict[str, Any]:
    admin = valkey.parse_url(node.admin_url(), "the URL")
    request = {"key": KEY, "own": server_baseline.own_names(["shop", "other_a"]), "nodes": []}
    with valkey_connection.Connection(admin, "admin_url") as session:
        users = valkey.parse_users(session.ask("ACL", "LIST"))
        return inventory_of(valkey_inventory.read(session.ask, str(admin), users, request))


def of_valkey(node: Valkey) -> ServerReading:
    return server_baseline.reading_of(inventory_of_valkey(node))


ORDINARY = (
    *("SET visits 1", "INCR visits", "EVAL return(1) 0", "BGSAVE", "CONFIG SET maxmemory 100mb", "FLUSHALL"),
    *("CONFIG RESETSTAT", "ACL LOAD", "ACL SAVE", "ACL LOG RESET", "CLIENT KILL TYPE normal"),
)
"""What happens at any server of Valkey."""


def test_ordinary_work_at_valkey_is_no_difference(cache: Valkey) -> None:
    recorded = source_of(of_valkey(cache))
    for command in ORDINARY:
        cache.execute(*command.split())
        assert server_baseline.compare("cache", recorded, of_valkey(cache)) == [], command
    cache.create_user("shop", new_password())
    cache.restart()
    assert server_baseline.compare("cache", recorded, of_valkey(cache)) == [], "a rotation, and a restart"
    assert len(ORDINARY) + len(BY_APPLICATION) + len(BY_ADMINISTRATOR) > 20


@planted.mistakes("Left at Valkey since its baseline", planted.SERVER, checks="WPS1103", rows=USERS)
def test_what_is_left_at_valkey(cache: Valkey) -> None:
    recorded = source_of(of_valkey(cache))
    assert recorded.kinds == {"user", "module", "function", "replication", "setting"}
    admin = valkey.parse_url(cache.admin_url(), "the URL")
    server = {"server": VALKEY, "administrator_user": admin.user}
    for name, (planted_command, undo) in USERS.items():
        cache.execute(*words(planted_command))
        (command,) = removals(server, f"{cache.host}:{cache.port}", recorded, inventory_of_valkey(cache))
        assert valkey.digest_of("evil") not in str(command)
        if command[0] == "valkey-cli":
            subprocess.run(command, input=f"{admin.password}\n", text=True, check=True, capture_output=True)
        else:
            cache.execute(*words(undo))
        assert server_baseline.compare("cache", recorded, of_valkey(cache)) == [], name


def test_functions_that_take_much_memory_are_not_compared(cache: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.execute("FUNCTION", "LOAD", LIBRARY + "\n" + "-" * 100_000)
    monkeypatch.setattr(valkey_inventory, "LARGEST_FUNCTIONS", 100_000)
    with pytest.raises(HostError, match="its functions take more than"):
        of_valkey(cache)
    cache.execute("FUNCTION", "DELETE", "evil")
    of_valkey(cache)


def test_a_rotation_of_valkey_is_no_difference(cache: Valkey, capsys: pytest.CaptureFixture[str]) -> None:
    """By a second password, and by a second user with the rules of the first."""
    run, old, new = runner(capsys), new_password(), new_password()
    rules = ("~app:*", "&*", "+@all", "-@dangerous", "(~shared:* +get)")
    cache.execute("ACL", "DELUSER", "shop")
    for name in ("shop", "other_a"):
        cache.create_user(name, old, *rules)
    recorded = source_of(of_valkey(cache))
    for before, after, overlap in (("shop", "shop", "passwords"), ("other_a", "other_b", "users")):
        like = {"like": before} if overlap == "users" else {}
        logins = [cache.url(user=user, password=password) for user, password in ((after, new), (before, old))]
        common = {"admin_url": cache.admin_url(), "overlap": overlap, "known_addresses": LOCAL}
        assert run("present", login_url=logins[0], **common, **like)["changed"]
        assert server_baseline.compare("cache", recorded, of_valkey(cache)) == [], "while both are valid"
        assert run("revoked", login_url=logins[1], **common)["changed"]
        assert server_baseline.compare("cache", recorded, of_valkey(cache)) == [], overlap
