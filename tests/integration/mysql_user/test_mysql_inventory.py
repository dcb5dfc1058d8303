# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever somebody leaves at a MariaDB server is a difference, and its command removes it. A rotation leaves none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import MYSQL
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerDifference,
    ServerReading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import inventory
from sandbox.mariadb import ADMINISTRATOR, MariaDB
from tests.integration.mysql_user.world import MysqlShop
from tests.integration.server_checks import removals
from tests.integration.two_users import rotate

KEY = "k" * 64
OWN = server_baseline.own_names(["app_a", ADMINISTRATOR])
KINDS = {
    *("account", "event", "foreign server", "grant", "loadable function", "plugin", "replication", "role", "routine"),
    *("setting", "trigger"),
}


def read(maria: MariaDB, *, user: str = ADMINISTRATOR, password: str = "", idle: Sequence[str] = ()) -> ServerReading:
    return server_baseline.reading_of(inventory_of(maria, user=user, password=password, idle=idle))


def inventory_of(
    maria: MariaDB, *, user: str = ADMINISTRATOR, password: str = "", idle: Sequence[str] = ()
) -> dict[str, Any]:
    address = {"host": maria.host, "port": maria.port, "tls_mode": "disable"}
    login = {"username": user, "password": password or maria.password}
    found = inventory.of_server(address, login, {"key": KEY, "own": OWN, "idle": idle})
    result = server_baseline.no_inventory()
    server_baseline.add(result, found)
    return result


def source_of(reading: ServerReading) -> RecordedServer:
    return RecordedServer("2026-11-29T00:00:00Z", "op@host", reading.kinds, reading.entries, OWN)


def differences(maria: MariaDB, recorded: RecordedServer) -> list[ServerDifference]:
    return server_baseline.compare("db", recorded, read(maria))


