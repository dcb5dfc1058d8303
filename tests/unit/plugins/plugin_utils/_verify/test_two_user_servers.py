# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What servers of MySQL and RabbitMQ are asked, and what their answers come to."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import revoked_logins
from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents, Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerBaseline,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import (
    server_commands,
    server_logins,
    server_logins_results,
    two_user_servers,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.previous_values import Versions
from tests.unit.plugins.plugin_utils._verify import pasted_commands
from tests.unit.plugins.plugin_utils._verify.test_server_logins import CHECKS, QUIET, rotating

DATABASE, BROKER = "db.internal:3306", "mq.internal:15671"
DOCUMENT: dict[str, Any] = {
    "application": "shop",
    "contacts": {"security": "security@example.com"},
    "audit_log": {"log_group": "/shop/audit"},
    "settings": {name: {"group": "core", "type": "url"} for name in ("DATABASE_URL", "BROKER_URL")},
    "credentials": {
        "database": {
            "kind": "mysql_user",
            "admin": "database_admin",
            "options": {"user": "shop"},
            "appears_in": [{"setting": "DATABASE_URL"}],
        },
        "broker": {
            "kind": "rabbitmq_user",
            "admin": "broker_admin",
            "options": {"user": "shop", "tags": ["monitoring"]},
            "appears_in": [{"setting": "BROKER_URL"}],
        },
        **{
            f"{name}_admin": {
                "kind": "external",
                "appears_in": [{"secret": f"shop/{{environment}}/{name}", "keys": ["username", "password"]}],
                "server": {"address": address},
            }
            for name, address in {"database": "db.internal", "broker": "mq.internal"}.items()
        },
    },
    "environments": {"test": {}},
}
URLS = {
    "DATABASE_URL": "mysql://shop_a:canary-database@db.internal/shop?charset=utf8",
    "BROKER_URL": "amqps://shop_a:canary-broker@mq.internal/shop%2Feu",
}


def asked(
    journal: _journal.Journal | None = None,
    *,
    urls: dict[str, str] | None = None,
    admin: dict[str, str] | None = None,
    baseline: ServerBaseline | None = None,
    **over: Any,
) -> server_logins.Servers:
    login = {"username": "boss", "password": "canary-of/boss"} if admin is None else admin
    held = {"shop/test/core": {**URLS, **(urls or {})}, "shop/test/database": login, "shop/test/broker": login}
    readings = {name: Reading("secretsmanager", name, "v1", json.dumps(value)) for name, value in held.items()}
    catalog = catalog_parser.parse({**DOCUMENT, **over}, "test")
    versions = Versions(Contents(readings), Contents(), journal or _journal.Journal())
    return two_user_servers.plan_inspections(catalog, versions, baseline)


def inspections(*given: Any, **over: Any) -> dict[str, dict[str, Any]]:
    return {entry["place"]: entry for entry in asked(*given, **over).inspections}


def test_each_server_is_asked_by_its_administrator_alone() -> None:
    result = inspections()
    assert set(result) == {DATABASE, BROKER}
    assert result[DATABASE]["logins"] == [{"credential": "database", "users": ["shop_a", "shop_b"], "tags": []}]
    assert result[BROKER]["logins"][0]["tags"] == ["monitoring"]
    assert (result[DATABASE]["databases"], result[BROKER]["databases"]) == (["shop"], ["shop/eu"])
    assert result[DATABASE]["admin_url"] == f"mysql://boss:canary-of%2Fboss@{DATABASE}"
    assert result[BROKER]["address"]["tls_mode"] == "verify-full"
    assert result[DATABASE]["known"] == {"shop_a": [], "boss": []}
    assert "canary-database" not in json.dumps(result)
    assert "canary" not in json.dumps(asked().expected)


def test_the_other_user_is_declared_while_a_rotation_is_open() -> None:
    assert "shop_b" in inspections(rotating("database"))[DATABASE]["known"]
    assert "shop_b" not in inspections(rotating("database"))[BROKER]["known"]


def test_the_administrators_password_is_redacted_and_withheld_like_any_other() -> None:
    result = asked().inspections
    assert "canary-of/boss" in revoked_logins._values([], result)
    assert "canary" not in json.dumps([revoked_logins._without_administrator(entry) for entry in result])


@pytest.mark.parametrize(
    ("url", "vhost"),
    [("amqp://a:b@h", "/"), ("amqp://a:b@h/", "/"), ("amqp://a:b@h//", "/"), ("amqp://a:b@h/%2F?x=1", "/")],
)
def test_the_vhost_of_a_url(url: str, vhost: str) -> None:
    assert inspections(urls={"BROKER_URL": url.replace("a:b", "shop_a:canary")})[BROKER]["databases"] == [vhost]


# --- the answers ----------------------------------------------------------------------------------------------------


def rows(place: str, kind: str, answer: dict[str, Any] | None, **over: Any) -> list[tuple[str, str, str]]:
    result = {"inspected": {place: {**QUIET, **answer}}} if answer is not None else {"msg": "the host is lost"}
    merged = server_logins_results.merged({place: asked(**over).expected[place]}, result)
    assert pasted_commands.of_rows(CHECKS[kind], merged[kind]) == []
    assert [row["state"] for row in merged["baseline"]] == ["not applicable"], "no baseline was recorded"
    return [(row["state"], row["message"], row.get("command", "")) for row in merged[kind]]


FROM_DATABASE = ["mysql", "-h", "db.internal", "-P", "3306", "-u", "boss", "-p", "-e"]
LIST = "SELECT User, Host FROM mysql.user"


@pytest.mark.parametrize(
    ("place", "rights", "command"),
    [
        (
            DATABASE,
            ["`shop_a`@`%`: FILE, SUPER ON *.*", "`r`: SELECT ON `mysql`.*", "PUBLIC: EXECUTE ON FUNCTION `s`.`f`"],
            [
                *FROM_DATABASE,
                "; ".join(
                    [
                        "REVOKE FILE, SUPER ON *.* FROM `shop_a`@`%`",
                        "REVOKE SELECT ON `mysql`.* FROM `r`",
                        "REVOKE EXECUTE ON FUNCTION `s`.`f` FROM PUBLIC",
                    ]
                ),
            ],
        ),
        (DATABASE, ["`shop_a`@`%`: FILE ON *.*; DROP DATABASE shop"], [*FROM_DATABASE, LIST]),
        (DATABASE, ["`shop_a`@`%`: SELECT ON `a\\`.*"], [*FROM_DATABASE, LIST]),
        (BROKER, ["shop_a: tag administrator"], ["rabbitmqctl", "set_user_tags", "shop_a", "monitoring"]),
        (
            BROKER,
            ["shop_a: permissions in vhost x'; y"],
            ["rabbitmqctl", "clear_permissions", "-p", "x'; y", "shop_a"],
        ),
    ],
)
def test_rights_that_are_taken(place: str, rights: list[str], command: list[str]) -> None:
    name = "database" if place == DATABASE else "broker"
    ((state, message, pasted),) = rows(place, "rights", {"rights": {name: rights}})
    assert (state, message) == ("fail", f"its login at {place}: {', '.join(rights)}")
    assert shlex.split(pasted) == command


NO_ADMIN = {"admin": {"username": "boss"}}
UNPLACED = {**DOCUMENT["credentials"]["database_admin"]}
del UNPLACED["server"]
NO_SERVER = {"credentials": {**DOCUMENT["credentials"], "database_admin": UNPLACED}}


@pytest.mark.parametrize("kind", ["rights", "logins"])
@pytest.mark.parametrize(
    ("answer", "over", "words"),
    [
        (None, {}, "the host is lost"),
        ({"listed": False}, {}, "as administrator database_admin, set rotation_host"),
        ({"listed": False, "problems": ["login boss was rejected"]}, {}, "login boss was rejected"),
        ({"listed": False}, NO_ADMIN, "administrator database_admin cannot log in: "),
    ],
)
def test_a_server_that_was_not_asked_is_not_checked(
    answer: dict[str, Any] | None, over: dict[str, Any], words: str, kind: str
) -> None:
    ((state, message, _command),) = rows(DATABASE, kind, answer, **over)
    assert (state, words in message) == ("not checked", True), message


@pytest.mark.parametrize("kind", ["rights", "logins"])
def test_an_administrator_without_an_address(kind: str) -> None:
    place = "the server of database"
    assert inspections(**NO_SERVER)[place]["admin_url"] == ""
    ((state, message, _command),) = rows(place, kind, {"listed": False}, **NO_SERVER)
    assert (state, "declares no administrator with a server.address" in message) == ("not checked", True), message


@pytest.mark.parametrize(
    ("answer", "over", "state", "words"),
    [
        ({"rights": {"database": []}}, {}, "pass", "has no such right"),
        ({"rights": {}}, {}, "not checked", "the server has no user of this name"),
        (
            {"rights": {"database": []}},
            {"urls": {"DATABASE_URL": "mysql://shop_a:canary@db.internal"}},
            "not checked",
            "no URL of the catalog names the application's database",
        ),
        ({}, {"urls": {"DATABASE_URL": "no url"}}, "not checked", "cannot be checked"),
    ],
)
def test_rights(answer: dict[str, Any], over: dict[str, Any], state: str, words: str) -> None:
    ((found, message, _command),) = rows(DATABASE, "rights", answer, **over)
    assert (found, words in message) == (state, True), message


DISABLE = ["rabbitmqctl", "clear_password"]


def lock(account: str) -> list[str]:
    return [*FROM_DATABASE, f"ALTER USER {account} ACCOUNT LOCK"]


@pytest.mark.parametrize(
    ("place", "login", "words", "command"),
    [
        (DATABASE, {"name": "`m`@`%`"}, "account `m`@`%` may log in, but no credential", lock("`m`@`%`")),
        (DATABASE, {"name": "``@`%`"}, "anonymous account ``@`%` accepts any user name", lock("``@`%`")),
        (DATABASE, {"name": "`a`@`%`", "nopass": True}, "account `a`@`%` needs no password", lock("`a`@`%`")),
        (
            DATABASE,
            {"name": "`a`@`%`", "hidden": True},
            "may log in, but is not in the table",
            [*FROM_DATABASE, server_commands.LOADED],
        ),
        (DATABASE, {"name": "`a`@`%`; DROP USER boss"}, "may log in", [*FROM_DATABASE, LIST]),
        (BROKER, {"name": "mallory"}, "user mallory may log in, but no credential", [*DISABLE, "mallory"]),
        (BROKER, {"name": "-x; y"}, "user -x; y may log in", [*DISABLE, "--", "-x; y"]),
        (BROKER, {"name": "guest", "nopass": True}, "user guest accepts its default password", [*DISABLE, "guest"]),
    ],
)
def test_logins_that_are_not_declared(place: str, login: dict[str, Any], words: str, command: list[str]) -> None:
    answer = {"unexplained": [{"known": False, "nopass": False, **login}]}
    ((state, message, pasted),) = rows(place, "logins", answer)
    assert (state, words in message) == ("fail", True), message
    assert shlex.split(pasted) == command


@pytest.mark.parametrize(
    ("place", "name", "command"),
    [(DATABASE, "`shop_a`@`%`", [*FROM_DATABASE, LIST]), (BROKER, "guest", ["rabbitmqctl", "list_users"])],
)
def test_no_command_locks_out_a_declared_login(place: str, name: str, command: list[str]) -> None:
    answer = {"unexplained": [{"known": True, "nopass": True, "name": name}]}
    ((state, _message, pasted),) = rows(place, "logins", answer)
    assert (state, shlex.split(pasted)) == ("fail", command)


@pytest.mark.parametrize("place", [DATABASE, BROKER])
def test_logins_that_are_declared_and_too_many(place: str) -> None:
    assert rows(place, "logins", {})[0][:2] == ("pass", "3 logins, all declared")
    assert rows(place, "logins", {"more": 900})[0][0] == "fail"


# --- the baseline ---------------------------------------------------------------------------------------------------

ACCOUNTS = {("account", "`report`@`%`"): "", ("account", "shop_a or _b@`%`"): ""}
SOURCE = RecordedServer("2026-11-29", "op", frozenset({"account"}), ACCOUNTS)
BASELINE = ServerBaseline("shop", "test", "canary-key", {DATABASE: SOURCE})


def accounts(*names: str, **over: Any) -> dict[str, Any]:
    entries = [server_baseline.entry_of("account", name, "", f"ALTER USER {name} ACCOUNT LOCK") for name in names]
    return {"kinds": ["account"], "entries": entries, "problems": [], **over}


def test_only_a_server_of_the_baseline_is_asked_for_all_that_exists() -> None:
    found = {place: entry["inventory"] for place, entry in inspections(baseline=BASELINE).items()}
    assert found[BROKER] is None
    assert found[DATABASE]["key"] == "canary-key"
    assert found[DATABASE]["own"] == {**dict.fromkeys(("shop_a", "shop_b"), "shop_a or _b"), "boss": "boss"}
    assert "canary-key" not in json.dumps(asked(baseline=BASELINE).expected)


@pytest.mark.parametrize(
    ("inventory", "state", "words"),
    [
        (accounts(*(name for _kind, name in ACCOUNTS)), "pass", "2 users, grants and objects as on 2026-11-29"),
        (accounts("`report`@`%`"), "fail", "account shop_a or _b@`%` of the baseline does not exist any more"),
        (accounts(problems=["late"]), "not checked", "late"),
        (accounts(kinds=[]), "not checked", "set rotation_host in the inventory"),
    ],
)
def test_what_the_baseline_does_not_have(inventory: dict[str, Any], state: str, words: str) -> None:
    servers = asked(baseline=BASELINE)
    answer = {"inspected": {DATABASE: {**QUIET, "inventory": inventory}}}
    rows = server_logins_results.merged({DATABASE: servers.expected[DATABASE]}, answer)["baseline"]
    assert rows[0]["state"] == state
    assert words in " ".join(row["message"] for row in rows), rows


def test_a_login_that_the_baseline_explains_is_no_unknown_one() -> None:
    """An account of the application that needs no password is one all the same."""
    unexplained = [
        {"name": "`report`@`%`", "known": False, "nopass": False},
        {"name": "`shop_a`@`%`", "known": True, "nopass": True},
    ]
    inventory = accounts(*(name for _kind, name in ACCOUNTS))
    answer = {"inspected": {DATABASE: {**QUIET, "unexplained": unexplained, "inventory": inventory}}}
    for baseline, number in ((BASELINE, 1), (None, 2)):
        expected = asked(baseline=baseline).expected[DATABASE]
        rows = server_logins_results.merged({DATABASE: expected}, answer)["logins"]
        assert [row["state"] for row in rows] == ["fail"] * number
