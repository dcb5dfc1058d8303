# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    CONFIRM,
    Journal,
    PendingTask,
    Rotated,
)

NOW = datetime(2026, 11, 25, 15, 0, 0, tzinfo=UTC)
SETTINGS: dict[str, Any] = {
    "HIGH": {"group": "core"},
    "LOW": {"value": "x"},
    "DEPLOY_KEY": {"github": "secret", "inventory": "x"},
}


@pytest.fixture(scope="module")
def made(catalog: Callable[..., Catalog]) -> Catalog:
    return catalog(
        SETTINGS,
        credentials={
            "own": {"kind": "k", "max_age_days": 30, "appears_in": [{"setting": "LOW"}]},
            "high": {"kind": "k", "appears_in": [{"setting": "HIGH"}, {"setting": "LOW"}]},
            "low": {"kind": "k", "appears_in": [{"setting": "LOW"}]},
            "placed": {"kind": "k", "appears_in": [{"secret": "s-{environment}"}]},
            "mirrored": {"kind": "k", "appears_in": [{"github": "DEPLOY_KEY"}]},
        },
    )


def rotated(**days: int) -> Journal:
    """A journal of credentials that were rotated so many days ago."""
    return Journal(
        rotated={
            name: Rotated(timestamps.stamp(NOW - timedelta(days=ago)), "ann@x", "r1") for name, ago in days.items()
        }
    )


@given(st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)))
def test_a_moment_is_kept_to_the_second(moment: datetime) -> None:
    assert credential_ages.moment(timestamps.stamp(moment)) == moment.replace(microsecond=0)


def test_a_stamp_is_in_utc() -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    assert timestamps.stamp(datetime(2026, 1, 1, 2, 0, tzinfo=there)) == "2025-12-31T20:30:00Z"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-25", "2026-11-25T15:00:00+01:00", "2026-13-01T00:00:00Z"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(JournalError, match="in the journal is not a time such as"):
        credential_ages.moment(text)


@pytest.mark.parametrize(
    ("name", "limit"), [("own", 30), ("high", 90), ("low", None), ("placed", 90), ("mirrored", 90)]
)
def test_a_limit(made: Catalog, name: str, limit: int | None) -> None:
    assert credential_ages.limit_of(made, made.credentials[name]) == limit


@pytest.mark.parametrize(
    ("days", "due", "left", "message"),
    [
        (None, True, None, "due: no record of its last rotation (limit 30 days)"),
        (0, False, 30, "0 days old, due in 30 days"),
        (29, False, 1, "29 days old, due in 1 days"),
        (30, True, 0, "due: 30 days old (limit 30)"),
        (45, True, -15, "due: 45 days old (limit 30)"),
        (-1, False, 30, "0 days old, due in 30 days"),
    ],
)
def test_an_age(made: Catalog, days: int | None, due: bool, left: int | None, message: str) -> None:
    journal = Journal() if days is None else rotated(own=days)
    age = credential_ages.age_of(made, made.credentials["own"], journal, NOW)
    assert (age.due, age.left, age.message) == (due, left, message)
    assert (age.credential, age.kind, age.last) == ("own", "k", journal.rotated.get("own"))


@pytest.mark.parametrize(
    ("days", "due", "message"),
    [
        (0, False, "at most 0 days old, no recorded rotation, due in 30 days"),
        (29, False, "at most 29 days old, no recorded rotation, due in 1 days"),
        (30, True, "due: at most 30 days old, no recorded rotation (limit 30)"),
    ],
)
def test_an_age_without_a_rotation_counts_from_the_store(made: Catalog, days: int, due: bool, message: str) -> None:
    stored = timestamps.stamp(NOW - timedelta(days=days))
    age = credential_ages.age_of(made, made.credentials["own"], Journal(), NOW, stored)
    assert (age.days, age.due, age.message, age.stored) == (days, due, message, stored)
    known = credential_ages.age_of(made, made.credentials["own"], rotated(own=45), NOW, stored)
    assert (known.days, known.stored) == (45, ""), "the journal knows better"