BEFORE = (
    "CREATE TABLE app.orders (id INT, note TEXT)",
    "CREATE USER app_report@'10.%' IDENTIFIED BY 'canary-of-report'",
    "CREATE ROLE app_reader",
    "CREATE PROCEDURE app.kept() SELECT 1",
    "CREATE EVENT app.daily ON SCHEDULE EVERY 1 DAY DO SET @a = 1",
    "CREATE SERVER app_link FOREIGN DATA WRAPPER mysql OPTIONS (HOST '10.0.0.9', PASSWORD 'canary-of-the-link')",
)
AFTER = (
    *("DROP TABLE app.orders", "DROP PROCEDURE app.kept", "DROP EVENT app.daily", "DROP SERVER app_link"),
    *("DROP ROLE app_reader",),
)
PLANTED: dict[str, tuple[str, ...]] = {
    "an account": ("CREATE USER app_thief@'%' IDENTIFIED BY 'canary'",),
    "an account without a password": ("CREATE USER app_thief@'%'",),
    "an anonymous account": ("CREATE USER ''@'%' IDENTIFIED BY 'canary'",),
    "an account that is in no table": (
        "CREATE USER app_thief@'%' IDENTIFIED BY 'canary'",
        "DELETE FROM mysql.global_priv WHERE User = 'app_thief'",
    ),
    "a further host of the application's user": ("CREATE USER app_a@'%' IDENTIFIED BY 'canary'",),
    "a further host of the administrator": (f"CREATE USER {ADMINISTRATOR}@'%' IDENTIFIED BY 'canary'",),
    "the server's own account": ("ALTER USER 'mariadb.sys'@localhost ACCOUNT UNLOCK",),
    "a global right": ("GRANT FILE ON *.* TO app_report@'10.%'",),
    "a global right of the application's user": ("GRANT SUPER ON *.* TO app_a@'127.%'",),
    "a right to grant": ("GRANT USAGE ON *.* TO app_report@'10.%' WITH GRANT OPTION",),
    "a right in a database": ("GRANT SELECT ON app.* TO app_report@'10.%'",),
    "a right to a table": ("GRANT SELECT ON app.orders TO app_report@'10.%'",),
    "a right to a column": ("GRANT SELECT (note) ON app.orders TO app_report@'10.%'",),
    "a right to a routine": ("GRANT EXECUTE ON PROCEDURE app.kept TO app_report@'10.%'",),
    "a right of everybody": ("GRANT SELECT ON app.* TO PUBLIC",),
    "a right of a role": ("GRANT SELECT ON app.* TO app_reader",),
    "a global right of a role": ("GRANT FILE ON *.* TO app_reader",),
    "a proxy": ("GRANT PROXY ON boss@'127.0.0.1' TO app_report@'10.%'",),
    "a role": ("GRANT app_reader TO app_report@'10.%'",),
    "a role of the application's user": ("GRANT app_reader TO app_b@'127.%'",),
    "a default role": ("GRANT app_reader TO app_a@'127.%'", "SET DEFAULT ROLE app_reader FOR app_a@'127.%'"),
    "an event": ("CREATE EVENT app.again ON SCHEDULE EVERY 1 DAY DO SET @a = 1",),
    "a trigger": ("CREATE TRIGGER app.copies BEFORE INSERT ON app.orders FOR EACH ROW SET NEW.id = 2",),
    "a function": ("CREATE FUNCTION app.door() RETURNS INT RETURN 1",),
    "a procedure in the server's own schema": ("CREATE PROCEDURE mysql.door() SELECT 1",),
    "a foreign server": ("CREATE SERVER door FOREIGN DATA WRAPPER mysql OPTIONS (HOST '203.0.113.9')",),
    "a primary": ("CHANGE MASTER 'do''or' TO MASTER_HOST = '203.0.113.9', MASTER_USER = 'thief'",),
    "a loadable function": ("INSERT INTO mysql.func VALUES ('door', 0, 'evil.so', 'function')",),
}
"""What is planted; the finding's command removes it."""
FLUSHED = {"an account that is in no table"}
"""Mended by a person: FLUSH PRIVILEGES would also remove an account of the application that no table has."""
LEFT = (*("DROP USER IF EXISTS app_thief@'%', ''@'%', app_a@'%'", f"DROP USER IF EXISTS {ADMINISTRATOR}@'%'"),)
"""Accounts that are locked, and are no way in any more."""
BOSS = f"ALTER USER {ADMINISTRATOR}@'127.0.0.1' "
MENDED = ("DROP USER app_report@'10.%'", BEFORE[1])
CHANGED: dict[str, tuple[str, tuple[str, ...]]] = {
    "a password": ("ALTER USER app_report@'10.%' IDENTIFIED BY 'canary'", MENDED),
    "a plugin": ("ALTER USER app_report@'10.%' IDENTIFIED VIA unix_socket", MENDED),
    "a second way of the administrator": (
        BOSS + "IDENTIFIED VIA {native} USING PASSWORD('{password}') OR {native} USING PASSWORD('canary')",
        (BOSS + "IDENTIFIED BY '{password}'",),
    ),
    "a routine's text": ("CREATE OR REPLACE PROCEDURE app.kept() SELECT 2", ("DROP PROCEDURE app.kept", BEFORE[3])),
    "a routine's definer": (
        "CREATE OR REPLACE DEFINER = app_a@'127.%' PROCEDURE app.kept() SELECT 1",
        ("DROP PROCEDURE app.kept", BEFORE[3]),
    ),
    "a routine's security": (
        "ALTER PROCEDURE app.kept SQL SECURITY INVOKER",
        ("ALTER PROCEDURE app.kept SQL SECURITY DEFINER",),
    ),
    "an event": ("ALTER EVENT app.daily DO SET @a = 2", ("ALTER EVENT app.daily DO SET @a = 1",)),
    "a foreign server's password": (
        "ALTER SERVER app_link OPTIONS (PASSWORD 'canary')",
        ("ALTER SERVER app_link OPTIONS (PASSWORD 'canary-of-the-link')",),
    ),
    "a statement of each session": (
        "SET GLOBAL init_connect = 'SELECT canary'",
        ("SET GLOBAL init_connect = ''",),
    ),
    "a setting": ("SET GLOBAL event_scheduler = ON", ("SET GLOBAL event_scheduler = OFF",)),
}
"""What is changed, and what undoes it."""


