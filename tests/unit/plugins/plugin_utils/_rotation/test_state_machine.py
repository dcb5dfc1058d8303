# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import state_machine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.state_machine import (
    BACKWARD,
    Decision,
    following,
    remaining,
    stages,
)

EVERY = {
    0: ("revoke", "record"),
    1: ("create", "set", "test", "deploy_1", "promote", "revoke", "record"),
    2: ("create", "set", "test", "deploy_1", "deploy_2", "promote", "revoke", "record"),
}
OUTCOMES = (
    *(
        state_machine.DONE,
        state_machine.FAILED,
        state_machine.LOST,
        state_machine.TAKEN,
        state_machine.BLOCKED,
        state_machine.LATER,
    ),
    "something else",
)


def at(stage: str, phases: int = 1, *, immediate: bool = False) -> OpenRotation:
    """An open rotation at that stage."""
    step, phase = state_machine.step_of(stage)
    plan = {"phases": phases, **({"immediate": True} if immediate else {})}
    return OpenRotation("r1", step, "ann@x", "t", phase=phase, plan=plan)


@pytest.mark.parametrize("phases", EVERY)
def test_every_stage(phases: int) -> None:
    assert stages(phases) == EVERY[phases]
    assert remaining(at(EVERY[phases][0], phases)) == EVERY[phases]


def test_old_values_may_be_removed_first() -> None:
    names = ("create", "set", "test", "revoke_first", "deploy_1", "promote", "revoke", "record")
    assert stages(1, immediate=True) == names
    assert stages(0, immediate=True) == EVERY[0]
    assert remaining(at("revoke_first", immediate=True)) == names[3:]
    assert following(at("test", immediate=True), state_machine.DONE) == Decision(state_machine.GO, "revoke_first")
    assert following(at("revoke_first", immediate=True), state_machine.DONE) == Decision(
        state_machine.GO, "deploy", phase=1
    )


@pytest.mark.parametrize("outcome", [state_machine.FAILED, state_machine.TAKEN])
@pytest.mark.parametrize(
    ("stage", "back"),
    [
        *((stage, True) for stage in ("create", "set", "test")),
        *((name, False) for name in ("revoke_first", "deploy_1", "promote")),
    ],
)
def test_once_they_are_removed_nothing_leads_back(stage: str, outcome: str, *, back: bool) -> None:
    decision = following(at(stage, immediate=True), outcome, message="why")
    assert state_machine.is_past_return(at(stage, immediate=True)) is not back
    assert not state_machine.is_past_return(at(stage))
    if back:
        assert decision == Decision(state_machine.BACK, "abort", message="why")
    else:
        assert decision == Decision(
            state_machine.STOP, message="why; the old value is revoked already, so no rollback is possible"
        )


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("create", EVERY[2]),
        ("deploy_1", ("deploy_1", "deploy_2", "promote", "revoke", "record")),
        ("deploy_2", ("deploy_2", "promote", "revoke", "record")),
        ("record", ("record",)),
        ("abort", ("abort", "withdraw", "discard")),
        ("withdraw", ("withdraw", "discard")),
        ("discard", ("discard",)),
    ],
)
def test_what_remains_begins_with_what_may_have_been_cut_short(stage: str, expected: tuple[str, ...]) -> None:
    assert remaining(at(stage, 2)) == expected


@pytest.mark.parametrize("phases", EVERY)
@pytest.mark.parametrize("start", ["forward", "abort"])
def test_done_after_done_leads_to_the_end(phases: int, start: str) -> None:
    rotation, result = at(start if start == "abort" else EVERY[phases][0], phases), []
    while True:
        decision = following(rotation, state_machine.DONE)
        assert decision.way == state_machine.GO
        step = str(decision.step)
        result.append(f"{step}_{decision.phase}" if step == "deploy" else step)
        if step in ("closed", "aborted"):
            break
        rotation = at(result[-1], phases)
    assert tuple(result) == ((*EVERY[phases][1:], "closed") if start == "forward" else (*BACKWARD[1:], "aborted"))


@pytest.mark.parametrize(("outcome", "step"), [(state_machine.DONE, "deploy"), (state_machine.FAILED, "abort")])
def test_what_was_tested_as_it_was_set_is_not_tested_again(outcome: str, step: str) -> None:
    assert following(at("set"), outcome, is_tested=True).step == step
    assert following(at("set"), state_machine.DONE).step == "test"


def test_the_removal_before_the_rollout_follows_the_step_that_tested() -> None:
    assert following(at("set", immediate=True), state_machine.DONE, is_tested=True).step == "revoke_first"


