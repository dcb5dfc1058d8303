# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What servers are asked, which logins the catalog explains, and what the answers come to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, server_baseline, valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents, Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerBaseline,
    ServerReading,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import server_logins, server_logins_results
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.previous_values import Versions
from tests.unit.plugins.plugin_utils._verify import pasted_commands

DOCUMENT: dict[str, Any] = {
    "application": "shop",
    "contacts": {"security": "security@example.com"},
    "audit_log": {"log_group": "/shop/audit"},
    "settings": {name: {"group": "core", "type": "url"} for name in ("DATABASE_URL", "CACHE_URL", "BROKER_URL")},
    "credentials": {
        "database": {
            "kind": "postgresql_role",
            "admin": "database_admin",
            "appears_in": [{"setting": "DATABASE_URL"}],
        },
        "cache": {"kind": "valkey_user", "admin": "cache_admin", "appears_in": [{"setting": "CACHE_URL"}]},
        "broker": {"kind": "valkey_user", "appears_in": [{"setting": "BROKER_URL"}]},
        **{
            name: {
                "kind": "external",
                "appears_in": [{"secret": f"shop/{{environment}}/{name}", "keys": ["username", "password"]}],
                **({"server": server} if server else {}),
            }
            for name, server in {
                "database_admin": {"address": "db.internal"},
                "cache_admin": {"address": "cache.internal", "nodes": ["cache-2.internal:6379"]},
                "replica": {},
            }.items()
        },
    },
    "environments": {"test": {}},
}
URLS = {
    "DATABASE_URL": "postgresql://shop_a:canary-database@db.internal/shop",
    "CACHE_URL": "rediss://shop:canary-cache@cache.internal:6379/0",
    "BROKER_URL": "rediss://:canary-broker@broker.internal/0",
}
DATABASE, CACHE, BROKER = "db.internal:5432", "cache.internal:6379", "broker.internal:6379"


def contents(**over: str) -> Contents:
    core = {"shop/test/core": {**URLS, **over}}
    logins = {
        f"shop/test/{name}": {"username": user, "password": f"canary-{user}"}
        for name, user in {"database_admin": "master", "cache_admin": "admin", "replica": "replicator"}.items()
    }
    readings = {name: Reading("secretsmanager", name, "v1", json.dumps(text)) for name, text in (core | logins).items()}
    return Contents(readings)


def asked(
    journal: _journal.Journal | None = None, before: Contents | None = None, **over: Any
) -> server_logins.Servers:
    now, baseline = over.pop("now", contents()), (over.pop("baseline", None), over.pop("problem", ""))
    records = over.pop("records", False)
    catalog = catalog_parser.parse({**DOCUMENT, **over}, "test")
    versions = Versions(now, before or Contents(), journal or _journal.Journal())
    return server_logins.plan_inspections(catalog, versions, *baseline, records=records)


def inspections(*given: Any, **over: Any) -> dict[str, dict[str, Any]]:
    return {entry["place"]: entry for entry in asked(*given, **over).inspections}


def credentials(**over: dict[str, Any]) -> dict[str, Any]:
    return {name: {**item, **over.get(name, {})} for name, item in DOCUMENT["credentials"].items()}


def rotating(name: str) -> _journal.Journal:
    rotation = _journal.OpenRotation("r1", "deploy", "ops", "2026-11-25T10:00:00Z", plan={"credentials": {name: {}}})
    return replace(_journal.Journal(), rotation=rotation)


def test_each_server_is_asked_once_with_what_explains_its_logins() -> None:
    result = inspections()
    assert set(result) == {DATABASE, CACHE, BROKER}
    assert result[DATABASE]["known"] == {"shop_a": [], "master": [], "replicator": []}
    assert (result[DATABASE]["databases"], result[DATABASE]["admin_url"]) == (["shop"], "")
    assert result[CACHE]["known"] == {
        user: [valkey.digest_of(f"canary-{name}")]
        for user, name in {"shop": "cache", "admin": "admin", "replicator": "replicator"}.items()
    }
    assert result[CACHE]["admin_url"].startswith("rediss://admin:canary-admin@cache.internal:6379/0")
    assert result[CACHE]["nodes"] == ["cache-2.internal:6379"]
    assert set(result[BROKER]["known"]) == {"default", "replicator"}
    assert "canary" not in json.dumps(asked().expected)


