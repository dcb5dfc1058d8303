# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan_text
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import (
    DROP_FALLBACK,
    RENEW,
    REVOKE,
    Item,
    RotationPlan,
)

CORE = "app/test/core"
CATALOG: dict[str, Any] = {
    "application": "app",
    "settings": {
        "URL": {"group": "core", "type": "url", "copies": [{"parameter": "URL"}]},
        "KEY": {"group": "core"},
        "FALLBACKS": {"group": "core", "type": "list"},
    },
    "services": {"web": {"units": ["app-web", "app-ws"]}, "worker": {"units": ["app-worker", "app-web"]}},
    "credentials": {
        "database": {"kind": "role", "appears_in": [{"setting": "URL"}, {"secret": "all-{environment}", "key": "p"}]},
        "django": {"kind": "key", "appears_in": [{"setting": "KEY"}], "fallbacks": "FALLBACKS"},
        "token": {"kind": "external", "appears_in": [{"github": "TOKEN"}]},
    },
}
PARSED = catalog_parser.parse(CATALOG, "test")
URL, COPY = Place(SECRETS_MANAGER, CORE, "URL"), Place(SSM, "/app/test/URL")
WHOLE = Place(SECRETS_MANAGER, "all-test", "p")
KEY, FALLBACKS = Place(SECRETS_MANAGER, CORE, "KEY"), Place(SECRETS_MANAGER, CORE, "FALLBACKS")
PLAN = RotationPlan(
    items=(
        Item("database", "role", reason="due: 91 days old (limit 90)", places=(URL, COPY, WHOLE)),
        Item("django", "key", reason="forced (has no limit)", phases=2, places=(KEY, FALLBACKS)),
    ),
    refused={"token": "GitHub holds it too (TOKEN)"},
    passed_over={"other": "has no limit"},
)


def test_a_plan_as_data() -> None:
    assert plan_text.described(PARSED, PLAN, ["web1", "web2"]) == {
        "credentials": {
            "database": {
                "kind": "role",
                "act": "rotate",
                "why": "due: 91 days old (limit 90)",
                "rollouts": 1,
                "places": [f"secret {CORE} key URL", "parameter /app/test/URL", "secret all-test key p"],
                "settings": ["URL"],
                "github": [],
            },
            "django": {
                "kind": "key",
                "act": "rotate",
                "why": "forced (has no limit)",
                "rollouts": 2,
                "places": [f"secret {CORE} key KEY", f"secret {CORE} key FALLBACKS"],
                "settings": ["KEY", "FALLBACKS"],
                "github": [],
            },
        },
        "refused": {"token": "GitHub holds it too (TOKEN)"},
        "passed_over": {"other": "has no limit"},
        "rollouts": 2,
        "services": {"web": ["app-web", "app-ws"], "worker": ["app-worker", "app-web"]},
        "hosts": ["web1", "web2"],
    }


def test_without_a_rollout_no_host_restarts() -> None:
    late = RotationPlan(items=(Item("database", "role", REVOKE, reason="why", phases=0, pending_task="r0/database"),))
    result = plan_text.described(PARSED, late, ["web1"])
    assert (result["rollouts"], result["services"], result["hosts"]) == (0, {}, [])
    assert plan_text.summary(result) == ["database (role) revokes its previous value; why"]


def test_what_github_mirrors_is_named() -> None:
    result = plan_text.described(PARSED, RotationPlan(items=(Item("token", "external", reason="why"),)), [])
    assert result["credentials"]["token"]["github"] == ["TOKEN"]
    assert result["credentials"]["token"]["settings"] == []
    assert "  sends TOKEN to GitHub" in plan_text.summary(result)


def test_a_plan_in_words() -> None:
    assert plan_text.summary(plan_text.described(PARSED, PLAN, ["web1", "web2"])) == [
        "database (role) rotates; due: 91 days old (limit 90)",
        f"  changes secret {CORE} key URL",
        "  changes parameter /app/test/URL",
        "  changes secret all-test key p",
        "  is part of setting URL",
        "django (key) rotates; forced (has no limit)",
        f"  changes secret {CORE} key KEY",
        f"  changes secret {CORE} key FALLBACKS",
        "  is part of settings KEY, FALLBACKS",
        "token is REFUSED: GitHub holds it too (TOKEN)",
        "other is skipped: has no limit",
        "2 rollouts restart app-web, app-ws, app-worker on web1, web2",
    ]


def test_those_that_are_skipped_for_the_same_reason_have_one_line() -> None:
    plan = {**plan_text.described(PARSED, PLAN, ["web1"]), "passed_over": {"a": "new", "b": "never due", "c": "new"}}
    assert plan_text.summary(plan)[-3:-1] == ["a, c are skipped: new", "b is skipped: never due"]


def test_a_plan_whose_places_were_shown_before() -> None:
    lines = plan_text.summary(plan_text.described(PARSED, PLAN, ["web1"]), places=False)
    assert lines[:2] == [
        "database (role) rotates; due: 91 days old (limit 90)",
        "django (key) rotates; forced (has no limit)",
    ]


@pytest.mark.parametrize(
    ("act", "message", "settings"),
    [
        (DROP_FALLBACK, "drops its previous key", ["  is part of setting FALLBACKS"]),
        (REVOKE, "revokes its previous value", []),
        (RENEW, "is replaced and keeps no previous key", ["  is part of setting FALLBACKS"]),
    ],
)
def test_what_an_pending_task_does(act: str, message: str, settings: list[str]) -> None:
    result = plan_text.described(
        PARSED, RotationPlan(items=(Item("django", "key", act, reason="since x", phases=0),)), []
    )
    assert plan_text.summary(result) == [f"django (key) {message}; since x", *settings]


def test_one_rollout_without_services_or_hosts() -> None:
    bare = catalog_parser.parse({name: item for name, item in CATALOG.items() if name != "services"}, "test")
    result = plan_text.described(bare, RotationPlan(items=(Item("token", "external", reason="why"),)), [])
    assert plan_text.summary(result)[-1] == "one rollout restarts no units on no host"


def test_nothing_at_all() -> None:
    result = plan_text.described(PARSED, RotationPlan(), ["web1"])
    assert plan_text.summary(result) == ["the catalog has no credentials"]
    assert plan_text.diff(result) == {
        "before_header": "in the stores",
        "after_header": "after the rotation",
        "before": "",
        "after": "",
    }


def test_what_a_killed_run_made_too_late() -> None:
    late = "app-rotation/test/r-20261125T150000-0001"
    assert plan_text.summary(plan_text.described(PARSED, RotationPlan(), []), [late]) == [
        f"secret {late} was made too late, by a rotation that has already ended; it is removed"
    ]


def test_the_diff_names_every_place_once() -> None:
    twice = RotationPlan(items=(*PLAN.items, Item("other", "key", places=(KEY,))))
    data = {**plan_text.described(PARSED, PLAN, []), "credentials": {}}
    for number, item in enumerate(twice.items):
        data["credentials"][str(number)] = {"places": [str(place) for place in item.places]}
    result = plan_text.diff(data)
    names = [
        *("parameter /app/test/URL", "secret all-test key p"),
        *(f"secret {CORE} key {key}" for key in ("FALLBACKS", "KEY", "URL")),
    ]
    assert result["before"] == "".join(f"{name}: present value\n" for name in names)
    assert result["after"] == "".join(f"{name}: new value\n" for name in names)
