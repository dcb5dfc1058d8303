# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""After a leak, MariaDB is compared with its baseline, and users that nothing explains are locked on request."""

from __future__ import annotations

import itertools
import threading
from contextlib import suppress
from functools import partial
from typing import Any

import pymysql
import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import footholds, users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import MysqlConnection
from sandbox.mariadb import ADMINISTRATOR, MariaDB
from tests import background
from tests.integration.by_hand import enabling
from tests.integration.mysql_user.test_mysql_inventory import BEFORE, KEY, read, source_of
from tests.integration.mysql_user.world import OLD, MysqlShop, Programs, args_of


def compared(maria: MariaDB, programs: Programs, *statements: str) -> MysqlShop:
    """An application whose server has a baseline; the statements come after it."""
    shop = MysqlShop(maria, programs)
    shop.close("aborted")
    place = f"127.0.0.1:{maria.port}"
    shop.baseline = ServerBaseline("shop", "test", KEY, {place: source_of(read(maria))})
    maria.execute(*statements)
    return shop


THIEF = ("CREATE USER app_thief@'%' IDENTIFIED BY 'canary'", "GRANT ALL ON *.* TO app_thief@'%'")
RDS = "CREATE USER rdsrepladmin@'%' IDENTIFIED BY 'canary'"
NEW_HOST = "CREATE USER app_report@'%' IDENTIFIED BY 'canary'"


def test_a_leak_response_names_what_was_added(maria: MariaDB, programs: Programs) -> None:
    maria.execute(BEFORE[1])
    shop = compared(maria, programs, *THIEF, NEW_HOST, "CREATE FUNCTION app.door() RETURNS INT RETURN 1")
    answer = shop.revoked_after_a_leak()
    maria.execute("DROP FUNCTION app.door")
    assert answer["baseline"] == "baseline of 2026-11-29"
    assert answer["evicted"] == []
    named = [line.partition(" is not in the baseline")[0] for line in answer["footholds"]]
    assert named == [
        "account `app_report`@`%`",
        "account `app_thief`@`%`",
        "grant on *.* to `app_thief`@`%`",
        "routine function `app`.`door`",
    ]
    assert maria.accepts("app_thief", "canary")
    assert "canary" not in str(answer)


def test_a_leak_response_locks_the_users_that_nothing_explains(maria: MariaDB, programs: Programs) -> None:
    """A further account of a known user is named: the team may have made it. So is one with a provider's name."""
    maria.execute(BEFORE[1])
    shop = compared(
        maria, programs, *THIEF, "CREATE USER app_thief@'10.%'", NEW_HOST, "CREATE USER app_report_b@'%'", RDS
    )
    session = maria.connect("app_thief", "canary")
    answer = shop.revoked_after_a_leak(evicts=True)
    locked = "; ".join(f"ALTER USER `app_thief`@`{host}` ACCOUNT LOCK" for host in ("%", "10.%"))
    assert answer["evicted"] == [f"unknown user `app_thief`, locked by: {locked}; 1 sessions ended"]
    names = [line.partition(" is not in the baseline")[0] for line in answer["footholds"]]
    maria.execute("DROP USER rdsrepladmin@'%'")
    assert names == ["account `app_report_b`@`%`", "account `app_report`@`%`", "account `rdsrepladmin`@`%`"]
    assert not maria.accepts("app_thief", "canary")
    with pytest.raises(pymysql.err.OperationalError):
        session.ping(reconnect=False)
    assert maria.accepts(ADMINISTRATOR, maria.password)
    assert maria.accepts(*map(str, shop.stored)) is False, "before the promotion"


def test_an_anonymous_account_is_locked(maria: MariaDB, programs: Programs) -> None:
    shop = compared(maria, programs, "CREATE USER ''@'%' IDENTIFIED BY 'canary'")
    try:
        answer = shop.revoked_after_a_leak(evicts=True)
        assert answer["evicted"] == ["unknown user ``, locked by: ALTER USER ``@`%` ACCOUNT LOCK; 0 sessions ended"]
        assert "sessions of user `` may remain open" in answer["footholds"][0]
        assert not maria.accepts("whoever", "canary")
    finally:
        maria.execute("DROP USER ''@'%'")


