# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel tells of this machine's processes. Standard library only; Python 3.8."""

from __future__ import annotations

import os
import pwd
import time
from functools import partial
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within

PROC = "/proc"
SECONDS = 3
"""For as many processes as are looked at in one go."""
AT_ONCE = 50
MOST_SILENT = 2
T = TypeVar("T")


class Stat(NamedTuple):
    """What ``/proc/PID/stat`` says of a process."""

    state: str
    parent: int
    session: int
    ticks: int
    """When it began, as the kernel counts since the machine's start."""

    @property
    def has_ended(self) -> bool:
        """Whether only its parent has not asked for it yet."""
        return self.state in "ZX"

    @property
    def began(self) -> float:
        """In seconds since 1970, to hundredths."""
        # Not the kernel's btime, which counts in whole seconds: a deploy restarts within hundredths of its write.
        boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
        return boot + self.ticks / float(os.sysconf("SC_CLK_TCK"))


def parsed(stat: str) -> Optional[Stat]:
    """Out of the file's text, in which the process's name, in brackets, may hold anything."""
    fields = stat.rpartition(")")[2].split()
    try:
        return Stat(fields[0], int(fields[1]), int(fields[3]), int(fields[19]))
    except (IndexError, ValueError):
        return None


def stat(pid: int) -> Optional[Stat]:
    """None without such a process."""
    return parsed(_text(pid, "stat"))


def began(pid: int) -> Optional[float]:
    """When it began, in seconds since 1970, to hundredths; None without such a process."""
    process = stat(pid)
    return process.began if process else None


def pids() -> List[int]:
    """Every process that can be seen."""
    return [int(name) for name in os.listdir(PROC) if name.isdigit()]


def each(numbers: Sequence[int], look: Callable[[int], T]) -> Tuple[Dict[int, T], List[int]]:
    """What ``look`` returns of each process, and those that it got no answer of.

    The kernel lets whoever reads arguments or an environment wait while the process's memory changes. If a disk or a
    network file system holds that up, the wait has no end.
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
    """The first word of its command line, which a program may write itself; empty without such a process."""
    return _text(pid, "cmdline").split("\0")[0].strip()


def words(pid: int) -> bytes:
    """Its whole command line, which every account can read; empty without such a process."""
    return _bytes(pid, "cmdline", 1 << 20)


def environment(pid: int, largest: int) -> Dict[str, str]:
    """What it was started with, as far as this account may look."""
    parts = _bytes(pid, "environ", largest).decode("utf-8", "surrogateescape").split("\0")
    return dict(part.split("=", 1) for part in parts if "=" in part)


def hides_environment(pid: int) -> bool:
    """Whether this account may not read it. False without such a process."""
    try:
        with open("%s/%d/environ" % (PROC, pid), "rb"):
            return False
    except OSError as error:
        return isinstance(error, PermissionError)


def are_hidden() -> bool:
    """Whether /proc is mounted with ``hidepid``, so that this account cannot read other accounts' arguments."""
    return not os.access("%s/1/cmdline" % PROC, os.R_OK)


def account(pid: int) -> str:
    """Name or number of the account that it runs as; empty without such a process."""
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
