# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation that is killed at a random moment leaves a healthy application, and the same command completes it.

The other tests kill before an act. Here a run is killed whatever it does: within a call, while a host works for it, or
between two lines of its own. ``make chaos ACTS=random`` does so for ten minutes; SECONDS=… says how long.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.integration.chaos import BACK, COMMAND, RANDOM_SECONDS, Chaos
from tests.integration.counts import Record, say, tried
from tests.integration.rotation_lab import RotationLab, Values, rotation_lab
from tests.integration.test_rotate_killed import rotated_from, taken_back

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
    seed = int(os.environ.get("KILL_SEED") or time.time())
    say(f"moments and ways by KILL_SEED={seed}")
    rng, chaos = random.Random(seed), Chaos(lab)
    until, moments, failures = time.monotonic() + RANDOM_SECONDS, list[str](), list[str]()
    lab.ready()
    began = time.monotonic()
    chaos.acts()
    length = time.monotonic() - began
    while time.monotonic() < until:
        old, way, seconds = lab.ready(), rng.choice(WAYS), rng.uniform(0, length)
        moments.append(f"{seconds:.2f} s of {length:.0f}, {chaos.kill_after(seconds) or 'it had ended'}; {way}")
        try:
            say(f"{len(moments)}: {moments[-1]}: {carried_on(chaos, old, way, rng.uniform(0, length))}")
        except AssertionError as error:
            failures.append(f"{moments[-1]}: {error}")
            say(f"{len(moments)}: {moments[-1]}: FAILED: {error}")
    tried(record_property, "rotation, killed at random moments", moments)
    assert moments
    assert not failures, "\n\n".join(failures)


def carried_on(chaos: Chaos, old: Values, way: str, seconds: float) -> str:
    """Started again, it ends as it should; how it was that it went on."""
    lab, again = chaos.lab, "not killed again"
    back = "rolled back" in way
    if "killed again" in way:
        again = chaos.kill_after(seconds, *(BACK if back else ())) or "it had ended"
    if back and ("killed again" not in way or lab.journal_state().rotation is not None):
        return f"{again}; {taken_back(lab, old)}"
    if back and lab.values() == old:
        lab.assert_settled()
        return f"{again}; rolled back by then"
    lab.rotated(*COMMAND)
    rotated_from(lab, old)
    return f"{again}; completed"