def test_what_is_left_at_mariadb(maria: MariaDB) -> None:
    """One after another, since a server takes longer to start than all of this."""
    maria.execute(*BEFORE)
    recorded = source_of(read(maria))
    assert recorded.kinds == KINDS
    assert "canary" not in str(recorded)
    assert differences(maria, recorded) == []
    for name, statements in PLANTED.items():
        maria.execute(*statements)
        planted = differences(maria, recorded)
        assert planted, name
        assert "canary" not in str(planted)
        for command in removals({"server": MYSQL}, "db:3306", recorded, inventory_of(maria)):
            assert (command[0] == "mysql") == (name not in FLUSHED)
            maria.execute(*("FLUSH PRIVILEGES" if name in FLUSHED else command[-1]).split("; "))
        assert differences(maria, recorded) == [], name
        maria.execute(*LEFT)
    for name, (statement, undo) in CHANGED.items():
        words = {"password": maria.password, "native": "mysql_native_password"}
        maria.execute(statement.format(**words))
        (difference,) = differences(maria, recorded)
        assert "canary" not in str(difference), name
        maria.execute(*(text.format(**words) for text in undo))
        assert differences(maria, recorded) == [], name
    maria.execute(*AFTER)


def test_a_rotation_of_mariadb_is_no_difference(shop: MysqlShop, maria: MariaDB) -> None:
    recorded = source_of(read(maria))
    names = [name for kind, name in recorded.entries if kind == "account" and "app" in name]
    assert names == ["app_a or _b@`10.%`", "app_a or _b@`127.%`"]
    rotate(shop)
    assert shop.stored[0] == "app_b"
    assert differences(maria, recorded) == []


ORDINARY = (
    *(
        "CREATE TABLE app.visits (id INT PRIMARY KEY AUTO_INCREMENT, at DATETIME)",
        "INSERT INTO app.visits (at) VALUES (NOW())",
    ),
    *("ALTER TABLE app.visits ADD COLUMN place TEXT", "CREATE VIEW app.recent AS SELECT * FROM app.visits"),
    *("ANALYZE TABLE app.visits", "OPTIMIZE TABLE app.visits", "TRUNCATE app.visits", "DROP VIEW app.recent"),
    *("DROP TABLE app.visits", "FLUSH PRIVILEGES", "FLUSH TABLES", "SET GLOBAL max_connections = 99"),
)
"""What happens at any server."""


def test_ordinary_work_at_mariadb_is_no_difference(maria: MariaDB) -> None:
    recorded = source_of(read(maria))
    for statement in ORDINARY:
        maria.execute(statement)
        assert differences(maria, recorded) == [], statement


def test_an_administrator_that_does_not_see_all_objects(maria: MariaDB) -> None:
    """The server leaves out what it does not show, and gives no error."""
    maria.execute(
        "CREATE USER app_admin@'%' IDENTIFIED BY 'canary'",
        "GRANT CREATE USER, PROCESS, CONNECTION ADMIN ON *.* TO app_admin@'%'",
        "GRANT SELECT ON mysql.* TO app_admin@'%'",
    )
    reading = read(maria, user="app_admin", password="canary")
    assert reading.kinds == KINDS - {"event", "trigger", "replication"}


def test_an_idle_user_that_can_log_in_is_a_difference(maria: MariaDB) -> None:
    """An intruder may unlock it: both of a pair have one name."""
    recorded = source_of(read(maria))
    assert server_baseline.compare("db", recorded, read(maria, idle=["app_b"])) == []
    maria.execute("ALTER USER app_b@'10.%' IDENTIFIED BY 'canary' ACCOUNT UNLOCK")
    (difference,) = server_baseline.compare("db", recorded, read(maria, idle=["app_b"]))
    assert difference.finding == "account `app_b`@`10.%` is not in the baseline: ALTER USER `app_b`@`10.%` ACCOUNT LOCK"


def test_an_account_whose_name_ends_in_a_space(maria: MariaDB) -> None:
    """FLUSH PRIVILEGES would make it one of the application's user, with the intruder's password."""
    recorded = source_of(read(maria))
    maria.execute("CREATE USER 'app_a '@'%' IDENTIFIED BY 'canary'")
    hidden = [item for item in differences(maria, recorded) if item.facts == "in no table of accounts"]
    assert [item.undo for item in hidden] == ["DROP USER `app_a `@`%`"]
    maria.execute(hidden[0].undo)
    assert differences(maria, recorded) == []
