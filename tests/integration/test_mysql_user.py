# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Users of MariaDB that take turns, on a real server: each stage, killed at each statement, and hostile servers."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Iterator, Mapping
from time import sleep
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import connection, users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import main as program
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import (
    LoginRefused,
    MysqlConnection,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import BUILT_IN
from sandbox.binaries import find_mariadb
from sandbox.mariadb import ADMINISTRATOR, MariaDB
from sandbox.process import SandboxError
from tests.hostile import receivers
from tests.hostile.receivers import Receiver
from tests.integration.certificates import Authority
from tests.unit.plugins.plugin_utils._rotation.kinds.provider_world import R2, Killed, Shop
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS

OLD = "canary-of-the-old-password"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(authority: Authority) -> Iterator[MariaDB]:
    try:
        find_mariadb()
    except SandboxError as error:
        pytest.skip(f"not tested: users of MariaDB; {error}")
    with MariaDB(certificate=authority.certificate()) as made:
        made.execute("CREATE DATABASE app")
        yield made


@pytest.fixture
def maria(server: MariaDB) -> Iterator[MariaDB]:
    """With the two users: app_a logs in, app_b never did."""
    server.execute(
        f"CREATE USER app_a@'127.%' IDENTIFIED BY '{OLD}', app_a@'10.%' IDENTIFIED BY '{OLD}'",
        "CREATE USER app_b@'127.%', app_b@'10.%' ACCOUNT LOCK",
        *(f"GRANT ALL ON app.* TO {user}@'{host}'" for user in ("app_a", "app_b") for host in ("127.%", "10.%")),
    )
    try:
        yield server
    finally:
        users = server.execute("SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.user WHERE User LIKE 'app%'")
        server.execute(*(f"DROP USER {user}" for (user,) in users))


class Programs:
    """What is asked of the host that talks to the servers; ``before`` is called before each statement, and ``seen``
    changes each row of an answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.before: Callable[[], None] = lambda: None
        self.seen: Callable[[tuple[Any, ...]], tuple[Any, ...]] = lambda row: row
        rows = MysqlConnection.rows

        def watched(admin: MysqlConnection, *arguments: Any, **more: Any) -> Any:
            self.before()
            return [row for row in map(self.seen, rows(admin, *arguments, **more)) if row]

        monkeypatch.setattr(MysqlConnection, "rows", watched)

    def execute(self, module: ModuleType, *, args: Mapping[str, Any], **_how: Any) -> dict[str, Any]:
        assert module is program
        assert set(args) <= set(program.ARGUMENT_SPEC)
        answer = program._carried_out({"other": "", **args}, writes=True)
        assert set(answer) <= {"place", "ended"}
        return answer


class MysqlShop(Shop):
    def __init__(self, maria: MariaDB, programs: Programs, *, revoke_after: int = 0, **server: Any) -> None:
        address = {"server": {"address": f"127.0.0.1:{maria.port}", **server}}
        login = {"MAIL_USER": "app_a", "MAIL_PASSWORD": OLD}
        super().__init__(
            "mysql_user",
            {"options": {"user": "app"}, "revoke_after": revoke_after},
            login,
            admin=(ADMINISTRATOR, maria.password, address),
        )
        self.server = programs

    def to(self, step: str) -> None:
        self.world.created(self.rotator)
        self.rotator.advance(step)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setitem(KINDS, "mysql_user", BUILT_IN["mysql_user"].kind)
    return Programs(monkeypatch)


@pytest.fixture
def shop(maria: MariaDB, programs: Programs) -> Iterator[MysqlShop]:
    shop = MysqlShop(maria, programs)
    yield shop
    assert "canary" not in str(shop.world.journal.read().lines), "the journal holds no value"


def rotate(shop: MysqlShop, *, create: bool = True, revoked: bool = True) -> str:
    """From its beginning to its end; the message of the revocation."""
    if create:
        shop.world.created(shop.rotator)
    shop.act("set")
    shop.rotator.advance("test")
    shop.act("test")
    shop.rotator.advance("promote")
    assert shop.rotator.promote().outcome == "done"
    shop.rotator.advance("revoke")
    message = str(shop.act("revoke")["message"]) if revoked else ""
    shop.close("closed")
    return message


def test_two_rotations(shop: MysqlShop, maria: MariaDB) -> None:
    assert shop.act("check") == {}
    session = maria.connect("app_a", OLD)
    assert rotate(shop) == f"user app_a is locked at 127.0.0.1:{maria.port}; 1 sessions ended"
    with pytest.raises(Exception, match=r"Lost connection|gone away|killed"):
        session.ping(reconnect=False)
    assert not maria.accepts("app_a", OLD)
    first = shop.stored
    assert first[0] == "app_b"
    assert maria.accepts(str(first[0]), str(first[1]))
    shop.rotator = shop.world.begun("mail", rotation=R2)
    assert shop.act("check") == {}
    rotate(shop)
    second = shop.stored
    assert second[0] == "app_a"
    assert maria.accepts(str(second[0]), str(second[1]))
    assert not maria.accepts(str(first[0]), str(first[1]))


@pytest.mark.parametrize("at", range(14))
def test_killed_at_each_statement(shop: MysqlShop, maria: MariaDB, programs: Programs, at: int) -> None:
    """The application's login works throughout, and the same stages again finish the work."""
    count = itertools.count()

    def kill() -> None:
        if next(count) == at:
            raise Killed

    programs.before = kill
    with pytest.raises(Killed):
        rotate(shop)
    programs.before = lambda: None
    stored = shop.stored
    assert maria.accepts(str(stored[0]), str(stored[1]))
    shop.rotator = shop.world.taken_over()
    step = shop.rotator.holding()[1].step
    if step == "revoke":
        shop.act("revoke")
    else:
        rotate(shop, create=False)
    assert shop.stored[0] == "app_b"
    assert maria.accepts(*map(str, shop.stored))
    assert not maria.accepts("app_a", OLD)


def test_a_rollback_locks_the_new_user(shop: MysqlShop, maria: MariaDB) -> None:
    shop.world.created(shop.rotator)
    shop.act("set")
    new = shop.rotator.values(shop.rotator.holding()[1], made=True).credentials["mail"]
    assert maria.accepts(str(new.username), str(new.password))
    shop.rotator.advance("withdraw")
    shop.act("revoke")
    assert not maria.accepts(str(new.username), str(new.password))
    assert maria.accepts("app_a", OLD)


def test_a_rollback_before_a_value_was_made(shop: MysqlShop, maria: MariaDB) -> None:
    shop.rotator.advance("withdraw")
    assert shop.act("revoke")["message"] == "no new value was made, so no user is locked"
    assert maria.accepts("app_a", OLD)


def test_a_new_login_that_does_not_work_keeps_the_old_one(shop: MysqlShop, maria: MariaDB) -> None:
    shop.to("revoke")
    with pytest.raises(LoginRefused, match="login app_b"):
        shop.act("revoke")
    assert maria.accepts("app_a", OLD)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DROP USER app_b@'127.%', app_b@'10.%'", "has no user app_b; create it with the rights of app_a"),
        ("DROP USER app_b@'10.%'", "users app_a and app_b have different hosts, roles or rights"),
        ("REVOKE DELETE ON app.* FROM app_b@'10.%'", "users app_a and app_b have different hosts, roles or rights"),
        ("GRANT PROCESS ON *.* TO app_b@'127.%'", "users app_a and app_b have different hosts, roles or rights"),
        ("ALTER USER app_a@'127.%' REQUIRE SSL", "users app_a and app_b have different hosts, roles or rights"),
    ],
)
def test_users_that_differ(shop: MysqlShop, maria: MariaDB, statement: str, message: str) -> None:
    maria.execute(statement)
    with pytest.raises(RotationError, match=message) as caught:
        shop.act("check")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("user", ["app", "root_a", ADMINISTRATOR, "app_c", "app_a\n"])
