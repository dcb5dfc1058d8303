# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a static access key may go that a role took the place of: on evidence, deactivated first, deleted days later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError

DEACTIVATE, STAMP, DELETE, WAIT = "deactivate", "stamp", "delete", "wait"
TAG = "watchparty-deactivated-"
"""Begins the tag of a user that says when its key was deactivated; the key's id follows. IAM itself does not tell."""


@dataclass(frozen=True)
class StaticKey:
    """A key as IAM tells of it."""

    user: str
    id: str
    active: bool
    last_used: datetime | None = None
    deactivated: datetime | None = None
    """As the user's tag says."""


@dataclass(frozen=True)
class RoleUse:
    """When the role was used last. IAM tells it within hours and keeps it for 400 days."""

    role: str
    used: datetime | None


@dataclass(frozen=True)
class KeyStep:
    """What is to be done with one key, and why."""

    key: StaticKey
    act: str
    why: str


def require_fresh(evidence: RoleUse, now: datetime, *, within_days: int) -> None:
    """Raises PolicyError unless the role was used of late."""
    if evidence.used is None:
        raise PolicyError(
            f"role {evidence.role} was never used, according to IAM, whose record may be some hours late; run "
            "the workflow with it first. No key was changed"
        )
    if now - evidence.used > timedelta(days=within_days):
        raise PolicyError(
            f"role {evidence.role} was used last at {timestamps.stamp(evidence.used)}, more than "
            f"{within_days} days ago; run the workflow with it first. No key was changed"
        )


def plan(
    keys: Sequence[StaticKey],
    evidence: RoleUse,
    now: datetime,
    *,
    after_days: int,
    idle_days: int = 1,
    own: str | None = None,
) -> tuple[KeyStep, ...]:
    """A step for each key. Raises PolicyError that names every key which may not go.

    A key that is used every hour was also used before the role's last use, most of the time: so it must be idle too.
    """
    used = evidence.used
    if used is None:
        raise PolicyError(
            f"role {evidence.role} was never used. No key was changed. Deploy once with this role, then run the same "
            "command again"
        )
    results = []
    for key in keys:
        if key.user == own:
            results.append(f"key {key.id}: this run itself uses user {key.user}; run it with a role")
        elif key.last_used is not None and key.last_used >= used:
            results.append(
                f"key {key.id} of user {key.user} was used at {timestamps.stamp(key.last_used)}, after role "
                f"{evidence.role} ({timestamps.stamp(used)}): something still depends on it"
            )
        elif key.active and key.last_used is not None and now - key.last_used < timedelta(days=idle_days):
            results.append(
                f"key {key.id} of user {key.user} was used at {timestamps.stamp(key.last_used)}, less than "
                f"{idle_days} days ago: something may still use it; run again when nobody has used it for that long"
            )
    if results:
        raise PolicyError("No key was changed:\n" + "\n".join(f"  - {line}" for line in results))
    return tuple(_step(key, evidence, now, timedelta(days=after_days)) for key in keys)


def _step(key: StaticKey, evidence: RoleUse, now: datetime, after: timedelta) -> KeyStep:
    last = f"was used last at {timestamps.stamp(key.last_used)}" if key.last_used else "was never used"
    role = f"role {evidence.role} at {timestamps.stamp(evidence.used)}" if evidence.used else ""
    if key.active:
        return KeyStep(key, DEACTIVATE, f"it {last}, {role}")
    if key.deactivated is None:
        return KeyStep(key, STAMP, "it is inactive, and nobody recorded since when; its days count from now")
    due = key.deactivated + after
    if now < due:
        return KeyStep(
            key,
            WAIT,
            f"it has been inactive since {timestamps.stamp(key.deactivated)}; it can be deleted from "
            f"{timestamps.stamp(due)} on",
        )
    return KeyStep(key, DELETE, f"it has been inactive since {timestamps.stamp(key.deactivated)} and {last}, {role}")
