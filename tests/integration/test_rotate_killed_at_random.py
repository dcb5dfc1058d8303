# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation that is killed at a random moment leaves a healthy application, and the same command completes it.

The other tests kill before an act. Here a run is killed whatever it does: within a call, while a host works for it, or
between two lines of its own. ``make chaos ACTS=random`` does so for ten minutes; SECONDS=… says how long.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.integration.chaos import BACK, COMMAND, RANDOM_SECONDS, Chaos, at_random
from tests.integration.counts import Record
from tests.integration.rotation_lab import RotationLab, Values, rotation_lab
from tests.integration.test_rotate_killed import rolled_back, rotated_from

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(not RANDOM_SECONDS, reason="kills at random moments take minutes (make chaos ACTS=random)"),
]
WAYS = ("completed", "rolled back", "killed again, then completed", "killed again while it is rolled back")


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection, hosts=2) as lab:
        yield lab


def test_killed_at_random_moments(lab: RotationLab, record_property: Record) -> None:
    chaos = Chaos(lab)
    lab.ready()
    length = chaos.length()

    def attempt(rng: random.Random, choose: Callable[[str], None]) -> str:
        old, way, seconds = lab.ready(), rng.choice(WAYS), rng.uniform(0, length)
        choose(f"{seconds:.2f} s of {length:.0f}; {way}")
        return f"{chaos.kill_after(seconds)}; {carried_on(chaos, old, way, rng.uniform(0, length))}"

    at_random(attempt, what="rotation, killed at random moments", record=record_property)


def carried_on(chaos: Chaos, old: Values, way: str, seconds: float) -> str:
    """Started again, it ends as it should; how it was that it went on."""
    lab, again = chaos.lab, "not killed again"
    back = "rolled back" in way
    if "killed again" in way:
        again = chaos.kill_after(seconds, *(BACK if back else ()))
    if back and ("killed again" not in way or lab.journal_state().rotation is not None):
        return f"{again}; {rolled_back(lab, old)}"
    if back and lab.values() == old:
        lab.assert_settled()
        return f"{again}; rolled back by then"
    lab.rotated(*COMMAND)
    rotated_from(lab, old)
    return f"{again}; completed"
