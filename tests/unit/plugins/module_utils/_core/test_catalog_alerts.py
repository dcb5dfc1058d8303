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


def test_an_environment_has_no_alerts(catalog: Make) -> None:
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


EMAIL = {"server": "mail.example.com", "from": "a@example.com", "to": ["b@example.com"]}
HELD: dict[str, Any] = {**SETTINGS, "HOOK": {"group": "core"}, "HOOKS_*": {"parameter": "HOOKS_*"}}


def test_the_ways_to_tell_people(catalog: Make) -> None:
    notify = {
        "slack": {"webhook": {"setting": "HOOK"}, "events": ["leak.*", "rotation.failed"]},
        "ops": {"email": {**EMAIL, "port": 587, "username": "u", "password": {"setting": "HOOK"}}},
        "plain": {"email": EMAIL},
        "pager": {"command": ["/usr/local/bin/page", "--now"]},
        "gone": {"command": ["/bin/true"]},
    }
    made = catalog(HELD, notify=notify, environments={"test": {"notify": {"gone": None}}}).notifiers
    assert list(made) == ["slack", "ops", "plain", "pager"]
    wanted = ("leak.open", "rotation.failed", "rotation.started")
    assert [made["slack"].wants(one) for one in wanted] == [True, True, False]
    assert made["pager"].wants("rotation.started")
    assert made["ops"].email
    assert made["plain"].email
    assert (made["ops"].email.tls, made["plain"].email.tls) == ("starttls", "implicit")
    assert made["ops"].settings == made["slack"].settings == ("HOOK",)


@pytest.mark.parametrize(
    ("notifier", "expected"),
    [
        ({}, "notify.x: give one of webhook, email, command"),
        ({"command": ["/a"], "webhook": {"setting": "HOOK"}}, "notify.x: give one of webhook, email, command"),
        ({"webhook": "https://hooks.example.com/canary"}, "notify.x.webhook: must be a mapping"),
        ({"webhook": {"setting": "NONE"}}, "notify.x: NONE is not a setting"),
        (
            {"webhook": {"setting": "A"}},
            (
                "notify.x: A is in no store, and a secret does not belong in the catalog; give it a "
                "group, secret or parameter"
            ),
        ),
        ({"webhook": {"setting": "HOOKS_*"}}, "notify.x: HOOKS_* is in no store"),
        ({"command": ["page"]}, "notify.x.command: page is not a full path; begin it with a slash"),
        ({"command": []}, "notify.x"),
        ({"email": {**EMAIL, "password": {"setting": "HOOK"}}}, "notify.x.email: a login needs both username and pass"),
        ({"email": {**EMAIL, "password": "canary"}}, "notify.x"),
        ({"email": {**EMAIL, "to": ["b@x.example\nBcc: c@x.example"]}}, "notify.x"),
        ({"command": ["/a"], "events": ["leaks"]}, "notify.x"),
    ],
)
def test_what_is_refused_of_a_notifier(problems: Problems, notifier: dict[str, Any], expected: str) -> None:
    found = problems(HELD, notify={"x": notifier})
    assert found[0].startswith(expected)
    assert "canary" not in str(found)
