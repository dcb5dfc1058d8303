# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Honeytokens at a real PostgreSQL and a real Valkey: each use leaves a trace, and neither our runs nor another login
make or remove one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import psycopg
import pytest
import redis

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Rotated
from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import parse_url
from ansible_collections.watchparty.secrets.plugins.module_utils._host import server_logins
from ansible_collections.watchparty.secrets.plugins.module_utils._host.honeytokens import main as program
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import inventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.connection import ServerConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import BUILT_IN
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.postgresql_scram import scram_verifier
from sandbox.postgres import Postgres
from sandbox.process import wait_until
from sandbox.valkey import Valkey
from tests.integration.valkey_lab import new_password
from tests.unit.plugins.plugin_utils._rotation.kinds.provider_world import R2, Shop
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS

pytestmark = pytest.mark.slow
DECOY, PASSWORD, OWN = "reports", "canary-of-the-honeytoken", "canary-of-the-application"


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """As on RDS: its administrator is no superuser."""
    with Postgres() as server:
        server.create_master()
        server.create_login("shop", OWN, "shop")
        yield server


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    with Valkey(password=new_password()) as server:
        server.create_user("shop", OWN, "~*", "+@all", "-@admin", "-@dangerous")
        yield server


class HoneytokenShop(Shop):
    """An application beside whose settings a honeytoken of this kind lies."""

    def __init__(self, engine: str, url: str, admin: tuple[str, str], port: int) -> None:
        credential = {"options": {"user": DECOY}}
        address = {"server": {"address": f"127.0.0.1:{port}"}}
        super().__init__(f"{engine}_honeytoken", credential, {"REPORTS_URL": url}, admin=(*admin, address))
        self.server = self

    def execute(self, module: ModuleType, *, args: dict[str, Any], **_how: Any) -> dict[str, Any]:
        assert module is program
        return program.answer({"verifier": None, **args}, check=False)

    def rotated(self) -> tuple[str, Rotated]:
        """The message of the last stage, and what the journal keeps."""
        self.world.created(self.rotator)
        for step in ("test", "promote"):
            self.rotator.advance(step)
        assert self.rotator.promote().outcome == "done"
        self.rotator.advance("revoke")
        answer = self.act("revoke")
        self.rotator.advance("record", notes={"mail": answer["notes"]})
        self.close("closed")
        return str(answer["message"]), self.world.journal.read().rotated["mail"]


def at_postgres(
    server: Postgres, password: str | None = None, user: str = DECOY, *, leak: bool = False
) -> dict[str, Any]:
    verifier = scram_verifier(password, b"s" * 16) if password else None
    params = {"server": "postgresql", "admin_url": server.admin_url_of(), "user": user, "verifier": verifier}
    return program.answer({**params, "leak": leak}, check=False)


def at_valkey(server: Valkey) -> dict[str, Any]:
    params = {"server": "valkey", "admin_url": server.admin_url(), "user": DECOY, "verifier": None, "nodes": []}
    params["leak"] = False
    return program.answer(params, check=False)


def seen(engine: str, url: str, admin_url: str = "") -> dict[str, Any]:
    """What a verification reads as the application, or as the administrator."""
    entry: dict[str, Any] = {"server": engine, "place": "s", "databases": ["shop"], "nodes": [], "changing": []}
    entry |= {"logins": [{"credential": "app", "url": url}] if url else [], "known": {}, "inventory": None}
    entry |= {"admin_url": admin_url, "honeytokens": [{"credential": "decoy", "user": DECOY}]}
    report = server_logins.seen([entry], 5)["s"]
    assert "canary" not in json.dumps(report)
    return dict(report["honeytokens"].get("decoy", {}))


def uses(server: Postgres) -> int:
    """The server adds a session to its count when it ends."""
    return int(seen("postgresql", server.url("shop", OWN, "shop"))["uses"])


