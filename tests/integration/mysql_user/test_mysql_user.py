# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Users of MariaDB that alternate, on a real server: each stage, killed at each statement."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import sleep

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import (
    LoginRefused,
)
from sandbox.mariadb import ADMINISTRATOR, MariaDB
from tests.integration.mysql_user.world import OLD, MysqlShop, Programs
from tests.integration.two_users import rotate
from tests.unit.plugins.plugin_utils._rotation.kinds.provider_world import R2, Killed


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


def test_a_password_that_does_not_work_during_another_leak(shop: MysqlShop) -> None:
    shop.world.write("MAIL_PASSWORD", "canary-of-another-password")
    shop.declare_another_leak()
    with pytest.raises(LoginRefused, match="login app_a was rejected"):
        shop.act("check")


def test_a_user_whose_name_has_no_turn(maria: MariaDB, programs: Programs) -> None:
    """No playbook makes two users of it, as of PostgreSQL's."""
    with pytest.raises(RotationError, match=r"user app in the store is neither app_a nor app_b"):
        MysqlShop(maria, programs, user="app").act("check")


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


def test_a_leaked_user_that_makes_itself_differ_stops_nothing(maria: MariaDB, programs: Programs) -> None:
    maria.execute("CREATE ROLE extra")
    hosts = ("127.%", "10.%")
    maria.execute(*(f"GRANT extra TO {user}@'{host}'" for user in ("app_a", "app_b") for host in hosts))
    try:
        shop = MysqlShop(maria, programs)
        shop.act("check")
        with maria.connect("app_a", OLD).cursor() as cursor:
            cursor.execute("SET DEFAULT ROLE extra")
        with pytest.raises(RotationError, match="have different hosts, roles or rights"):
            shop.act("check")
        shop.close("aborted")
        shop.rotator = shop.world.begun("mail", rotation=R2, leak="leak-1")
        shop.act("check")
        rotate(shop)
        assert not maria.accepts("app_a", OLD)
    finally:
        maria.execute("DROP ROLE extra")


def revoked_after_a_leak(shop: MysqlShop) -> list[str]:
    shop.rotator = shop.world.begun("mail", rotation=R2, leak="leak-1")
    shop.to("set")
    shop.act("set")
    shop.rotator.advance("revoke")
    return list(shop.act("revoke")["footholds"])


PLANTED = (
    "CREATE TABLE app.orders (id INT)",
    "CREATE EVENT app.again ON SCHEDULE EVERY 1 DAY DO INSERT INTO app.orders VALUES (1)",
    "CREATE TRIGGER app.copies BEFORE INSERT ON app.orders FOR EACH ROW SET NEW.id = 2",
    "CREATE FUNCTION app.door() RETURNS INT RETURN 1",
    "CREATE PROCEDURE app.peek() SELECT 1",
)


def test_what_the_leaked_user_made_is_named(maria: MariaDB, programs: Programs) -> None:
    """An event runs on with the rights of a user that is locked. Its time may be forged."""
    shop = MysqlShop(maria, programs)
    shop.close("aborted")
    with maria.connect("app_a", OLD).cursor() as cursor:
        for statement in ("SET timestamp = 1", *PLANTED):
            cursor.execute(statement)
    event, trigger, routines = revoked_after_a_leak(shop)
    definer = "(definer app_a@127.%)"
    place = f"at 127.0.0.1:{maria.port} run with the rights of their definers:"
    assert event == f"1 event {place} app.again {definer}. If one is not yours: DROP EVENT"
    assert trigger.startswith(f"1 trigger {place} app.copies {definer}. ")
    assert routines.startswith(f"2 routines {place} app.door {definer}, app.peek {definer}. ")
    maria.execute("DROP DATABASE app", "CREATE DATABASE app")


def test_a_clean_server_gives_no_finding(shop: MysqlShop, maria: MariaDB) -> None:
    shop.close("aborted")
    maria.execute("CREATE USER dashboard@'%' IDENTIFIED BY 'x'")
    try:
        assert revoked_after_a_leak(shop) == [], "the leaked user could make no other user"
    finally:
        maria.execute("DROP USER dashboard@'%'")