def test_two_credentials_at_one_server_are_one_inspection() -> None:
    both = credentials(broker={"admin": "cache_admin"})
    result = inspections(credentials=both, now=contents(BROKER_URL=URLS["CACHE_URL"]))
    assert [login["credential"] for login in result[CACHE]["logins"]] == ["cache", "broker"]


def test_a_rotation_explains_the_other_login_and_one_new_password() -> None:
    result = inspections(rotating("database"))
    assert set(result[DATABASE]["known"]) >= {"shop", "shop_a", "shop_b"}
    assert "shop_b" not in inspections(rotating("cache"))[DATABASE]["known"]
    result = inspections(rotating("cache"), contents(CACHE_URL=URLS["CACHE_URL"].replace("canary-cache", "canary-old")))
    passwords = {valkey.digest_of(text) for text in ("canary-cache", "canary-old")} | {valkey.gate_digest("r1")}
    assert set(result[CACHE]["known"]["shop"]) == passwords
    assert "shop" in result[CACHE]["changing"]


def test_a_value_that_is_revoked_later_is_explained() -> None:
    task = _journal.PendingTask("r1/cache", "cache", "revoke", "2026-11-25T10:00:00Z", "r1")
    journal = replace(_journal.Journal(), pending_tasks={task.id: task})
    before = contents(CACHE_URL=URLS["CACHE_URL"].replace("canary-cache", "canary-old"))
    entry = inspections(journal, before)[CACHE]
    assert valkey.digest_of("canary-old") in entry["known"]["shop"]
    assert entry["changing"] == []


LEFT_OUT: list[tuple[dict[str, Any], str, str]] = [
    ({"now": contents(DATABASE_URL="postgresql://shop_a:canary@elsewhere/shop")}, DATABASE, "elsewhere"),
    ({"now": contents(DATABASE_URL="no url")}, DATABASE, "cannot be checked"),
    ({"now": contents(DATABASE_URL="postgresql://shop_a:canary%zz@db.internal/shop")}, DATABASE, "cannot be checked"),
    ({"now": contents(BROKER_URL="rediss://:canary@x.cache.amazonaws.com/0")}, "x.cache.amazonaws.com:6379", "AWS"),
    (
        {"credentials": credentials(broker={"kind": "elasticache_auth_token", "options": {"replication_group": "g"}})},
        BROKER,
        "AWS manages the server",
    ),
]


@pytest.mark.parametrize(("over", "place", "why"), LEFT_OUT)
def test_whom_nothing_is_sent_to(over: dict[str, Any], place: str, why: str) -> None:
    servers = asked(**over)
    assert place not in {entry["place"] for entry in servers.inspections}
    (reason,) = servers.expected[place]["left_out"].values()
    assert why in reason
    assert "canary" not in json.dumps(servers.expected)


def test_an_administrator_that_its_own_secret_sends_elsewhere_is_not_asked() -> None:
    urls = {"shop/test/cache_admin": "rediss://admin:canary-admin@elsewhere/0"}
    readings = {name: Reading("secretsmanager", name, "v1", text) for name, text in urls.items()}
    admin = {"cache_admin": {"appears_in": [{"secret": "shop/{environment}/cache_admin"}]}}
    servers = asked(credentials=credentials(**admin), now=contents() | Contents(readings))
    assert {entry["admin_url"] for entry in servers.inspections} == {""}
    answer = {"inspected": {CACHE: {**QUIET, "listed": False}}}
    rows = server_logins_results.merged({CACHE: servers.expected[CACHE]}, answer)["logins"]
    assert "leads to elsewhere:6379" in rows[0]["message"]


# --- the answers ----------------------------------------------------------------------------------------------------

QUIET = {"problems": [], "rights": {}, "listed": True, "seen": 3, "unexplained": [], "more": 0}
QUIET |= {"inventory": server_baseline.no_inventory()}
USER = {"name": "guest", "known": False, "node": CACHE, "nopass": False, "passwords": 1, "digests": ["0badcafe"]}
TRUSTED = {"name": "shop_a", "known": True, "nopass": True}


CHECKS = {"rights": "WPS1101", "logins": "WPS1102", "baseline": "WPS1103"}


def rows(place: str, kind: str, answer: dict[str, Any] | None, **over: Any) -> list[tuple[str, str]]:
    result = {"inspected": {place: {**QUIET, **answer}}} if answer is not None else {"msg": "the host is lost"}
    merged = server_logins_results.merged({place: asked(**over).expected[place]}, result)
    assert pasted_commands.of_rows(CHECKS[kind], merged[kind]) == []
    return [(row["state"], row["message"]) for row in merged[kind]]


