# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a verification sees of the accounts of a MariaDB server: planted ones, and those that are as they should be."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import server_logins
from sandbox.mariadb import ADMINISTRATOR, MariaDB
from tests import planted
from tests.integration.server_checks import judged

PLACE = "db.internal:3306"
NATIVE = "mysql_native_password"


def seen(maria: MariaDB, *, user: str = ADMINISTRATOR, password: str = "", **over: Any) -> dict[str, Any]:
    entry = {
        "server": "mysql",
        "place": PLACE,
        "logins": [{"credential": "mail", "users": ["app_a", "app_b"], "tags": []}],
        "databases": ["app"],
        "admin_url": f"mysql://{user}:{password or maria.password}@{PLACE}",
        "address": {"host": maria.host, "port": maria.port, "tls_mode": "disable"},
        "nodes": [],
        "known": {"app_a": [], ADMINISTRATOR: []},
        "inventory": None,
        "honeytokens": [],
        **over,
    }
    result = server_logins.seen([entry], 5)[PLACE]
    assert maria.password not in str(result)
    judged("mysql", result, "WPS1101", "WPS1102")
    return result


def test_accounts_as_they_should_be(maria: MariaDB) -> None:
    """The other user is locked, and so is the server's own account."""
    result = seen(maria)
    assert (result["problems"], result["listed"]) == ([], True)
    assert (result["rights"], result["unexplained"]) == ({"mail": []}, [])


@planted.mistakes("Accounts of MariaDB", planted.SERVER, checks="WPS1102", by="statement")
@pytest.mark.parametrize(
    ("statement", "login"),
    [
        ("CREATE USER app_x@'%' IDENTIFIED BY 'canary'", {"name": "`app_x`@`%`", "known": False, "nopass": False}),
        ("CREATE USER app_x@'%'", {"name": "`app_x`@`%`", "known": False, "nopass": True}),
        ("CREATE USER ''@'app.internal'", {"name": "``@`app.internal`", "known": False, "nopass": True}),
        ("CREATE USER app_a@'app.internal'", {"name": "`app_a`@`app.internal`", "known": True, "nopass": True}),
        (
            f"ALTER USER app_a@'127.%' IDENTIFIED VIA {NATIVE} USING PASSWORD('x') OR {NATIVE}",
            {"name": "`app_a`@`127.%`", "known": True, "nopass": True},
        ),
        ("ALTER USER app_b@'10.%' ACCOUNT UNLOCK", {"name": "`app_b`@`10.%`", "known": False, "nopass": True}),
        ("CREATE USER root@'%' IDENTIFIED BY 'canary'", {"name": "`root`@`%`", "known": False, "nopass": False}),
        ("CREATE USER 'app`; x'@'%' ACCOUNT UNLOCK", {"name": "`app``; x`@`%`", "known": False, "nopass": True}),
    ],
)
def test_planted_accounts(maria: MariaDB, statement: str, login: dict[str, Any]) -> None:
    maria.execute(statement)
    try:
        result = seen(maria)
    finally:
        maria.execute("DROP USER IF EXISTS ''@'app.internal', root@'%'")
    assert result["unexplained"] == [login]


@planted.variations("Accounts of MariaDB", planted.SERVER)
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE USER root@localhost IDENTIFIED BY 'canary'",
        "CREATE USER app_x@'%' IDENTIFIED BY 'canary' ACCOUNT LOCK",
        "CREATE USER mysql@localhost IDENTIFIED VIA unix_socket",
    ],
)
def test_accounts_that_are_no_findings(maria: MariaDB, statement: str) -> None:
    maria.execute(statement)
    try:
        result = seen(maria)
    finally:
        maria.execute("DROP USER IF EXISTS root@localhost, mysql@localhost")
    assert result["unexplained"] == []


@planted.mistakes("Accounts that MariaDB loaded and whose rows were deleted", planted.SERVER, checks="WPS1102")
@pytest.mark.parametrize("user", ["app_x", "app_a", "APP_A"])
def test_accounts_that_are_in_no_table(maria: MariaDB, user: str) -> None:
    """A host with capital letters, one with a netmask and a role are no such accounts."""
    maria.execute(
        "CREATE USER app_y@'App.internal' ACCOUNT LOCK",
        "CREATE USER app_z@'10.0.0.0/255.0.0.0' ACCOUNT LOCK",
        "CREATE ROLE app_role",
        f"CREATE USER {user}@'%' IDENTIFIED BY 'canary'",
        f"DELETE FROM mysql.global_priv WHERE User = BINARY '{user}' AND Host = '%'",
    )
    try:
        assert seen(maria)["unexplained"] == [
            {"name": f"`{user}`@`%`", "known": False, "nopass": False, "hidden": True}
        ]
    finally:
        maria.execute("FLUSH PRIVILEGES", "DROP ROLE app_role")


