# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends an execution on a host that takes too long or answers endlessly, over any connection plugin.

SSH keep-alives end a connection whose host is gone, but not one whose host accepts and never answers. No connection
plugin bounds an execution's time or the size of its answer.
"""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, TypeVar

from ansible.errors import AnsibleConnectionFailure

TICK = 0.25
"""Seconds between checks."""
MOST_MEMORY = 256 * 1024 * 1024
"""Bytes by which this process may grow while a host answers."""
RESET_SECONDS = 5.0
KEEP_ALIVE = "-o ServerAliveInterval=10 -o ServerAliveCountMax=3"
REMEDY = (
    "run again with -e secrets_host_timeout=600, or if services restart slowly, with -e env_deploy_restart_timeout=600"
)
T = TypeVar("T")


class DeadlineExpired(BaseException):
    """Raised inside the connection plugin. No Exception, because some plugins retry after those."""

    def __init__(self, path: str, watch: object) -> None:
        super().__init__(path)
        self.watch = watch
        """Identifies the deadline that expired, because deadlines may be nested."""


def kept_alive(connection: Any) -> None:
    """Makes ssh end a connection whose host does not answer for 30 seconds. Options of the user come first."""
    if connection.has_option("ssh_extra_args"):
        extra_args = connection.get_option("ssh_extra_args") or ""
        if KEEP_ALIVE not in extra_args:
            connection.set_option("ssh_extra_args", f"{extra_args} {KEEP_ALIVE}".strip())


def within(seconds: float, act: Callable[[], T], connection: Any) -> T:
    """The result of ``act``. Raises AnsibleConnectionFailure if it takes longer, or receives too much."""
    watch = object()
    try:
        with _watched(seconds, watch):
            return act()
    except DeadlineExpired as error:
        if error.watch is not watch:
            raise
        _kill(error.__traceback__)
        _reset(connection)
        raise AnsibleConnectionFailure(str(error)) from None
    except BaseException as error:  # after the task's own timeout, nothing else ends the connection
        _kill(error.__traceback__)
        raise


@contextmanager
def _watched(seconds: float, watch: object = None) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only; Ansible's workers run tasks there
        return
    began, memory = time.monotonic(), _memory()

    def look(number: int, frame: FrameType | None) -> None:
        took = time.monotonic() - began
        if outer and took >= outer and callable(before):
            before(number, frame)  # the task's own timeout
        if took >= seconds:
            raise DeadlineExpired(f"no answer within {seconds:.0f} s; if the host is only slow, {REMEDY}", watch)
        if _memory() - memory > MOST_MEMORY:
            raise DeadlineExpired(f"the answer is longer than {MOST_MEMORY // 1024 // 1024} MiB", watch)

    before = signal.signal(signal.SIGALRM, look)
    outer = signal.setitimer(signal.ITIMER_REAL, TICK, TICK)[0]
    try:
        yield
    finally:
        remaining = max(outer - (time.monotonic() - began), TICK) if outer else 0
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, remaining)


def _memory() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _kill(trace: TracebackType | None) -> None:
    """Ends the programs that the interrupted connection plugin waits for, which are in its local variables."""
    for frame, _line in traceback.walk_tb(trace):
        for value in list(frame.f_locals.values()):
            if isinstance(value, subprocess.Popen) and value.poll() is None:
                value.kill()
                value.wait()


def _reset(connection: Any) -> None:
    """Ends a shared connection (ControlPersist), on which the next execution would wait too."""
    with suppress(Exception, DeadlineExpired), _watched(RESET_SECONDS):
        connection.reset()
