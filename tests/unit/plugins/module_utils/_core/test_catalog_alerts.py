# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog's ``alerts``: what it means where nothing is said, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog

SETTINGS: dict[str, Any] = {"A": {"value": "x"}}
Make = Callable[..., Catalog]
Problems = Callable[..., list[str]]


def test_defaults(catalog: Make) -> None:
    assert catalog(SETTINGS).alerts is None
    made = catalog(SETTINGS, alerts={}).alerts
    assert made is not None
    assert (made.topic, made.warn_days, made.silent_hours) == ("app-test-secrets", (14, 3), 26)


def test_an_environment_is_told_of_nothing(catalog: Make) -> None:
    assert catalog(SETTINGS, alerts={}, environments={"test": {"alerts": None}}).alerts is None


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        ({"warn_days": []}, "alerts.warn_days: needs at least 1 item(s)"),
        ({"warn_days": ["3"]}, "alerts.warn_days[0]: must be a whole number"),
        ({"silent_hours": 169}, "alerts.silent_hours: must be at most 168"),
        ({"silent_hours": 1}, "alerts.silent_hours: must be at least 2"),
        ({"topic": "a b"}, "alerts.topic: 'a b' may have letters, digits, - and _ only, up to 200"),
        ({"topic": "{region}"}, "alerts.topic: '{region}' may hold only {application}, {environment}"),
        ({"emails": ["nobody"]}, "alerts.emails[0]: does not match"),
        ({"event_bus": "*"}, "alerts.event_bus: does not match"),
        ({"webhook": "https://hooks.example.com/canary"}, "alerts.webhook: "),
    ],
)
def test_what_is_refused(problems: Problems, alerts: dict[str, Any], expected: str) -> None:
    found = problems(SETTINGS, alerts=alerts)
    assert found[0].startswith(expected)
    assert "canary" not in str(found)
