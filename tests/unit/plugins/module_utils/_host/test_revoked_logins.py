# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sessions that outlive a login which was dropped."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.postgresql import DatabaseError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import revoked_logins
from ansible_collections.watchparty.secrets.plugins.module_utils._host.revoked_logins import (
    ACCEPTED,
    REFUSED,
    UNTRIED,
)

ENTRY = {
    "credential": "database",
    "server": "postgresql",
    "current": "postgresql://new:canary@db.example.com/shop",
    "former": ["postgresql://old:canary@db.example.com/shop"],
    "sessions_of": "old",
}


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the server answers to each look at its sessions."""
    answers: list[Any] = []

    class Server:
        def __init__(self, target: Any, **_how: Any) -> None:
            assert target.user == "new"

        def __enter__(self) -> Server:
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing is open."""

        def rows(self, _text: str, **_how: Any) -> list[tuple[str | None]]:
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, Exception):
                raise answer
            return [(user,) for user in answer]

    monkeypatch.setattr(revoked_logins.postgresql_connection, "ServerConnection", Server)
    monkeypatch.setattr(revoked_logins.time, "sleep", lambda _seconds: None)

    def log_in(_timeout: int, url: str) -> tuple[str, str]:
        return (ACCEPTED, "db.example.com") if "new" in url else (REFUSED, "no_role")

    monkeypatch.setitem(revoked_logins._SERVERS, "postgresql", log_in)
    return answers


@pytest.mark.parametrize(
    ("answers", "state", "words"),
    [
        ([["new", "other"]], REFUSED, "rejected now at db.example.com"),
        ([["new", None], ["new"]], REFUSED, "rejected now at db.example.com"),
        ([["new", "old", None]], ACCEPTED, "the old value is rejected, but 2 of its sessions are still open at "),
        ([DatabaseError("limit", "too many connections")], UNTRIED, "its sessions could not be counted: too many"),
    ],
    ids=["none", "soon none", "left", "not told"],
)
def test_sessions_of_a_login_that_was_dropped(looks: list[Any], answers: list[Any], state: str, words: str) -> None:
    looks += answers
    result = revoked_logins.try_logins([ENTRY], 5)["database"]
    assert result["state"] == state
    assert result["message"].startswith(words)
    assert "canary" not in result["message"]


def test_sessions_are_not_asked_for_where_nobody_wants_to_know(looks: list[Any]) -> None:
    assert revoked_logins.try_logins([{**ENTRY, "sessions_of": None}], 5)["database"]["state"] == REFUSED
    assert looks == []


def test_the_current_value_logs_in_after_each_refusal() -> None:
    """A server that locks a login after failures in a row never sees two."""
    seen: list[str] = []

    def log_in(value: str) -> tuple[str, str]:
        seen.append(value)
        return (ACCEPTED, "db") if value == "now" else (REFUSED, "wrong_password")

    message = "rejected now at db, which accepts the current value (3 previous logins were tried)"
    assert revoked_logins.judged(log_in, "now", ["a", "b", "c"]) == (REFUSED, message)
    assert seen == ["a", "now", "b", "now", "c", "now"]