def test_an_anonymous_account_that_matches_first_stops_no_response(maria: MariaDB, programs: Programs) -> None:
    """From 127.0.0.1 the server takes app_b@'127.%' for it, and refuses the password."""
    shop = compared(maria, programs, "CREATE USER ''@'127.0.0.1' IDENTIFIED BY 'canary'")
    try:
        shop.leak()
        shop.to("set")
        shop.act("set")
        message = str(shop.act("test")["message"])
        assert "so the user was not tested: an anonymous user may take precedence. " in message
        assert message.endswith("If it is not yours: DROP USER ''@'127.0.0.1'")
        shop.rotator.advance("revoke")
        answer = shop.act("revoke")
        assert any("account ``@`127.0.0.1` is not in the baseline" in line for line in answer["footholds"])
    finally:
        maria.execute("DROP USER ''@'127.0.0.1'")
    assert not maria.accepts("app_a", OLD)


@pytest.mark.parametrize(
    "setting", ["sql_select_limit = 0", "max_statement_time = 0.0001", "tx_read_only = ON", "read_only = ON"]
)
def test_settings_for_everybody_stop_no_response(maria: MariaDB, programs: Programs, setting: str) -> None:
    name, shop = setting.partition(" ")[0], compared(maria, programs, "SELECT 1")
    ((kept,),) = maria.execute(f"SELECT @@global.{name}")
    maria.execute(f"SET GLOBAL {setting}")
    try:
        shop.revoked_after_a_leak()
    finally:
        maria.execute("SET SESSION tx_read_only = 0", f"SET GLOBAL {name} = {kept}")
    assert not maria.accepts("app_a", OLD)


@pytest.mark.parametrize(
    ("replica", "rights", "message"),
    [
        (["''"], "READ_ONLY ADMIN, SLAVE MONITOR", "is read-only, perhaps a replica; write the primary's address"),
        (["'eu'"], "READ_ONLY ADMIN, SLAVE MONITOR", "is read-only, perhaps a replica"),
        ([], "READ_ONLY ADMIN", "or if it is the primary: SET GLOBAL read_only = OFF"),
        ([], "SLAVE MONITOR", r"\(error 1290\); if it is the primary: SET GLOBAL read_only = OFF"),
        ([], "READ_ONLY ADMIN, SLAVE MONITOR", ""),
    ],
    ids=["a replica", "one by a name", "one that it may not see", "one that it may not write", "a primary"],
)
def test_a_server_that_is_read_only(
    maria: MariaDB, programs: Programs, *, replica: list[str], rights: str, message: str
) -> None:
    """Whoever may change settings can make the primary read-only. A replica is not to be changed."""
    grants = ("CREATE USER, PROCESS, CONNECTION ADMIN ON *.*", "SELECT ON mysql.*", f"{rights} ON *.*")
    admin = "CREATE USER appadmin@'%' IDENTIFIED BY 'canary'"
    shop = compared(maria, programs, admin, *(f"GRANT {grant} TO appadmin@'%'" for grant in grants))
    shop.world.write("username", "appadmin", name="boss-test")
    shop.world.write("token", "canary", name="boss-test")
    shop.leak()
    shop.to("set")
    changes = [f"CHANGE MASTER {name} TO master_host = '127.0.0.1'" for name in replica]
    maria.execute(*changes, "SET GLOBAL read_only = ON")
    try:
        if message:
            with pytest.raises(RotationError, match=message):
                shop.act("set")
        else:
            assert str(shop.act("set")["message"]).endswith("If that is not yours: SET GLOBAL read_only = OFF")
    finally:
        resets = [f"RESET SLAVE {name} ALL" for name in replica]
        maria.execute("SET GLOBAL read_only = OFF", *resets, "DROP USER appadmin@'%'")


THIEFS = "canary-of-the-thief"
RACES = {
    "own password": f"SET PASSWORD = PASSWORD('{THIEFS}')",
    "own lock": f"ALTER USER app_a@'127.%' IDENTIFIED BY '{THIEFS}' ACCOUNT UNLOCK",
}
"""What a leaked user may repeat in its open sessions while it is locked; the second one with the right CREATE USER."""


