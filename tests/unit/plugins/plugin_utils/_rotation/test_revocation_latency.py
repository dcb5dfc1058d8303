# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The time from promotion to revocation, as the end of a rotation tells it."""

from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    Journal,
    OpenRotation,
    PendingTask,
    Rotated,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import revocation_latency
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import REVOKE, Item, RotationPlan

PROMOTED, REFUSED, LATER = "2026-11-25T15:00:00Z", "2026-11-25T15:00:12Z", "2026-11-25T17:00:05Z"
OWN = (Item("cache", "k"), Item("database", "k"), Item("mail", "k"))
LEFT = (Item("cache", "k", REVOKE, phases=0, pending_task="r0/cache"),)


def rotation(*items: Item, **extra: Any) -> OpenRotation:
    times = {"promoted_at": PROMOTED, "refused_at": REFUSED, "plan": RotationPlan(items).entry()}
    return OpenRotation("r1", "record", "who", "since", **{**times, **extra})


def left(**extra: Any) -> Journal:
    pending_task = PendingTask(id="r0/cache", credential="cache", act="revoke", due=REFUSED, rotation="r0", **extra)
    return Journal(pending_tasks={pending_task.id: pending_task})


def test_of_what_was_removed_and_of_nothing_else() -> None:
    lines = revocation_latency.lines(Journal(), rotation(*OWN), ["database", "cache"])
    assert lines == ["from promotion to revocation: 12 s (cache, database)"]
    assert revocation_latency.lines(Journal(), rotation(*OWN), []) == []
    assert revocation_latency.lines(Journal(), rotation(*OWN, refused_at=""), ["cache"]) == []


def test_what_went_first_has_no_such_time() -> None:
    gone = rotation(plan=RotationPlan(OWN, immediate=True).entry())
    assert revocation_latency.lines(Journal(), gone, ["cache"]) == []


def test_a_revocation_that_came_due_later_goes_by_its_own_rotation() -> None:
    now = rotation(*LEFT, *OWN[1:2], promoted_at="2026-11-25T17:00:00Z", refused_at=LATER)
    assert revocation_latency.lines(left(promoted=PROMOTED), now, ["cache", "database"]) == [
        f"from promotion to revocation: 7205 s (cache; promoted at {PROMOTED} by rotation r0)",
        "from promotion to revocation: 5 s (database)",
    ]


def test_what_the_journal_does_not_know_any_more_is_said() -> None:
    now = rotation(*LEFT, promoted_at="", refused_at=LATER)
    message = f"rejected at {LATER}; the journal does not say how long after the promotion (cache"
    assert revocation_latency.lines(Journal(), now, ["cache"]) == [f"{message})"]
    assert revocation_latency.lines(left(), now, ["cache"]) == [f"{message}; promoted by rotation r0)"]
    journal = left()
    journal = Journal(pending_tasks=journal.pending_tasks, rotated={"cache": Rotated(PROMOTED, "who", "r0")})
    assert revocation_latency.lines(journal, now, ["cache"]) == [
        f"{message}; promoted by rotation r0, which ended at {PROMOTED})"
    ]
    journal = Journal(pending_tasks=journal.pending_tasks, rotated={"cache": Rotated(PROMOTED, "who", "another")})
    assert revocation_latency.lines(journal, now, ["cache"]) == [f"{message}; promoted by rotation r0)"]


def test_clocks_that_differ_tell_nothing() -> None:
    lines = revocation_latency.lines(Journal(), rotation(*OWN, promoted_at=LATER), ["cache"])
    assert lines == [f"rejected at {REFUSED}; the journal does not say how long after the promotion (cache)"]
