# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where an externally issued value and an administrator's can be tried, and with what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents, Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import verification_targets
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind

URL = "https://mail.example/me"
CATALOG = catalog_parser.parse(
    {
        "application": "app",
        "settings": {name: {"group": "core"} for name in ("DATABASE_URL", "CACHE_URL", "MAIL", "KEY")},
        "credentials": {
            "database": {"kind": "postgresql_role", "admin": "root", "appears_in": [{"setting": "DATABASE_URL"}]},
            "cache": {"kind": "valkey_user", "admin": "boss", "appears_in": [{"setting": "CACHE_URL"}]},
            "own": {"kind": "mine", "admin": "root", "appears_in": [{"setting": "KEY"}]},
            "root": {
                "kind": "external",
                "server": {"address": "db:6432"},
                "appears_in": [{"secret": "{environment}-root", "keys": ["user", "password"]}],
            },
            "boss": {
                "kind": "external",
                "server": {"address": "cache:6380", "nodes": ["replica"]},
                "appears_in": [{"secret": "{environment}-boss", "key": "url"}],
            },
            "mail": {
                "kind": "external",
                "appears_in": [{"setting": "MAIL"}],
                "test": {"url": URL, "headers": {"X-Key": "{value}"}},
            },
            "plain": {"kind": "external", "appears_in": [{"setting": "KEY"}]},
        },
    },
    "test",
)
HELD = {
    "app/test/core": {
        "DATABASE_URL": "postgresql://a:b@db:6432/app?sslmode=require",
        "CACHE_URL": "redis://c:d@cache/1",
    },
    "test-root": {"user": "root", "password": "old-root"},
    "test-boss": {"url": "rediss://boss:old-boss@cache:6380"},
}


def contents(**extra: dict[str, str]) -> Contents:
    held = {**HELD, **extra}
    return Contents({name: Reading("secretsmanager", name, "1", json.dumps(entry)) for name, entry in held.items()})


def tries(name: str, new: Login, held: Contents | None = None, **former: Login) -> list[dict[str, Any]]:
    return verification_targets.tries(CATALOG, CATALOG.credentials[name], held or contents(), new, former)


def test_by_a_request() -> None:
    (entry,) = tries("mail", Login(None, "new"), old=Login(None, "former"))
    assert (entry["server"], entry["what"], entry["id"]) == ("http", "", "old")
    assert entry["current"]["headers"] == {"X-Key": "new"}
    assert [old["headers"] for old in entry["former"]] == [{"X-Key": "former"}]


def test_a_databases_administrator_at_its_declared_server() -> None:
    options = "sslmode=verify-full&sslrootcert=system&gssencmode=disable&require_auth=scram-sha-256"
    assert tries("root", Login("root", "new/1"), old=Login("root", "former")) == [
        {
            "server": "postgresql",
            "what": " as the administrator of database",
            "id": "old",
            "current": f"postgresql://root:new%2F1@db:6432/postgres?{options}",
            "former": [f"postgresql://root:former@db:6432/postgres?{options}"],
            "nodes": [],
        }
    ]


def test_one_with_a_url_of_its_own() -> None:
    """A new value may have no user name; then the one in the URL stays."""
    (entry,) = tries("boss", Login(None, "new"))
    url = "rediss://boss:new@cache:6380/0?ssl_cert_reqs=required&ssl_check_hostname=true"
    assert (entry["server"], entry["current"], entry["former"], entry["nodes"]) == ("valkey", url, [], ["replica:6379"])


def test_whose_url_leads_elsewhere() -> None:
    with pytest.raises(
        RotationError, match=r"^boss: secret test-boss key url leads to thief:6379, but credentials\.boss"
    ):
        tries("boss", Login("boss", "new"), contents(**{"test-boss": {"url": "rediss://boss:old-boss@thief"}}))


def test_only_what_can_be_tried_goes_through_those_stages() -> None:
    kind = Kind("external", value="supplied", stages=("check", "set", "test", "revoked"), tries_values=True)

    def stages(name: str) -> list[str]:
        return verification_targets.stages(CATALOG, CATALOG.credentials[name], kind)

    assert stages("mail") == stages("root") == stages("boss") == list(kind.stages)
    assert stages("plain") == ["set"]
    other = Kind("mine", stages=("check", "test"))
    assert verification_targets.stages(CATALOG, CATALOG.credentials["own"], other) == ["check", "test"]


def test_no_value_in_what_is_said() -> None:
    with pytest.raises(RotationError) as caught:
        tries("mail", Login(None, "canary\n"))
    assert str(caught.value).startswith("mail: the header X-Key cannot carry the value")
    assert "canary" not in str(caught.value)
