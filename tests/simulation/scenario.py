# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What happens in one interleaving: made from a seed, run to its end, and judged."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import PENDING
from tests.simulation.controller import deploy, rotate
from tests.simulation.glue import Now
from tests.simulation.hosts import PATH
from tests.simulation.invariants import Violation, Watch
from tests.simulation.scheduler import (
    FOREVER,
    IN_FLIGHT,
    KILL,
    KILL_AFTER,
    LOST,
    PAUSE,
    REFUSED,
    TWICE,
    Endless,
    Fault,
    Process,
    Scheduler,
)
from tests.simulation.world import CACHE, COPY, CORE, CREDENTIALS, LOGINS, OTHER, OVERLAYS, World

ATTEMPTS = 8
"""How often the command is started again before it is said never to end."""
LAGS = (0, 0, 3, 10, 30)
"""How many acts ago the state may be that a read answers with."""


@dataclass
class Result:
    """What came of one interleaving."""

    seed: int
    violation: str = ""
    path: int = 0
    acts: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    """How its runs ended, in one word each."""
    litter: Counter[str] = field(default_factory=Counter)
    """What acts that came after the end left, by its kind."""
    trace: list[str] | None = None


class Scenario:
    """One world and what happens in it."""

    def __init__(self, seed: int, *, traced: bool = False) -> None:
        self.rng = random.Random(seed)
        self.scheduler = Scheduler(self.rng, traced=traced)
        rng = self.rng
        self.world = World(
            self.scheduler, rng, hosts=rng.choice((2, 2, 3)), copy=rng.random() < 0.5, later=rng.random() < 0.2
        )
        Now.world = self.world
        self.names = rng.choice([("database",), ("cache",), ("django_key",), ("database", "cache"), CREDENTIALS])
        self.length = 70 + 60 * len(self.names) + (60 if "django_key" in self.names else 0)
        """About how many acts a rotation takes."""
        self.result = Result(seed)
        self.world.chance = random.Random(f"stale {seed}")
        self.world.lag = self.world.chance.choice(LAGS)
        self.world.order = random.Random(f"order {seed}")
        self.busy = random.Random(f"busy {seed}")
        """Of its own, so that whoever never rests changes nothing in the worlds without one."""
        self._first_deploy()
        self.world.sealed = rng.random() < 0.5
        self.watch = Watch(self.world)
        self.serial = 0

    def _first_deploy(self) -> None:
        """An environment that has been running for a while, with a journal that was trimmed before."""
        base = {
            "rotation": "trim", "step": "closed", "who": "setup", "at": "2025-06-01T00:00:00Z", "run": "setup",
            "number": 40, "base": True, "prepared": ["database"],
            "rotated": {
                name: {"at": "2025-06-01T00:00:00Z", "who": "setup", "rotation": "r-0"}
                for name in (*CREDENTIALS, "database_admin", "cache_admin")
            },
        }  # fmt: skip
        self.world.journal.seed(json.dumps(base))
        process = self._process("deploy", "A", deploy(self.world))
        self.scheduler.run()
        assert process.message == "deployed: done: ", process.message
        assert all(PATH in host.files for host in self.world.hosts.values())

    def _process(
        self, what: str, machine: str, body: Callable[[Process], str], faults: dict[int, Fault] | None = None
    ) -> Process:
        number = len(self.scheduler.processes) + 1
        return self.scheduler.start(Process(f"{what}-{number}", machine, body, faults or {}))

    # What goes wrong

    def _sometime(self) -> int:
        return self.scheduler.tick + self.rng.randrange(1, self.length)

    def _faults(self) -> dict[int, Fault]:
        rng, faults = self.rng, {}
        for _number in range(rng.choice((0, 1, 1, 2, 3))):
            kind = rng.choice((KILL, KILL, KILL_AFTER, IN_FLIGHT, PAUSE, PAUSE, PAUSE, REFUSED, LOST, LOST, TWICE))
            ticks = rng.choice((rng.randrange(5, 60), rng.randrange(50, 400), FOREVER))
            faults[rng.randrange(1, self.length)] = Fault(kind, ticks if kind in (PAUSE, IN_FLIGHT) else 0)
        return faults

    def _aim(self) -> tuple[tuple[str, str], int, Fault] | None:
        """Something that goes wrong at an act that changes much, rather than at any."""
        rng = self.rng
        if self.busy.random() < 0.08:
            kind = self.busy.choice((PAUSE, PAUSE, KILL, KILL_AFTER))
            start = self.busy.choice((LOGINS, OVERLAYS))
            return ("create", start), 0, Fault(kind, self.busy.choice((150, 300, FOREVER)))
        if rng.random() < 0.6:
            return None
        op = rng.choice(
            ("move", "move", "put", "create", "append", "write", "alter role", "end role", "setuser", "restart")
        )
        kind = rng.choice((PAUSE, PAUSE, KILL, KILL_AFTER, LOST))
        return (op, ""), rng.randrange(0, 5), Fault(kind, rng.choice((150, 300, FOREVER)))

    def _taken_over(self, process: Process) -> None:
        """Somebody sees a run hang, and takes it over."""
        if self.rng.random() < 0.4 and len(self.scheduler.processes) < 8:
            abort = self.rng.random() < 0.6
            at = self.scheduler.tick + self.rng.randrange(1, 30)
            self.scheduler.at(at, lambda: self._command("B", resume="any", abort=abort))

    def _command(self, machine: str, **options: Any) -> Process:
        options = {"credentials": list(self.names), "force": True, "resume": "", "abort": False, **options}
        faults = self._faults()
        self.scheduler.say("SOMEBODY starts rotate on", machine, options, {n: f.kind for n, f in faults.items()})
        process = self._process("rotate", machine, rotate(self.world, **options), faults)
        process.aim = self._aim()
        return process

    def _prepare(self) -> None:
        rng, at = self.rng, self.scheduler.at
        self.scheduler.stalled = self._taken_over
        self._command("A")
        if rng.random() < 0.5:  # the same command again, on the same machine
            at(self._sometime(), lambda: self._command("A", abort=rng.random() < 0.3))
        for _number in range(rng.choice((0, 0, 1, 1, 2))):  # somebody elsewhere
            resume, abort = rng.choice(("", "any", "any")), rng.random() < 0.5
            at(self._sometime(), partial(self._command, "B", resume=resume, abort=abort))
        if rng.random() < 0.3:
            at(self._sometime(), lambda: self._process("deploy", "C", deploy(self.world), self._faults()))
        if rng.random() < 0.4:
            self._hosts_suffer()
        for _number in range(rng.choice((0, 0, 0, 1, 1, 2))):
            at(self._sometime(), self._somebody_writes)
        if self.busy.random() < 0.1:
            self._somebody_never_rests()

    def _somebody_never_rests(self) -> None:
        """A program that writes one other key again and again."""
        begin = self.scheduler.tick + self.busy.randrange(1, self.length)
        count, times = self.busy.choice((1, 2, 5)), self.busy.choice((10, 40, 250))
        place, key = self.busy.choice(((CORE, "NOTE"), (CACHE, "HINT")))

        def write() -> None:
            self.serial += 1
            self.world.write_secret(place, key, f"busy-{self.serial}")
            self.watch.somebody_wrote(place, key, f"busy-{self.serial}")

        for number in range(times):
            self.scheduler.at(begin + count * number, write)

    def _hosts_suffer(self) -> None:
        rng, at = self.rng, self.scheduler.at
        host = rng.choice(list(self.world.hosts.values()))
        what = rng.choice(("vanishes", "vanishes", "boots", "replaced", "sick"))
        begin = self._sometime()
        if what == "boots":
            at(begin, host.boot)
        elif what == "replaced":
            image, rotated = dict(host.files), dict(self.watch.journal.rotated)

            def replace() -> None:
                """Between the rollout and the removal: a machine that comes later needs revoke_after."""
                journal = self.watch.journal
                rotation, is_first = journal.rotation, journal.rotated == rotated
                if is_first and rotation and rotation.step in ("deploy", "promote") and "django_key" not in self.names:
                    host.replace(image)

            at(begin, replace)
        elif what == "sick":
            key = rng.choice(("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SECRET_KEY_FALLBACKS"))
            value = host.running.get(key)
            host.sick = lambda settings: settings.get(key) != value
        else:

            def vanish() -> None:
                host.reachable = False
                self.scheduler.say(host.name, "VANISHES")

            def come_back() -> None:
                host.reachable = True
                self.scheduler.say(host.name, "IS BACK")
                if rng.random() < 0.3:
                    host.boot()

            at(begin, vanish)
            if rng.random() < 0.6:
                at(begin + rng.randrange(5, 200), come_back)

    def _somebody_writes(self) -> None:
        rng, world, watch = self.rng, self.world, self.watch
        self.serial += 1
        what = rng.choice(("note", "note", "hint", "mode", "url", "redis", "fallbacks", "copy", "pending"))
        place, key, value = {
            "note": (CORE, "NOTE", f"n-{self.serial}"),
            "hint": (CACHE, "HINT", f"h-{self.serial}"),
            "mode": (OTHER, "", f"m-{self.serial}"),
            "url": (CORE, "DATABASE_URL", f"{world.held(CORE)['DATABASE_URL']}?theirs={self.serial}"),
            "redis": (CACHE, "REDIS_URL", f"{world.held(CACHE)['REDIS_URL']}?theirs={self.serial}"),
            "fallbacks": (CORE, "SECRET_KEY_FALLBACKS", f"theirs-{self.serial}"),
            "copy": (COPY, "", f"{world.parameter(COPY) if world.copy else ''}?theirs={self.serial}"),
            "pending": (CORE, "", ""),
        }[what]
        if what == "fallbacks":
            held = world.held(CORE)[key]
            value = f"{held},{value}" if held else value
        if what == "pending":
            world.secrets.seed(CORE, json.dumps(world.held(CORE)), version=f"theirs-p{self.serial:025}", label=PENDING)
            self.scheduler.say("SOMEBODY marks a version as pending in", CORE)
        elif place in (OTHER, COPY):
            if place == OTHER or world.copy:
                world.write_parameter(place, value)
                watch.somebody_wrote(place, key, value)
        else:
            world.write_secret(place, key, value)
            watch.somebody_wrote(place, key, value)

    # The course of it

    def run(self) -> Result:
        result = self.result
        try:
            self._prepare()
            self.scheduler.run()
            late = self.rng.random() < 0.6
            if not late:
                self.scheduler.run(release=True)
            self._recover()
            if late:
                self.scheduler.run(release=True)
                self._recover()
            self._once_more()
            self._discharge()
            self.watch.named()
            result.litter["gate"] += self.watch.open_gates()
        except (Violation, Endless, AssertionError) as error:
            result.violation = str(error) or repr(error)
        except Exception as error:  # noqa: BLE001 - a crash of the code under test is a finding like any other
            result.violation = f"{type(error).__name__}: {error}"
        self.scheduler.close()
        result.path, result.acts, result.trace = self.scheduler.path, self.scheduler.tick, self.scheduler.lines
        for process in self.scheduler.processes[1:]:
            result.ends[(process.message or "killed").partition(":")[0].partition(" ")[0]] += 1
        return result

    def _heal(self) -> None:
        """The operator looks after what is not the rotation's."""
        self.scheduler.stalled = lambda _process: None
        world = self.world
        self.scheduler.events.clear()
        for host in world.hosts.values():
            host.reachable, host.sick = True, lambda _settings: False
            if host.writer is not None:  # a module that hangs, of which every other run says where it is
                self.scheduler.end(host.writer)
        pending = world.stages(CORE).get(PENDING, "")
        if pending.startswith("theirs-"):
            del world.stages(CORE)[PENDING]
        self._align()

    def _align(self) -> None:
        """A copy that somebody made differ is mended by hand: as the snapshot in force has it, or as is current."""
        world, rotation = self.world, self.watch.journal.rotation
        planned = rotation.plan.get("parameters", {}) if rotation else {}
        pinned = rotation.secrets.get(CORE) if rotation else None
        url = (world.held(CORE) if pinned is None else world.content(CORE, pinned))["DATABASE_URL"]
        if world.copy and COPY not in planned and world.parameter(COPY) != url:
            self.watch.named()
            self.watch.buried.pop(COPY, None)
            world.write_parameter(COPY, url)
            self.watch.somebody_wrote(COPY, "", url)
            self.scheduler.tick += world.lag  # nobody is quicker by hand than AWS is behind

    def _recover(self) -> None:
        """Started again with the same words, the command ends, and nothing is left."""
        self._heal()
        abort = self.rng.random() < 0.3
        for _attempt in range(ATTEMPTS):
            body = rotate(self.world, credentials=list(self.names), force=False, resume="any", abort=abort)
            process = self._process("recover", "A", body)
            self.scheduler.run()
            message = process.message or ""
            abort = False
            self._align()
            self._take_pending_off(message)
            rotation = self.watch.journal.rotation
            if "without the newest .env" in message and not (rotation and rotation.plan.get("phases")):
                self._process("deploy", "A", deploy(self.world))
                self.scheduler.run()
            if self.watch.journal.rotation is None and message.startswith(("closed", "nothing")):
                if message.startswith("closed at discard") or "no rotation is open" in message:
                    continue
                break
        else:
            raise Violation(f"started again {ATTEMPTS} times, it does not end: {message}")
        self._judge("it has ended")

    def _take_pending_off(self, message: str) -> bool:
        """The remedy that is named for what arrives late of a process that was cut short, and cannot tidy up itself."""
        killed = any(process.cut_short for process in self.scheduler.processes)
        if not killed or "pending version" not in message or self.watch.journal.rotation:
            return False
        for name in (CORE, CACHE):
            if self.world.stages(name).pop(PENDING, None):
                self.result.litter[PENDING] += 1
        return True

    def _once_more(self) -> None:
        """The next rotation finds nothing in its way, and leaves nothing either."""
        if self.rng.random() < 0.25 or self.result.litter:
            self.world.pass_days(40)
            body = rotate(self.world, credentials=list(self.names), force=True, resume="", abort=False)
            for _try in range(3):
                process = self._process("next", "A", body)
                self.scheduler.run()
                # A revocation that was due rolls nothing out.
                if "without the newest .env" in (process.message or ""):
                    self._process("deploy", "A", deploy(self.world))
                    self.scheduler.run()
                elif not self._take_pending_off(process.message or ""):
                    break
            if process.message != "closed at record: complete":
                raise Violation(f"the next rotation does not go through: {process.message}")
            self._judge("the next rotation has ended", strict=True)

    def _discharge(self) -> None:
        """What a closed rotation left for later is done when it is due, and nothing else with it."""
        if not self.watch.journal.pending_tasks or self.rng.random() < 0.5:
            return None
        self.world.pass_days(30)
        due = set(self.watch.journal.pending_tasks)
        body = rotate(self.world, credentials=list(self.names), force=False, resume="", abort=False)
        for _run in range(4):  # one of each credential at a time
            process = self._process("later", "A", body)
            self.scheduler.run()
            self._take_pending_off(process.message or "")
            if "without the newest .env" in (process.message or ""):
                self._process("deploy", "A", deploy(self.world))
                self.scheduler.run()
            if not due & set(self.watch.journal.pending_tasks):
                return self._judge("what was due later is done")
        raise Violation(f"{sorted(due & set(self.watch.journal.pending_tasks))} are due and stay: {process.message}")

    def _judge(self, what: str, *, strict: bool = False) -> None:
        """Nothing is left; of a process that acted after another had tidied up, nothing that is valid.

        A process clears such a late act away itself. One that was killed in between cannot, nor can one yet that stands
        still in between. Its label stays until the next rotation of that secret, and the secret of its rotation's own
        until the next plan, so both are litter; ``strict``: a plan was made since, and leaves no such secret.
        """
        left = self.watch.left_over()
        still = any(process.cut_short or process.message is None for process in self.scheduler.processes)
        wrong = ("login", "password", "rotation", *(("secret",) if strict else ()))
        if any(name.startswith(wrong) for name in left) or (left and not still):
            raise Violation(f"{what}, and left: {'; '.join(left)}")
        self.result.litter += Counter(name.partition(" ")[0] for name in left)


def play(seed: int, *, traced: bool = False) -> Result:
    """Runs one interleaving."""
    return Scenario(seed, traced=traced).run()
