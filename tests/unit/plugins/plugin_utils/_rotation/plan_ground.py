# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of plans share: a catalog of several kinds, and what a plan of it stands on."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents, Description, Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import RotationRequest
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan_inputs import PlanInputs

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)
CORE, ADMIN = "app/test/core", "app/test/admin"
KINDS = {
    "role": Kind("role", alternates="always", needs_admin=True, needs_url=True),
    "user": Kind("user", alternates="if_suffixed", needs_url=True),
    "key": Kind("key", routine="signing_key", length=64),
    "key_pair": Kind("key_pair", needs_user=True),
    "given": Kind("given", value="supplied"),
    "optional": Kind("optional", options=("group", "region")),
    "valkey_user": Kind("valkey_user", needs_url=True),
}
CATALOG: dict[str, Any] = {
    "application": "app",
    "settings": {
        "DATABASE_URL": {"group": "core", "type": "url"},
        "CACHE_URL": {"parameter": "CACHE_URL", "type": "url", "sensitivity": "high"},
        "SECRET_KEY": {"group": "core"},
        "FALLBACKS": {"group": "core", "type": "list"},
        "TOKEN": {"group": "more"},
        "LOW": {"group": "core", "sensitivity": "low"},
    },
    "credentials": {
        "admin": {"kind": "given", "appears_in": [{"secret": "app/{environment}/admin", "key": "password"}]},
        "database": {"kind": "role", "admin": "admin", "appears_in": [{"setting": "DATABASE_URL"}]},
        "cache": {"kind": "user", "appears_in": [{"setting": "CACHE_URL"}]},
        "django": {
            "kind": "key",
            "appears_in": [{"setting": "SECRET_KEY"}],
            "fallbacks": "FALLBACKS",
            "used_for": ["sessions", "signing"],
        },
        "token": {"kind": "given", "appears_in": [{"setting": "TOKEN"}]},
        "low": {"kind": "given", "appears_in": [{"setting": "LOW"}]},
    },
}
CORE_KEYS = {
    "DATABASE_URL": "postgres://app_a:canary-d@db/app",
    "SECRET_KEY": "canary-k",
    "FALLBACKS": "",
    "LOW": "canary-l",
}
TEXTS = {
    CORE: json.dumps(CORE_KEYS),
    "app/test/more": '{"TOKEN": "canary-t"}',
    ADMIN: '{"password": "canary-a"}',
    "/app/test/CACHE_URL": "redis://:canary-c@cache/0",
}
SUPPLIED = {"admin": Login(None, "new-a"), "token": Login(None, "new-t")}


def held(texts: dict[str, str]) -> Contents:
    return Contents(
        {
            name: Reading(SSM if name.startswith("/") else SECRETS_MANAGER, name, "1", text)
            for name, text in texts.items()
        }
    )


def made_ground(
    *,
    credentials: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    texts: dict[str, str] | None = None,
    journal: Journal | None = None,
    supplied: dict[str, Login] | None = None,
    descriptions: dict[str, Description] | None = None,
    **extra: Any,
) -> PlanInputs:
    """The catalog's credentials and settings, and the stores' texts, with these changes."""
    document = {**CATALOG, **extra, "settings": {**CATALOG["settings"], **(settings or {})}}
    merged = {name: {**CATALOG["credentials"].get(name, {}), **item} for name, item in (credentials or {}).items()}
    given = {name: {key: it for key, it in entry.items() if it is not None} for name, entry in merged.items()}
    document["credentials"] = {**CATALOG["credentials"], **given}
    return PlanInputs(
        catalog=catalog_parser.parse(document, "test"),
        journal=journal or Journal(),
        contents=held({**TEXTS, **(texts or {})}),
        kinds=KINDS,
        now=NOW,
        descriptions=descriptions or {},
        supplied=SUPPLIED if supplied is None else supplied,
    )


def core(**changed: str) -> dict[str, str]:
    return {CORE: json.dumps({**CORE_KEYS, **changed})}


def refusal(ground: PlanInputs, name: str, wish: RotationRequest | None = None) -> str:
    """Why the credential is refused; that it holds no value, and that nothing of it is planned."""
    plan = rotation_plan.plan(ground, wish or RotationRequest((name,)))
    assert name not in {item.credential for item in plan.items}
    message = plan.refused[name]
    assert "canary" not in message
    return message
