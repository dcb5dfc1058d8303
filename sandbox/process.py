# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starts and stops server processes, as an ordinary user even if run as root."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
PR_SET_PDEATHSIG = 1
STATE_FILE = "process.json"
SERVER_PORTS = (15000, 32000)


class SandboxError(Exception):
    """Raised if a stand-in cannot start. The message tells what to install or to do."""


@dataclass(frozen=True)
class User:
    """An ordinary user for servers if run as root: PostgreSQL refuses root."""

    name: str
    uid: int
    gid: int


def ordinary_user() -> User | None:
    """The user to drop to. None for an ordinary user."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise SandboxError(
            "Running as root needs a user 'nobody' to run the servers as. Add it: useradd nobody"
        ) from None
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid)


def as_user(user: User | None) -> dict[str, Any]:
    """Arguments of subprocess that drop to a user."""
    return {} if user is None else {"user": user.uid, "group": user.gid, "extra_groups": []}


@contextlib.contextmanager
def alone(name: str) -> Iterator[None]:
    """Lets one process at a time of this clone continue."""
    place = REPOSITORY / ".cache" / f"{name}.lock"
    place.parent.mkdir(exist_ok=True)
    with place.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def clean_environment(**extra: str) -> dict[str, str]:
    """A small environment: servers must not inherit credentials or a user's PG*, AWS_* or ANSIBLE_*."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ") if name in os.environ}
    return {**kept, **extra}


def bypass_proxies() -> None:
    """Lets our own clients reach this machine directly. The proxy stays: pip may need it."""
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, ["127.0.0.1", "localhost", os.environ.get(name)]))


def free_port(host: str = "127.0.0.1") -> int:
    """A port that was free a moment ago.

    The port is below those of outgoing connections: such a connection could take the port while its server restarts,
    and keeps it for a minute after closing. Processes of this clone get different ports, even before they listen.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _attempt in range(100):
        port = _next_port()
        with socket.socket(family) as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port
    raise SandboxError(f"none of 100 ports between {SERVER_PORTS[0]} and {SERVER_PORTS[1]} is free on {host}")


def _next_port() -> int:
    first, end = SERVER_PORTS
    place = REPOSITORY / ".cache" / "port"
    with alone("port"):
        try:
            last = int(place.read_text(encoding="ascii"))
        except (OSError, ValueError):
            last = random.randrange(first, end)
        port = last + 1 if first <= last < end - 1 else first
        place.write_text(str(port), encoding="ascii")
    return port


def write_private(path: Path, text: str, user: User | None = None) -> None:
    """Writes a file that only its owner can ever read."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        if user is not None:
            os.fchown(descriptor, user.uid, user.gid)
        handle.write(text)


def wait_until(ready: Callable[[], bool], *, seconds: float, interval: float = 0.05) -> bool:
    """Waits until ``ready``. False if the time is over."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            return False
        time.sleep(interval)
    return True


def _birth(pid: int) -> str:
    """The kernel's start time of a process; empty if it has ended."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    if Path("/proc/self/stat").exists():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    answer = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, born = answer.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else born.strip()


