# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Problems = Callable[..., list[str]]
A = {"group": "core"}
TEST = {"url": "https://a.example/me", "headers": {"Authorization": "Bearer {value}"}}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"A": {**A, "required": {"when": "B"}}}, "settings.A.required.when: B is not a setting"),
        ({"A": {**A, "type": "string", "schemes": ["x"]}}, "settings.A.schemes: is for type url only"),
        ({"A_*": A}, "settings.A_*: a name that ends in * needs a parameter that ends in * as well, such as App/A_*"),
        ({"A_*": {"parameter": "B_*"}}, "settings.A_*: a name that ends in * needs a parameter that ends in * as well"),
        (
            {"A_*": {"parameter": "XA_*"}},
            "settings.A_*: a name that ends in * needs a parameter that ends in * as well",
        ),
        (
            {"A_*": {"parameter": "A_*", "required": True}},
            "settings.A_*: a name that ends in * cannot be required and cannot have copies",
        ),
        (
            {"A_*": {"parameter": "A_*", "copies": [{"parameter": "x"}]}},
            "settings.A_*: a name that ends in * cannot be required and cannot have copies",
        ),
        (
            {"A": {"compose": {"scheme": "x", "host": {"setting": "B"}}}},
            "settings.A.compose: B is not a setting",
        ),
        ({"A": {**A, "github_scope": "environment"}}, "settings.A.github_scope: has no effect without github"),
        (
            {"A": {"value": "x", "initial": "x"}},
            "settings.A.initial: is for stored settings only; give the setting a group, secret or parameter",
        ),
        (
            {"A": {**A, "initial": "x"}},
            "settings.A.initial: a value of high sensitivity does not belong in the catalog; write {password} in it",
        ),
        (
            {"A": {**A, "initial": "{password}"}},
            "settings.A.initial: {password} needs a credential; add A to appears_in of a credential",
        ),
        (
            {"A": {"value": 1, "sensitivity": "medium"}},
            "settings.A.value: a value of medium sensitivity does not belong in the catalog; write group: app instead",
        ),
        (
            {"A": {**A, "github": "variable"}},
            "settings.A.github: a variable at GitHub is readable, and the sensitivity is high; write github: secret",
        ),
        ({"A": A, "B": {**A, "key": "A"}}, "settings.B: secret app/test/core key A already holds A"),
        (
            {"A": {"parameter": "P"}, "B": {**A, "copies": [{"parameter": "P"}]}},
            "settings.B: parameter /app/test/P already holds A",
        ),
    ],
)
def test_a_wrong_setting_is_named(problems: Problems, settings: dict[str, Any], expected: str) -> None:
    results = problems(settings)
    assert len(results) == 1
    assert results[0].startswith(expected)


def test_a_composed_setting_composes_no_other(problems: Problems) -> None:
    inner = {"compose": {"scheme": "x", "host": "h"}}
    results = problems({"A": {"compose": {"scheme": "x", "host": {"setting": "B"}}}, "B": inner})
    assert results == ["settings.A.compose: B is itself composed; name its parts here"]


@pytest.mark.parametrize("name", ["RATE_*", "X/RATE_*"])
def test_a_pattern_over_a_parameter_is_fine(problems: Problems, name: str) -> None:
    assert problems({"RATE_*": {"parameter": name}}) == []


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        (
            [["A"], ["B", "NO"]],
            "alternatives.db[1]: NO is not a setting; correct the name, or declare it: settings: {NO: {group: app}}",
        ),
        ([["A"], ["R"]], "alternatives.db[1]: R is always required; remove required from settings.R"),
    ],
)
def test_a_wrong_alternative_is_named(problems: Problems, choices: list[list[str]], expected: str) -> None:
    settings = {"A": A, "B": A, "R": {**A, "required": True}}
    assert problems(settings, alternatives={"db": choices}) == [expected]


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        ({"appears_in": [{"setting": "B"}]}, "credentials.c.appears_in: B is not a setting"),
        ({"fallbacks": "B"}, "credentials.c.fallbacks: B is not a setting"),
        ({"exposes": ["d"]}, "credentials.c: d is not a credential"),
        ({"admin": "root"}, "credentials.c: root is not a credential"),
        ({"appears_in": [{"secret": "s"}]}, "credentials.c.appears_in[0]: secret 's' names no {environment}"),
        (
            {"test": {**TEST, "url": "https://a.example/me?key={value}"}},
            "credentials.c.test.url: holds {value}, and addresses are logged; send it in a header or in the form",
        ),
        ({"test": {**TEST, "url": "https://user@a.example/"}}, "credentials.c.test.url: has a login in it, and "),
        ({"test": {**TEST, "url": "https:///me"}}, "credentials.c.test.url: names no host"),
        (
            {"test": {**TEST, "url": "http://a.example/me"}},
            "credentials.c.test.url: would send the value unencrypted; use https",
        ),
        ({"test": {"url": "https://a.example/"}}, "credentials.c.test: sends no {value}, so it would test nothing; "),
        (
            {"test": {**TEST, "headers": {"A B": "{value}"}}},
            "credentials.c.test.headers: 'A B' is not a header's name",
        ),
        (
            {"test": {**TEST, "headers": {"A": "{value}\r\nB: x"}}},
            "credentials.c.test.headers.A: has characters that a header cannot have",
        ),
        (
            {"test": {**TEST, "form": {"id": "{password}"}}},
            "credentials.c.test.form.id: {password} is not a placeholder; write one of {",
        ),
        (
            {"test": {**TEST, "status": [200, 401]}},
            "credentials.c.test: 401 is in both status and refused; remove it from one of them",
        ),
    ],
)
def test_a_wrong_credential_is_named(problems: Problems, credential: dict[str, Any], expected: str) -> None:
    whole = {"kind": "k", "appears_in": [{"setting": "A"}], **credential}
    results = problems({"A": A}, credentials={"c": whole})
    assert len(results) == 1
    assert results[0].startswith(expected)


