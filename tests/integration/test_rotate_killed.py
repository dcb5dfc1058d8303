# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation that is killed right before any of its acts leaves a healthy application, and the same command ends it.

All three kinds rotate together. An act is the start of a task, a call to AWS inside a module, or a command on a host; a
run before act n is one that was killed between act n - 1 and act n. A few acts are tried here; ``make chaos`` tries
every one of them, for hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.chaos import (
    BACK,
    COMMAND,
    EVERY,
    Chaos,
    Controller,
    elsewhere,
    points,
    sweep,
    writes,
)
from tests.integration.counts import Record, tried
from tests.integration.harness import ENVIRONMENT
from tests.integration.mirror_function import SCHEDULED, BareFunction
from tests.integration.rotation_lab import RotationLab, Values, rotation_lab, sentences

SPREAD = (
    "on the host: Deliver the .env and verify#1",
    f"PutParameter /WatchParty/{ENVIRONMENT}/DB/URL#1",
    "on the host: postgresql_login revoked#1",
)
"""The new values valid and no host on them; half promoted; one old value gone and the other not. The simulation kills
before and after every act, at the servers too."""
HALF_PROMOTED = SPREAD[1]
WAY_BACK = ("on the host: Deliver the .env and verify#1", "on the host: postgresql_login revoked#1")
sweeps = pytest.mark.skipif(not EVERY, reason="every point of a rotation to kill it at: that takes hours (make chaos)")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection, hosts=2 if EVERY else 1) as lab:
        yield lab


def rotated_from(lab: RotationLab, old: Values) -> None:
    """Complete: nothing is left over, and every value is a new one."""
    lab.assert_settled(old)
    now = lab.values()
    assert now.database != old.database
    assert now.cache != old.cache
    assert now.django_key != old.django_key


def test_killed_again_and_again(lab: RotationLab, tmp_path: Path, record_property: Record) -> None:
    """Each run is killed, and the next one goes on from there; in the middle another controller takes it over.

    The mirror runs beside it, by its function and by the playbook, and leaves the rotation's parameters alone.
    """
    chaos, result = Chaos(lab), elsewhere(lab)
    other = chaos.controller if isinstance(result, str) else result
    lab.ready()
    all_writes = writes(chaos.acts()) if EVERY else list(SPREAD)
    middle = all_writes.index(HALF_PROMOTED)
    old = lab.ready()
    function = BareFunction(tmp_path, lab.catalog, ENVIRONMENT)
    mirrored(lab, function)
    before = parameters(lab)
    reached = [at for at in all_writes[:middle] if chaos.kill(at) is not None]
    assert (mirrored(lab, function)["held"], parameters(lab)) == (sorted(before), before)
    reached += [HALF_PROMOTED] if chaos.kill(HALF_PROMOTED) is not None else []
    half = parameters(lab)
    assert half != before
    assert mirrored(lab, function)["plan"] == []
    run = lab.run(playbook="playbooks/mirror.yml")
    sentences(run, *(f"parameter {name} was not changed: rotation" for name in half))
    assert parameters(lab) == half
    tried(record_property, "rotation", reached)
    resume = () if other is chaos.controller else ("-e", f"rotation_resume={refused(lab, other)}")
    there = Chaos(lab, other)
    late = [at for at in all_writes[middle + 1 :] if there.kill(at, *resume) is not None]
    assert EVERY or reached + late == all_writes
    run = other.rotate(*resume)
    assert run.code == 0, run.output
    rotated_from(lab, old)
    assert lab.run(playbook="playbooks/mirror.yml").operations.count("PutParameter") == len(before)  # marked as copies
    assert mirrored(lab, function)["unchanged"] == len(before)
    lab.assert_consistent()
    tried(record_property, "takeover by another controller" if resume else "rotation, its second half", late)
    if isinstance(result, str):
        pytest.skip(f"{result}; a takeover by another controller was not tested")


def mirrored(lab: RotationLab, function: BareFunction) -> dict[str, Any]:
    """What a run of the mirror's function logs."""
    run = function.invoke(lab.moto.env(), SCHEDULED)
    assert run.outcomes == ["SUCCEEDED"], run.output
    return run.logs[0]


def parameters(lab: RotationLab) -> dict[str, tuple[int, str]]:
    """The copies of what rotates, with their versions."""
    names = [f"/WatchParty/{ENVIRONMENT}/{name}" for name in ("App/SECRET_KEY", "DB/URL", "Redis/URL")]
    found = lab.moto.client("ssm").get_parameters(Names=names, WithDecryption=True)["Parameters"]
    return {one["Name"]: (one["Version"], one["Value"]) for one in found}