@pytest.fixture
def decoy(postgres: Postgres) -> Iterator[Postgres]:
    at_postgres(postgres, PASSWORD)
    yield postgres
    postgres.execute(f"DROP DATABASE {DECOY}")
    postgres.execute(f"DROP ROLE {DECOY}")


def test_a_session_in_postgresql_is_counted(decoy: Postgres) -> None:
    url = decoy.url(DECOY, PASSWORD, DECOY)
    assert uses(decoy) == 0, "nothing of ours logged in"
    with psycopg.connect(url):
        pass
    wait_until(lambda: uses(decoy) == 1, seconds=60)
    at_postgres(decoy, "canary-of-the-next-one")
    report = at_postgres(decoy)
    assert (report["uses"], report["rights"], report["open"]) == (1, [], []), "a new password keeps the count"
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(url)
    assert seen("postgresql", "", decoy.admin_url_of())["uses"] == 1, "also as the administrator"


def compared(server: Postgres) -> set[str]:
    """By their kinds and names, what a baseline has."""
    request = {"key": "k" * 64, "own": server_baseline.own_names([], [DECOY])}
    with ServerConnection.administered(parse_url(server.admin_url_of(), "the URL"), timeout=5) as session:
        parts = [inventory.read(session, request), inventory.read_as_administrator(session, request)]
    return {f"{entry['kind']} {entry['name']}" for part in parts for entry in part["entries"]}


def test_the_rotation_that_makes_a_login_makes_no_difference_from_the_baseline(postgres: Postgres) -> None:
    before = compared(postgres)
    at_postgres(postgres, PASSWORD)
    assert compared(postgres) == before
    postgres.execute(f"ALTER ROLE {DECOY} CREATEDB; GRANT pg_monitor TO {DECOY}")
    assert compared(postgres) - before == {
        f"role honeytoken {DECOY} CREATEDB",
        f"membership of honeytoken {DECOY} in pg_monitor",
    }
    postgres.execute(f"DROP DATABASE {DECOY}")
    postgres.execute(f"DROP ROLE {DECOY}")


def test_the_honeytoken_of_postgresql_may_do_nothing(decoy: Postgres) -> None:
    with psycopg.connect(decoy.url(DECOY, PASSWORD, DECOY), autocommit=True) as thief:
        for statement in (
            "CREATE TABLE t ()",
            "CREATE TEMPORARY TABLE t ()",
            "SELECT pg_stat_reset()",
            f"DROP DATABASE {DECOY}",
            "ALTER DATABASE reports CONNECTION LIMIT -1",
        ):
            with pytest.raises(psycopg.Error, match=r"permission denied|must be owner|currently open"):
                thief.execute(statement)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(decoy.url(DECOY, PASSWORD, "shop"))


def test_a_login_that_may_do_something_is_refused(decoy: Postgres) -> None:
    for grant, undo, right in (
        (f"ALTER ROLE {DECOY} CREATEDB", f"ALTER ROLE {DECOY} NOCREATEDB", "CREATEDB"),
        (f"GRANT pg_monitor TO {DECOY}", f"REVOKE pg_monitor FROM {DECOY}", "membership in 1 roles"),
        (f"GRANT CONNECT ON DATABASE shop TO {DECOY}", f"REVOKE ALL ON DATABASE shop FROM {DECOY}", "1 grants"),
    ):
        decoy.execute(grant)
        with pytest.raises(RotationError, match=right):
            at_postgres(decoy, PASSWORD)
        assert any(right in name for name in seen("postgresql", decoy.url("shop", OWN, "shop"))["rights"])
        decoy.execute(undo)
    decoy.execute("GRANT CONNECT ON DATABASE shop TO PUBLIC")
    with pytest.raises(RotationError, match='REVOKE CONNECT ON DATABASE "shop" FROM PUBLIC'):
        at_postgres(decoy, PASSWORD)
    decoy.execute("REVOKE CONNECT ON DATABASE shop FROM PUBLIC")