def test_production_needs_a_contact_and_an_audit_log(problems: Problems) -> None:
    assert problems({"A": A}, "production") == [
        "contacts.security: is required for production; add contacts: {security: security@example.com}",
        "audit_log: is required for production; add audit_log: {log_group: /APPLICATION/audit} or {s3: BUCKET/PREFIX}",
    ]
    assert problems({"A": A}, "test") == []


def test_one_audit_log(problems: Problems) -> None:
    assert problems({"A": A}, audit_log={"s3": "x", "log_group": "y"}) == ["audit_log: give log_group or s3, not both"]


def test_an_exception_names_a_rule_and_a_setting(problems: Problems) -> None:
    entry = {"rule": "redis_tsl", "setting": "B", "reason": "because"}
    results = problems({"A": A}, environments={"test": {"exceptions": [entry]}})
    assert len(results) == 2
    assert results[0].startswith(
        "environments.test.exceptions[0].rule: redis_tsl is not a rule; rules are administrator_login, "
    )
    assert results[1].startswith("environments.test.exceptions[0].setting: B is not a setting; ")


URL = {**A, "type": "url"}


@pytest.mark.parametrize(
    ("purge", "expected"),
    [
        ({"cache": {"setting": "CACHE_URL", "keys": [":1:*"]}}, None),
        ({"pages": {"kind": "cache", "setting": "CACHE_URL", "keys": ["*"]}}, None),
        ({"pages": {"setting": "CACHE_URL", "keys": ["*"]}}, "purge.pages.kind: write cache or sessions"),
        ({"cache": {"setting": "B", "keys": ["*"]}}, "purge.cache.setting: B is not a setting"),
        ({"cache": {"setting": "TEXT", "keys": ["*"]}}, "purge.cache.setting: TEXT is not of type url"),
        ({"cache": {"setting": "CACHE_URL", "keys": ["b*", "cel*"]}}, "purge.cache.keys[1]: 'cel*' can match celery*"),
        ({"cache": {"setting": "CELERY_BROKER_URL", "keys": ["*"]}}, "purge.cache.keys[0]: '*' can match celery*"),
        ({"cache": {"setting": "QUEUES", "keys": ["*"]}}, "purge.cache.keys[0]: '*' can match celery*"),
        ({"cache": {"setting": "CACHE_URL", "keys": []}}, "purge.cache.keys: needs at least 1 item(s)"),
        ({"cache": {"setting": "CACHE_URL"}}, "purge.cache.keys: is required"),
        ({"cdn": {"distribution": "E2QWRUHAPOMQZL"}}, None),
        ({"cdn": {"distribution": "E2QWRUHAPOMQZL", "paths": ["/*", "/api/*"]}}, None),
        ({"cdn": {"distribution": "cdn.example.com"}}, "purge.cdn.distribution: does not match"),
        ({"cdn": {"distribution": "E2QWRUHAPOMQZL", "paths": ["api"]}}, "purge.cdn.paths[0]: does not match"),
        ({"cdn": {"distribution": "E2QWRUHAPOMQZL", "paths": []}}, "purge.cdn.paths: needs at least 1 item(s)"),
        (
            {"cdn": {"distribution": "E2QWRUHAPOMQZL", "keys": ["a"]}},
            "purge.cdn.keys: cannot be combined with distribution",
        ),
        (
            {"cache": {"setting": "CACHE_URL", "keys": ["b"], "paths": ["/"]}},
            "purge.cache.paths: cannot be combined with",
        ),
    ],
)
def test_what_may_be_purged(problems: Problems, purge: dict[str, Any], expected: str | None) -> None:
    settings = {"CACHE_URL": URL, "CELERY_BROKER_URL": URL, "QUEUES": {**URL, "broker": True}, "TEXT": A}
    results = problems(settings, purge=purge)
    assert len(results) == (0 if expected is None else 1)
    assert expected is None or results[0].startswith(expected)


