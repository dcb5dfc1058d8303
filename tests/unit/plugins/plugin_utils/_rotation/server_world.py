# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A world of credentials with administrators, for the tests of what acts on servers."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_action import (
    Parties,
    parties,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, KINDS, World

ADMIN = "admin-test"
DOCUMENT: dict[str, Any] = {
    **CATALOG,
    "settings": {**CATALOG["settings"], "CACHE_URL": {"parameter": "CACHE_URL", "type": "url"}},
    "credentials": {
        "admin": {
            "kind": "given",
            "server": {"address": "db", "aliases": ["moved"]},
            "appears_in": [{"secret": "admin-{environment}", "keys": ["username", "password"]}],
        },
        "cache_admin": {
            "kind": "login",
            "server": {"address": "cache", "aliases": ["cache:6380"], "tls": {"mode": "disable", "reason": "a test"}},
            "appears_in": [{"secret": "admin-{environment}", "key": "cache"}],
        },
        "database": {"kind": "login", "admin": "admin", "appears_in": [{"setting": "URL"}]},
        "cache": {"kind": "login", "admin": "cache_admin", "appears_in": [{"setting": "CACHE_URL"}]},
        "own": {
            "kind": "login",
            "admin": "own",
            "server": {"address": "cache"},
            "appears_in": [{"setting": "NOTE"}],
        },
        "homeless": {"kind": "login", "admin": "admin", "appears_in": [{"setting": "KEY"}]},
    },
}
PARSED = catalog_parser.parse(DOCUMENT, "test")
ADMIN_URL = (
    "postgresql://root:admin-canary@db:5432/postgres?sslmode=verify-full&sslrootcert=system&gssencmode=disable"
    "&require_auth=scram-sha-256"
)
ADMIN_KEYS = {"username": "root", "password": "admin-canary", "cache": "rediss://boss:cache-canary@cache:6380"}


def administered() -> World:
    made = World(catalog=PARSED)
    made.secrets.seed(ADMIN, json.dumps(ADMIN_KEYS))
    made.parameters.seed("/app/test/CACHE_URL", "redis://:old-cache@cache/0")
    return made


def setting(world: World, rotator: Any = None) -> RotationSetup:
    return RotationSetup(world.catalog, KINDS, rotator or world.rotator(), SimpleNamespace())  # type: ignore[arg-type]


def found(world: World, rotator: Any, name: str = "database", **more: Any) -> Parties:
    return parties(setting(world, rotator), name, "postgresql", **more)
