# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two controllers at once: one rotation; and what a stopped one does late, after another took it back, changes nothing.

A few acts are tried here; ``make chaos`` stops a run before every one that may change something.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from sandbox.process import wait_until
from tests.integration.chaos import BACK, COMMAND, EVERY, Act, Chaos, Controller, Stopped, points, sweep
from tests.integration.counts import Record
from tests.integration.harness import ENVIRONMENT, Run
from tests.integration.rotation_lab import CORE, JOURNAL, RotationLab, rotation_lab, sentences

FIRST_ENTRY = f"PutObject {JOURNAL.target}#1"
PARAMETERS = f"PutParameter /WatchParty/{ENVIRONMENT}/"
OUTLIVES = ("on the host: postgresql_login present#1",)
FEW = {
    "at the hosts": ("on the host: valkey_user open#1", "on the host: Deliver the .env and verify#1"),
    "at the promotion": (f"UpdateSecretVersionStage {CORE} AWSCURRENT#1",),
    "at its copies": (f"{PARAMETERS}DB/URL#1",),
}
OVERTAKEN = "this run stops here. To see what is open or due now"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection, hosts=2 if EVERY else 1) as lab:
        yield lab


def test_two_started_together(lab: RotationLab) -> None:
    """Both have seen that no rotation is open, and come to the first entry at the same time."""
    old = lab.ready()
    records = len(lab.audit_records())
    with (
        Chaos(lab).stopped(FIRST_ENTRY) as stopped,
        Chaos(lab, Controller(lab, "second")).stopped(FIRST_ENTRY) as two,
    ):
        assert stopped.act is not None
        assert two.act is not None
        stopped.go_on()
        two.go_on()
        runs = sorted((stopped.end(), two.end()), key=lambda run: run.code != 0)
    assert runs[0].code == 0, runs[0].output
    assert runs[1].code != 0, runs[1].output
    (record,) = lab.audit_records()[records:]
    sentences(runs[1], f"was written by rotation {record['rotation']} of {record['who']} at ")
    lab.assert_settled(old)


@pytest.mark.parametrize("where", list(FEW)[:1] if EVERY else FEW)
def test_what_a_stopped_controller_does_late(lab: RotationLab, where: str, record_property: Record) -> None:
    """By SIGSTOP, then by SIGCONT once another one has taken it back, or completed it, and gathered the journal."""
    first, second = Chaos(lab), Controller(lab, "second")
    names = list(FEW[where])
    if EVERY:
        lab.ready()
        names = points([act for act in first.acts() if act.writes])

    asked: list[str] = []

    def attempt(at: str) -> object:
        old = lab.ready()
        with first.stopped(at) as run:
            if run.act is None:  # what only the first rotation of all does
                assert EVERY, f"the run never came to {at}"
                return "not reached"
            if not asked and lab.journal_state().rotation is not None:
                refused(second, lab)
                asked.append(at)
            way = ended_by(second, lab)
            if way == "rolled back":
                assert lab.values() == old
            return f"{run.act.label}: {way}; {changed_nothing(lab, run, run.act, way)}"

    sweep(names, attempt, what="rotation stopped, ended by another controller, then continued", record=record_property)


def test_a_module_outlives_its_controller(lab: RotationLab, record_property: Record) -> None:
    """The run is killed but for the worker that acts; the same command ends the rotation, and then the worker acts."""
    chaos = Chaos(lab)
    names = list(OUTLIVES)
    if EVERY:
        lab.ready()
        names = points([act for act in chaos.acts() if act.writes])

    def attempt(at: str) -> object:
        old = lab.ready()
        with chaos.stopped(at) as run:
            assert run.act is not None, f"the run never came to {at}"
            run.orphan()
            lab.rotated(*COMMAND)
            lab.assert_settled(old)
            before = without_versions(lab)
            run.go_on()
            assert wait_until(run.gone, seconds=60), f"{run.act} goes on and on"
            after = without_versions(lab)
            assert after == before, differences(before, after)
            lab.assert_settled(old)
            return run.act.label

    sweep(names, attempt, what="rotation but for the worker, which acted later", record=record_property)


def without_versions(lab: RotationLab) -> dict[str, Any]:
    """Everything, but how often a parameter was written: the same value again is one version more."""
    result = lab.everything()
    return {**result, "parameters": dict.fromkeys(result["parameters"])}


def refused(second: Controller, lab: RotationLab) -> None:
    """The process is there, if it does nothing: another one on the same machine may not go on without the words."""
    rotation = lab.journal_state().rotation
    assert rotation is not None
    run = second.rotate()
    assert run.code != 0, run.output
    sentences(run, str(rotation), f"-e rotation_resume={rotation.id}")


def ended_by(second: Controller, lab: RotationLab) -> str:
    """Which way the other controller ended what is open; the journal's state is gathered then."""
    rotation = lab.journal_state().rotation
    if rotation is None:
        done = second.rotate()
        assert done.code == 0, done.output
        way = "rotated anew"
    else:
        late = rotation.step in ("revoke", "record")
        run = second.rotate("-e", f"rotation_resume={rotation.id}", *(() if late else BACK))
        assert run.code == 0, run.output
        way = "completed" if late else "rolled back"
    lab.assert_settled()
    trim(lab)
    return way


def trim(lab: RotationLab) -> None:
    """The journal is one entry that holds its state."""
    journal = lab.journal_state()
    base = {"rotation": "trim", "step": "closed", "who": "ops@example.com", "number": journal.head + 1}
    lab.write_journal(json.dumps({**base, **_journal.base_entry(journal)}))


def changed_nothing(lab: RotationLab, run: Stopped, act: Act, way: str) -> str:
    """What the late run said. A parameter has no condition in AWS: a late write there is named by the next deploy."""
    before = lab.everything()
    run.go_on()
    late = run.end()
    after = lab.everything()
    for host in lab.hosts:
        assert host.healthy(), f"{host.name} is down"
    if act.label.startswith(PARAMETERS) and after != before:
        return named(lab, act.label.removeprefix("PutParameter "), before, after)
    assert after == before, f"{differences(before, after)} changed by:\n{late.output}"
    lab.assert_settled()
    if way == "rotated anew" and late.code == 0:
        return "it had closed its rotation before, and trimmed what was trimmed"
    assert late.code != 0, late.output
    assert OVERTAKEN in late.text, late.output
    return "refused"


def named(lab: RotationLab, parameter: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The one parameter is all that changed, and no host gets a snapshot with it."""
    expected = {**before, "parameters": {**before["parameters"], parameter: before["parameters"][parameter] + 1}}
    assert after == expected, differences(expected, after)
    deploy: Run = lab.run()
    assert deploy.code != 0, deploy.output
    sentences(deploy, parameter, CORE)
    assert lab.state() == before["hosts"]
    return f"{parameter} was written late, and named"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Where two states differ; values of files are left out."""
    results = []
    for part in before:
        item, two = before[part], after[part]
        if part == "hosts":
            results += [f"{name}: changed" for name in sorted({*item, *two}) if item.get(name) != two.get(name)]
        else:
            results += [
                f"{name}: {item.get(name)} is {two.get(name)}"
                for name in sorted({*item, *two})
                if item.get(name) != two.get(name)
            ]
    return "; ".join(results)