def test_an_environment_may_purge_otherwise(catalog: Callable[..., Any]) -> None:
    purge = {"cache": {"setting": "CACHE_URL", "keys": ["a*"]}, "sessions": {"setting": "CACHE_URL", "keys": ["s*"]}}
    over = {"test": {"purge": {"cache": {"setting": "CACHE_URL", "keys": ["b*"]}, "sessions": None}}}
    made = catalog({"CACHE_URL": URL}, purge=purge, environments=over)
    assert {name: (entry.kind, entry.keys) for name, entry in made.purge.items()} == {"cache": ("cache", ("b*",))}


def test_cloudfront_may_be_made_to_forget(catalog: Callable[..., Any]) -> None:
    purge = {"cache": {"setting": "CACHE_URL", "keys": ["b*"]}, "cdn": {"distribution": "E1", "paths": ["/a/*"]}}
    made = catalog({"CACHE_URL": URL}, purge=purge, environments={"test": {"purge": {"pages": {"distribution": "E2"}}}})
    assert list(made.purge) == ["cache"]
    answer = {name: (item.distribution, item.paths) for name, item in made.invalidations.items()}
    assert answer == {"cdn": ("E1", ("/a/*",)), "pages": ("E2", ("/*",))}


def _administered(kind: str, server: dict[str, Any] | None, **extra: Any) -> dict[str, Any]:
    admin = {"kind": "external", "appears_in": [{"setting": "B"}], **({"server": server} if server else {})}
    return {"c": {"kind": kind, "admin": "root", "appears_in": [{"setting": "A"}]}, "root": admin, **extra}


PG, VALKEY = "postgresql_role", "valkey_user"
REQUIRED = (
    "credentials.root.server: is required, because root administers c and its password goes to no other address. Add, "
    'with the address of the server: server: {address: "db.example.com:5432"}'
)
OTHER = {"d": {"kind": VALKEY, "admin": "root", "appears_in": [{"setting": "A"}]}}


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        (
            _administered(PG, None),
            REQUIRED,
        ),
        (_administered(VALKEY, None), "credentials.root.server: is required, because root administers c "),
        (
            _administered(PG, {"address": "db"}, **OTHER),
            "credentials.root: administers PostgreSQL and Valkey (c, d); declare an administrator for each",
        ),
        (_administered(PG, {"address": "a b"}), "credentials.root.server.address: a b is not an address; write host, "),
        (_administered(PG, {"address": "db:0"}), "credentials.root.server.address: db:0 has no port between 1 and "),
        (_administered(PG, {"address": "db.{x}"}), "credentials.root.server.address: 'db.{x}' may hold only "),
        (
            _administered(PG, {"address": "db", "aliases": ["x/"]}),
            "credentials.root.server.aliases: x/ is not an address",
        ),
        (_administered(PG, {"address": "db", "nodes": ["x"]}), "credentials.root.server.nodes: is for Valkey only; "),
        (_administered(VALKEY, {"address": "/run/valkey"}), "credentials.root.server: Valkey is reached by host:port"),
        (
            _administered(PG, {"address": "db", "tls": {"mode": "require"}}),
            "credentials.root.server.tls.mode: require does not verify the server's identity; use verify-full ",
        ),
        (
            _administered(VALKEY, {"address": "::1", "nodes": ["cache"], "tls": {"mode": "disable"}}),
            "credentials.root.server.address: ::1 is not an address",
        ),
        (
            _administered(VALKEY, {"address": "[::1]", "nodes": ["cache"], "tls": {"mode": "disable"}}),
            "credentials.root.server.tls.mode: disable does not verify",
        ),
        (
            _administered(PG, {"address": "db", "tls": {"cert": "/c"}}),
            "credentials.root.server.tls: a client certificate needs both cert and key",
        ),
        (
            {"c": {"kind": "k", "appears_in": [{"setting": "A"}], "parts": {"host": "NO"}}},
            "credentials.c.parts: NO is not a setting",
        ),
    ],
)
def test_a_wrong_server_is_named(problems: Problems, credentials: dict[str, Any], expected: str) -> None:
    results = problems({"A": A, "B": {"group": "core"}}, credentials=credentials)
    assert results[0].startswith(expected), results


@pytest.mark.parametrize(
    "credentials",
    [
        _administered(PG, {"address": "db.{environment}.internal", "aliases": ["pooler:6432"], "database": "ops"}),
        _administered(PG, {"address": "/run/postgresql"}),
        _administered(PG, {"address": "127.0.0.1", "tls": {"mode": "disable"}}),
        _administered(PG, {"address": "db", "tls": {"mode": "disable", "reason": "WireGuard"}}),
        _administered(VALKEY, {"address": "a:6379", "nodes": ["b", "[2001:db8::1]:6380"]}),
        _administered("mine", None),
        _administered("mine", {"address": "db:99"}),
    ],
)
def test_a_server_that_is_declared_well(problems: Problems, credentials: dict[str, Any]) -> None:
    assert problems({"A": A, "B": {"group": "core"}}, credentials=credentials) == []
