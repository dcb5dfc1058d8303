# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The age of each credential, and when it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    CONFIRM,
    Journal,
    PendingTask,
    Rotated,
)

HIGH_VALUE_DAYS = 90
"""Default limit."""
LONGEST_WAIT = 3600
"""Seconds that a rotation waits for a revocation. A later revocation becomes a pending task."""


def moment(text: str) -> datetime:
    try:
        return timestamps.moment(text)
    except ValueError:
        raise JournalError(f"{text!r} in the journal is not a time such as 2026-11-25T15:00:00Z") from None


@dataclass(frozen=True)
class Age:
    credential: str
    kind: str
    limit: Optional[int]
    """Days. None for no limit."""
    days: Optional[int]
    """None if neither the journal nor a store has a date. Without a rotation in the journal, an upper bound: an age
    that is too high is safe, one that is too low is not."""
    last: Optional[Rotated]
    stored: str = ""
    """Earliest date of the value in the stores. Only without a rotation in the journal."""
    lease_left: Optional[int] = None
    """Days until the lease must be replaced, before its end. None without a lease."""

    @property
    def due(self) -> bool:
        if self.lease_left is not None and self.lease_left <= 0:
            return True
        return self.limit is not None and (self.days is None or self.days >= self.limit)

    @property
    def left(self) -> Optional[int]:
        """Days until the credential is due. None if neither an age limit nor a lease applies."""
        by_age = None if self.limit is None or self.days is None else self.limit - self.days
        return min((days for days in (by_age, self.lease_left) if days is not None), default=None)

    @property
    def message(self) -> str:
        if self.last and self.lease_left is not None and self.lease_left == self.left:
            when = "due" if self.due else f"due in {self.left} days"
            return f"{when}: its lease ends at {self.last.lease['ends']}"
        if self.limit is None:
            return "has no limit"
        if self.days is None:
            reason = "the date of its last rotation is in the future" if self.last else "no record of its last rotation"
            return f"due: {reason} (limit {self.limit} days)"
        age = f"{self.days} days old" if self.last else f"at most {self.days} days old, no recorded rotation"
        if self.due:
            return f"due: {age} (limit {self.limit})"
        return f"{age}, due in {self.left} days"


def limit_of(catalog: Catalog, credential: Credential) -> Optional[int]:
    """The declared limit in days. Otherwise 90 for high sensitivity, and for a location outside settings."""
    if credential.max_age_days is not None:
        return credential.max_age_days
    sensitive = [catalog.settings[name].sensitivity for name in credential.settings if name in catalog.settings]
    return HIGH_VALUE_DAYS if "high" in sensitive or credential.places or credential.github else None


def age_of(catalog: Catalog, credential: Credential, journal: Journal, now: datetime, stored: str = "") -> Age:
    """The credential's age. ``stored`` is the creation date of its oldest secret or parameter; it counts only without a
    rotation in the journal."""
    last = journal.rotated.get(credential.name)
    since = last.at if last else stored
    days = (now - moment(since)) // timedelta(days=1) if since else None
    if days is not None and days < 0:
        days = 0 if days == -1 else None  # clocks differ by hours, but a far future date would hide a due credential
    limit, lease_left = limit_of(catalog, credential), _lease_left(last, now)
    return Age(credential.name, credential.kind, limit, days, last, "" if last else stored, lease_left)


def _lease_left(last: Optional[Rotated], now: datetime) -> Optional[int]:
    """Days until two thirds of the lease have passed: the rule of programs that renew certificates."""
    if last is None or "ends" not in last.lease:
        return None
    since, ends = moment(last.at), moment(last.lease["ends"])
    return max(0, -((now - since - (ends - since) * 2 / 3) // timedelta(days=1)))


def ages(catalog: Catalog, journal: Journal, now: datetime, stored: Mapping[str, str]) -> list[Age]:
    """Ages of all credentials, the most overdue first. ``stored`` has dates by credential."""
    credentials = catalog.credentials.values()
    results = [age_of(catalog, item, journal, now, stored.get(item.name, "")) for item in credentials]
    return sorted(results, key=lambda age: (not age.due, age.left if age.left is not None else 10**6, age.credential))


def revokes_later(credential: Credential) -> bool:
    """Whether the rotation closes before the revocation."""
    return credential.revoke_after > LONGEST_WAIT


def due_pending_tasks(journal: Journal, now: datetime) -> list[PendingTask]:
    """Pending tasks that the next run carries out. Excludes confirmations, and tasks that wait for hosts after a
    leak."""
    pending_tasks = (
        pending_task
        for pending_task in journal.pending_tasks.values()
        if pending_task.act != CONFIRM and not pending_task.hosts
    )
    return sorted(
        (pending_task for pending_task in pending_tasks if moment(pending_task.due) <= now),
        key=lambda pending_task: pending_task.id,
    )
