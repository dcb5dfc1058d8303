# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts reported about previous values, in one answer: an acceptance anywhere fails, and a gap never passes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.previous_values_results import merged

WORDS = "the previous value was not tried"
SIGNED = "the previous key is not among the fallbacks"
OLD = "a session that previous SECRET_KEY 1 signed"


def answer(state: str, message: str = "why") -> dict[str, Any]:
    return {"tried": {"x": {"state": state, "message": message}}}


def of(by: str, by_host: dict[str, Any], sessions: dict[str, Any] | None = None) -> tuple[str, str]:
    entry = {"state": "refused", "message": SIGNED} if by == "sessions" else {"state": "untried", "message": WORDS}
    servers = by_host if by == "servers" else {}
    result = merged({"x": {**entry, "by": by}}, by_host, servers, {} if sessions is None else {"x": sessions})["x"]
    return result["state"], result["message"]


def test_what_cannot_be_tried_is_left_as_it_is() -> None:
    entry = {"state": "untried", "message": "not here"}
    assert merged({"x": entry}, {}, {}, {}) == {"x": entry}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (answer("refused", "rejected now at db"), ("refused", "rejected now at db")),
        ({"msg": "no driver", "tried": {}}, ("untried", f"{WORDS}: no driver")),
        ({"unreachable": True, "msg": "gone"}, ("untried", f"{WORDS}: the host cannot be reached: gone")),
        ({"skipped": True}, ("untried", f"{WORDS}: no host could be queried")),
        ({}, ("untried", f"{WORDS}: no host could be queried")),
    ],
)
def test_at_servers(result: dict[str, Any], expected: tuple[str, str]) -> None:
    assert of("servers", result) == expected


def test_older_values_that_could_not_be_read() -> None:
    for state, expected in {"refused": "untried", "exempt": "untried", "accepted": "accepted"}.items():
        entry = {"state": "untried", "message": WORDS, "by": "servers", "unread": "AWS denies it"}
        assert merged({"x": entry}, {}, answer(state), {})["x"]["state"] == expected


@pytest.mark.parametrize(
    ("by_host", "expected"),
    [
        (
            {"a": answer("refused"), "b": answer("refused")},
            ("refused", "rejected now at a, b, where the current value logs in"),
        ),
        (
            {"a": answer("refused"), "b": answer("neither")},
            ("refused", "rejected now at a, where the current value logs in; b accepts neither"),
        ),
        ({"a": answer("accepted"), "b": {}}, ("accepted", "a previous value still logs in at a")),
        ({"a": answer("refused"), "b": answer("untried", "timeout")}, ("untried", f"{WORDS}: b: timeout")),
        ({"a": answer("refused"), "b": {}}, ("untried", f"{WORDS}: b: was not asked")),
        (
            {"a": {"unreachable": True, "msg": "gone"}},
            ("untried", f"{WORDS}: a: the host cannot be reached: gone"),
        ),
        ({"a": answer("neither")}, ("untried", f"{WORDS}: no host accepts the current value either (a)")),
        ({}, ("untried", f"{WORDS}: no host was asked")),
    ],
)
def test_at_every_host(by_host: dict[str, Any], expected: tuple[str, str]) -> None:
    assert of("hosts", by_host) == expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (None, ("refused", f"{SIGNED}; no session was tried: no django_probe_url is set")),
        ({"skipped": True}, ("refused", f"{SIGNED}; no session was tried: no django_probe_url is set")),
        ({"skipped": True, "msg": "not asked for"}, ("refused", f"{SIGNED}; no session was tried: not asked for")),
        ({"tried": [f"{OLD}: refused"], "accepted": [], "not_tried": []}, ("refused", f"{OLD}: refused")),
        ({"tried": [], "accepted": [f"{OLD} is STILL ACCEPTED"]}, ("accepted", f"{OLD} is STILL ACCEPTED")),
        (
            {"tried": [], "accepted": [], "not_tried": ["no answer from it"]},
            ("untried", f"{SIGNED}, and no session could be tried: no answer from it"),
        ),
        ({"tried": [], "accepted": []}, ("untried", f"{SIGNED}, and no session could be tried: no answer")),
        ({"msg": "no such user"}, ("untried", f"{SIGNED}, and no session could be tried: no such user")),
        (
            {"unreachable": True, "msg": "gone"},
            ("untried", f"{SIGNED}, and no session could be tried: the host cannot be reached: gone"),
        ),
    ],
)
def test_at_the_application(result: dict[str, Any] | None, expected: tuple[str, str]) -> None:
    assert of("sessions", {}, result) == expected
