# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the program finds at a MariaDB server before it changes a user, and hostile servers."""

from __future__ import annotations

import socket

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import connection, users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import (
    LoginRefused,
    MysqlConnection,
)
from sandbox.mariadb import ADMINISTRATOR, MariaDB
from tests.hostile import receivers
from tests.hostile.receivers import Receiver
from tests.integration.certificates import Authority
from tests.integration.mysql_user.world import OLD, MysqlShop, Programs, args_of


def test_modes_of_sql(shop: MysqlShop, maria: MariaDB) -> None:
    """They change how texts and names are quoted."""
    (mode,) = maria.execute("SELECT @@global.sql_mode")[0]
    maria.execute("SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
    try:
        shop.act("check")
        server, admin = (args_of(shop)[name] for name in ("server", "admin"))
        for password in ("a'b", 'a"b', "a\\", "\\' OR 1 -- ", "%s`"):
            with MysqlConnection(server, admin) as connection:
                users.set_password(connection, {"username": "app_b", "password": password})
            assert maria.accepts("app_b", password)
    finally:
        maria.execute(f"SET GLOBAL sql_mode = '{mode}'")


def test_a_login_that_is_not_the_one_in_use(shop: MysqlShop) -> None:
    shop.world.write("MAIL_USER", "app_b")
    with pytest.raises(LoginRefused, match="login app_b"):
        shop.act("check")


def test_an_administrator_that_takes_turns_itself(shop: MysqlShop) -> None:
    shop.world.write("username", "app_a", name="boss-test")
    with pytest.raises(RotationError, match="administrator boss logs in as app_a, which a rotation replaces"):
        shop.act("check")


def test_an_administrator_that_sees_no_sessions(shop: MysqlShop, maria: MariaDB) -> None:
    """Or one at another server of the same address: a session would survive."""
    maria.execute("CREATE USER appadmin@'%' IDENTIFIED BY 'canary'", "GRANT SELECT ON mysql.* TO appadmin@'%'")
    shop.world.write("username", "appadmin", name="boss-test")
    shop.world.write("token", "canary", name="boss-test")
    with pytest.raises(RotationError, match=r"sees no session of user app_a at .*; grant it PROCESS"):
        shop.act("check")


def test_a_replica(shop: MysqlShop, maria: MariaDB) -> None:
    maria.execute("SET GLOBAL read_only = 1")
    try:
        for stage in ("check", "test", "revoke"):
            if stage == "test":
                shop.to("revoke")
            with pytest.raises(RotationError, match=r"is read-only, perhaps a replica; write the primary's address"):
                shop.act(stage)
    finally:
        maria.execute("SET GLOBAL read_only = 0")
    assert maria.accepts("app_a", OLD)


def test_limits_that_no_grant_shows(shop: MysqlShop, maria: MariaDB, programs: Programs) -> None:
    """As in MySQL."""
    maria.execute("ALTER USER app_a@'127.%' REQUIRE SSL")
    programs.seen = lambda row: tuple(str(part).replace(" REQUIRE SSL", "") for part in row)
    with pytest.raises(RotationError, match="users app_a and app_b have different hosts, roles or rights"):
        shop.act("check")


def test_answers_and_errors_of_other_forms(shop: MysqlShop) -> None:
    args = args_of(shop)
    with MysqlConnection(args["server"], args["admin"]) as admin:
        with pytest.raises(RotationError, match=r"does not answer as MySQL or MariaDB \(error ValueError\)"):
            admin.rows("SELECT 1, 2")
        with pytest.raises(RotationError, match=r"rejected a statement \(error 1064\)"):
            admin.rows("SELEC")


def test_an_administrator_with_too_few_rights(shop: MysqlShop, maria: MariaDB) -> None:
    shop.to("set")
    maria.execute("CREATE USER appadmin@'%' IDENTIFIED BY 'canary'", "GRANT SELECT ON mysql.* TO appadmin@'%'")
    shop.world.write("username", "appadmin", name="boss-test")
    shop.world.write("token", "canary", name="boss-test")
    with pytest.raises(
        RotationError, match=r"appadmin lacks a right at .* \(error 1227\); grant this user CREATE USER"
    ):
        shop.act("set")


def test_over_tls(maria: MariaDB, programs: Programs, authority: Authority) -> None:
    maria.execute(f"ALTER USER {ADMINISTRATOR}@'127.0.0.1' REQUIRE SSL")
    try:
        shop = MysqlShop(maria, programs, tls={"mode": "verify-full", "ca": str(authority.cafile)})
        assert shop.act("check") == {}
        with pytest.raises(RotationError, match="cannot be verified"):
            MysqlShop(maria, programs, tls={"mode": "verify-full"}).act("check")
    finally:
        shop = MysqlShop(maria, programs, tls={"mode": "require", "reason": "a test"})
        with MysqlConnection(args_of(shop)["server"], args_of(shop)["admin"]) as admin:
            admin.rows(f"ALTER USER {ADMINISTRATOR}@'127.0.0.1' REQUIRE NONE")


def test_a_server_without_tls_gets_no_login(maria: MariaDB, programs: Programs) -> None:
    """Or whoever stands before it, and leaves TLS out of its greeting."""
    greeting = (
        b"\x0a8.0.0\0\1\0\0\0saltsalt\0\xff\xf7\x2d\2\0\xff\x81\x15"
        + bytes(10)
        + b"moresaltsalt\0mysql_native_password\0"
    )
    heard: list[bytes] = []

    def talk(client: socket.socket) -> None:
        client.sendall(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
        heard.append(client.recv(65536))

    with Receiver(talk) as receiver:
        shop = MysqlShop(maria, programs, address=f"127.0.0.1:{receiver.port}", tls={"mode": "verify-full"})
        with pytest.raises(RotationError, match="cannot be verified"):
            shop.act("check")
    assert b"".join(heard) == b""


def closing(_client: socket.socket) -> None:
    """Says nothing."""


def garbage(client: socket.socket) -> None:
    client.sendall(b"\x10\0\0\0\x0a8.0\0" + bytes(range(256)))


@pytest.mark.parametrize("talk", [closing, garbage, receivers.silent, receivers.flooding])
def test_a_server_that_answers_anything(
    maria: MariaDB, programs: Programs, talk: receivers.Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SECONDS", 1)
    with Receiver(talk) as receiver:
        shop = MysqlShop(maria, programs, address=f"127.0.0.1:{receiver.port}")
        with pytest.raises(RotationError, match=r"does not answer as MySQL or MariaDB \(error"):
            shop.act("check")


def test_the_port_of_a_silent_server(maria: MariaDB, programs: Programs) -> None:
    shop = MysqlShop(maria, programs, address="127.0.0.1:1")
    with pytest.raises(RotationError, match=r"127\.0\.0\.1:1 does not answer as MySQL or MariaDB \(error 2003\)"):
        shop.act("check")