@pytest.mark.parametrize(
    ("place", "answer", "state", "words"),
    [
        (DATABASE, {"rights": {"database": ["SUPERUSER"]}}, "fail", f"its login at {DATABASE}: SUPERUSER"),
        (DATABASE, {"rights": {"database": []}}, "pass", "has no such right"),
        (DATABASE, {"problems": ["database: no"]}, "not checked", f"{DATABASE}: database: no"),
        (DATABASE, None, "not checked", "the host is lost"),
        (CACHE, {"rights": {"cache": ["may change users"]}}, "fail", "may change users"),
        (CACHE, {"listed": False}, "not checked", "administrator cache_admin"),
        (BROKER, {"listed": False}, "not checked", "nor run a script (EVAL) that reads"),
    ],
)
def test_rights(place: str, answer: dict[str, Any] | None, state: str, words: str) -> None:
    ((found, message),) = rows(place, "rights", answer)
    assert (found, words in message) == (state, True), message


def test_its_own_administrator_has_rights_by_declaration() -> None:
    own = credentials(cache={"admin": "cache", "server": {"address": CACHE}})
    assert rows(CACHE, "rights", {"rights": {"cache": ["x"]}}, credentials=own)[0][0] == "not applicable"


@pytest.mark.parametrize(
    ("place", "answer", "state", "words"),
    [
        (DATABASE, {}, "pass", "3 logins, all declared"),
        (DATABASE, {"unexplained": [{"name": "mallory", "known": False}]}, "fail", "login mallory may log in, but no"),
        (DATABASE, {"more": 900}, "fail", "900 more logins"),
        (DATABASE, {"listed": False, "problems": ["late"]}, "not checked", "late"),
        (DATABASE, {"problems": ["late"]}, "not checked", "late"),
        (DATABASE, None, "not checked", "the host is lost"),
        (CACHE, {"unexplained": [USER]}, "fail", "user guest may log in with 1 password (sha256 0badcafe), but no"),
        (CACHE, {"unexplained": [{**USER, "known": True}]}, "fail", "user guest accepts 1 password (sha256 0badcafe)"),
        (CACHE, {"unexplained": [{**USER, "nopass": True}]}, "fail", "user guest needs no password (nopass)"),
        (CACHE, {"unexplained": [{**USER, "node": "c2:1"}]}, "fail", "user guest at c2:1"),
        (CACHE, {"listed": False}, "not checked", "administrator cache_admin"),
        (BROKER, {}, "not applicable", "declares no administrator"),
        (BROKER, {"unexplained": [USER]}, "not applicable", "declares no administrator"),
        (
            BROKER,
            {"unexplained": [{**USER, "node": BROKER, "nopass": True}]},
            "fail",
            "user guest needs no password (nopass)",
        ),
        (DATABASE, {"unexplained": [TRUSTED]}, "fail", "login shop_a needs no password (trust in pg_hba.conf)"),
    ],
)
def test_logins(place: str, answer: dict[str, Any] | None, state: str, words: str) -> None:
    ((found, message),) = rows(place, "logins", answer)
    assert (found, words in message) == (state, True), message


def test_a_server_that_is_open_is_found_even_if_its_users_cannot_be_listed() -> None:
    answer = {"listed": False, "unexplained": [{**USER, "nopass": True}]}
    assert [state for state, _message in rows(CACHE, "logins", answer)] == ["fail", "not checked"]


# --- the baseline ---------------------------------------------------------------------------------------------------

RECORDED = ServerReading(
    frozenset({"role", "password"}), {("role", "report LOGIN"): "", ("password", "of report"): "1"}
)
BASELINE = ServerBaseline(
    "shop", "test", "canary-key", {DATABASE: RecordedServer("2026-11-29T10:00:00Z", "op", *RECORDED[:2])}
)


def entries(*names: str, **over: Any) -> dict[str, Any]:
    roles = [server_baseline.entry_of("role", name, "", f"ALTER ROLE {name}") for name in names]
    password = server_baseline.entry_of("password", "of report", "1", "")
    return {"kinds": ["role", "password"], "entries": [*roles, password], "problems": [], **over}


