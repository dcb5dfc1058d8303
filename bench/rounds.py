# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rounds of every kind of run, without and with a network to AWS: other load on the machine affects all kinds alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from bench.run import Run
from sandbox.aws import Moto
from sandbox.network import Network

WITHOUT, WITH = "without", "with"
Runs = Mapping[str, Sequence[Run]]
"""Runs of one kind on one number of hosts, by a name such as ``deploy 20``."""


class Kind(Protocol):
    """A way to run something, such as a method of a scene."""

    __name__: str

    def __call__(self, *, hosts: int) -> Run: ...


class Rounds:
    """Runs so far, by network and name."""

    def __init__(self, networks: Mapping[str, Network], moto: Moto) -> None:
        self._networks = networks
        self._moto = moto
        self._runs: dict[str, dict[str, list[Run]]] = {name: defaultdict(list) for name in networks}

    @property
    def runs(self) -> dict[str, Runs]:
        return {network: dict(runs) for network, runs in self._runs.items()}

    def warm(self, *kinds: Kind, hosts: int) -> None:
        """Runs every kind once without keeping the result, to fill every cache."""
        for kind in kinds:
            print(f"  {kind.__name__} on {hosts} hosts, to warm up: {kind(hosts=hosts).seconds:.1f} s", flush=True)

    def each(self, *kinds: Kind, hosts: int) -> None:
        """Runs each kind once on each network. The order alternates between rounds."""
        for network, profile in self._networks.items():
            runs = self._runs[network]
            with self._moto.behind(profile):
                for kind in kinds if len(runs[_name(kinds[0], hosts)]) % 2 == 0 else tuple(reversed(kinds)):
                    run = kind(hosts=hosts)
                    runs[_name(kind, hosts)].append(run)
                    print(f"  {kind.__name__} on {hosts} hosts, {network} network: {_figures(run)}", flush=True)


def _name(kind: Kind, hosts: int) -> str:
    return f"{kind.__name__} {hosts}"


def _figures(run: Run) -> str:
    parts = [f"{run.seconds:.1f} s"]
    if run.calls:
        parts.append(f"{sum(run.calls.values())} calls, {run.depth} deep, {run.connections} connections")
    return ", ".join(parts)


def numbered(rounds: int, title: str) -> Iterator[int]:
    for number in range(1, rounds + 1):
        print(f"{title}, round {number} of {rounds}", flush=True)
        yield number