@dataclass(frozen=True)
class Process:
    """A process, known by its pid and start time, so that a reused pid is never signalled."""

    pid: int
    born: str
    stop_signal: int = signal.SIGTERM

    @classmethod
    def of(cls, pid: int, stop_signal: int = signal.SIGTERM) -> Process:
        return cls(pid, _birth(pid), stop_signal)

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        *,
        log: Path,
        user: User | None = None,
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        stop_signal: int = signal.SIGTERM,
        survives: bool = False,
    ) -> Process:
        """Starts a server in its own session, so that Ctrl-C at the terminal does not reach it.

        Unless it *survives*, the kernel stops it when the thread that started it ends (on Linux): no server outlives a
        killed run. So a server must start in the main thread.
        """
        libc = ctypes.CDLL(None) if sys.platform == "linux" and not survives else None

        def die_with_parent() -> None:
            if libc is not None:
                libc.prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)

        with log.open("ab") as output:
            child = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=dict(environment) if environment is not None else clean_environment(),
                start_new_session=True,
                preexec_fn=die_with_parent if libc is not None else None,
                **as_user(user),
            )
        # _birth reaps it: without a return code Popen would warn at its own end.
        child.returncode = 0
        return cls.of(child.pid, stop_signal)

    def running(self) -> bool:
        return self.born != "" and _birth(self.pid) == self.born

    def stop(self, *, seconds: float = 15.0) -> None:
        """Asks the process to end, waits, and kills it."""
        for number in (self.stop_signal, signal.SIGKILL):
            if not self.running():
                return
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return
            if wait_until(lambda: not self.running(), seconds=seconds):
                return

    def save(self, path: Path) -> None:
        write_private(path, json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Process:
        return cls(**json.loads(path.read_text(encoding="utf-8")))


class Server(ABC):
    """A server process with its own directory; a context manager.

    Without a *directory* it makes one in the system's temporary folder and removes it at the end. A given directory
    must be reachable by the server's user (nobody, if run as root), and stays.
    """

    stop_signal: int = signal.SIGTERM

    def __init__(self, directory: Path | None = None, *, host: str = "127.0.0.1", survives: bool = False) -> None:
        self.host = host
        self.port = 0
        self.process: Process | None = None
        self._given = directory
        self._directory: Path | None = None
        self._survives = survives

    @property
    def user(self) -> User | None:
        """The server's user, if it is not ours."""
        return ordinary_user()

    @property
    def directory(self) -> Path:
        if self._directory is None:
            raise SandboxError(f"{type(self).__name__} is not started.")
        return self._directory

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    @abstractmethod
    def _prepare(self) -> None:
        """Chooses binaries and writes configuration that does not depend on the port."""

    @abstractmethod
    def _launch(self) -> Process:
        """Starts the process on ``self.port``, which is free or 0."""

    def _process(self, *argv: str, cwd: Path | None = None, **environment: str) -> Process:
        """Starts the server's process, in its directory unless *cwd* is given."""
        return Process.start(
            argv,
            log=self.log,
            user=self.user,
            cwd=cwd or self.directory,
            environment=clean_environment(**environment),
            stop_signal=self.stop_signal,
            survives=self._survives,
        )

    @abstractmethod
    def _ready(self) -> bool:
        """Whether the server answers, with its password if it has one."""

    def start(self, *, seconds: float = 60.0) -> None:
        try:
            self._make_directory()
            self._prepare()
            # The port may be taken before the server binds it.
            for attempt in range(3):
                self.port = free_port(self.host)
                self.process = self._launch()
                self.process.save(self.directory / STATE_FILE)
                if wait_until(lambda: not self._alive() or self._ready(), seconds=seconds) and self._alive():
                    break
                if attempt == 2 or self._alive():
                    raise SandboxError(f"{type(self).__name__} did not become ready; it says:\n{self._last_words()}")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
            self.process = None
        if self._directory is not None:
            (self._directory / STATE_FILE).unlink(missing_ok=True)
            if self._given is None:
                shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def kill(self) -> None:
        """Stops the process; its files stay."""
        if self.process is None:
            raise SandboxError(f"{type(self).__name__} is not started.")
        self.process.stop()

    def resume(self) -> None:
        """Starts the server again with the same port and files."""
        self.process = self._launch()
        self.process.save(self.directory / STATE_FILE)
        if not wait_until(self._ready, seconds=60):
            raise SandboxError(f"{type(self).__name__} did not start again; it says:\n{self._last_words()}")

    def restart(self) -> None:
        self.kill()
        self.resume()

    def __enter__(self) -> Any:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _alive(self) -> bool:
        return self.process is not None and self.process.running()

    def _last_words(self) -> str:
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        except OSError:
            return "(none)"

    def _make_directory(self) -> None:
        directory = self._given
        if directory is None:
            directory = Path(tempfile.mkdtemp(prefix=f"sandbox-{type(self).__name__.lower()}-"))
        directory = self._directory = directory.resolve()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.user is not None:
            os.chown(directory, self.user.uid, self.user.gid)
            if subprocess.run(["test", "-x", str(directory)], **as_user(self.user), check=False).returncode:
                raise SandboxError(f"The user {self.user.name}, whom the server runs as, cannot reach {directory}.")
        directory.chmod(0o700)


def stop_saved(directory: Path) -> None:
    """Stops the server that an earlier process started in this directory with ``survives=True``."""
    state = directory / STATE_FILE
    if state.exists():
        Process.load(state).stop()
        state.unlink(missing_ok=True)