def test_a_store_cannot_choose_another_user(shop: MysqlShop, programs: Programs, user: str) -> None:
    shop.world.write("MAIL_USER", user)
    programs.before = lambda: pytest.fail("asks the server")
    with pytest.raises(RotationError, match=r"in the store is neither app_a nor app_b, which options\.user names"):
        shop.act("check")


def test_a_leak_while_the_other_user_waits_for_its_revocation(maria: MariaDB, programs: Programs) -> None:
    """Its turn comes early, so nothing of it is left: no password, no session, no pending task."""
    shop = MysqlShop(maria, programs, revoke_after=7200)
    rotate(shop, revoked=False)
    assert maria.accepts("app_a", OLD)
    session = maria.connect("app_a", OLD)
    shop.rotator = shop.world.begun("mail", rotation=R2, leak="leak-1")
    shop.act("check")
    rotate(shop)
    assert shop.stored[0] == "app_a"
    assert not maria.accepts("app_a", OLD)
    with pytest.raises(Exception, match=r"Lost connection|gone away|killed"):
        session.ping(reconnect=False)
    assert shop.world.journal.read().pending_tasks == {}


def test_a_login_that_began_before_the_lock(shop: MysqlShop, maria: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server may have read the user's old password for it already."""
    shop.to("revoke")
    shop.act("set")
    with socket.create_connection(("127.0.0.1", maria.port)) as client:
        client.recv(1)
        waited = []

        def pause(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                client.close()
            sleep(0.2 if seconds else 0)

        monkeypatch.setattr(users.time, "sleep", pause)
        shop.act("revoke")
    assert len(waited) >= 3


def test_modes_of_sql(shop: MysqlShop, maria: MariaDB) -> None:
    """They change how texts and names are quoted."""
    (mode,) = maria.execute("SELECT @@global.sql_mode")[0]
    maria.execute("SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'")
    try:
        shop.act("check")
        server, admin = (_args(shop)[name] for name in ("server", "admin"))
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
    with pytest.raises(RotationError, match="administrator boss logs in as app_a, which a rotation locks"):
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
    args = _args(shop)
    with MysqlConnection(args["server"], args["admin"]) as admin:
        with pytest.raises(RotationError, match=r"does not answer as MySQL or MariaDB \(error ValueError\)"):
            admin.rows("SELECT 1, 2")
        with pytest.raises(RotationError, match="rejected a statement with error 1064"):
            admin.rows("SELEC")


def test_an_administrator_with_too_few_rights(shop: MysqlShop, maria: MariaDB) -> None:
    shop.to("set")
    maria.execute("CREATE USER appadmin@'%' IDENTIFIED BY 'canary'", "GRANT SELECT ON mysql.* TO appadmin@'%'")
    shop.world.write("username", "appadmin", name="boss-test")
    shop.world.write("token", "canary", name="boss-test")
    with pytest.raises(RotationError, match=r"appadmin may not do this at .* \(error 1227\); grant it CREATE USER"):
        shop.act("set")


def test_over_tls(maria: MariaDB, programs: Programs, authority: Authority) -> None:
    maria.execute(f"ALTER USER {ADMINISTRATOR}@'127.0.0.1' REQUIRE SSL")
    try:
        shop = MysqlShop(maria, programs, tls={"mode": "verify-full", "ca": str(authority.cafile)})
        assert shop.act("check") == {}
        with pytest.raises(RotationError, match="has no TLS that can be verified"):
            MysqlShop(maria, programs, tls={"mode": "verify-full"}).act("check")
    finally:
        shop = MysqlShop(maria, programs, tls={"mode": "require", "reason": "a test"})
        with MysqlConnection(_args(shop)["server"], _args(shop)["admin"]) as admin:
            admin.rows(f"ALTER USER {ADMINISTRATOR}@'127.0.0.1' REQUIRE NONE")


def _args(shop: MysqlShop) -> Mapping[str, Any]:
    seen: list[Mapping[str, Any]] = []
    shop.server = type("Seen", (), {"execute": lambda _self, _module, *, args, **_how: seen.append(args)})()
    shop.act("check")
    return seen[0]


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
        with pytest.raises(RotationError, match="has no TLS that can be verified"):
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
