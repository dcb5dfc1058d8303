# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs that a scan starts, with bounds of memory, output and time."""

from __future__ import annotations

import ctypes
import fcntl
import io
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import IO, Any, NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError

try:
    import resource
except ImportError:  # not on every system
    resource = None  # type: ignore[assignment]

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
MEMORY = 512 * 1024 * 1024
"""Bytes of data that a program may hold, and each program that it starts."""
IDLE = 300.0
"""Seconds without output after which a program is ended."""
SECONDS = 4 * 3600.0
OUTPUT = 256 * 1024 * 1024
"""Bytes of an output that is kept whole."""
ERRORS = 8192
RECORD = 16 * 1024
PIPE = 1024 * 1024
"""Bytes of a program's output that wait. Smaller pipes cost a change of processes for each few KiB."""
"""Bytes of a line or a name that are kept."""


class Bounds(NamedTuple):
    memory: int = MEMORY
    idle: float = IDLE
    seconds: float = SECONDS
    """Seconds for one source."""
    until: float = 0.0
    """End of these seconds, on the clock of ``time.monotonic()``. 0 if they have not begun."""

    def started(self) -> Bounds:
        return self._replace(until=time.monotonic() + self.seconds)

    def check(self) -> None:
        """Raises ScanError after the end of the time."""
        if self.until and time.monotonic() > self.until:
            raise ScanError(f"took more than {self.seconds:g} s; the rest was not scanned")


class NotStarted(ScanError):
    """Raised if a program cannot be started."""


class Failed(ScanError):
    """Raised if a program ends with an unexpected exit code."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code


class Running:
    def __init__(self, process: Any, output: IO[bytes]) -> None:
        self.process = process
        self.output = output

    def write(self, data: bytes) -> None:
        self.process.stdin.write(data)
        self.process.stdin.flush()


@contextmanager
def running(
    command: Sequence[str],
    *,
    environment: dict[str, str],
    stdin: bytes | None = None,
    talks: bool = False,
    cwd: str | None = None,
    bounds: Bounds = Bounds(),  # noqa: B008
    label: str = "",
    codes: Sequence[int] = (0,),
) -> Iterator[Running]:
    """Starts a program and ends it, with all that it started, at the end. Raises ScanError then if it failed."""
    label = label or command[0]
    try:
        # pylint: disable-next=ansible-bad-function
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE if talks or stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=partial(_end_with, os.getpid()) if _LIBC else None,
        )
    except OSError as error:
        raise NotStarted(f"{command[0]}: cannot be started: {error.strerror}") from None
    _limit(process.pid, bounds.memory)
    errors: list[bytes] = []
    drain = _thread(lambda: _drained(process.stderr, errors))
    feeder = _thread(lambda: _fed(process.stdin, stdin)) if stdin is not None else None
    output = io.BufferedReader(_Output(process.stdout, bounds, label), 1 << 20)
    try:
        yield Running(process, output)
        if talks and process.stdin is not None:
            process.stdin.close()
        while output.read(1 << 20):  # a program that still writes would get a broken pipe
            pass
        process.wait(timeout=bounds.idle)
    except subprocess.TimeoutExpired:
        raise ScanError(f"{label} did not end in {bounds.idle:g} s") from None
    finally:
        _end(process)
        for thread in (drain, feeder):
            if thread:
                thread.join(timeout=bounds.idle)
        for stream in (process.stdin, process.stdout, process.stderr):
            _close(stream)
    if process.returncode not in codes:
        reason = _reason(b"".join(errors)) or f"{label} ended with {process.returncode}"
        raise Failed(reason, process.returncode)


def output_of(
    command: Sequence[str],
    *,
    environment: dict[str, str],
    cwd: str | None = None,
    bounds: Bounds = Bounds(),  # noqa: B008
    label: str = "",
) -> bytes:
    """The standard output of a program. Raises ScanError."""
    with running(command, environment=environment, cwd=cwd, bounds=bounds, label=label) as program:
        data = program.output.read(OUTPUT + 1)
        if len(data) > OUTPUT:
            raise ScanError(f"{label or command[0]} prints more than {OUTPUT >> 20} MiB")
    return data


def records(stream: Any, end: bytes = b"\n") -> Iterator[bytes]:
    """Records that end with ``end``, each cut to RECORD bytes."""
    rest = b""
    while True:
        data = stream.read1(1 << 16)
        if not data:
            if rest:
                yield rest
            return
        whole = (rest + data).split(end)
        rest = whole.pop()[:RECORD]
        yield from whole


class _Output(io.RawIOBase):
    """The output of a program. Raises ScanError if the program exceeds its time."""

    def __init__(self, stream: Any, bounds: Bounds, label: str) -> None:
        super().__init__()
        self._fd = stream.fileno()
        with suppress(AttributeError, OSError):  # other systems, and accounts that have many pipes
            fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, PIPE)
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._bounds = bounds
        self._end = bounds.until or bounds.started().until
        self._what = label

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise ScanError(f"{self._what} did not end in {self._bounds.seconds:g} s")
        if not self._poll.poll(min(self._bounds.idle, seconds) * 1000):
            raise ScanError(f"{self._what} gave no answer in {round(min(self._bounds.idle, seconds), 1):g} s")
        return os.readv(self._fd, [buffer])


def _end_with(parent: int) -> None:
    """Makes Linux kill the program when the thread that started it ends. Runs between fork and exec.

    A scan that is killed cannot end its programs itself. One thread starts a program and reads its output.
    """
    if _LIBC:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _limit(process: int, memory: int) -> None:
    """Bounds the memory that a process allocates, without the files that it maps. Linux only."""
    with suppress(AttributeError, OSError, ValueError):
        resource.prlimit(process, resource.RLIMIT_DATA, (memory, memory))


def _end(process: Any) -> None:
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            process.kill()
        process.wait()


def _drained(stream: Any, pieces: list[bytes]) -> None:
    remaining = ERRORS
    while True:
        data = stream.read1(1 << 16)
        if not data:
            return
        if remaining:
            pieces.append(data[:remaining])
            remaining -= len(pieces[-1])


def _fed(stream: Any, stdin: bytes) -> None:
    try:
        stream.write(stdin)
        stream.close()
    except (OSError, ValueError):
        pass  # the program has ended; its exit code and errors tell the reason


def _close(stream: Any) -> None:
    try:
        if stream is not None:
            stream.close()
    except OSError:
        pass


def _thread(run: Any) -> threading.Thread:
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def _reason(errors: bytes) -> str:
    lines = [line for line in errors.decode("utf-8", "backslashreplace").splitlines() if line.strip()]
    text = next((line for line in lines if line.startswith("fatal: ")), lines[0] if lines else "")
    return printable(text.partition("fatal: ")[2] or text)[:300]


def printable(text: str) -> str:
    """A text with a question mark for each character that cannot be printed."""
    return text if text.isprintable() else "".join(name if name.isprintable() else "?" for name in text)
