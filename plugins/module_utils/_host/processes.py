# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what the kernel knows of processes."""

from __future__ import annotations

import os
import pwd
import time
from functools import partial
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within

PROC = "/proc"
SECONDS = 3
"""Seconds for ``AT_ONCE`` processes."""
AT_ONCE = 50
MOST_SILENT = 2
T = TypeVar("T")


class Stat(NamedTuple):
    """Fields of ``/proc/PID/stat``."""

    state: str
    parent: int
    session: int
    ticks: int
    """Start in clock ticks since boot."""

    @property
    def has_ended(self) -> bool:
        """Whether the process is a zombie or dead."""
        return self.state in "ZX"

    @property
    def start_time(self) -> float:
        """Start in seconds since 1970, to hundredths."""
        # Not the kernel's btime, which counts in whole seconds: a deploy restarts within hundredths of its write.
        boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        return boot + self.ticks / float(os.sysconf("SC_CLK_TCK"))


def parsed(stat: str) -> Optional[Stat]:
    """Parses the file's text. The process's name, in brackets, may hold any text."""
    fields = stat.rpartition(")")[2].split()
    try:
        return Stat(fields[0], int(fields[1]), int(fields[3]), int(fields[19]))
    except (IndexError, ValueError):
        return None


def stat(pid: int) -> Optional[Stat]:
    """None without such a process."""
    return parsed(_text(pid, "stat"))


def start_time(pid: int) -> Optional[float]:
    """Start in seconds since 1970, to hundredths; None without such a process."""
    process = stat(pid)
    return process.start_time if process else None


def pids() -> List[int]:
    """Every visible process."""
    return [int(name) for name in os.listdir(PROC) if name.isdigit()]


def each(numbers: Sequence[int], look: Callable[[int], T]) -> Tuple[Dict[int, T], List[int]]:
    """Results of ``look`` by process, and processes that gave none.

    Reading arguments or an environment waits while the process's memory changes. If a disk or network file system
    blocks the change, the wait never ends.
    """
    results: Dict[int, T] = {}
    silent: List[int] = []
    waiting = list(numbers)
    while waiting and len(silent) < MOST_SILENT:
        looked: Dict[int, T] = {}
        chunk = waiting[:AT_ONCE]
        within(SECONDS, partial(_look, chunk, look, looked), None)
        looked_at = dict(looked)
        results.update(looked_at)
        silent += chunk[len(looked_at) : len(looked_at) + 1]
        waiting = waiting[len(looked_at) + (len(looked_at) < len(chunk)) :]
    return results, silent + waiting


def _look(numbers: Sequence[int], look: Callable[[int], T], looked: Dict[int, T]) -> None:
    for pid in numbers:
        looked[pid] = look(pid)


def title(pid: int) -> str:
    """First word of the command line, which a program may change; empty without such a process."""
    return _text(pid, "cmdline").split("\0")[0].strip()


def words(pid: int) -> bytes:
    """The command line; empty without such a process."""
    return _bytes(pid, "cmdline", 1 << 20)


def environment(pid: int, largest: int) -> Dict[str, str]:
    """Environment at the start; empty if this account may not read it."""
    parts = _bytes(pid, "environ", largest).decode("utf-8", "surrogateescape").split("\0")
    return dict(part.split("=", 1) for part in parts if "=" in part)


def hides_environment(pid: int) -> bool:
    """Whether this account may not read the environment. False without such a process."""
    try:
        with open("%s/%d/environ" % (PROC, pid), "rb"):
            return False
    except OSError as error:
        return isinstance(error, PermissionError)


def are_hidden() -> bool:
    """Whether /proc is mounted with ``hidepid``, so that this account cannot read other accounts' arguments."""
    return not os.access("%s/1/cmdline" % PROC, os.R_OK)


def account(pid: int) -> str:
    """Name or number of the effective account; empty without such a process."""
    for line in _text(pid, "status").splitlines():
        if line.startswith("Uid:"):
            uid = int(line.split()[2])
            try:
                return pwd.getpwuid(uid).pw_name
            except KeyError:
                return str(uid)
    return ""


def control_groups(pid: int) -> str:
    """A line for each hierarchy; empty without such a process."""
    return _text(pid, "cgroup")


def _bytes(pid: int, name: str, largest: int) -> bytes:
    try:
        with open("%s/%d/%s" % (PROC, pid, name), "rb") as stream:
            return stream.read(largest)
    except OSError:
        return b""


def _text(pid: int, name: str) -> str:
    try:
        with open("%s/%d/%s" % (PROC, pid, name), encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""