def test_no_stores_value_makes_an_applications_login_a_honeytoken(postgres: Postgres) -> None:
    with pytest.raises(RotationError, match=r"has rights|belongs to"):
        at_postgres(postgres, PASSWORD, user="shop")
    with psycopg.connect(postgres.url("shop", OWN, "shop")):
        pass


def test_each_try_at_valkey_is_seen(valkey: Valkey) -> None:
    before = at_valkey(valkey)
    assert (before["uses"], before["exists"], before["lost"]) == (0, False, False)
    with redis.Redis.from_url(valkey.url(0, user=DECOY, password=PASSWORD)) as client, pytest.raises(redis.RedisError):
        client.ping()
    after = seen("valkey", "", valkey.admin_url())
    assert (after["uses"], after["clients"], after["last"] >= "2026") == (1, ["127.0.0.1"], True)
    assert seen("valkey", valkey.url(0, user="shop", password=OWN)) == {}, "an application's login sees no log"
    valkey.execute("ACL", "LOG", "RESET")
    emptied = at_valkey(valkey)
    assert (emptied["uses"], emptied["lost"], emptied["reach"]) == (0, True, 0)
    valkey.execute("ACL", "SETUSER", DECOY, "on", f">{PASSWORD}")
    with pytest.raises(RotationError, match="the server does not log its logins"):
        at_valkey(valkey)
    valkey.execute("ACL", "DELUSER", DECOY)


