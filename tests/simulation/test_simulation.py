# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A few thousand schedules of rotations keep every invariant, and planted bugs are found.

``python -m tests.simulation --interleavings 100000`` explores more of them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

import pytest

from tests.simulation import directed
from tests.simulation.__main__ import main
from tests.simulation.directed import DIRECTED
from tests.simulation.glue import installed
from tests.simulation.planted import BUGS, planted
from tests.simulation.scenario import play

SECONDS = float(os.environ.get("SIMULATION_SECONDS", "10"))
"""Of the processor, so that a busy machine explores as much."""
WITHIN = 1500
"""Seeds within which a planted bug has to be found."""
MARKS = {"write_beside_others": pytest.mark.long}
FROM = {
    "abort_without_copy": 530,
    "half_done": 490,
    "no_compare_and_swap": 1140,
    "no_second_proof": 1430,
    "overlay_by_the_maker_alone": 60,
    "overlay_first": 110,
    "restart_by_change": 30,
    "swallowed_failure": 290,
}
"""Seeds shortly before the first that shows it. Whoever changes what a seed means may have to look for another."""

FAILED = [
    pytest.param(1006851, id="a late abort takes a key out of the next rotation's fallbacks"),
]


@pytest.fixture(autouse=True)
def _world() -> Iterator[None]:
    with installed():
        yield


@pytest.mark.slow
def test_every_invariant_holds(record_property: Callable[[str, object], None]) -> None:
    deadline, seed = time.process_time() + SECONDS, 0
    while time.process_time() < deadline:
        result = play(seed)
        assert not result.violation, f"{result.violation}; replay: python -m tests.simulation --seed {seed}"
        seed += 1
    record_property("simulated interleavings of rotations", seed)
    assert seed > 100


@pytest.mark.slow
@pytest.mark.parametrize("bug", [pytest.param(bug, marks=MARKS.get(bug, ())) for bug in BUGS if bug not in DIRECTED])
def test_a_planted_bug_is_found(bug: str, record_property: Callable[[str, object], None]) -> None:
    first = FROM.get(bug, 0)
    with planted(bug):
        found = next((result for result in map(play, range(first, first + WITHIN)) if result.violation), None)
    assert found is not None, f"{WITHIN} seeds do not show it"
    record_property("planted bugs that the simulation found", 1)


@pytest.mark.parametrize("bug", DIRECTED)
def test_a_planted_bug_is_found_by_an_interleaving_that_is_written_down(
    bug: str, record_property: Callable[[str, object], None]
) -> None:
    """Which keeps every invariant without the bug."""
    assert directed.play(bug).violation == ""
    with planted(bug):
        assert DIRECTED[bug].violation in directed.play(bug).violation
    record_property("planted bugs that the simulation found", 1)


def test_the_line_that_a_failing_seed_prints_replays_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Act by act, up to the same violation."""
    assert main(["--bug", "close_before_confirm"]) == 1
    text, line = capsys.readouterr().out.splitlines()[:2]
    start, _found, message = line.partition(" -m tests.simulation ")
    assert start.endswith("replay: python")
    assert main(message.split()) == 1
    *acts, last = capsys.readouterr().out.splitlines()
    assert text.endswith(f": {last}")
    assert any(f"VIOLATION: {last}" in act for act in acts)


@pytest.mark.parametrize("seed", FAILED)
def test_what_failed_once_holds(seed: int) -> None:
    assert play(seed).violation == ""


def test_a_seed_replays() -> None:
    first, second = play(7, traced=True), play(7, traced=True)
    assert first.trace == second.trace
    assert first.trace
    assert play(7).path == first.path != play(8).path
