# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What previous versions still open, in words; what can be tried, with values that no repr shows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents, Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import previous_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.previous_values import Versions

DOCUMENT: dict[str, Any] = {
    "application": "app",
    "contacts": {"security": "security@example.com"},
    "audit_log": {"log_group": "/app/audit"},
    "secrets": {"admin": {"environment": "test"}},
    "settings": {
        "URL": {"group": "core", "type": "url"},
        "KEY": {"group": "core"},
        "KEYS": {"group": "core", "type": "list"},
        "TOKEN": {"group": "core"},
    },
    "credentials": {
        "database": {
            "kind": "postgresql_role",
            "appears_in": [{"setting": "URL"}, {"secret": "admin", "keys": ["username", "password"]}],
        },
        "key": {"kind": "django_secret_key", "fallbacks": "KEYS", "appears_in": [{"setting": "KEY"}]},
        "token": {"kind": "external", "appears_in": [{"setting": "TOKEN"}]},
    },
    "environments": {"test": {}},
}
CATALOG = catalog_parser.parse(DOCUMENT, "test")
URL = "postgresql://{}:{}@db/app"
EMPTY = _journal.Journal()
TOKEN_WORDS = (
    "credentials of the kind external are not tried by this check, and the journal has no rotation of this credential"
)


def contents(**secrets: dict[str, str]) -> Contents:
    names = {"core": "app/test/core", "admin": "admin"}
    readings = [Reading("secretsmanager", names[name], "v1", json.dumps(content)) for name, content in secrets.items()]
    return Contents({reading.name: reading for reading in readings}, {})


def core(password: str, user: str = "app", **extra: str) -> dict[str, str]:
    return {"URL": URL.format(user, password), "KEY": "now-key", "TOKEN": "now-token", **extra}


NOW = contents(core=core("canary-now"), admin={"username": "app", "password": "canary-now"})


def judged(before: Contents, name: str, journal: _journal.Journal = EMPTY, now: Contents = NOW) -> tuple[Any, str]:
    values = {"KEYS": "old-key"}
    result = previous_values.states(CATALOG, Versions(now, before, journal), values)[name]
    assert "canary" not in json.dumps(result)
    return result["state"], result["message"]


def test_what_can_be_tried() -> None:
    before = contents(core=core("canary-old"))
    assert judged(before, "database") == ("untried", "the previous value was not tried")
    (item,) = previous_values.tries(CATALOG, Versions(NOW, before))
    assert (item.credential, item.server, item.current) == ("database", "postgresql", URL.format("app", "canary-now"))
    assert item.former == (URL.format("app", "canary-old"),)
    assert "canary" not in repr(item)


def test_every_place_may_hold_another_former_value() -> None:
    before = contents(core=core("canary-old", "app_b"), admin={"username": "app_c", "password": "canary-older"})
    (item,) = previous_values.tries(CATALOG, Versions(NOW, before))
    assert set(item.former) >= {URL.format("app_b", "canary-old"), URL.format("app_c", "canary-older")}
    assert not [url for url in item.former if "canary-now" in url]


def test_the_last_three_passwords_are_tried_whatever_keeps_them() -> None:
    older = tuple(contents(core=core(f"canary-old-{age}", "app_b")) for age in (2, 2, 3, 4))
    read = Versions(NOW, contents(core=core("canary-now")), older=older)
    (item,) = previous_values.tries(CATALOG, read)
    assert item.former == tuple(URL.format(user, f"canary-old-{age}") for age in (2, 3, 4) for user in ("app_b", "app"))
    four = Versions(NOW, contents(core=core("canary-old-1")), older=older)
    (item,) = previous_values.tries(CATALOG, four)
    assert not [url for url in item.former if "canary-old-4" in url]
    assert previous_values.states(CATALOG, read, {})["token"]["message"].startswith("no previous value"), (
        "servers alone"
    )


@pytest.mark.parametrize("before", [contents(), contents(core=core("canary-now"))])
def test_no_former_value(before: Contents) -> None:
    assert judged(before, "database") == ("exempt", "no previous value of it is kept")
    assert previous_values.tries(CATALOG, Versions(NOW, before)) == []


def test_what_has_no_server_is_not_tried() -> None:
    before = contents(core=core("canary-now", TOKEN="old-token"))
    assert judged(before, "token") == ("untried", TOKEN_WORDS)


