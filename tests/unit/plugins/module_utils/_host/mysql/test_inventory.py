# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What MySQL shows for a baseline, which no test has as a server, and servers that answer anything."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import compared_inventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import inventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import inventory_queries as queries

REQUEST = {"key": "k" * 64, "own": server_baseline.own_names(["shop_a", "boss"])}
ACCOUNTS = [
    ("shop_a", "%", "caching_sha2_password", "$A$005$canary", 0, 0, "[]"),
    ("shop_b", "%", "caching_sha2_password", "$A$005$canary", 1, 0, "[]"),
    ("report", "10.%", "caching_sha2_password", "$A$005$canary", 0, 0, "[]"),
    ("boss", "%", "auth_socket", "", 0, 0, "[]"),
]
ANSWERS: dict[str, list[tuple[Any, ...]]] = {
    "SELECT CURRENT_USER()": [("boss@%",)],
    queries.GRANTS[0]: [
        ("'boss'@'%'", "", "", "", "EVENT", "YES"),
        ("'boss'@'%'", "", "", "", "SHOW_ROUTINE", "NO"),
        ("'shop_a'@'%'", "", "", "", "CLONE_ADMIN", "NO"),
    ],
    queries.GRANTS[1]: [("'shop_a'@'%'", "my\\_shop", "", "", "SELECT", "NO")],
    queries.GRANTS[2]: [],
    queries.GRANTS[3]: [("'report'@'10.%'", "shop", "t", "c`", "SELECT", "NO")],
    queries.ROUTINE_GRANTS: [],
    queries.PROXY_GRANTS: [],
    queries.MEMBERS[False]: [("report", "10.%", "reader", "%", "Y")],
    queries.DEFAULT_ROLES[False]: [("report", "10.%", "reader", "%")],
    queries.EVENTS: [],
    queries.ROUTINES: [
        ("shop", "f", "shop_b@%", "security DEFINER", "0a", "FUNCTION"),
        ("sys", "p", "mysql.sys@localhost", "security INVOKER", "0b", "PROCEDURE"),
    ],
    queries.LOADABLE_FUNCTIONS: [("door", "evil.so")],
    queries.PLUGINS: [("mysqlx", "mysqlx.so")],
    queries.SERVERS: [],
    queries.VARIABLES: [("mandatory_roles", "`door`@`%`"), ("init_connect", "SELECT 'canary'")],
    queries.SECOND_PASSWORDS: [("shop_a", "%", "0c")],
    queries.COMPONENTS: [("file://component_validate_password",)],
}
LINKS = [{"Connection_name": "", "Master_Host": "203.0.113.9", "Master_Port": 3306, "Master_User": "thief"}]


class FakeServer:
    """Answers as MySQL, which has no table of MariaDB's."""

    place = "db.internal:3306"

    def __init__(
        self, answers: Mapping[str, Any], accounts: Sequence[tuple[Any, ...]] = ACCOUNTS, links: Sequence[Any] = LINKS
    ) -> None:
        self._answers, self._accounts, self._links = answers, accounts, links

    def rows(self, query: str, _parameters: Sequence[Any] = (), *, columns: int = 1) -> list[tuple[Any, ...]]:
        assert query.startswith(("SELECT", "SHOW")), "it only reads"
        if "MAX(GRANTEE)" in query:
            return [(f"'{user}'@'{host}'",) for user, host, *_rest in self._accounts]
        if "INFORMATION" in query.upper() and "'global_priv'" in query:
            return [(0,)]
        if query.startswith("SELECT User, Host, plugin"):
            return list(self._accounts)
        rows: list[tuple[Any, ...]] | None = self._answers.get(query.partition(" LIMIT ")[0])
        if rows is None or any(len(row) != columns for row in rows):
            raise RotationError(f"{self.place} rejected a statement")
        return rows

    def records(self, query: str) -> Sequence[Any]:
        assert query.startswith("SELECT CHANNEL_NAME")
        return self._links


def read(answers: Mapping[str, Any] = ANSWERS, **over: Any) -> dict[str, Any]:
    return inventory.read(FakeServer(answers, **over), REQUEST)  # type: ignore[arg-type]


