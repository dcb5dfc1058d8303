# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every value that is or was in use, with its name, version and place; what cannot be read is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import live_values
from tests.fakes.memory_stores import Hook, MemoryParameters, MemorySecrets

CORE = "app/test/core"
ADMIN = {"secret": "app/{environment}/admin", "keys": ["username", "password"]}


@pytest.fixture
def shop(catalog: Callable[..., Catalog]) -> Catalog:
    return catalog(
        {
            "TOKEN": {"group": "core", "example": "an-example"},
            "FALLBACKS": {"group": "core", "type": "list"},
            "KEY": {"parameter": "App/KEY"},
            "LIMIT_*": {"parameter": "Limits/LIMIT_*", "sensitivity": "low"},
            "MODE": {"value": "canary-in-the-catalog"},
            "LICENSE": {"secret": "app/{environment}/license"},
        },
        credentials={"admin": {"kind": "external", "appears_in": [ADMIN]}},
    )


def read(shop: Catalog, secrets: MemorySecrets, parameters: MemoryParameters) -> tuple[set[Any], list[str]]:
    values, unread = live_values.read(shop, secrets, parameters)  # type: ignore[arg-type]
    return {(live.name, live.stage, live.value, live.sensitivity) for live in values}, [
        str(not_checked) for not_checked in unread
    ]


def test_three_versions_and_every_history(shop: Catalog) -> None:
    secrets, parameters = MemorySecrets(), MemoryParameters()
    secrets.seed(CORE, json.dumps({"TOKEN": "canary-1", "FALLBACKS": ["canary-a", "canary-b"], "host": "h"}))
    secrets.seed(CORE, json.dumps({"TOKEN": "canary-2", "other": {"deep": ["canary-deep"], "port": "1"}}))
    secrets.seed(CORE, json.dumps({"TOKEN": "canary-3"}), label="AWSPENDING")
    secrets.seed("app/test/license", "canary-whole")
    secrets.seed("app/test/admin", json.dumps({"username": "root", "password": "canary-admin"}))
    for value in ("canary-k1", "canary-k2", "canary-k3"):
        parameters.seed("/app/test/App/KEY", value)
    parameters.seed("/app/test/Limits/LIMIT_A", "100")
    results, unread = read(shop, secrets, parameters)
    assert unread == []
    assert {
        ("TOKEN", "current", "canary-2", "high"),
        ("TOKEN", "previous", "canary-1", "high"),
        ("TOKEN", "pending", "canary-3", "high"),
        ("FALLBACKS", "previous", "canary-a", "high"),
        ("FALLBACKS", "previous", "canary-b", "high"),
        ("LICENSE", "current", "canary-whole", "high"),
        ("KEY", "current", "canary-k3", "medium"),
        ("KEY", "previous", "canary-k2", "medium"),
        ("KEY", "version 1", "canary-k1", "medium"),
        ("LIMIT_*", "current", "100", "low"),
        (f"secret {CORE} key host", "previous", "h", "low"),
        (f"secret {CORE} key other.deep", "current", "canary-deep", "high"),
        ("secret app/test/admin key password", "current", "canary-admin", "high"),
        ("secret app/test/admin key username", "current", "root", "low"),
    } <= results
    assert not any(value == "canary-in-the-catalog" for _name, _stage, value, _sensitivity in results)


def test_what_cannot_be_read_is_named(shop: Catalog) -> None:
    class Refuses(Hook):
        def before(self, op: str, name: str) -> None:
            if (op, name) in {("read", "app/test/license"), ("history", "/app/test/App/KEY")}:
                raise Denied(f"AWS denies it on {name}", "policy")

    secrets, parameters = MemorySecrets(Refuses()), MemoryParameters(Refuses())
    secrets.seed(CORE, json.dumps({"TOKEN": "canary-1"}))
    secrets.seed("app/test/license", "canary-whole")
    parameters.seed("/app/test/App/KEY", "canary-k1")
    results, unread = read(shop, secrets, parameters)
    assert ("KEY", "current", "canary-k1", "medium") in results
    assert unread == [
        "values: current version: secret app/test/admin: missing",
        "values: current version: secret app/test/license: denied",
        "values: pending version: secret app/test/license: denied",
        "values: previous version: secret app/test/license: denied",
        "values: history of parameter /app/test/App/KEY: AWS denies it on /app/test/App/KEY",
    ]


def test_no_value_is_in_a_repr(shop: Catalog) -> None:
    secrets, parameters = MemorySecrets(), MemoryParameters()
    secrets.seed(CORE, json.dumps({"TOKEN": "canary-1"}))
    values, _unread = live_values.read(shop, secrets, parameters)  # type: ignore[arg-type]
    assert "canary-1" in {live.value for live in values}
    assert "canary" not in repr(values)