RIGHTS = [
    (("GRANT SUPER, FILE ON *.* TO app_a@'127.%'",), ["`app_a`@`127.%`: FILE, SUPER ON *.*"]),
    (("GRANT ALL ON *.* TO app_a@'127.%'",), ["`app_a`@`127.%`: ALL PRIVILEGES ON *.*"]),
    (("GRANT CREATE USER, PROCESS ON *.* TO app_b@'10.%'",), ["`app_b`@`10.%`: PROCESS, CREATE USER ON *.*"]),
    (("GRANT USAGE ON *.* TO app_a@'127.%' WITH GRANT OPTION",), ["`app_a`@`127.%`: GRANT OPTION ON *.*"]),
    (("GRANT SELECT ON mysql.* TO app_a@'127.%'",), ["`app_a`@`127.%`: SELECT ON `mysql`.*"]),
    (("GRANT SELECT (User) ON mysql.user TO app_a@'127.%'",), ["`app_a`@`127.%`: SELECT ON `mysql`.`user`"]),
    (("GRANT ALL ON `app%`.* TO app_a@'127.%'",), ["`app_a`@`127.%`: ALL PRIVILEGES ON `app%`.*"]),
    (
        ("GRANT SELECT ON `x`` ON app.* TO y`.* TO app_a@'127.%'",),
        ["`app_a`@`127.%`: SELECT ON `x`` ON app.* TO y`.*"],
    ),
    (
        (
            "CREATE ROLE app_inner, app_outer",
            "GRANT FILE ON *.* TO app_inner",
            "GRANT app_inner TO app_outer",
            "GRANT app_outer TO app_a@'127.%'",
        ),
        ["`app_inner`: FILE ON *.*"],
    ),
    (("GRANT SELECT ON mysql.* TO PUBLIC",), ["PUBLIC: SELECT ON `mysql`.*"]),
]


@planted.mistakes("Rights of the application's accounts at MariaDB", planted.SERVER, checks="WPS1101")
@pytest.mark.parametrize(("statements", "rights"), RIGHTS, ids=[statements[-1] for statements, _rights in RIGHTS])
def test_planted_rights(maria: MariaDB, statements: tuple[str, ...], rights: list[str]) -> None:
    maria.execute(*statements)
    try:
        assert seen(maria)["rights"] == {"mail": rights}
    finally:
        maria.execute("DROP ROLE IF EXISTS app_inner, app_outer")
        if "PUBLIC" in statements[0]:
            maria.execute("REVOKE SELECT ON mysql.* FROM PUBLIC")


@planted.variations("Rights of the application's accounts at MariaDB", planted.SERVER)
@pytest.mark.parametrize(
    "statement",
    [
        "GRANT SHOW DATABASES ON *.* TO app_a@'127.%'",
        r"GRANT ALL ON `app\_eu`.* TO app_a@'127.%' WITH GRANT OPTION",
        "GRANT SELECT ON app.t TO app_a@'127.%'",
    ],
)
def test_rights_that_are_no_findings(maria: MariaDB, statement: str) -> None:
    maria.execute("CREATE TABLE IF NOT EXISTS app.t (i INT)", statement)
    assert seen(maria, databases=["app", "app_eu"])["rights"] == {"mail": []}


def test_without_a_database_in_a_url_only_global_rights_count(maria: MariaDB) -> None:
    assert seen(maria, databases=[])["rights"] == {"mail": []}
    maria.execute("GRANT FILE ON *.* TO app_a@'127.%'")
    assert seen(maria, databases=[])["rights"] == {"mail": ["`app_a`@`127.%`: FILE ON *.*"]}


def test_a_user_that_is_gone_has_no_rights(maria: MariaDB) -> None:
    result = seen(maria, logins=[{"credential": "mail", "users": ["app_x"], "tags": []}])
    assert (result["listed"], result["rights"]) == (True, {})


def test_without_its_administrator_nothing_is_asked(maria: MariaDB) -> None:
    result = seen(maria, admin_url="")
    assert (result["listed"], result["problems"], result["rights"]) == (False, [], {})


@pytest.mark.parametrize(
    ("user", "words"), [("app_a", "user app_a lacks a right"), ("nobody", "login nobody was rejected")]
)
def test_an_administrator_that_cannot_ask(maria: MariaDB, user: str, words: str) -> None:
    result = seen(maria, user=user, password="canary-of-the-old-password")
    assert (result["listed"], result["rights"]) == (False, {})
    assert words in result["problems"][0]


def test_a_server_with_more_accounts_than_are_asked_for(maria: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_logins.mysql_logins, "ROWS", 2)
    assert "more than 2 accounts" in seen(maria)["problems"][0]
