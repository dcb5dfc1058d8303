# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Interleavings that are written down, for bugs that need more coincidences than chance brings about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.simulation.controller import deploy, rotate
from tests.simulation.scenario import Result, Scenario
from tests.simulation.scheduler import FOREVER, KILL, PAUSE, Fault, Process
from tests.simulation.world import CORE


class Directed(Scenario):
    """A world whose processes go wrong at given acts only."""

    def __init__(self, *, traced: bool = False) -> None:
        super().__init__(0, traced=traced)
        self.world.lag = 0
        self.names = ("database",)

    def _until(self, kind: str, op: str, name: str, body: Callable[[Process], str]) -> Process:
        """A process that is killed, or paused for good, before the first such act."""
        process = self._process(kind, "A", body)
        process.aim = ((op, name), 0, Fault(KILL if kind == "killed" else PAUSE, FOREVER))
        self.scheduler.run()
        assert process.words is None, f"{process} ends before {op} {name}: {process.words}"
        return process

    def _goes_on(self, process: Process) -> None:
        process.wake = self.scheduler.tick
        self.scheduler.run()


class LateProof(Directed):
    """A deploy proves its file late: the same bytes were replaced and written again since, and services run on others.

    An abort before the promotion writes the snapshot that was there before the rotation, under the same name.
    """

    def _prepare(self) -> None:
        names: Mapping[str, Any] = {"credentials": list(self.names), "force": True}
        self.world.write_secret(CORE, "NOTE", "of-somebody")
        self.watch.somebody_wrote(CORE, "NOTE", "of-somebody")
        late = self._until("deploy", "send env_file prove", "web1", deploy(self.world))
        self._until("killed", "health", "web2", rotate(self.world, **names, resume="", abort=False))
        back = self._until("paused", "restart", "web1", rotate(self.world, **names, resume="any", abort=True))
        self._goes_on(late)
        assert "another run wrote it" in str(late.words), late.words  # the bug is found before
        self._goes_on(back)


DIRECTED: Mapping[str, type[Directed]] = {"proof_by_snapshot": LateProof}
"""By planted bug, the interleaving that shows it."""


def play(name: str, *, traced: bool = False) -> Result:
    return DIRECTED[name](traced=traced).run()
