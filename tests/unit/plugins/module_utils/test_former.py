# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What former versions still open, in words; what can be tried, with values that no repr shows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils import _catalog, _former, _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import Contents, Reading

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
CATALOG = _catalog.parse(DOCUMENT, "test")
URL = "postgresql://{}:{}@db/app"
EMPTY = _journal.Journal()
TOKEN_WORDS = "credentials of the kind external are not tried here, and the journal tells of no rotation of it"


def contents(**secrets: dict[str, str]) -> Contents:
    names = {"core": "app/test/core", "admin": "admin"}
    found = [Reading("secretsmanager", names[name], "v1", json.dumps(content)) for name, content in secrets.items()]
    return Contents({one.name: one for one in found}, {})


def core(password: str, user: str = "app", **more: str) -> dict[str, str]:
    return {"URL": URL.format(user, password), "KEY": "now-key", "TOKEN": "now-token", **more}


NOW = contents(core=core("canary-now"), admin={"username": "app", "password": "canary-now"})


def told(before: Contents, name: str, journal: _journal.Journal = EMPTY, now: Contents = NOW) -> tuple[Any, str]:
    values = {"KEYS": "old-key"}
    found = _former.told(CATALOG, now, values, before, journal)[name]
    assert "canary" not in json.dumps(found)
    return found["state"], found["words"]


def test_what_can_be_tried() -> None:
    before = contents(core=core("canary-old"))
    assert told(before, "database") == ("untried", "it was not tried at its server")
    (one,) = _former.tries(CATALOG, NOW, before, EMPTY)
    assert (one.credential, one.server, one.current) == ("database", "postgresql", URL.format("app", "canary-now"))
    assert one.former == (URL.format("app", "canary-old"),)
    assert "canary" not in repr(one)


def test_every_place_may_hold_another_former_value() -> None:
    before = contents(core=core("canary-old", "app_b"), admin={"username": "app_c", "password": "canary-older"})
    (one,) = _former.tries(CATALOG, NOW, before, EMPTY)
    assert set(one.former) >= {URL.format("app_b", "canary-old"), URL.format("app_c", "canary-older")}
    assert not [url for url in one.former if "canary-now" in url]


@pytest.mark.parametrize("before", [contents(), contents(core=core("canary-now"))])
def test_no_former_value(before: Contents) -> None:
    assert told(before, "database") == ("untried", "no former value of it is kept")
    assert _former.tries(CATALOG, NOW, before, EMPTY) == []


def test_what_has_no_server_is_not_tried() -> None:
    before = contents(core=core("canary-now", TOKEN="old-token"))
    assert told(before, "token") == ("untried", TOKEN_WORDS)


def test_no_url_now() -> None:
    before = contents(core=core("canary-old"))
    now = contents(core={"URL": "no url"}, admin={"username": "app", "password": "canary-now"})
    state, words = told(before, "database", now=now)
    assert (state, words.startswith("no server is known to try it at")) == ("untried", True)


def test_what_is_valid_by_a_plan_is_not_tried() -> None:
    before = contents(core=core("canary-old"))
    rotation = _journal.OpenRotation(
        "r1", "deploy", "ops", "2026-11-25T10:00:00Z", plan={"credentials": {"database": {}}}
    )
    journal = replace(EMPTY, rotation=rotation)
    state, words = told(before, "database", journal)
    assert (state, "is open, and both values are valid" in words) == ("untried", True)
    assert _former.tries(CATALOG, NOW, before, journal) == []


@pytest.mark.parametrize(("fallback", "state"), [("old-key", "accepted"), ("older-key", "refused")])
def test_a_signing_key(fallback: str, state: str) -> None:
    before = contents(core=core("canary-now", KEY=fallback))
    assert told(before, "key")[0] == state
