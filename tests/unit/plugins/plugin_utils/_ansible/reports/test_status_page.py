# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status page: what it says of each age, and that names are texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import status_page
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import history

NOW = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)


def row(name: str, age: int | None, limit: int | None, **more: Any) -> dict[str, Any]:
    left = None if age is None or limit is None else limit - age
    due = limit is not None and (left is None or left <= 0)
    rotated = f"{NOW - timedelta(days=age or 0, hours=7):%Y-%m-%dT%H:%M:%SZ}"
    by = {"rotated_at": rotated, "rotated_by": "ann@laptop"} if age is not None else {}
    own = {"name": name, "kind": "postgresql_role", "age_days": age, "max_age_days": limit, "due_in_days": left}
    return {"rotated_at": None, "rotated_by": None, "stored_since": None, **own, "due": due, **by, **more}


def report(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    due = [one["name"] for one in rows if one["due"]]
    nothing = {"rotation": None, "leak": None, "pending_tasks": [], "revocations": [], "act_now": bool(due)}
    return {
        "application": "shop",
        "environment": "production",
        "credentials": list(rows),
        "due": due,
        **nothing,
        **more,
    }


RECORDS: list[dict[str, Any]] = [
    {
        "rotation": "leak-1",
        "outcome": "contained",
        "at": "2026-11-20T10:05:00Z",
        "started": "2026-11-20T10:00:00Z",
        "who": "ann@laptop",
        "credentials": ["database"],
        "seconds": {"contained": 41.3},
        "notes": ["declared: database", "open: web2 must be rebuilt"],
    },
    {"rotation": "d-1", "outcome": "drill", "at": "2026-11-01T10:05:00Z", "who": "a", "seconds": {"planned": 12.4}},
    {"rotation": "leak-0", "outcome": "false_alarm", "at": "2026-10-20T10:05:00Z", "who": "bob@laptop"},
    {
        "rotation": "r-1",
        "outcome": "rolled_back",
        "at": "2026-11-21T10:05:00Z",
        "who": "ann@laptop",
        "credentials": ["cache"],
        "reason": "web1: not healthy",
    },
]


def page(found: dict[str, Any], records: Any = (), unread: str = "") -> str:
    past = {"leaks": history.leaks(records), "rotations": history.rotations(records)}
    return status_page.status(found, **past, unread=unread, now=NOW)


def test_ages_dates_and_people() -> None:
    text = page(report(row("cache", 120, 90), row("database", 80, 90), row("unlimited", 5, None), row("new", None, 90)))
    assert "2 of 4 credentials are due" in text
    assert "2026-12-07" in text  # 80 of 90 days today, and seven hours
    assert "in 10 d" in text
    assert "ann@laptop" in text
    assert text.count('class="age due"') == 1
    assert text.count('class="age near"') == 1
    assert text.count('class="age none"') == 1
    assert "not recorded" in text


@pytest.mark.parametrize(
    ("found", "style", "words"),
    [
        (report(row("a", 100, 90)), "fail", "1 of 1 credential is due"),
        (report(row("a", 10, 90), row("b", 1, None)), "", "the next is a, in 80 days"),
        (report(row("b", 1, None)), "", "none has a limit"),
        (report(row("a", 1, 9), act_now=True), "open", "No credential is due, and work is pending"),
    ],
)
def test_the_first_sentence(found: dict[str, Any], style: str, words: str) -> None:
    verdict = status_page.verdict(found)
    assert verdict["style"] == style
    assert words in f"{verdict['text']} {verdict['more']}"


def test_leaks_and_rotations() -> None:
    text = page(report(row("database", 1, 90)), RECORDS)
    for words in ("2026-11-20", "41 s", "declared: database; open: web2 must be rebuilt", "false alarm", "in 12 s"):
        assert words in text
    assert "rolled back: web1: not healthy" in text


def test_what_is_pending() -> None:
    rotation = {"id": "r-2", "credentials": ["cache"], "since": "2026-11-28T05:00:00Z", "step": "set"}
    pending = {
        "id": "x",
        "credential": "database",
        "act": "revoke",
        "due": False,
        "due_at": "2026-12-01",
        "against": "",
    }
    leak = {"id": "leak-1", "since": "2026-11-28T04:00:00Z", "who": "ann@laptop"}
    open_ones = {"rotation": rotation, "leak": leak, "pending_tasks": [pending]}
    found = report(row("a", 1, 9), **open_ones, revocations=[{"message": "revoke token at X"}])
    text = page(found)
    for words in (
        "rotation r-2 of cache is open",
        "leak leak-1 is not contained",
        "its previous value is revoked from 2026-12-01",
        "revoke token at X",
    ):
        assert words in text


def test_a_name_is_a_text_and_nothing_is_loaded() -> None:
    odd = "<script>alert(1)</script>"
    records = [{**RECORDS[0], "credentials": [odd], "notes": [odd]}]
    text = page(report(row(odd, 1, 90, rotated_by=odd)), records)
    assert "<script" not in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    for word in ("http:", "https:", "@import", "url("):
        assert word not in text


def test_an_unread_history_says_why() -> None:
    assert page(report(row("a", 1, 9)), unread="The catalog names no audit log.").count("names no audit log") == 2


def test_an_age_without_a_recorded_rotation_is_an_upper_bound() -> None:
    since = f"{NOW - timedelta(days=10):%Y-%m-%dT%H:%M:%SZ}"
    found = row("smtp", None, 90, age_days=10, due=False, due_in_days=80, stored_since=since)
    page = status_page.status(report(found), leaks=[], rotations=[], unread="", now=NOW)
    assert "at most 10 days old, limit 90 days" in page
    assert f"{NOW + timedelta(days=80):%Y-%m-%d}" in page
    assert "not recorded" in page