def test_a_date_in_the_future_hides_nothing(made: Catalog) -> None:
    own = made.credentials["own"]
    age = credential_ages.age_of(made, own, rotated(own=-2), NOW)
    assert (age.due, age.message) == (True, "due: the date of its last rotation is in the future (limit 30 days)")
    assert credential_ages.age_of(made, own, Journal(), NOW, timestamps.stamp(NOW + timedelta(days=2))).due


def test_a_day_is_a_whole_one(made: Catalog) -> None:
    almost = Journal(rotated={"own": Rotated(timestamps.stamp(NOW - timedelta(days=30, seconds=-1)), "ann@x", "r1")})
    assert credential_ages.age_of(made, made.credentials["own"], almost, NOW).days == 29


def test_without_a_limit_nothing_is_due(made: Catalog) -> None:
    for journal in (Journal(), rotated(low=4000)):
        age = credential_ages.age_of(made, made.credentials["low"], journal, NOW)
        assert (age.due, age.left, age.message) == (False, None, "has no limit")


def test_those_due_longest_come_first(made: Catalog) -> None:
    ages = credential_ages.ages(made, rotated(own=31, high=200, low=1, mirrored=10), NOW, {})
    assert [age.credential for age in ages] == ["high", "own", "placed", "mirrored", "low"]


def test_pending_tasks_that_are_due() -> None:
    def one(name: str, ahead: int) -> PendingTask:
        return PendingTask(name, "c", "revoke", timestamps.stamp(NOW + timedelta(seconds=ahead)), "r1")

    journal = Journal(
        pending_tasks={
            pending_task.id: pending_task for pending_task in (one("r1/z", -5), one("r1/b", 1), one("r1/a", 0))
        }
    )
    assert [pending_task.id for pending_task in credential_ages.due_pending_tasks(journal, NOW)] == ["r1/a", "r1/z"]
    assert credential_ages.due_pending_tasks(Journal(), NOW) == []
    elsewhere = PendingTask("r1/c", "c", CONFIRM, timestamps.stamp(NOW), "r1")
    assert credential_ages.due_pending_tasks(Journal(pending_tasks={"r1/c": elsewhere}), NOW) == [], (
        "no run can do that"
    )
    left = replace(one("r1/a", -5), hosts=("web2",))
    assert credential_ages.due_pending_tasks(Journal(pending_tasks={left.id: left}), NOW) == [], "the leak's own"


@pytest.mark.parametrize(
    ("name", "days", "due", "left", "message"),
    [
        ("low", 0, False, 20, "due in 20 days: its lease ends at 2026-12-25T15:00:00Z"),
        ("low", 19.5, False, 1, "due in 1 days: its lease ends at 2026-12-25T15:00:00Z"),
        ("low", 20, True, 0, "due: its lease ends at 2026-12-25T15:00:00Z"),
        ("low", 40, True, 0, "due: its lease ends at 2026-12-25T15:00:00Z"),
        ("high", 0, False, 20, "due in 20 days: its lease ends at 2026-12-25T15:00:00Z"),
    ],
)
def test_a_lease_is_replaced_before_it_ends(
    made: Catalog, name: str, days: float, due: bool, left: int, message: str
) -> None:
    """Once two thirds of its 30 days are over, whatever the limit of its age is."""
    lease = {"id": "database/creds/web/1", "accessor": "a", "ends": timestamps.stamp(NOW + timedelta(days=30))}
    last = Rotated(timestamps.stamp(NOW), "ops@example.com", "r1", lease=lease)
    age = credential_ages.age_of(
        made, made.credentials[name], Journal(rotated={name: last}), NOW + timedelta(days=days)
    )
    assert (age.due, age.left, age.message) == (due, left, message)


def test_an_age_that_ends_before_the_lease(made: Catalog) -> None:
    lease = {"id": "database/creds/web/1", "accessor": "a", "ends": timestamps.stamp(NOW + timedelta(days=300))}
    last = Rotated(timestamps.stamp(NOW), "ops@example.com", "r1", lease=lease)
    age = credential_ages.age_of(made, made.credentials["own"], Journal(rotated={"own": last}), NOW)
    assert (age.left, age.message) == (30, "0 days old, due in 30 days")