def test_what_a_provider_has_to_revoke() -> None:
    """It stays open until somebody says so; then the rotation did not see its refusal all the same."""
    before = contents(core=core("canary-now", TOKEN="old-token"))
    at = "2026-11-25T10:00:00Z"
    left = _journal.PendingTask("r1/token", "token", _journal.CONFIRM, at, "r1")
    rotated = {"token": _journal.Rotated(at, "ann", "r1")}
    open_one = replace(EMPTY, rotated=rotated, pending_tasks={left.id: left})
    message = (
        f"no confirmation yet that the previous value, replaced at {at}, was revoked where it was issued. Confirm it: "
        "ansible-playbook watchparty.secrets.rotate -e rotation_revoked=token"
    )
    assert judged(before, "token", open_one) == ("untried", message)
    state, message = judged(before, "token", replace(EMPTY, rotated=rotated))
    assert (state, message.endswith(f"; rotation r1 replaced it at {at}")) == ("exempt", True)


def test_no_url_now() -> None:
    before = contents(core=core("canary-old"))
    now = contents(core={"URL": "no url"}, admin={"username": "app", "password": "canary-now"})
    state, message = judged(before, "database", now=now)
    assert (state, message.startswith("its current value cannot be read")) == ("untried", True)


def test_what_is_valid_by_a_plan_is_not_tried() -> None:
    before = contents(core=core("canary-old"))
    rotation = _journal.OpenRotation(
        "r1", "deploy", "ops", "2026-11-25T10:00:00Z", plan={"credentials": {"database": {}}}
    )
    journal = replace(EMPTY, rotation=rotation)
    state, message = judged(before, "database", journal)
    assert (state, "is open, and both values are valid" in message) == ("exempt", True)
    assert previous_values.tries(CATALOG, Versions(NOW, before, journal)) == []


@pytest.mark.parametrize(("fallback", "state"), [("old-key", "accepted"), ("older-key", "refused")])
def test_a_signing_key(fallback: str, state: str) -> None:
    before = contents(core=core("canary-now", KEY=fallback))
    assert judged(before, "key")[0] == state


KEYS: dict[str, Any] = {
    **DOCUMENT,
    "settings": {name: {"group": "core"} for name in ("AWS_ACCESS_KEY_ID", "SECRET", "DEPLOY", "KEY")}
    | {"KEYS": {"group": "core"}},
    "credentials": {
        "storage": {"kind": "aws_access_key", "appears_in": [{"setting": "AWS_ACCESS_KEY_ID"}, {"setting": "SECRET"}]},
        "deploy": {"kind": "ssh_key", "options": {"user": "ci"}, "appears_in": [{"setting": "DEPLOY"}]},
        "key": {"kind": "django_secret_key", "fallbacks": "KEYS", "appears_in": [{"setting": "KEY"}]},
    },
}


def keys(when: str, **extra: str) -> Contents:
    names = {"AWS_ACCESS_KEY_ID": "AKIA" + when.upper(), "SECRET": "secret", "DEPLOY": "private", "KEY": "signing"}
    return contents(core={**{name: f"canary-{text}-{when}" for name, text in names.items()}, **extra})


def test_keys_are_tried_where_they_open_something() -> None:
    catalog = catalog_parser.parse(KEYS, "test")
    now, before = keys("now"), keys("old")
    tries = {item.credential: item for item in previous_values.tries(catalog, Versions(now, before))}
    assert {name: item.by for name, item in tries.items()} == {"storage": "aws", "deploy": "hosts", "key": "sessions"}
    assert tries["storage"].current == Login("canary-AKIANOW-now", "canary-secret-now")
    assert tries["storage"].former == (Login("canary-AKIAOLD-old", "canary-secret-old"),)
    assert tries["deploy"].data == {
        "credential": "deploy",
        "server": "ssh",
        "current": "canary-private-now",
        "former": ["canary-private-old"],
        "user": "ci",
        "address": {},
    }
    assert "canary" not in repr(list(tries.values()))
    answer = previous_values.states(catalog, Versions(now, before), {"KEYS": ""})
    assert {name: (entry["state"], entry["by"]) for name, entry in answer.items()} == {
        "storage": ("untried", "aws"),
        "deploy": ("untried", "hosts"),
        "key": ("refused", "sessions"),
    }