@pytest.mark.parametrize("stage", ["create", "set", "test", "deploy_1", "promote"])
@pytest.mark.parametrize("outcome", [state_machine.FAILED, state_machine.TAKEN])
def test_a_failure_before_the_revocation_is_rolled_back(stage: str, outcome: str) -> None:
    assert following(at(stage), outcome, message="why") == Decision(state_machine.BACK, "abort", message="why")


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("revoke", " and the old one may still be valid"),
        ("record", ", and the old one is revoked; only cleanup and the audit record remain"),
    ],
)
@pytest.mark.parametrize("outcome", [state_machine.FAILED, state_machine.TAKEN])
def test_a_failure_after_the_promotion_is_reported_and_stays_open(stage: str, message: str, outcome: str) -> None:
    assert following(at(stage), outcome, message="why") == Decision(
        state_machine.STOP, message=f"why; the new value is in force{message}"
    )


@pytest.mark.parametrize("stage", ["revoke", "record"])
def test_after_the_promotion_the_old_value_may_be_gone(stage: str) -> None:
    assert state_machine.is_past_return(at(stage))


@pytest.mark.parametrize("stage", EVERY[1])
@pytest.mark.parametrize(("kind", "counts"), [("aws_access_key", True), ("mailbox", False)])
def test_hosts_keep_a_key_whose_old_one_made_room(stage: str, kind: str, *, counts: bool) -> None:
    """Before the rollout nothing is lost by a rollback. An operator's own kind notes what it likes."""
    plan = {"phases": 1, "credentials": {"storage": {"kind": kind}}}
    rotation = replace(at(stage), plan=plan, notes={"storage": {"old_deleted": "AKIAOLD"}})
    assert state_machine.is_past_return(rotation) is (
        stage in ("revoke", "record") or (counts and stage in ("deploy_1", "promote"))
    )


@pytest.mark.parametrize("outcome", [state_machine.LOST, state_machine.BLOCKED])
@pytest.mark.parametrize("stage", EVERY[1])
def test_lost_hosts_and_a_shut_gate_stop_it(stage: str, outcome: str) -> None:
    assert following(at(stage), outcome, message="why") == Decision(state_machine.STOP, message="why")


@pytest.mark.parametrize(("text", "message"), [("why", "; why"), ("", "")])
def test_an_outcome_that_is_none_stops_it(text: str, message: str) -> None:
    assert following(at("set"), "ok", message=text) == Decision(
        state_machine.STOP, message=f"ok is not an outcome of a step{message}"
    )


def test_a_later_revocation_does_not_wait() -> None:
    assert following(at("revoke"), state_machine.LATER) == Decision(state_machine.GO, "record")


@pytest.mark.parametrize("stage", BACKWARD)
@pytest.mark.parametrize("outcome", OUTCOMES[1:])
def test_on_the_way_back_nothing_but_done_goes_on(stage: str, outcome: str) -> None:
    assert following(at(stage), outcome, message="why") == Decision(state_machine.STOP, message="why")


@given(st.sampled_from(EVERY[2] + BACKWARD), st.sampled_from(OUTCOMES), st.integers(0, 2))
def test_every_decision_is_one_that_can_be_carried_out(stage: str, outcome: str, phases: int) -> None:
    decision = following(at(stage, phases), outcome)
    assert decision.way in (state_machine.GO, state_machine.BACK, state_machine.STOP)
    assert (decision.step is None) == (decision.way == state_machine.STOP)
    if decision.way == state_machine.BACK:
        assert state_machine.step_of(stage)[0] not in ("revoke", "record", *BACKWARD), (
            "what is revoked cannot be had back"
        )


@pytest.mark.parametrize(
    ("stage", "phase"), [("create", 0), ("test", 0), ("deploy_1", 0), ("deploy_2", 1), ("promote", 1)]
)
def test_a_signing_key_goes_back_as_it_came(stage: str, phase: int) -> None:
    decision = following(at(stage, 2), state_machine.FAILED, message="why")
    assert decision == Decision(state_machine.BACK, "abort", phase=phase, message="why")
    assert following(at(stage), state_machine.FAILED).phase == 0


def test_the_way_back_through_a_phase_is_followed_by_the_rest() -> None:
    through = OpenRotation("r1", "abort", "ann@x", "t", phase=1, plan={"phases": 2})
    assert following(through, state_machine.DONE) == Decision(state_machine.GO, "abort")
    assert following(at("abort", 2), state_machine.DONE) == Decision(state_machine.GO, "withdraw")
