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

    violation = ""
    """What is found with the bug."""
    names: tuple[str, ...] = ("database",)

    def __init__(self, *, traced: bool = False) -> None:
        super().__init__(0, traced=traced)
        self.world.lag = 0
        self.names = type(self).names

    def _until(self, kind: str, op: str, name: str, body: Callable[[Process], str], *, passes: int = 0) -> Process:
        """A process that is killed, or paused for good, before such an act; so many of them pass."""
        process = self._process(kind, "A", body)
        process.aim = ((op, name), passes, Fault(KILL if kind == "killed" else PAUSE, FOREVER))
        self.scheduler.run()
        assert process.message is None, f"{process} ends before {op} {name}: {process.message}"
        return process

    def _goes_on(self, process: Process) -> None:
        process.wake = self.scheduler.tick
        self.scheduler.run()


class LateProof(Directed):
    """A deploy records its file as healthy late: the same bytes were replaced and written again since, and services
    run on others.

    An abort before the promotion writes the snapshot that was there before the rotation, under the same name.
    """

    violation = "is marked as healthy on its file, and runs on another"

    def _prepare(self) -> None:
        names: Mapping[str, Any] = {"credentials": list(self.names), "force": True}
        self.world.write_secret(CORE, "NOTE", "of-somebody")
        self.watch.somebody_wrote(CORE, "NOTE", "of-somebody")
        late = self._until("deploy", "send env_file record_healthy", "web1", deploy(self.world))
        self._until("killed", "health", "web2", rotate(self.world, **names, resume="", abort=False))
        back = self._until("paused", "restart", "web1", rotate(self.world, **names, resume="any", abort=True))
        self._goes_on(late)
        assert "another run wrote it" in str(late.message), late.message  # the bug is found before
        self._goes_on(back)


class LateAbort(Directed):
    """An abort goes on after another run has ended it and the next rotation has closed: that one's version is current,
    and lists the same previous key as the aborted one's did."""

    violation = "has lost the signing key key-0, whose sessions may be alive"
    names = ("django_key",)

    def _prepare(self) -> None:
        names: Mapping[str, Any] = {"credentials": list(self.names), "force": True}
        host = self.world.hosts["web2"]
        host.sick = lambda settings: settings["SECRET_KEY_FALLBACKS"] != ""  # so the run that made the values aborts
        late = self._until("paused", "move", CORE, rotate(self.world, **names, resume="", abort=False), passes=1)
        host.sick = lambda _settings: False
        for options in ({"resume": "any", "abort": True}, {"resume": "", "abort": False}):
            self._process("rotate", "B", rotate(self.world, **names, **options))
            self.scheduler.run()
        self._goes_on(late)
        assert "Overtaken" in str(late.message), late.message  # the bug is found before


DIRECTED: Mapping[str, type[Directed]] = {"proof_by_snapshot": LateProof, "abort_without_a_look": LateAbort}
"""By planted bug, the interleaving that shows it."""


def play(name: str, *, traced: bool = False) -> Result:
    return DIRECTED[name](traced=traced).run()
