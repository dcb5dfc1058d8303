# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak response that is killed right before any of its acts is one incident, and the same command contains it.

A few acts are tried here; ``make chaos`` tries every one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.integration.chaos import EVERY, ROTATE, Chaos, Controller, points, sweep, writes
from tests.integration.counts import Record, tried
from tests.integration.leak_lab import leak_lab, post_mortem, responder
from tests.integration.rotation_lab import RotationLab, Values

IMMEDIATE = ("-e", "leak_containment=immediate")
SPREAD = ("on the host: Deliver the .env and verify#1", "Evaluate the finished step#2")
"""The old value is gone and the host not on the new one yet; all is replaced and nothing of it noted."""
sweeps = pytest.mark.skipif(not EVERY, reason="every point of a leak response to kill it at takes hours (make chaos)")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with leak_lab(connection, hosts=2 if EVERY else 1) as made:
        yield made


def contained(lab: RotationLab, controller: Controller, old: Values, *arguments: str) -> None:
    """The same command contains it, as one incident; it is not started again where that was done already."""
    if lab.values() == old or lab.journal_state().incident is not None:
        run = controller.rotate(*arguments)
        assert run.code == 0, run.output
        assert "contained in" in run.text, run.output
    assert lab.journal_state().incident is None
    lab.assert_settled(old)
    assert "NOT contained" not in post_mortem(lab)


def test_killed_again_and_again(lab: RotationLab, record_property: Record) -> None:
    """Each run is killed, and the next one goes on from there."""
    controller = responder(lab, "cache", *(() if EVERY else ("leak_sessions=false",)))
    chaos = Chaos(lab, controller)
    lab.ready()
    names = list(SPREAD)
    if EVERY:
        names = writes(chaos.acts(*IMMEDIATE))
        post_mortem(lab)
    old, reached = lab.ready(), []
    for at in names:
        if chaos.kill(at, *IMMEDIATE, alive=False) is not None:
            reached.append(at)
            continue
        # It had nothing left to do there, and contained the leak; what follows is the next one.
        contained(lab, controller, old, *IMMEDIATE)
        old = lab.values()
    assert EVERY or reached == names
    contained(lab, controller, old, *IMMEDIATE)
    tried(record_property, "leak response", reached)


@pytest.mark.parametrize(
    ("at", "how"),
    [("create#1", IMMEDIATE), ("advance#2", ()), ("valkey_user blocked#1", ())],
    ids=["immediate", "graceful", "before it is disabled"],
)
def test_a_disabled_value_is_known(lab: RotationLab, at: str, how: tuple[str, ...]) -> None:
    """The run is killed right after it has disabled the value; after an abort, that is no false alarm. A graceful
    response disables it too, if somebody interferes."""
    controller = responder(lab, "cache", "leak_sessions=false")
    old = lab.ready()
    if not how:
        lab.valkey.execute("CLIENT", "PAUSE", "600000", "WRITE")
    assert Chaos(lab, controller).kill(at, *how, alive=False) is not None
    lab.valkey.execute("CLIENT", "UNPAUSE")
    assert lab.valkey.accepts(old.cache[1]) is (at == "valkey_user blocked#1")
    abort = lab.run("-e", "rotation_abort=true", playbook=ROTATE)
    assert abort.code == 0, abort.output
    false_alarm = controller.rotate("-e", "leak_false_alarm=true")
    assert false_alarm.code != 0, false_alarm.output
    assert "cannot be closed as a false alarm: cache may be disabled already" in false_alarm.text
    contained(lab, controller, old, *how)


@pytest.mark.long
@sweeps
@pytest.mark.parametrize("how", [(), IMMEDIATE], ids=["graceful", "immediate"])
def test_the_same_command_contains_it(lab: RotationLab, record_property: Record, how: tuple[str, ...]) -> None:
    """Every act; with graceful, the application is healthy whenever it is killed."""
    controller = responder(lab, "database,cache,django_key")
    chaos = Chaos(lab, controller)
    lab.ready()
    all_points = points(chaos.acts(*how))
    post_mortem(lab)

    def attempt(at: str) -> object:
        old = lab.ready()
        act = chaos.kill(at, *how, alive=not how)
        contained(lab, controller, old, *how)
        return act.label if act else "not reached"

    what = f"leak response, then started again ({how[-1] if how else 'graceful'})"
    sweep(all_points, attempt, what=what, record=record_property)
