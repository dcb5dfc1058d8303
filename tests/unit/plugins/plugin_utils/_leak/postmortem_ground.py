# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small incident, for the tests of the post-mortem's facts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident

NOW = datetime(2026, 11, 25, 15, 2, tzinfo=UTC)
IMPACT: dict[str, Any] = {
    "declared": ["admin"],
    "credentials": [
        {"name": "admin", "kind": "k", "severity": "high", "wave": 0, "via": []},
        {
            "name": "cache",
            "kind": "k",
            "severity": "low",
            "wave": 1,
            "via": [{"from": "admin", "why": "may change it"}, {"from": "host:web1", "why": "it is there"}],
        },
    ],
    "edges": [{"from": "admin", "to": "cache", "why": "may change it"}],
}
DONE = {"replaced": True, "evidence": "rotation r1"}
EVENTS = {
    "planned": "2026-11-25T15:00:02Z",
    "live/cache": "2026-11-25T15:00:20Z",
    "live/admin": "2026-11-25T15:00:10Z",
    "refused/cache": "2026-11-25T15:00:30Z",
    "refused/admin": "2026-11-25T15:00:12Z",
    "sessions": "2026-11-25T15:00:31Z",
}


def small_catalog(catalog: Callable[..., Catalog]) -> Catalog:
    place = {"secret": "s-{environment}"}
    credentials = {
        "admin": {"kind": "k", "appears_in": [place]},
        "cache": {"kind": "k", "appears_in": [place], "provider_url": "https://provider.example/keys"},
    }
    return catalog({"A": {"value": "x"}}, credentials=credentials)


def incident(**more: Any) -> Incident:
    return Incident("leak-1", "2026-11-25T15:00:00Z", "ops", ("admin",), **more)
