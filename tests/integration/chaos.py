# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rotations that are killed or stopped right before one of their acts, and controllers beside the lab's own."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.process import REPOSITORY, wait_until
from tests.integration.counts import Record, say, tried
from tests.integration.harness import LONGEST, Run
from tests.integration.rotation_lab import ALL, RotationLab

PLUGINS = Path(__file__).resolve().parent / "chaos_plugins"
ROTATE = "playbooks/rotate.yml"
COMMAND = ("-e", f"rotation_credentials={ALL}", "-e", "rotation_force=true")
BACK = ("-e", "rotation_abort=true")
WRITES = re.compile(r"(Create|Put|Update|Delete)[A-Z]|on the host: (?!\S+ (?:checked|sessions)\b)")
"""Acts that may change something; servers are asked before a rotation is open, and nothing of it can come late."""
EVERY = os.environ.get("KILL_AT_EVERY_TASK", "")
"""Where the sweeps act: ``1`` before every act there is, ``writes`` before those that may change something."""
RANDOM_SECONDS = float(os.environ.get("KILL_AT_RANDOM") or 0)
"""How long runs are killed at random moments."""
OFTEN = 20
"""Times that an act may come before a sweep of writes leaves some of them out."""


@dataclass(frozen=True)
class Act:
    """The start of a task, a call to AWS, or a command on a host."""

    kind: str
    label: str
    main: int
    process: int

    @property
    def writes(self) -> bool:
        return bool(WRITES.match(self.label)) and self.kind != "task"