def test_a_former_key_without_its_id() -> None:
    before = keys("old")
    (core_before,) = before.readings.values()
    text = json.loads(core_before.value)
    del text["AWS_ACCESS_KEY_ID"]
    read = Versions(keys("now"), contents(core=text))
    answer = previous_values.states(catalog_parser.parse(KEYS, "test"), read, {})["storage"]
    assert answer["message"].startswith(
        "the previous access key was not tried, because the stores do not hold its access key ID"
    )


def test_a_signing_key_that_still_verifies_is_not_tried() -> None:
    before = keys("old")
    read, values = Versions(keys("now"), before), {"KEYS": "canary-signing-old"}
    answer = previous_values.states(catalog_parser.parse(KEYS, "test"), read, values)["key"]
    assert (answer["state"], "by" in answer) == ("accepted", False)


ADMINISTRATOR = {"kind": "external", "appears_in": [{"secret": "admin", "keys": ["username", "password"]}]}
TWO_USERS: dict[str, Any] = {
    **DOCUMENT,
    "settings": {
        "DATABASE_URL": {"group": "core", "type": "url"},
        "USER": {"group": "core"},
        "WORD": {"group": "core"},
    },
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
            "options": {"user": "shop", "amqp": "queue.internal"},
            "appears_in": [{"setting": "USER"}, {"setting": "WORD"}],
        },
        "database_admin": {**ADMINISTRATOR, "server": {"address": "[::1]:3307"}},
        "broker_admin": {**ADMINISTRATOR, "server": {"address": "mq.internal", "tls": {"ca": "/etc/ca.pem"}}},
    },
}


def turn(database: str, broker: str, word: str = "") -> Contents:
    word = word or "canary-" + broker[-1]
    url = f"mysql://{database}:canary-{database[-1]}%2F@elsewhere.internal/shop"
    return contents(core={"DATABASE_URL": url, "USER": broker, "WORD": word})


def two_users(read: Versions, document: dict[str, Any] = TWO_USERS) -> dict[str, Any]:
    catalog = catalog_parser.parse(document, "test")
    states = previous_values.states(catalog, read, {})
    assert "canary" not in json.dumps(states)
    tries = {item.credential: item.data for item in previous_values.tries(catalog, read)}
    return {name: tries.get(name, states[name]) for name in ("database", "broker")}


def test_two_users_are_tried_at_the_declared_address_alone() -> None:
    """With what a URL carries, and not where it leads."""
    older = (turn("shop_b", "shop_b", "canary-b2"), turn("shop", "shop_a"))
    result = two_users(Versions(turn("shop_b", "shop_b"), turn("shop_a", "shop_a"), older=older))
    database, broker = result["database"], result["broker"]
    place = "mysql://{}:canary-{}%2F@[::1]:3307"
    assert database["current"] == place.format("shop_b", "b")
    former = [("shop_a", "a"), ("shop_b", "a"), ("shop", "p"), ("shop_b", "p")]
    assert database["former"] == [place.format(*login) for login in former]
    assert (database["address"]["host"], database["address"]["port"]) == ("::1", 3307)
    assert (database["address"]["tls_mode"], broker["address"]["tls_mode"]) == ("disable", "verify-full")
    assert (broker["address"]["host"], broker["address"]["port"]) == ("queue.internal", 5671)
    assert broker["address"]["ca"] == "/etc/ca.pem"
    place = "rabbitmq://{}:canary-{}@mq.internal:15671"
    former = [("shop_a", "a"), ("shop_b", "a"), ("shop_b", "b2")]
    assert (broker["current"], broker["former"]) == (
        place.format("shop_b", "b"),
        [place.format(*login) for login in former],
    )


def test_two_users_without_an_address_are_not_checked() -> None:
    read = Versions(turn("shop_b", "shop_b"), turn("shop_a", "shop_a"))
    at_socket = {**ADMINISTRATOR, "server": {"address": "/run/mq"}}
    credentials = {**TWO_USERS["credentials"], "database_admin": ADMINISTRATOR, "broker_admin": at_socket}
    result = two_users(read, {**TWO_USERS, "credentials": credentials})
    assert (result["database"]["state"], result["broker"]["state"]) == ("untried", "untried")
    assert "has no declared address" in result["database"]["message"]
    assert "/run/mq is a socket" in result["broker"]["message"]
