# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.rounds import WITH, WITHOUT, Rounds
from bench.run import Run
from sandbox.network import NONE, TYPICAL, Network


class StandIn:
    """Knows which network is in force."""

    def __init__(self) -> None:
        self.network = NONE

    @contextmanager
    def behind(self, network: Network) -> Iterator[None]:
        self.network = network
        yield
        self.network = NONE


class Scene:
    """Writes down what runs, and on which network."""

    def __init__(self, moto: StandIn) -> None:
        self._moto = moto
        self.order: list[tuple[str, int, bool]] = []

    def ours(self, *, hosts: int) -> Run:
        return self._run("ours", hosts)

    def rival(self, *, hosts: int) -> Run:
        return self._run("rival", hosts)

    def _run(self, name: str, hosts: int) -> Run:
        self.order.append((name, hosts, self._moto.network != NONE))
        return Run(float(len(self.order)))


def test_each_kind_runs_on_each_network_and_takes_turns() -> None:
    moto: Any = StandIn()
    scene = Scene(moto)
    rounds = Rounds({WITHOUT: NONE, WITH: TYPICAL}, moto)
    rounds.warm(scene.ours, hosts=1)
    for _number in range(2):
        rounds.each(scene.ours, scene.rival, hosts=1)
    assert scene.order == [
        ("ours", 1, False),
        *[("ours", 1, False), ("rival", 1, False), ("ours", 1, True), ("rival", 1, True)],
        *[("rival", 1, False), ("ours", 1, False), ("rival", 1, True), ("ours", 1, True)],
    ]
    kept = {network: {name: len(kind) for name, kind in runs.items()} for network, runs in rounds.runs.items()}
    assert kept == {network: {"ours 1": 2, "rival 1": 2} for network in (WITHOUT, WITH)}
