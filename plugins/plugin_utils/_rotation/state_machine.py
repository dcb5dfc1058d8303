# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of a rotation: remaining stages, and the step after an outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    BACKWARD_STEPS,
    OpenRotation,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import IAM_KEYS

BACKWARD = BACKWARD_STEPS

DONE, FAILED, LOST, TAKEN, BLOCKED, LATER = "done", "failed", "lost", "taken", "blocked", "later"
"""Outcomes of a step: done; failed; hosts unreachable, no fault of the new value; another writer changed our keys;
blocked, or other writers do not pause; revocation due later."""

_AFTER_PROMOTION = {
    "revoke": " and the old one may still be valid",
    "record": ", and the old one is revoked; only cleanup and the audit record remain",
}
OLD_DELETED = "old_deleted"
"""Note with the id of an access key that was deleted before its rollout."""
GO, BACK, STOP = "go", "back", "stop"


@dataclass(frozen=True)
class Decision:
    way: str
    """Either "go" on, roll "back", or "stop" and stay open."""
    step: str | None = None
    phase: int = 0
    message: str = ""


def remaining(rotation: OpenRotation) -> tuple[str, ...]:
    """Remaining stages with the present one: an interrupted act is done again."""
    if rotation.step in BACKWARD:
        return BACKWARD[BACKWARD.index(rotation.step) :]
    all_stages = stages(int(rotation.plan.get("phases", 1)), immediate=bool(rotation.plan.get("immediate")))
    now = f"deploy_{rotation.phase}" if rotation.step == "deploy" else rotation.step
    return all_stages[all_stages.index(now) :] if now in all_stages else all_stages


def stages(phases: int, *, immediate: bool = False) -> tuple[str, ...]:
    """All stages of a rotation with that many rollouts; ``immediate`` revokes old values first."""
    before = ("create", "set", "test", *(("revoke_first",) if immediate else ())) if phases else ()
    after = ("promote", "revoke", "record") if phases else ("revoke", "record")
    return (*before, *(f"deploy_{number}" for number in range(1, phases + 1)), *after)


def step_of(stage: str) -> tuple[str, int]:
    """The journal's step and phase of a stage: "deploy_2" is the second rollout of "deploy"."""
    step, _underscore, phase = stage.rpartition("_")
    return (step, int(phase)) if phase.isdigit() else (stage, 0)


def is_past_return(rotation: OpenRotation) -> bool:
    """Whether old values are possibly revoked, so that no rollback is possible."""
    removing = ("revoke_first", "deploy", "promote") if rotation.plan.get("immediate") else ()
    deleted = ("deploy", "promote") if _has_deleted_key(rotation) else ()
    return rotation.step in (*removing, *deleted, "revoke", "record")


def _has_deleted_key(rotation: OpenRotation) -> bool:
    """Whether a leaked access key made room for the new one: hosts that have the new one must not go back."""
    planned = rotation.plan.get("credentials", {})
    return any(OLD_DELETED in note for name, note in rotation.notes.items() if planned[name].get("kind") in IAM_KEYS)


def way_back(rotation: OpenRotation) -> int:
    """The phase of a rollback's first rollout, or 0. If a host signs with the new key, every host must know it as a
    fallback before another signs with the old key again."""
    reached = rotation.step == "promote" or rotation.phase == 2
    return 1 if int(rotation.plan.get("phases", 0)) == 2 and reached else 0


def following(rotation: OpenRotation, outcome: str, *, message: str = "", is_tested: bool = False) -> Decision:
    """The decision after the present step's ``outcome``. Pure.

    ``is_tested``: the step that set the new values has tested them, too.
    """
    if rotation.step in BACKWARD:
        return _on_the_way_back(rotation, outcome, message)
    if outcome in (FAILED, TAKEN) and rotation.step in _AFTER_PROMOTION:
        return Decision(STOP, message=f"{message}; the new value is in force{_AFTER_PROMOTION[rotation.step]}")
    if outcome in (FAILED, TAKEN):
        if is_past_return(rotation):
            return Decision(STOP, message=f"{message}; the old value is revoked already, so no rollback is possible")
        return Decision(BACK, "abort", phase=way_back(rotation), message=message)
    if outcome in (LOST, BLOCKED):
        return Decision(STOP, message=message)
    if outcome == LATER:
        return Decision(GO, "record", message=message)
    if outcome != DONE:
        return Decision(STOP, message=f"{outcome} is not an outcome of a step; {message}".rstrip("; "))
    return _next(rotation, is_tested=is_tested)


def _next(rotation: OpenRotation, *, is_tested: bool) -> Decision:
    names = [name for name in remaining(rotation) if not (is_tested and name == "test")]
    following_stage = names[1] if len(names) > 1 else names[0] if names else "record"
    if len(names) == 1 and rotation.step == names[0]:
        return Decision(GO, "closed")
    step, phase = step_of(following_stage)
    return Decision(GO, step, phase=phase)


def _on_the_way_back(rotation: OpenRotation, outcome: str, message: str) -> Decision:
    if outcome != DONE:
        return Decision(STOP, message=message)
    if rotation.step == "abort" and rotation.phase:
        return Decision(GO, "abort")
    at = BACKWARD.index(rotation.step)
    return Decision(GO, BACKWARD[at + 1] if at + 1 < len(BACKWARD) else "aborted")


def unverified(hosts: Sequence[str]) -> str:
    """The reason why no value is revoked while these hosts are neither verified nor skipped."""
    return (
        f"hosts that may still use the value to revoke: {', '.join(hosts)} (unreachable, outside --limit, or without "
        "the newest .env). Make them reachable and run ansible-playbook watchparty.secrets.deploy, or continue without "
        f"them: -e rotation_skip_hosts={','.join(hosts)}"
    )
