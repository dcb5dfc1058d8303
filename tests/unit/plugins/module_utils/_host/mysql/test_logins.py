# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What grants of MySQL come to, as MySQL 5.7 to 8.4 write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import logins

ACCOUNT = ("shop_a", "%", "caching_sha2_password", "$A$005$canary", 0, 0, "[]")
MANY = ", ".join(f"RIGHT {letter}" for letter in "ABCDEFGHIJKLMN")


class FakeServer:
    """Answers as MySQL, which has no table of MariaDB's."""

    place = "db.internal:3306"
    CREATED = (
        "CREATE USER `shop_b`@`%` IDENTIFIED WITH 'x' AS '\\'' ACCOUNT LOCK ATTRIBUTE '{\"a\": \" ACCOUNT UNLOCK\"}'"
    )

    def __init__(self, accounts: Sequence[tuple[Any, ...]], grants: Mapping[str, Sequence[str]]) -> None:
        self._accounts, self._grants = accounts, grants

    def __enter__(self) -> FakeServer:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def rows(self, query: str, parameters: Sequence[str] = (), *, columns: int = 1) -> list[tuple[Any, ...]]:
        assert query.startswith(("SELECT", "SHOW GRANTS FOR", "SHOW CREATE USER")), "it only reads"
        if query.startswith("SHOW CREATE USER"):
            return [(self.CREATED,)]
        if "USER_PRIVILEGES" in query:
            return [(f"'{user}'@'{host}'",) for user, host, *_rest in self._accounts]
        if "global_priv" in query:
            return [(0,)]
        if columns == 1:
            return [(line,) for line in self._grants.get(parameters[0], [])]
        return list(self._accounts)


def read(
    monkeypatch: pytest.MonkeyPatch,
    *accounts: tuple[Any, ...],
    grants: Mapping[str, Sequence[str]] | None = None,
    databases: Sequence[str] = ("shop", "my_shop"),
    host: str = "db.internal",
) -> dict[str, Any]:
    server = FakeServer(accounts, grants or {})
    monkeypatch.setattr(logins, "administered", lambda _server, _login: server)
    login = {"credential": "database", "users": ["shop_a", "shop_b"], "tags": []}
    address = {"host": host, "port": 3306}
    entry = {"address": address, "logins": [login], "databases": databases, "known": {"shop_a": []}}
    return logins.read(entry, {"username": "boss", "password": "canary"})


@pytest.mark.parametrize(
    ("line", "rights"),
    [
        ("GRANT USAGE ON *.* TO `shop_a`@`%`", []),
        ("GRANT ALL PRIVILEGES ON `shop`.* TO `shop_a`@`%` WITH GRANT OPTION", []),
        (r"GRANT SELECT ON `my\_shop`.* TO `shop_a`@`%`", []),
        ("GRANT EXECUTE ON PROCEDURE `shop`.`p` TO `shop_a`@`%`", []),
        ("REVOKE INSERT ON `mysql`.* FROM `shop_a`@`%`", []),
        ("GRANT RELOAD, PROCESS ON *.* TO 'shop_a'@'%'", ["`shop_a`@`%`: RELOAD, PROCESS ON *.*"]),
        (f"GRANT {MANY} ON *.* TO `shop_a`@`%`", ["`shop_a`@`%`: ALL PRIVILEGES ON *.*"]),
        ("GRANT BACKUP_ADMIN,CLONE_ADMIN ON *.* TO `shop_a`@`%`", ["`shop_a`@`%`: BACKUP_ADMIN, CLONE_ADMIN ON *.*"]),
        ("GRANT EXECUTE ON FUNCTION `sys`.`f` TO `shop_a`@`%`", ["`shop_a`@`%`: EXECUTE ON FUNCTION `sys`.`f`"]),
        (
            "GRANT PROXY ON `root`@`%` TO `shop_a`@`%` WITH GRANT OPTION",
            ["`shop_a`@`%`: PROXY ON `root`@`%`"],
        ),
        (
            "GRANT USAGE ON *.* TO `shop_a`@`%` WITH GRANT OPTION",
            ["`shop_a`@`%`: GRANT OPTION ON *.*"],
        ),
        (
            "GRANT SELECT (`a`, `) ON ``shop``.* TO b`), UPDATE (`c`) ON `other`.`t` TO `shop_a`@`%`",
            ["`shop_a`@`%`: SELECT, UPDATE ON `other`.`t`"],
        ),
    ],
)
def test_grants(monkeypatch: pytest.MonkeyPatch, line: str, rights: list[str]) -> None:
    assert read(monkeypatch, ACCOUNT, grants={"shop_a": [line]})["rights"] == {"database": rights}


