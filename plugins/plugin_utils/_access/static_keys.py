# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules for removing a static access key that a role replaces: deactivate it on evidence, delete it days later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError

DEACTIVATE, STAMP, DELETE, WAIT = "deactivate", "stamp", "delete", "wait"
TAG = "watchparty-deactivated-"
"""The beginning of a user's tag with the time of a key's deactivation. The key's id follows. IAM does not record it."""


@dataclass(frozen=True)
class StaticKey:
    user: str
    id: str
    active: bool
    last_used: datetime | None = None
    deactivated: datetime | None = None
    """The time in the user's tag."""


@dataclass(frozen=True)
class RoleUse:
    """The last use of a role. IAM shows a use within hours, and for 400 days."""

    role: str
    used: datetime | None


@dataclass(frozen=True)
class KeyStep:
    key: StaticKey
    act: str
    why: str


def require_fresh(evidence: RoleUse, now: datetime, *, within_days: int) -> None:
    """Raises PolicyError unless the role was used in these days."""
    if evidence.used is None:
        raise PolicyError(
            f"role {evidence.role} was never used (IAM may show a use some hours late). No key was changed. Run the "
            "workflow with this role first"
        )
    if now - evidence.used > timedelta(days=within_days):
        raise PolicyError(
            f"role {evidence.role} was used last at {timestamps.stamp(evidence.used)}, more than "
            f"{within_days} days ago. No key was changed. Run the workflow with this role first"
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
    """The next step for each key. Raises PolicyError, which names every key that must stay.

    A key in hourly use also looks older than the role's last use, most of the time. So it must have been idle for days,
    too.
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
                f"{evidence.role} ({timestamps.stamp(used)}): a program still uses it. Find the program: aws "
                f"cloudtrail lookup-events --lookup-attributes AttributeKey=AccessKeyId,AttributeValue={key.id}"
            )
        elif key.active and key.last_used is not None and now - key.last_used < timedelta(days=idle_days):
            results.append(
                f"key {key.id} of user {key.user} was used at {timestamps.stamp(key.last_used)}, less than "
                f"{idle_days} days ago: a program may still use it; run again when it was not used for that long"
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
        return KeyStep(key, STAMP, "it has been inactive since an unknown time; its days count from now")
    due = key.deactivated + after
    if now < due:
        return KeyStep(
            key,
            WAIT,
            f"it has been inactive since {timestamps.stamp(key.deactivated)}; it can be deleted from "
            f"{timestamps.stamp(due)} on",
        )
    return KeyStep(key, DELETE, f"it has been inactive since {timestamps.stamp(key.deactivated)} and {last}, {role}")