def test_another_controller_takes_it_back_and_is_killed_too(lab: RotationLab, record_property: Record) -> None:
    """The other one is reported the words, and changes nothing without them; at the end the first one takes it back."""
    other = other_controller(lab)
    chaos, there = Chaos(lab), Chaos(lab, other)
    old = lab.ready()
    assert chaos.kill(HALF_PROMOTED) is not None
    resume = ("-e", f"rotation_resume={refused(lab, other)}")
    names = list(WAY_BACK)
    if EVERY:
        names = writes(there.acts(*resume, *BACK))
        assert chaos.kill(HALF_PROMOTED) is not None
        resume = ("-e", f"rotation_resume={refused(lab, other)}")
    reached = [at for at in names if there.kill(at, *resume, *BACK) is not None]
    assert EVERY or reached == names
    if lab.journal_state().rotation is not None:
        refused(lab, chaos.controller)
        run = lab.rotate(*COMMAND, *resume)
        assert run.code != 0, run.output
        sentences(run, "The rotation was rolled back: the operator asked for it")
    lab.assert_settled()
    assert lab.values() == old
    tried(record_property, "abort, by another controller", reached)


@pytest.mark.long
@sweeps
def test_the_same_command_ends_it(lab: RotationLab, record_property: Record) -> None:
    chaos = Chaos(lab)
    lab.ready()

    def attempt(at: str) -> object:
        old = lab.ready()
        act = chaos.kill(at)
        lab.rotated(*COMMAND)
        rotated_from(lab, old)
        return act.label if act else "not reached"

    sweep(points(chaos.acts()), attempt, what="rotation, then started again", record=record_property)


@pytest.mark.long
@sweeps
def test_it_is_rolled_back(lab: RotationLab, record_property: Record) -> None:
    chaos = Chaos(lab)
    lab.ready()

    def attempt(at: str) -> object:
        old = lab.ready()
        act = chaos.kill(at)
        return f"{act.label if act else 'not reached'}: {rolled_back(lab, old)}"

    sweep(points(chaos.acts()), attempt, what="rotation, then aborted", record=record_property)


def rolled_back(lab: RotationLab, old: Values) -> str:
    """Aborts what is open, and checks the result; which way it went."""
    rotation = lab.journal_state().rotation
    run = lab.rotate(*COMMAND, *BACK)
    if rotation is None:
        sentences(run, "no rotation is open; there is nothing to abort")
        lab.assert_settled()
        return "nothing was open"
    if rotation.step in ("revoke", "record"):
        assert run.code != 0, run.output
        sentences(
            run,
            f"{rotation.id} of",
            "is past its promotion, so the old value may be revoked and no abort is possible; finish it",
        )
        lab.rotated(*COMMAND)
        rotated_from(lab, old)
        return "too late for that; completed"
    assert run.code == 0, run.output
    lab.assert_settled()
    assert lab.values() == old
    return f"back from {rotation.step}"


@pytest.mark.long
@sweeps
def test_killed_while_it_is_rolled_back(lab: RotationLab, record_property: Record) -> None:
    chaos = Chaos(lab)
    lab.ready()
    chaos.kill(HALF_PROMOTED)
    all_points = points(chaos.acts(*BACK))

    def attempt(at: str) -> object:
        old = lab.ready()
        assert chaos.kill(HALF_PROMOTED) is not None
        act = chaos.kill(at, *BACK)
        lab.rotate(*COMMAND, *BACK)
        lab.assert_settled()
        assert lab.values() == old
        return act.label if act else "not reached"

    sweep(all_points, attempt, what="abort, then started again", record=record_property)


@pytest.mark.long
@sweeps
def test_another_controller_ends_it(lab: RotationLab, record_property: Record) -> None:
    other = other_controller(lab)
    chaos = Chaos(lab)
    lab.ready()

    def attempt(at: str) -> object:
        old = lab.ready()
        act = chaos.kill(at)
        if lab.journal_state().rotation is None:  # not begun yet, or closed already: the other one begins its own
            run = other.rotate()
            way = "rotated anew"
        else:
            rotation = refused(lab, other)
            run = other.rotate("-e", f"rotation_resume={rotation}")
            sentences(run, f"rotation {rotation} is complete")
            way = "ended"
        assert run.code == 0, run.output
        rotated_from(lab, old)
        return f"{act.label if act else 'not reached'}: {way}"

    what = "rotation, then ended by another controller"
    sweep(points(chaos.acts()), attempt, what=what, record=record_property)


def other_controller(lab: RotationLab) -> Controller:
    other = elsewhere(lab)
    if isinstance(other, str):
        pytest.skip(f"{other}; a takeover by another controller was not tested")
    return other


def refused(lab: RotationLab, other: Controller) -> str:
    """The id of the rotation that the other controller may not touch without saying so."""
    rotation = lab.journal_state().rotation
    assert rotation is not None
    before = lab.everything()
    run = other.rotate()
    assert run.code != 0, run.output
    sentences(run, str(rotation), f"-e rotation_resume={rotation.id}", "add -e rotation_abort=true")
    assert lab.everything() == before
    return rotation.id