def test_roles_are_followed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    grants = {
        "shop_a": ["GRANT `app`@`%`,`read`@`%` TO `shop_a`@`%`"],
        "app": ["GRANT `read`@`%` TO `app`@`%` WITH ADMIN OPTION"],
        "read": ["GRANT `app`@`%` TO `read`@`%`", "GRANT FILE ON *.* TO `read`@`%`"],
    }
    assert read(monkeypatch, ACCOUNT, grants=grants)["rights"] == {"database": ["`read`@`%`: FILE ON *.*"]}


def test_roles_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    grants = {"shop_a": ["GRANT `r0`@`%` TO `shop_a`@`%`"]}
    grants |= {f"r{number}": [f"GRANT `r{number + 1}`@`%` TO `r{number}`@`%`"] for number in range(200)}
    with pytest.raises(RotationError, match="more than 100 roles"):
        read(monkeypatch, ACCOUNT, grants=grants)


@pytest.mark.parametrize(
    "line",
    [
        "GRANT FILE ON <7>.* TO <9>",
        "GRANT EXECUTE ON A NEW KIND `other`.`f` TO `shop_a`@`%`",
        "GRANT SELECT ON `" + "x" * logins.LINE + "`.* TO `shop_a`@`%`",
    ],
)
def test_grants_of_another_form(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    with pytest.raises(RotationError, match=r"db\.internal:3306 shows grants in another form"):
        read(monkeypatch, ACCOUNT, grants={"shop_a": [line]})


@pytest.mark.parametrize(("database", "rights"), [("mysql", ["`shop_a`@`%`: INSERT ON `mysql`.*"]), ("other", [])])
def test_without_a_database_of_the_application(
    monkeypatch: pytest.MonkeyPatch, database: str, rights: list[str]
) -> None:
    grants = {"shop_a": [f"GRANT INSERT ON `{database}`.* TO `shop_a`@`%`"]}
    assert read(monkeypatch, ACCOUNT, grants=grants, databases=())["rights"] == {"database": rights}


OWN = ("mysql.sys", "localhost", "caching_sha2_password", "$A$005$THISISACOMBINATION", 1, 0, "[]")


@pytest.mark.parametrize(
    ("account", "login"),
    [
        (OWN, None),
        ((*OWN[:4], 0, 0, "[]"), {"name": "`mysql.sys`@`localhost`", "known": False, "nopass": False}),
        (("shop_b", "%", "caching_sha2_password", "", 1, 0, "[]"), None),
        (("shop_b", "%", "auth_socket", "", 0, 0, "[]"), {"name": "`shop_b`@`%`", "known": False, "nopass": False}),
        (
            ("root", "%", "caching_sha2_password", "$A$005$canary", 0, 0, "[]"),
            {"name": "`root`@`%`", "known": False, "nopass": False},
        ),
        (("root", "localhost", "auth_socket", "", 0, 0, "[]"), None),
        (
            ("root", "localhost", "caching_sha2_password", "", 0, 0, "[]"),
            {"name": "`root`@`localhost`", "known": True, "nopass": True},
        ),
        (
            ("shop_a", "%", "sha256_password", "", 0, 0, "[]"),
            {"name": "`shop_a`@`%`", "known": True, "nopass": True},
        ),
        (("", "%", "mysql_native_password", "*0", 0, 0, "[]"), {"name": "``@`%`", "known": False, "nopass": False}),
    ],
)
def test_accounts(monkeypatch: pytest.MonkeyPatch, account: tuple[Any, ...], login: dict[str, Any] | None) -> None:
    assert read(monkeypatch, ACCOUNT, account)["unexplained"] == ([login] if login else [])


RDS, AZURE = (
    (name, host, "mysql_native_password", "*0", 0, 0, "[]")
    for name, host in (("rdsadmin", "localhost"), ("azure_superuser", "127.0.0.1"))
)
REPLICATION = ("rdsrepladmin", "%", *RDS[2:])


@pytest.mark.parametrize(
    ("host", "account", "is_known"),
    [
        ("db.internal", RDS, True),
        ("db.internal", AZURE, True),
        ("127.0.0.1", RDS, False),
        ("db.internal", REPLICATION, False),
        ("db.internal", ("mallory", *RDS[1:]), False),
    ],
)
def test_accounts_of_providers(
    monkeypatch: pytest.MonkeyPatch, host: str, account: tuple[Any, ...], *, is_known: bool
) -> None:
    """Nobody logs in as one at the server itself over the network; whoever may make users could make any other."""
    assert bool(read(monkeypatch, ACCOUNT, account, host=host)["unexplained"]) is not is_known