def compared(inventory: dict[str, Any], kind: str = "baseline", place: str = DATABASE, **over: Any) -> list[Any]:
    answer = {**QUIET, "inventory": inventory, "unexplained": [{"name": "report", "known": False}], **over}
    expected = asked(baseline=BASELINE).expected
    rows = server_logins_results.merged({place: expected[place]}, {"inspected": {place: answer}})[kind]
    assert pasted_commands.of_rows(CHECKS[kind], rows) == []
    return rows


def test_only_a_server_of_the_baseline_is_asked_for_all_that_exists() -> None:
    found = {entry["place"]: entry["inventory"] for entry in asked(baseline=BASELINE).inspections}
    assert {place for place, inventory in found.items() if inventory} == {DATABASE}
    assert found[DATABASE] == {
        "key": "canary-key",
        "own": {"shop_a": "shop_a or _b", "shop_b": "shop_a or _b", "master": "master", "replicator": "replicator"},
        "nodes": ["db.internal:5432"],
    }
    assert all(entry["inventory"] for entry in asked(baseline=BASELINE, records=True).inspections)
    assert "canary" not in json.dumps(asked(baseline=BASELINE).expected)


def test_postgresqls_administrator_is_sent_only_where_the_baseline_needs_it() -> None:
    assert {entry["place"] for entry in asked().inspections if entry["admin_url"]} == {CACHE}
    assert {entry["place"] for entry in asked(baseline=BASELINE).inspections if entry["admin_url"]} == {CACHE, DATABASE}


@pytest.mark.parametrize(
    ("inventory", "state", "words"),
    [
        (entries("report LOGIN"), "pass", "2 users, grants and objects as on 2026-11-29"),
        (
            entries("report LOGIN", "thief LOGIN"),
            "fail",
            "role thief LOGIN is not in the baseline (baseline of 2026-11-29, id 7",
        ),
        (entries(), "fail", "role report LOGIN of the baseline does not exist any more (baseline of 2026-11-29, id 7"),
        (entries("report LOGIN", problems=["late"]), "not checked", "late"),
        (server_baseline.no_inventory(), "not checked", "its answer has no result"),
    ],
)
def test_what_the_baseline_does_not_have(inventory: dict[str, Any], state: str, words: str) -> None:
    (row,) = compared(inventory)
    assert (row["state"], words in row["message"]) == (state, True), row
    command = "ALTER ROLE thief LOGIN" if "thief" in words else "baseline {run} --check" if state == "fail" else ""
    assert row.get("command", "").strip("'").endswith(command)


def test_thousands_of_differences_are_counted() -> None:
    rows = compared(entries("report LOGIN", *(f"r{number} LOGIN" for number in range(3000))))
    assert (len(rows), rows[-1]["message"][:21]) == (51, "2950 more differences")


def test_a_server_that_was_too_slow_is_not_checked() -> None:
    ((found, message),) = [
        (row["state"], row["message"]) for row in compared(server_baseline.no_inventory(), problems=["late"])
    ]
    assert (found, message) == ("not checked", "late")


def test_a_kind_that_could_be_read_before_is_not_checked() -> None:
    rows = compared(entries("report LOGIN", kinds=["role"]))
    assert [row["state"] for row in rows] == ["not checked", "pass"]
    assert rows[0]["message"] == "password: could be read on 2026-11-29, and cannot be read now"


def test_a_login_that_the_baseline_explains_is_no_unknown_one() -> None:
    assert [row["state"] for row in compared(entries("report LOGIN"), "logins")] == ["pass"]
    assert [row["state"] for row in compared(entries(problems=["late"]), "logins")] == ["fail"]
    turn = {"unexplained": [{"name": "shop_b", "known": False}]}
    assert [row["state"] for row in compared(entries("report LOGIN"), "logins", **turn)] == ["fail"], "it has one name"


def test_without_a_baseline_nothing_is_compared() -> None:
    assert rows(DATABASE, "baseline", {})[0][0] == "not applicable"
    expected = asked(problem="it may not be read").expected
    (row,) = server_logins_results.merged({DATABASE: expected[DATABASE]}, {"inspected": {DATABASE: QUIET}})["baseline"]
    assert (row["state"], row["message"]) == ("not checked", "it may not be read")


def test_a_login_of_vault_has_the_name_of_its_credential() -> None:
    leased = {"database": {"kind": "vault_database", "appears_in": [{"setting": "DATABASE_URL"}]}}
    own = asked(credentials={**DOCUMENT["credentials"], **leased}).expected[DATABASE]["own"]
    assert own["shop_a"] == "a login of database"