@pytest.mark.parametrize("name", RACES)
def test_whoever_repeats_an_act_during_the_response_keeps_no_way_in(
    maria: MariaDB, programs: Programs, name: str
) -> None:
    maria.execute(*(f"GRANT CREATE USER ON *.* TO app_{user}@'{host}'" for user in "ab" for host in ("127.%", "10.%")))
    shop = compared(maria, programs, "SELECT 1")

    def loop(pause: float, over: threading.Event) -> None:
        for password in itertools.cycle((OLD, THIEFS)):
            if over.wait(pause):
                return
            with suppress(pymysql.err.MySQLError), maria.connect("app_a", password) as session:
                while not over.wait(0.001):
                    session.cursor().execute(RACES[name])

    with background.running(*(partial(loop, pause) for pause in (0.01, 0.3, 0.7))):
        answer = shop.revoked_after_a_leak()
    assert answer["footholds"] == []
    assert not maria.accepts("app_a", OLD)
    assert not maria.accepts("app_a", THIEFS)


def test_an_account_that_the_user_makes_while_it_is_locked_is_locked_too(
    maria: MariaDB, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def altered(admin: MysqlConnection, user: str, *others: Any) -> None:
        alter(admin, user, *others)
        if user == "app_a":
            maria.execute(f"CREATE USER IF NOT EXISTS app_a@'%' IDENTIFIED BY '{OLD}'")

    alter = users._altered
    monkeypatch.setattr(users, "_altered", altered)
    compared(maria, programs, "SELECT 1").revoked_after_a_leak()
    ((account,),) = maria.execute("SHOW CREATE USER app_a@'%'")
    assert account.endswith(" ACCOUNT LOCK")


def test_a_blocked_user_is_enabled_by_hand(shop: MysqlShop, maria: MariaDB) -> None:
    shop.act("block")
    assert not maria.accepts("app_a", OLD)
    maria.execute(enabling("mysql_user", {"shop_a": "app_a", "10.%": "127.%", "PASSWORD": OLD}))
    assert maria.accepts("app_a", OLD)


def test_a_statement_that_ends_each_new_session_is_named(maria: MariaDB, programs: Programs) -> None:
    """The application cannot log in either."""
    shop = compared(maria, programs, "SET GLOBAL init_connect = 'SELECT 1 FROM nosuch.t'")
    try:
        shop.leak()
        shop.to("set")
        shop.act("set")
        with pytest.raises(RotationError, match="if it is not yours: SET GLOBAL init_connect = ''"):
            shop.act("test")
    finally:
        maria.execute("SET GLOBAL init_connect = ''")
    shop.act("test")


def test_a_new_password_is_not_in_the_general_log(maria: MariaDB, programs: Programs) -> None:
    shop = compared(maria, programs, "SET GLOBAL log_output = 'TABLE'", "SET GLOBAL general_log = ON")
    try:
        shop.leak()
        shop.to("set")
        shop.act("set")
        texts = [str(text) for (text,) in maria.execute("SELECT argument FROM mysql.general_log")]
    finally:
        maria.execute("SET GLOBAL general_log = OFF", "TRUNCATE mysql.general_log")
    assert any("sql_log_off" in text for text in texts)
    assert not [text for text in texts if "IDENTIFIED BY" in text]


def test_a_row_that_cannot_be_locked_keeps_no_user_from_it(maria: MariaDB, programs: Programs) -> None:
    """Whoever may write the table of accounts can make one that the server does not know."""
    row = "INSERT INTO mysql.global_priv (Host, User, Priv) VALUES ('%', 'app_0', '{}')"
    shop = compared(maria, programs, row, *THIEF)
    try:
        answer = shop.revoked_after_a_leak(evicts=True)
        assert not maria.accepts("app_thief", "canary")
        assert answer["evicted"][0].startswith("unknown user `app_thief`, locked by")
        failed = f"1 unknown accounts could not be locked, such as `app_0`@`%`: 127.0.0.1:{maria.port} "
        assert answer["footholds"][0].startswith(failed)
    finally:
        maria.execute("DELETE FROM mysql.global_priv WHERE User = 'app_0'", "FLUSH PRIVILEGES")


@pytest.mark.parametrize("user", ["app_a", "app_b"])
@pytest.mark.parametrize(
    "statement",
    ["CREATE USER '{} '@'%' IDENTIFIED BY 'canary'", "INSERT INTO mysql.global_priv VALUES ('%', '{}', '{{}}')"],
    ids=["the same name with a space", "a row that the server does not use"],
)
def test_an_account_that_the_server_does_not_know_stops_no_response(
    maria: MariaDB, programs: Programs, statement: str, user: str
) -> None:
    shop = compared(maria, programs, statement.format(user))
    try:
        answer = shop.revoked_after_a_leak()
        assert not maria.accepts("app_a", OLD)
        assert any(line.startswith("account app_a or _b@`%` is not in the baseline") for line in answer["footholds"])
    finally:
        maria.execute("DELETE FROM mysql.global_priv WHERE User LIKE 'app__' AND Host = '%'", "FLUSH PRIVILEGES")


@pytest.mark.parametrize("evicts", [True, False])
def test_an_account_that_only_the_table_locks_is_a_login(maria: MariaDB, programs: Programs, *, evicts: bool) -> None:
    lock = "UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.account_locked', true) WHERE User = 'app_thief'"
    shop = compared(maria, programs, THIEF[0], lock)
    assert maria.accepts("app_thief", "canary")
    answer = shop.revoked_after_a_leak(evicts=evicts)
    assert len(answer["evicted" if evicts else "footholds"]) == 1
    assert maria.accepts("app_thief", "canary") is not evicts


def test_what_a_role_got_is_named_where_a_user_with_its_name_is_locked(maria: MariaDB, programs: Programs) -> None:
    maria.execute("CREATE ROLE app_readers", "GRANT app_readers TO app_b@'127.%'")
    try:
        shop = compared(maria, programs, "GRANT ALL ON *.* TO app_readers", "CREATE USER app_readers@'%'")
        answer = shop.revoked_after_a_leak(evicts=True)
    finally:
        maria.execute("DROP ROLE app_readers")
    assert [line.partition(" is not")[0] for line in answer["footholds"]] == ["grant on *.* to `app_readers`"]


def test_a_user_with_the_name_of_the_servers_threads_ends_none(maria: MariaDB, programs: Programs) -> None:
    names = [name for name in footholds.UNCLEAR if name]
    maria.execute("SET GLOBAL event_scheduler = ON")
    shop = compared(maria, programs, *(f"CREATE USER '{name}'@'%' IDENTIFIED BY 'canary'" for name in names))
    threads = "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'event_scheduler'"
    try:
        before = maria.execute(threads)
        answer = shop.revoked_after_a_leak(evicts=True)
        assert before
        assert maria.execute(threads) == before
    finally:
        maria.execute("SET GLOBAL event_scheduler = DEFAULT", *(f"DROP USER '{name}'@'%'" for name in names))
    assert sorted(answer["evicted"]) == sorted(
        f"unknown user `{name}`, locked by: ALTER USER `{name}`@`%` ACCOUNT LOCK; 0 sessions ended" for name in names
    )
    place = f"127.0.0.1:{maria.port}"
    assert answer["footholds"] == [
        f"sessions of user `{name}` may remain open at {place}: SHOW PROCESSLIST" for name in names
    ]


def test_without_a_baseline_no_user_is_locked(maria: MariaDB, programs: Programs) -> None:
    shop = MysqlShop(maria, programs)
    shop.close("aborted")
    maria.execute(*THIEF)
    answer = shop.revoked_after_a_leak(evicts=True)
    assert "evicted" not in answer
    assert maria.accepts("app_thief", "canary")


def test_a_successor_that_cannot_log_in_leaves_the_other_findings(shop: MysqlShop, maria: MariaDB) -> None:
    maria.execute(
        *(f"GRANT CREATE USER ON *.* TO app_a@'{host}'" for host in ("127.%", "10.%")),
        *THIEF,
        "CREATE DEFINER = app_a@'127.%' FUNCTION app.door() RETURNS INT RETURN 1",
    )
    args = args_of(shop)
    search = {"known": ["app_a", "app_b", ADMINISTRATOR], "login": {"username": "app_b", "password": "canary-wrong"}}
    try:
        with MysqlConnection(args["server"], args["admin"]) as admin:
            lines = footholds.findings(admin, args["server"], "app_a", search)
    finally:
        maria.execute("DROP FUNCTION app.door")
    assert [line.partition(" (")[0].partition(", and")[0] for line in lines[:2]] == [
        "user 'app_thief'@'%' is not in the catalog",
        f"1 routine at 127.0.0.1:{maria.port} run with the rights of their definers: app.door",
    ]
    assert lines[2].startswith("not checked: login app_b ")