def test_what_mysql_shows() -> None:
    """Of the administrator's rights, EVENT shows all events; nothing shows all triggers."""
    found = read()
    kinds = {"account", "component", "event", "foreign server", "grant", "loadable function", "plugin", "replication"}
    assert set(found["kinds"]) == {*kinds, "role", "routine", "second password", "setting"}
    assert "canary" not in str(found)
    shown = {(item["kind"], item["name"]): (item["facts"], item["undo"]) for item in found["entries"]}
    assert shown["account", "shop_a or _b@`%`"] == ("", "ALTER USER `shop_a`@`%` ACCOUNT LOCK")
    assert shown["account", "`boss`@`%`"][0] == "auth_socket"
    assert shown["account", "`report`@`10.%`"][0].startswith("caching_sha2_password, digest ")
    assert shown["grant", "on `my\\\\_shop`.* to shop_a or _b@`%`"][0] == "SELECT"
    assert shown["grant", "on `shop`.`t` to `report`@`10.%`"][0] == "SELECT (`c```)"
    member = "`reader`@`%` of `report`@`10.%`"
    assert shown["role", member] == ("with admin option", "REVOKE `reader`@`%` FROM `report`@`10.%`")
    assert shown["role", f"default role {member}"][1] == "ALTER USER `report`@`10.%` DEFAULT ROLE NONE"
    facts, undo = shown["routine", "function `shop`.`f`"]
    assert (facts.partition(", digest")[0], undo) == (
        "security DEFINER, definer shop_a or _b@`%`",
        "DROP FUNCTION `shop`.`f`",
    )
    assert [name for kind, name in shown if kind == "routine"] == ["function `shop`.`f`"], "not MySQL's own"
    assert shown["second password", "of shop_a or _b@`%`"][1] == "ALTER USER `shop_a`@`%` DISCARD OLD PASSWORD"
    assert shown["replication", "channel ``"] == (
        "from 203.0.113.9:3306 as `thief`",
        "STOP REPLICA FOR CHANNEL ''; RESET REPLICA ALL FOR CHANNEL ''",
    )


@pytest.mark.parametrize("kind", [queries.MEMBERS[False], queries.ROUTINES, queries.VARIABLES])
def test_a_kind_that_the_server_does_not_tell(kind: str) -> None:
    answers = {query: rows for query, rows in ANSWERS.items() if query != kind}
    assert len(read(answers)["kinds"]) == len(read()["kinds"]) - 1


def test_a_routine_without_its_text() -> None:
    rows = [("shop", "f", "shop_b@%", "security DEFINER", None, "FUNCTION")]
    assert "routine" not in read({**ANSWERS, queries.ROUTINES: rows})["kinds"]


def test_without_its_accounts_a_server_shows_nothing() -> None:
    answers = {query: rows for query, rows in ANSWERS.items() if query != queries.GRANTS[0]}
    with pytest.raises(RotationError, match="rejected a statement"):
        read(answers)


MANY = [(f"u{number}", "%", "p", "x", 0, 0, "[]") for number in range(inventory.MOST + 1)]
NAMES = [(f"f{number}", "evil.so") for number in range(inventory.MOST + 1)]


@pytest.mark.parametrize("over", [{"accounts": MANY}, {"answers": {**ANSWERS, queries.LOADABLE_FUNCTIONS: NAMES}}])
def test_more_entries_than_are_compared(over: dict[str, Any]) -> None:
    with pytest.raises(RotationError, match="has more than 5000 accounts, grants and objects, so they are neither"):
        read(**over)


EVIL = "\x1b[2Jev\u202eil\x07`; DROP USER boss; --"


@pytest.mark.parametrize(
    "accounts",
    [
        [(EVIL, EVIL, EVIL, EVIL, 0, 0, "[]")],
        [("x" * 100_000, "%", "p", "y", 0, 0, "[]")],
        [("a", "%", None, None, None, None, None)],
    ],
)
def test_names_reach_neither_the_terminal_nor_a_shell(accounts: list[tuple[Any, ...]]) -> None:
    for entry in read(accounts=accounts)["entries"]:
        assert all(text.isprintable() for text in entry.values())
        assert all(len(entry[name]) <= server_baseline.LONGEST + 1 for name in ("name", "facts"))
        assert "DROP USER boss" not in entry["undo"].replace("``; DROP USER boss", "")


@pytest.mark.parametrize(
    "over",
    [
        {"accounts": [("a", "%", "p", "x", 0, 0, "{")]},
        {"accounts": [("a", "%", "p", "x", 0, 0, "[7]")]},
        {"accounts": [("a", "%", "p", "x", 0, 0, 7)]},
        {"accounts": [("a", "%", "p", "x", 0, 0, "[" * 100_000)]},
        {"links": [{}]},
        {"links": [7]},
        {"answers": {**ANSWERS, queries.ROUTINE_GRANTS: [("a",)]}},
    ],
)
def test_an_answer_of_another_form_stops_nothing(over: dict[str, Any]) -> None:
    result = compared_inventory.read(lambda: read(**over))
    assert (result["entries"], len(result["problems"])) == ([], 1)


def test_a_slow_server_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow() -> dict[str, Any]:
        time.sleep(1)
        return read()

    monkeypatch.setattr(compared_inventory, "SECONDS", 0.01)
    result = compared_inventory.read(slow)
    assert result["problems"] == ["gave no complete answer within 0 seconds"]
    assert compared_inventory.comparable_kinds(result, {"kinds": ["account"]}) == set()
