# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Load on the sample application while something happens to it: ``python -m sandbox.load --host 127.0.0.1:8000 …``

::

    with Load([("10.0.0.2", 8000), ("10.0.0.3", 8000)], manage=Manage.of_fleet(fleet)) as load:
        rotate()
    assert load.report.failed == 0

Users log in, each sends requests all the time through a balancer that alternates between the hosts, and at times four
at once, spread over the hosts. A second process sends tasks and asks for all their results at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .balancer import Address, Balancer, address
from .browser import Browser, Tally
from .process import REPOSITORY, SandboxError, clean_environment

if TYPE_CHECKING:
    from .hosts import Fleet

MANAGE = REPOSITORY / "tests" / "app" / "manage.py"
LOGIN_SECONDS = 120
SENDER_OPTIONS: list[str] = []
"""More options of the process that sends tasks."""
TASK_SECONDS = 150
"""Seconds for the sender to send its last task and to wait for results. It gives up earlier by itself."""


@dataclass(frozen=True)
class Manage:
    """The application's ``manage.py`` on this machine, with the hosts' settings."""

    python: Path
    env_files: tuple[Path, ...]
    """Settings files. The first starts the command; tasks are sent with what the files hold at that moment."""
    certificate: Path | None = None
    """A certificate to trust, if the broker speaks TLS."""

    @classmethod
    def of_fleet(cls, fleet: Fleet) -> Manage:
        from .hosts import _application

        files = tuple(fleet.disk(name) / "srv/watchparty/.env" for name in fleet.machines)
        return cls(_application.venv() / "bin" / "python", files, fleet.names.certificate)

    def run(self, *arguments: str, text: str) -> None:
        done = subprocess.run(
            self._argv(arguments), input=text, capture_output=True, text=True, env=self._environment(), check=False
        )
        if done.returncode:
            raise SandboxError(f"manage.py {arguments[0]} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")

    def start(self, *arguments: str, log: IO[str]) -> subprocess.Popen[str]:
        """Starts a command that ends with its standard input, so also if this process is killed."""
        return subprocess.Popen(
            self._argv(arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=self._environment(),
            start_new_session=True,
        )

    def _argv(self, arguments: Sequence[str]) -> list[str]:
        return [str(self.python), str(MANAGE), *arguments]

    def _environment(self) -> dict[str, str]:
        trust = {"SSL_CERT_FILE": str(self.certificate)} if self.certificate else {}
        return clean_environment(WATCHPARTY_ENV_FILE=str(self.env_files[0]), PYTHONDONTWRITEBYTECODE="1", **trust)


@dataclass(frozen=True)
class Report:
    """Results of the load. Zero are wanted: failed, lost, tasks_lost."""

    seconds: float
    sessions: int
    requests: int
    failed: int
    """Requests with another status than 200, with a broken connection, or answered as another user's."""
    lost: int
    """Number of logged-out sessions: an anonymous answer, or a deleted cookie."""
    anonymous: int
    parallel_bursts: int
    retried: int
    """Requests that one host did not answer and another did."""
    held: int
    """Requests that waited in the balancer because no host took them."""
    slowest: float
    tasks: int
    tasks_lost: int
    hosts: Mapping[str, int] = field(default_factory=dict)
    task_errors: Mapping[str, int] = field(default_factory=dict)
    """Errors that first kept tasks from being sent, or results from being read."""
    messages: tuple[str, ...] = ()
    """The first failures and losses."""

    def __str__(self) -> str:
        return (
            f"{self.requests} requests of {self.sessions} sessions in {self.seconds:.1f} s"
            f" ({self.parallel_bursts} times several at once): {self.failed} failed, {self.lost} sessions lost;"
            f" {self.retried} retried on another host, {self.held} held, the slowest took {self.slowest:.2f} s;"
            f" {self.tasks} tasks: {self.tasks_lost} lost"
        )


class Load:
    """Load from ``start`` to ``stop``, in its own thread; or inside a ``with``, whose result is ``report``."""

    def __init__(
        self,
        hosts: Sequence[Address],
        *,
        manage: Manage,
        sessions: int = 8,
        parallel: int = 4,
        burst_every: int = 5,
        pause: float = 0.05,
        tasks: bool = True,
        name: str = "127.0.0.1",
        hold: float = 10.0,
        health: str | None = None,
    ) -> None:
        """*parallel* requests at once in every *burst_every*-th round of a session; *name* is the Host header."""
        self._hosts = tuple(hosts)
        self._manage = manage
        self._count = sessions
        self._parallel = parallel
        self._burst_every = burst_every
        self._pause = pause
        self._tasks = tasks
        self._name = name
        self._balancing: dict[str, Any] = {"hold": hold, "health": health}
        self._tally = Tally()
        self._ready = threading.Event()
        self._over = threading.Event()
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None
        self._balancer: Balancer | None = None
        self._sender: subprocess.Popen[str] | None = None
        self._log: IO[str] | None = None
        self.report: Report | None = None

    def start(self) -> None:
        """Makes the users, logs them in and begins. Returns once all are logged in."""
        users = [f"load-{number}" for number in range(self._count)]
        password = secrets.token_hex(16)
        self._manage.run("make_users", *users, text=password)
        if self._tasks:
            self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed with the sender
            files = [word for file in self._manage.env_files for word in ("--env-file", str(file))]
            self._sender = self._manage.start("send_tasks", *files, *SENDER_OPTIONS, log=self._log)
        self._thread = threading.Thread(target=self._work, args=(users, password), name="load", daemon=True)
        self._thread.start()
        if not self._ready.wait(LOGIN_SECONDS) or self._error:
            self._end_sender()
            raise SandboxError(f"The load did not start: {self._error or 'the users did not log in in time'}")

    def stop(self) -> Report:
        """Ends the load and waits for the tasks' results. Returns the report."""
        if self._thread is None or self._balancer is None:
            raise SandboxError("The load is not started.")
        self._over.set()
        self._thread.join()
        seconds = time.monotonic() - self._tally.began
        sent = self._end_sender()
        if self._error:
            raise SandboxError(f"The load ended early: {type(self._error).__name__}: {self._error}")
        tally, counts = self._tally, self._balancer.counts
        self.report = Report(
            seconds=round(seconds, 1),
            sessions=self._count,
            requests=tally.requests,
            failed=tally.failed,
            lost=tally.lost,
            anonymous=tally.anonymous,
            parallel_bursts=tally.bursts,
            retried=counts.retried,
            held=counts.held,
            slowest=round(tally.slowest, 3),
            tasks=sent["sent"],
            tasks_lost=sent["lost"],
            hosts=dict(counts.answers),
            task_errors=sent["errors"],
            messages=tuple(tally.messages),
        )
        return self.report

    def so_far(self) -> tuple[int, int, int]:
        """Requests, failed requests and lost sessions so far."""
        return self._tally.requests, self._tally.failed, self._tally.lost

    def __enter__(self) -> Load:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _work(self, users: list[str], password: str) -> None:
        try:
            asyncio.run(self._play(users, password))
        except BaseException as error:  # noqa: BLE001 - raised again where the load was started
            self._error = error
        finally:
            self._ready.set()

    async def _play(self, users: list[str], password: str) -> None:
        self._balancer = Balancer(self._hosts, **self._balancing)
        await self._balancer.start()
        try:
            port, tally = self._balancer.port, self._tally
            browsers = [Browser(user, password, port, self._name, tally) for user in users]
            await asyncio.gather(*(browser.log_in() for browser in browsers))
            tally.began = time.monotonic()
            self._ready.set()
            await asyncio.gather(*(self._browse(browser, number) for number, browser in enumerate(browsers)))
        finally:
            await self._balancer.stop()

    async def _browse(self, browser: Browser, number: int) -> None:
        # Bursts of sessions come at different moments.
        turn = number
        while not self._over.is_set():
            turn += 1
            burst = self._parallel > 1 and turn % self._burst_every == 0
            self._tally.bursts += burst
            await browser.round([turn + each for each in range(self._parallel)] if burst else [None])
            await asyncio.sleep(self._pause)

    def _end_sender(self) -> dict[str, Any]:
        nothing = {"sent": 0, "lost": 0, "errors": {}}
        if self._sender is None or self._log is None:
            return nothing
        try:
            output, _ = self._sender.communicate("", timeout=TASK_SECONDS)
        except subprocess.TimeoutExpired:
            self._sender.kill()
            output, _ = self._sender.communicate()
        with self._log:
            self._log.seek(0)
            message = self._log.read()
        if self._sender.returncode and self._error is None:
            self._error = SandboxError(f"the sender of tasks ended with {self._sender.returncode}: {message[-2000:]}")
        return json.loads(output) if not self._sender.returncode else nothing


def _wait(seconds: float | None, function: Callable[[], tuple[int, int, int]]) -> None:
    end = None if seconds is None else time.monotonic() + seconds
    while end is None or time.monotonic() < end:
        time.sleep(1 if end is None else max(0.0, min(1.0, end - time.monotonic())))
        print("{} requests, {} failed, {} sessions lost".format(*function()), file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.load", description=__doc__)
    parser.add_argument(
        "--fleet", type=Path, metavar="STATE", help="the directory of a fleet of python -m sandbox.hosts"
    )
    parser.add_argument("--host", type=address, action="append", default=[], metavar="ADDRESS:PORT")
    parser.add_argument("--env-file", type=Path, action="append", default=[], help="the application's, without --fleet")
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--seconds", type=float, help="without it, until Ctrl-C or SIGTERM")
    parser.add_argument("--no-tasks", action="store_true", help="where no worker runs")
    parser.add_argument("--hold", type=float, default=10.0, help="seconds a request may wait for a host")
    options = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        load = Load(
            _hosts(options),
            manage=_manage(options, parser),
            sessions=options.sessions,
            tasks=not options.no_tasks,
            hold=options.hold,
        )
        load.start()
        try:
            _wait(options.seconds, load.so_far)
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        report = load.stop()
    except SandboxError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(asdict(report), indent=2))
    return 1 if report.failed or report.lost or report.tasks_lost else 0


def _hosts(options: argparse.Namespace) -> list[Address]:
    if options.fleet is None:
        return list(options.host) or [("127.0.0.1", 8000)]
    from .hosts import Fleet

    return [(machine.address, 8000) for machine in Fleet.load(options.fleet).machines.values()]


def _manage(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Manage:
    if options.fleet is not None:
        from .hosts import Fleet

        return Manage.of_fleet(Fleet.load(options.fleet))
    if not options.env_file:
        parser.error("--fleet or --env-file is needed")
    from .application import python

    return Manage(python(), tuple(options.env_file))


if __name__ == "__main__":
    sys.exit(main())