@pytest.mark.parametrize("grant", ["CREATE USER ON *.*", "INSERT ON mysql.*", "UPDATE ON `my%`.*"])
def test_users_that_the_leaked_user_could_make_are_named(maria: MariaDB, programs: Programs, grant: str) -> None:
    shop = MysqlShop(maria, programs)
    shop.close("aborted")
    hosts = ("127.%", "10.%")
    maria.execute(*(f"GRANT {grant} TO {user}@'{host}'" for user in ("app_a", "app_b") for host in hosts))
    maria.execute("CREATE USER 'o''door'@'%' IDENTIFIED BY 'x'")
    try:
        named = [line for line in revoked_after_a_leak(shop) if "door" in line]
    finally:
        maria.execute("DROP USER 'o''door'@'%'")
    account = "'o''door'@'%'"
    assert named == [f"user {account} is not in the catalog, and app_a could create users: DROP USER {account}"]


def test_files_that_the_leaked_user_could_write_are_not_checked(maria: MariaDB, programs: Programs) -> None:
    shop = MysqlShop(maria, programs)
    shop.close("aborted")
    maria.execute("GRANT FILE ON *.* TO app_a@'127.%'")
    (line,) = revoked_after_a_leak(shop)
    assert line.startswith("not checked: files on the database host. User `app_a` could write some (INTO OUTFILE)")


def test_a_second_account_of_a_known_user_is_named(maria: MariaDB, programs: Programs) -> None:
    """The catalog knows no hosts, so its administrator's name explains one account alone."""
    shop = MysqlShop(maria, programs)
    shop.close("aborted")
    maria.execute(*(f"GRANT CREATE USER ON *.* TO {user}@'127.%'" for user in ("app_a", "app_b")))
    maria.execute("CREATE USER boss@'%' IDENTIFIED BY 'x'")
    try:
        named = [line for line in revoked_after_a_leak(shop) if "'boss'" in line]
    finally:
        maria.execute("DROP USER boss@'%'")
    accounts = "'boss'@'%', 'boss'@'127.0.0.1'. If one is not yours: DROP USER"
    assert named == [f"user 'boss' has 2 accounts, and app_a could create users: {accounts}"]


def test_a_leaked_user_is_locked_before_a_new_value_is_made(shop: MysqlShop, maria: MariaDB) -> None:
    session = maria.connect("app_a", OLD)
    assert shop.act("block")["message"] == f"user app_a cannot log in at 127.0.0.1:{maria.port}; 1 sessions ended"
    assert not maria.accepts("app_a", OLD)
    with pytest.raises(Exception, match=r"Lost connection|gone away|killed"):
        session.ping(reconnect=False)
    rotate(shop)
    assert maria.accepts(*map(str, shop.stored))


@pytest.mark.parametrize("stage", ["test", "revoke"])
def test_who_takes_every_connection_does_not_stop_a_leak_response(
    maria: MariaDB, programs: Programs, stage: str
) -> None:
    shop = MysqlShop(maria, programs)
    shop.world.created(shop.rotator)
    shop.act("set")
    with taken(maria), pytest.raises(RotationError, match="error 1040"):
        shop.act("test")
    shop.rotator.advance("withdraw")
    shop.act("revoke")
    shop.close("aborted")
    shop.rotator = shop.world.begun("mail", rotation=R2, leak="leak-1")
    shop.world.created(shop.rotator)
    shop.act("set")
    if stage == "revoke":
        shop.rotator.advance("revoke")
    with taken(maria):
        shop.act(stage)
        assert not maria.accepts("app_a", OLD)


def test_a_graceful_leak_response_keeps_the_login_in_use_for_a_rollback(shop: MysqlShop, maria: MariaDB) -> None:
    shop.close("aborted")
    shop.rotator = shop.world.begun("mail", rotation=R2, leak="leak-1")
    shop.to("set")
    shop.act("set")
    for host in ("127.%", "10.%"):
        maria.execute(f"ALTER USER app_b@'{host}' ACCOUNT LOCK")
    with pytest.raises(LoginRefused, match="login app_b"):
        shop.act("test")
    shop.rotator.advance("withdraw")
    shop.act("revoke")
    assert maria.accepts("app_a", OLD)


@contextmanager
def taken(maria: MariaDB) -> Iterator[None]:
    """Every connection is the leaked user's."""
    [(most,)] = maria.execute("SELECT @@global.max_connections")
    maria.execute("SET GLOBAL max_connections = 10")
    held = []
    try:
        while True:
            try:
                held.append(maria.connect("app_a", OLD))
            except Exception:  # noqa: BLE001 the server's own
                break
        yield
    finally:
        for session in held:
            with suppress(Exception):
                session.close()
        maria.execute(f"SET GLOBAL max_connections = {most}")