@dataclass(frozen=True)
class Controller:
    """A place where a playbook is started: the lab's own, or another home, clone and machine."""

    lab: RotationLab
    name: str = ""
    root: Path = REPOSITORY
    prefix: tuple[str, ...] = ()
    playbook: str = ROTATE
    command: tuple[str, ...] = COMMAND

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """A run in a process group of its own."""
        return subprocess.Popen(
            [*self.prefix, *self.lab.command(*self.command, *arguments, playbook=self.playbook)],
            cwd=self.root,
            env={**self.lab.environment(), **self._places(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def rotate(self, *arguments: str, **variables: str) -> Run:
        """A run of its own, whatever it is that it does."""
        if not self.name and not self.prefix:
            return self.lab.run(*self.command, *arguments, environment=variables, playbook=self.playbook)
        since = self.lab.moto.count()
        return ended(self.start(*arguments, **variables), self.lab, since=since)

    def _places(self) -> dict[str, str]:
        if not self.name:
            return {}
        home = self.lab.directory / self.name
        variables = {
            "HOME": home,
            "TMPDIR": home / "tmp",
            "ANSIBLE_HOME": home / ".ansible",
            "ANSIBLE_LOCAL_TEMP": home / "local",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": home / "cp",
        }
        for place in variables.values():
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        return {name: str(place) for name, place in variables.items()}


def ended(process: subprocess.Popen[str], lab: RotationLab, *, since: int = 0) -> Run:
    """What a run came to; it is ended by force if it takes too long."""
    try:
        output, _ = process.communicate(timeout=LONGEST)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return Run(process.returncode, output, lab.moto.operations(since=since))


def elsewhere(lab: RotationLab, name: str = "other") -> Controller | str:
    """A fresh clone and home on what looks like another machine, or why there can be none."""
    # A namespace with a host name of its own; ordinary users may make one where the kernel lets them be root inside.
    spaces = ("unshare", "--uts") if os.geteuid() == 0 else ("unshare", "--user", "--map-root-user", "--uts")
    prefix = (*spaces, "sh", "-c", 'hostname "$0" && exec "$@"', f"{name}.example.com")
    try:
        answer = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    except OSError as error:
        return f"no second machine can be made up here: {error}"
    if answer.returncode:
        return f"no second machine can be made up here: {answer.stderr.strip()}"
    root = lab.directory / f"clone-{name}"
    if not root.exists():
        root.mkdir()
        for part in ("plugins", "roles", "playbooks", "meta"):
            shutil.copytree(
                REPOSITORY / part, root / part, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
            )
        shutil.copy(REPOSITORY / "galaxy.yml", root)
    return Controller(lab, name, root, prefix)


class Chaos:
    """Kills and stops the runs of one controller."""

    def __init__(self, lab: RotationLab, controller: Controller | None = None) -> None:
        self.lab = lab
        self.controller = controller or Controller(lab)
        self._log = lab.directory / f"acts{self.controller.name}"

    def acts(self, *arguments: str) -> list[Act]:
        """Every act of a whole run, in order."""
        run = self.controller.rotate(*arguments, **self._variables("", "kill"))
        assert run.code == 0, run.output
        return self._acts()

    def kill(self, at: int | str, *arguments: str, alive: bool = True) -> Act | None:
        """Kill a run right before an act; None if it ends without coming to it. Every host must be healthy then,
        unless the run takes the application down on purpose."""
        run = self.controller.rotate(*arguments, **self._variables(str(at), "kill"))
        if run.code == 0:
            return None
        assert run.code == -signal.SIGKILL, run.output
        if alive:
            self.assert_alive()
        return act_at(self._acts(), at)

    def length(self, *arguments: str) -> float:
        """How many seconds a whole run takes."""
        began = time.monotonic()
        self.acts(*arguments)
        return time.monotonic() - began

    def kill_after(self, seconds: float, *arguments: str, alive: bool = True) -> str:
        """Kill a run after so many seconds, wherever it is then; the last act that it came to.

        What it started on hosts goes on, as where a controller loses its power. Every host must be healthy then,
        unless the run takes the application down on purpose.
        """
        process = self.controller.start(*arguments, **self._variables("", "kill"))
        try:
            process.communicate(timeout=seconds)
            return "it had ended"
        except subprocess.TimeoutExpired:
            return next((f"after {act.label}" for act in reversed(self._acts())), "before its first act")
        finally:
            end_tree(process)
            if alive:
                self.assert_alive()

    @contextmanager
    def stopped(self, at: int | str, *arguments: str) -> Iterator[Stopped]:
        """Stop a run right before an act, and end it at the latest when the block does."""
        process = self.controller.start(*arguments, **self._variables(str(at), "stop"))
        run = Stopped(process, self.lab, lambda: act_at(self._acts(), at))
        try:
            run.wait()
            yield run
        finally:
            run.close()

    def assert_alive(self) -> None:
        """Every host answers; its health check logs in anew, with the values that it runs on."""
        for host in self.lab.hosts:
            assert wait_until(host.healthy, seconds=30), f"{host.name} is down"

    def _variables(self, at: str, do: str) -> dict[str, str]:
        """Of a run whose acts are logged from here on."""
        self._log.write_text("")
        return {
            "ANSIBLE_CALLBACK_PLUGINS": str(PLUGINS),
            "ANSIBLE_CALLBACKS_ENABLED": "at_act",
            "ACT_LOG": str(self._log),
            "ACT_AT": at,
            "ACT_DO": do,
        }

    def _acts(self) -> list[Act]:
        return [Act(**json.loads(line)) for line in self._log.read_text(encoding="utf-8").splitlines()]


class Stopped:
    """A run that stands still."""

    def __init__(self, process: subprocess.Popen[str], lab: RotationLab, act: Callable[[], Act | None]) -> None:
        self._process = process
        self._lab = lab
        self._find = act
        self.act: Act | None = None
        """What it stands before; None if the run has ended without coming to it."""
        self._since = lab.moto.count()

    def wait(self) -> None:
        def still() -> bool:
            act = self._find()
            stopped = act is not None and all(state(number) == "T" for number in (self._process.pid, act.process))
            return stopped or self._process.poll() is not None

        assert wait_until(still, seconds=LONGEST)
        if self._process.poll() is None:
            self.act = self._find()

    def go_on(self) -> None:
        """Let it do what it was about to do, and whatever it still does."""
        self._signal(signal.SIGCONT)

    def orphan(self) -> None:
        """Kill all of it but the worker that is about to act."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def gone(self) -> bool:
        return all(state(process) in ("", "Z") for process in self._processes())

    def end(self) -> Run:
        return ended(self._process, self._lab, since=self._since)

    def close(self) -> None:
        self._signal(signal.SIGKILL)
        if self._process.poll() is None:
            self._process.communicate()

    def _processes(self) -> set[int]:
        act = self._find()
        return {self._process.pid, *([act.process] if act else [])}

    def _signal(self, number: signal.Signals) -> None:
        for process in self._processes():
            if state(process) not in ("", "Z"):
                os.killpg(os.getpgid(process), number)


def end_tree(process: subprocess.Popen[str]) -> None:
    """Kill a process and all that it has started. They are stopped first, so that none starts another meanwhile."""
    known: set[int] = set()
    while results := {number for number in tree(process.pid) if state(number) not in ("", "Z")} - known:
        known |= results
        for number in results:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGSTOP)
    for number in known:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    process.communicate()


def tree(root: int) -> set[int]:
    """A process with its children and theirs."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    results = {root}
    while additions := {number for number, parent in parents.items() if parent in results} - results:
        results |= additions
    return results


def act_at(acts: Sequence[Act], at: int | str) -> Act | None:
    """The act that a run stops before; another host's worker may have come to one of its own meanwhile."""
    if isinstance(at, int):
        return acts[at - 1] if len(acts) >= at else None
    label, _, number = at.rpartition("#")
    same = [act for act in acts if act.label == label]
    return same[int(number) - 1] if len(same) >= int(number) else None


def state(process: int) -> str:
    """The kernel's letter for a process's state; empty without one."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return ""


def sweep(points: Sequence[Any], attempt: Callable[[Any], object], *, what: str, record: Record) -> None:
    """Try every point, whatever the ones before came to; tell how many there were; what failed is reported together."""
    began = time.monotonic()
    failures = []
    for number, point in enumerate(points, start=1):
        try:
            outcome = attempt(point)
        except AssertionError as error:
            failures.append(f"{point}: {error}")
            outcome = f"FAILED: {error}" if EVERY else "failed"
        if EVERY:
            say(f"{what}: {number} of {len(points)}: {point}: {outcome} ({time.monotonic() - began:.0f} s)")
    tried(record, what, points)
    assert not failures, "\n\n".join(failures)


def at_random(attempt: Callable[[random.Random, Callable[[str], None]], str], *, what: str, record: Record) -> None:
    """Try random moments for as long as was asked for, by a seed that is reported; what failed is reported together.

    ``attempt`` tells which moment and way it has chosen, then returns the result.
    """
    seed = int(os.environ.get("KILL_SEED") or time.time())
    say(f"{what}: by KILL_SEED={seed}")
    rng, until = random.Random(seed), time.monotonic() + RANDOM_SECONDS
    moments, failures = list[str](), list[str]()
    while time.monotonic() < until:
        try:
            outcome = attempt(rng, moments.append)
        except AssertionError as error:
            outcome = f"FAILED: {error}"
            failures.append(f"{moments[-1]}: {error}")
        say(f"{what}: {len(moments)}: {moments[-1]}: {outcome}")
    tried(record, what, moments)
    assert moments
    assert not failures, "\n\n".join(failures)


def writes(acts: Sequence[Act]) -> list[str]:
    """The first of each act that may change something, in order."""
    return list(dict.fromkeys(f"{act.label}#1" for act in acts if act.writes))


def points(acts: Sequence[Act]) -> list[str]:
    """What a sweep stops before: each act by its label, since runs differ by a call or two.

    Of those that may change something, one that comes again and again, as when a parameter's history is pushed out by a
    hundred writes, is tried at its first, its second, its middle and its last time.
    """
    often = Counter(act.label for act in acts)
    seen: Counter[str] = Counter()
    results = []
    for act in acts:
        seen[act.label] += 1
        last = often[act.label]
        tried = last <= OFTEN or seen[act.label] in (1, 2, (last + 1) // 2, last)
        if EVERY != "writes" or (act.writes and tried):
            results.append(f"{act.label}#{seen[act.label]}")
    return results
