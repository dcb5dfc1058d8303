# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who acts next: processes as greenlets, switched between acts, and what goes wrong at which act."""

from __future__ import annotations

import contextlib
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import greenlet  # type: ignore[import-untyped]

KILL = "killed before it"
KILL_AFTER = "killed after it"
IN_FLIGHT = "killed while it is on its way, and it arrives late"
PAUSE = "paused before it"
REFUSED = "no answer, and it did not arrive"
LOST = "it is done, and the answer is lost"
TWICE = "it is done, and the client sends it again"

FOREVER = 10**9
LONGEST = 6000
"""Acts of one process, after which it is taken to run in circles."""


class Killed(BaseException):
    """Ends a process without a word, as SIGKILL does."""


class Endless(BaseException):
    """Raised when a process does not come to an end."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong at one act of a process."""

    kind: str
    ticks: int = 0
    """How long a pause is."""


@dataclass(eq=False)
class Process:
    """One run of a command on one machine."""

    name: str
    machine: str
    body: Callable[[Process], str]
    faults: dict[int, Fault] = field(default_factory=dict)
    """By the number of the act."""
    aim: tuple[tuple[str, str], int, Fault] | None = None
    """A kind of act with the beginning of its object's name, how many pass, and what goes wrong at the next."""
    acts: int = 0
    wake: int = 0
    fault: Fault | None = None
    """The one of the present act."""
    dead: bool = False
    """Whether its machine can see that it is gone."""
    doomed: bool = False
    """Killed, while a module of its own still works on a host."""
    module: str = ""
    """The host that its module works on."""
    sealed: bool = False
    """Whether that module runs to its end before anybody else acts."""
    cut_short: bool = False
    """Killed, or left without an answer: it may have been kept from tidying up."""
    message: str | None = None
    """What it said at its end."""
    let: Any = None

    def __str__(self) -> str:
        return self.name


class Scheduler:
    """Runs processes; every choice comes from one seeded source."""

    def __init__(self, rng: random.Random, *, traced: bool = False) -> None:
        self.rng = rng
        self.tick = 0
        self.processes: list[Process] = []
        self.current: Process | None = None
        self.events: list[tuple[int, int, Callable[[], object]]] = []
        self.lines: list[str] | None = [] if traced else None
        self.path = 0
        """A digest of the order of acts, to tell schedules apart."""
        self.stalled: Callable[[Process], None] = lambda _process: None
        self._alone = True
        self._main: Any = None

    def say(self, *results: object) -> None:
        if self.lines is not None:
            who = self.current.name if self.current else "-"
            self.lines.append(f"{self.tick:5} {who:10} " + " ".join(map(str, results)))

    def at(self, tick: int, event: Callable[[], object]) -> None:
        self.events.append((tick, len(self.events), event))
        self.events.sort(key=lambda pair: pair[:2])

    def start(self, process: Process) -> Process:
        self.processes.append(process)
        process.let = greenlet.greenlet(self._run)
        self._alone = len(self._waiting()) < 2
        return process

    def _run(self, process: Process) -> None:
        try:
            process.message = process.body(process)
            self.say("ENDS:", process.message)
        except Killed:
            self.say("IS DEAD")
        process.dead = True

    def _waiting(self) -> list[Process]:
        return [process for process in self.processes if not (process.let.dead or process.message is not None)]

    def run(self, *, release: bool = False) -> None:
        """Until every process has ended or is paused for good; ``release`` lets those go on as well."""
        self._main = greenlet.getcurrent()
        last: Process | None = None
        while True:
            while self.events and self.events[0][0] <= self.tick:
                self.events.pop(0)[2]()
            waiting = self._waiting()
            ready = [process for process in waiting if process.wake <= self.tick]
            if not ready:
                times = [process.wake for process in waiting if process.wake < FOREVER] + [
                    event[0] for event in self.events[:1]
                ]
                if times:
                    self.tick = max(self.tick, min(times))
                    continue
                if not (release and waiting):
                    return
                for process in waiting:
                    process.wake = self.tick
                continue
            self._alone = len(waiting) == 1
            if last not in ready or (len(ready) > 1 and self.rng.random() < 0.3):
                last = ready[0] if len(ready) == 1 else self.rng.choice(ready)
            assert last is not None
            self.current = last
            self._step(last.name, last.acts)
            try:
                last.let.switch(last)
            finally:
                self.current = None

    def _step(self, what: str, number: int) -> None:
        self.path = zlib.crc32(f"{what} {number}".encode(), self.path)

    def close(self) -> None:
        """Ends what is still paused, so that nothing of it runs later."""
        self.current = None
        for process in self.processes:
            if not process.let.dead:
                self.end(process)

    @staticmethod
    def end(process: Process) -> None:
        """Ends a process that is paused, with what it runs on a host."""
        process.cut_short = True
        with contextlib.suppress(Killed):
            process.let.throw(Killed)

    def before(self, op: str, name: str) -> bool:
        """An act is about to happen; False outside processes. What it raises keeps the act from happening."""
        process = self.current
        if process is None:
            return False
        process.acts += 1
        self.tick += 1
        if process.acts > LONGEST:
            raise Endless(f"{process} goes round in circles")
        process.fault = fault = process.faults.get(process.acts) or self._aimed(process, op, name)
        stalls = fault is not None and fault.kind in (PAUSE, IN_FLIGHT) and not process.sealed
        if fault is not None:
            self._step(fault.kind, process.acts)
            self.say(f"[{fault.kind}]", op, name)
            process.cut_short = process.cut_short or fault.kind not in (PAUSE, TWICE)
            if stalls:
                process.wake = self.tick + fault.ticks
                process.dead = process.dead or fault.kind == IN_FLIGHT
                self.stalled(process)
            elif fault.kind == KILL:
                self._kill(process)
        due = bool(self.events) and self.events[0][0] <= self.tick
        if stalls or (not process.sealed and (due or not self._alone)):
            self._main.switch()
        return True

    def rest(self, ticks: int) -> None:
        """The present process waits so long, and others may act meanwhile."""
        process = self.current
        if process is None or ticks <= 0:
            return
        process.wake = self.tick + ticks
        self._main.switch()

    def _aimed(self, process: Process, op: str, name: str) -> Fault | None:
        if process.aim is None:
            return None
        at, left, fault = process.aim
        if at[0] != op or not name.startswith(at[1]):
            return None
        process.aim = (at, left - 1, fault) if left else None
        return None if left else fault

    def after(self, op: str, name: str) -> Fault | None:
        """An act has happened. Returns what is still to go wrong with it."""
        process = self.current
        if process is None:
            return None
        fault, process.fault = process.fault, None
        if fault is not None and fault.kind in (KILL_AFTER, IN_FLIGHT):
            self._kill(process)
        return fault

    def _kill(self, process: Process) -> None:
        """The controller dies; a module that works on a host meanwhile may outlive it."""
        process.dead = True
        if process.module and self.rng.random() < 0.5:
            process.doomed = True
            return
        raise Killed