def test_a_rotation_of_a_postgresql_honeytoken(decoy: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """It replaces the password, makes no session, and keeps that there was one."""
    monkeypatch.setitem(KINDS, "postgresql_honeytoken", BUILT_IN["postgresql_honeytoken"].kind)
    _before, _slash, admin = decoy.admin_url_of().partition("master:")
    shop = HoneytokenShop(
        "postgresql", decoy.url(DECOY, PASSWORD, DECOY), ("master", admin.partition("@")[0]), decoy.port
    )
    with psycopg.connect(decoy.url(DECOY, PASSWORD, DECOY)):
        pass
    wait_until(lambda: uses(decoy) == 1, seconds=60)
    assert shop.act("check") == {}
    message, kept = shop.rotated()
    assert message.startswith(f"login {DECOY} has only the new password; 1 sessions in its database")
    assert (kept.used["uses"], kept.used["last"][:10]) == (1, "1 sessions")
    assert uses(decoy) == 1
    new = str(shop.stored[1])
    assert new != PASSWORD
    with psycopg.connect(decoy.url(DECOY, new, DECOY)):
        pass
    shop.rotator = shop.world.begun("mail", rotation=R2)
    shop.world.write("REPORTS_URL", decoy.url("shop", OWN, DECOY))
    shop.rotator = shop.world.begun("mail", rotation=R2)
    with pytest.raises(RotationError, match=f"logs in as shop, and options.user is {DECOY}"):
        shop.act("check")


def test_a_rotation_of_a_valkey_honeytoken(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks the server, and changes nothing there."""
    monkeypatch.setitem(KINDS, "valkey_honeytoken", BUILT_IN["valkey_honeytoken"].kind)
    users, url = valkey.execute("ACL", "LIST"), valkey.url(0, user=DECOY, password=PASSWORD)
    shop = HoneytokenShop("valkey", url, ("admin", valkey._admin_password), valkey.port)
    with redis.Redis.from_url(url) as client, pytest.raises(redis.RedisError):
        client.ping()
    message, kept = shop.rotated()
    assert message.startswith(f"no server has user {DECOY}; ")
    assert "attempts to log in, last at 20" in kept.used["last"]
    assert shop.stored[1] != PASSWORD
    assert valkey.execute("ACL", "LIST") == users


class TestHostileApplication:
    """Whoever has the application's login neither sees which login is the honeytoken nor deletes the trace."""

    def test_postgresql(self, decoy: Postgres) -> None:
        decoy.execute("CREATE ROLE other LOGIN; CREATE DATABASE other OWNER master")
        columns = (
            "rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolconnlimit, rolvaliduntil, rolconfig"
        )
        try:
            with psycopg.connect(decoy.url("shop", OWN, "shop"), autocommit=True) as thief:
                rows = thief.execute(
                    f"SELECT {columns}, shobj_description(oid, 'pg_authid') FROM pg_roles "
                    f"WHERE rolname IN ('{DECOY}', 'other')"
                ).fetchall()
                assert rows[0] == rows[1]
                for statement in (
                    "pg_stat_reset()",
                    "pg_stat_reset_shared('io')",
                    "pg_stat_reset_single_table_counters(1)",
                ):
                    with pytest.raises(psycopg.Error, match=r"permission denied|unrecognized reset target"):
                        thief.execute(f"SELECT {statement}")
                with pytest.raises(psycopg.Error, match="must be owner"):
                    thief.execute(f"DROP DATABASE {DECOY}")
        finally:
            decoy.execute("DROP DATABASE other")
            decoy.execute("DROP ROLE other")

    def test_no_veto_at_postgresql(self, decoy: Postgres) -> None:
        """What the owner of the application's database may grant does not keep the honeytoken's password."""
        with psycopg.connect(decoy.url("shop", OWN, "shop"), autocommit=True) as thief:
            thief.execute(f"GRANT ALL ON DATABASE shop TO PUBLIC, {DECOY}")
        with pytest.raises(RotationError, match="1 grants"):
            at_postgres(decoy, "canary-of-the-next-one")
        report = at_postgres(decoy, "canary-of-the-next-one", leak=True)
        assert (report["rights"], report["open"]) == (["1 grants"], ["shop"])
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            psycopg.connect(decoy.url(DECOY, PASSWORD, DECOY))
        with pytest.raises(RotationError, match="belongs to"):
            at_postgres(decoy, PASSWORD, user="shop", leak=True)
        decoy.execute(f"REVOKE ALL ON DATABASE shop FROM PUBLIC, {DECOY}")

    @pytest.mark.parametrize(
        "statement", ["SELECT lo_create(0)", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC"]
    )
    def test_its_holder_has_no_veto_at_postgresql(self, decoy: Postgres, statement: str) -> None:
        with psycopg.connect(decoy.url(DECOY, PASSWORD, DECOY), autocommit=True) as thief:
            thief.execute(statement)
        with pytest.raises(RotationError, match="1 objects of its own"):
            at_postgres(decoy, "canary-of-the-next-one")
        report = at_postgres(decoy, "canary-of-the-next-one", leak=True)
        assert "1 objects of its own" in report["rights"]
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            psycopg.connect(decoy.url(DECOY, PASSWORD, DECOY))
        decoy.execute(f"ALTER ROLE {DECOY} CREATEDB")
        with pytest.raises(RotationError, match="CREATEDB"):
            at_postgres(decoy, PASSWORD, leak=True)

    def test_valkey(self, valkey: Valkey) -> None:
        with redis.Redis.from_url(valkey.url(0, user="shop", password=OWN)) as thief:
            for command in (["ACL", "LOG", "RESET"], ["ACL", "LIST"], ["CONFIG", "SET", "acllog-max-len", "0"]):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    thief.execute_command(*command)

    def test_a_flood_is_noticed(self, valkey: Valkey) -> None:
        """Rejected logins with other names push the entry out of the log, which then says how far it reaches back."""
        for name in (DECOY, *(f"guess{number}" for number in range(130))):
            client = redis.Redis.from_url(valkey.url(0, user=name, password=PASSWORD))
            with client, pytest.raises(redis.RedisError):
                client.ping()
        report = at_valkey(valkey)
        assert (report["uses"], report["lost"]) == (0, True)
        assert report["reach"] < 3600
