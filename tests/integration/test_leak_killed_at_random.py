# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak response that is killed at a random moment is one incident, and the same command contains it.

The other tests kill before an act. Here a run is killed whatever it does, once or twice, and with either containment.
``make chaos ACTS=random`` does so for ten minutes; SECONDS=… says how long.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.integration.chaos import RANDOM_SECONDS, Chaos, at_random
from tests.integration.counts import Record
from tests.integration.leak_lab import leak_lab, post_mortem, responder
from tests.integration.rotation_lab import RotationLab
from tests.integration.test_leak_killed import IMMEDIATE, contained

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(not RANDOM_SECONDS, reason="kills at random moments take minutes (make chaos ACTS=random)"),
]
WAYS: dict[str, tuple[str, ...]] = {"graceful": (), "immediate": IMMEDIATE}


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with leak_lab(connection, hosts=2) as lab:
        yield lab


def test_killed_at_random_moments(lab: RotationLab, record_property: Record) -> None:
    controller = responder(lab, "database,cache,django_key")
    chaos = Chaos(lab, controller)
    lengths = {}
    for way, how in WAYS.items():
        lab.ready()
        lengths[way] = chaos.length(*how)
        post_mortem(lab)

    def attempt(rng: random.Random, choose: Callable[[str], None]) -> str:
        """Healthy whenever it is killed, unless the application was stopped on purpose."""
        old, way, times = lab.ready(), rng.choice(list(WAYS)), rng.choice((1, 1, 2))
        moments = [rng.uniform(0, lengths[way]) for _kill in range(times)]
        choose(f"{' and '.join(f'{moment:.2f}' for moment in moments)} s of {lengths[way]:.0f}; {way}")
        killed = []
        for moment in moments:
            killed.append(chaos.kill_after(moment, *WAYS[way], alive=way == "graceful"))
            if lab.values() != old and lab.journal_state().incident is None:
                break  # it was contained by then; started again, it would be another incident
        contained(lab, controller, old, *WAYS[way])
        return f"{', then '.join(killed)}; contained"

    at_random(attempt, what="leak response, killed at random moments", record=record_property)
