# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The monthly digest, from the ages and from what the audit log tells of the last month."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain, events, history
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.digest import digest
from tests.unit.plugins.plugin_utils._audit.audit_lines import chained

NOW = datetime(2026, 12, 1, 6, 0, tzinfo=UTC)
REPORT: dict[str, Any] = {
    "application": "shop",
    "environment": "production",
    "due": ["cache"],
    "credentials": [
        {"name": "cache", "due": True, "due_in_days": -3},
        {"name": "database", "due": False, "due_in_days": 12},
        {"name": "mailer", "due": False, "due_in_days": 60},
        {"name": "unlimited", "due": False, "due_in_days": None},
    ],
    "revocations": [{"credential": "mailer", "message": "revoke it"}],
    "table": ["credential  age", "cache       93 d"],
}


def record(rotation: str, outcome: str, at: str, **more: Any) -> dict[str, Any]:
    own = {"rotation": rotation, "outcome": outcome, "at": at, "who": "ann@laptop", "credentials": ["database"]}
    return {"application": "shop", "environment": "production", **own, **more}


RECORDS = [
    record("r-0", "completed", "2026-10-01T10:00:00Z"),
    record("r-1", "completed", "2026-11-10T10:00:00Z"),
    record("r-2", "rolled_back", "2026-11-11T10:00:00+01:00", reason="not healthy"),
    record("leak-1", "contained", "2026-11-20T10:05:00Z", seconds={"contained": 41.3}),
    record("drill-1", "drill", "2026-11-25T10:05:00Z", seconds={"planned": 12.3}),
]


def test_it_tells_of_the_present_and_of_the_last_month() -> None:
    event = digest(REPORT, RECORDS, who="ann@laptop", now=NOW)
    detail = json.loads(event.text)
    jsonschema.validate(detail, events.SCHEMA, format_checker=jsonschema.FormatChecker())
    assert detail["id"] == "digest-2026-12:sent"
    assert detail["summary"] == (
        "shop production: 1 of 4 credentials due (cache); due within a month: database; 1 to be confirmed as revoked; "
        "last month: rotations 2, rolled back 1, leaks 1, drills 1, by ann@laptop"
    )
    assert detail["lines"] == [
        *REPORT["table"],
        "2026-11-10 rotation of database: complete",
        "2026-11-11 rotation of database: rolled back",
        "2026-11-20 leak of database: contained, 41 s",
        "2026-11-25 leak of database: drill, plan ready in 12 s",
    ]


def test_an_unread_log_is_named_and_not_taken_for_quiet() -> None:
    summary = str(
        digest(REPORT, [], who="a", now=NOW, unread="The audit log could not be read: denied").detail["summary"]
    )
    assert "The audit log could not be read: denied" in summary
    assert "rotations" not in summary


def test_the_log_is_read_from_its_newest_record() -> None:
    first = chained(RECORDS[0])
    second = chained(RECORDS[3], first)
    found = history.records(chain.Chain((first, second, "no record")))
    assert [one["rotation"] for one in found] == ["leak-1", "r-0"]
    assert history.leaks(found)[0]["took"] == "41 s"
    assert [one["id"] for one in history.rotations(found)] == ["r-0"]


@pytest.mark.parametrize(("outcome", "is_bad"), [("forgotten", False), ("completed", False), ("rolled_back", True)])
def test_what_an_operator_gave_up_on_purpose_is_no_failure(outcome: str, is_bad: bool) -> None:
    (rotation,) = history.rotations([{**RECORDS[0], "outcome": outcome}])
    assert rotation["is_bad"] is is_bad
