# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Control groups, which find and end every process of a fleet without a list of pids."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sandbox.hosts._names import Names
from sandbox.process import wait_until


def groups(names: Names, member: str) -> list[Path]:
    """Makes and returns the groups of a member of the fleet: a host, or its services."""
    made = [group / member for group in names.cgroups()]
    for group in made:
        group.mkdir(parents=True, exist_ok=True)
    return made


@contextlib.contextmanager
def inside(names: Names, member: str) -> Iterator[None]:
    """Joins the member's group for a while: children started meanwhile stay there."""
    group = groups(names, member)[0]
    tree = names.cgroups()[0].parent
    own = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    lines = next(line[3:] for line in own if line.startswith("0::"))
    (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
    try:
        yield
    finally:
        (tree / lines.lstrip("/") / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")


def end_all(names: Names) -> None:
    """Ends every process in the fleet's groups, and removes the groups."""
    for group in names.cgroups():
        if not group.exists():
            continue
        wait_until(partial(_removed, group), seconds=10, interval=0.02)


def _removed(group: Path) -> bool:
    """Removes a group. Returns False if it is busy, as for a moment after its last process ended."""
    if not _ended(group):
        return False
    try:
        for directory, _, _ in os.walk(group, topdown=False):
            os.rmdir(directory)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


def _ended(group: Path) -> bool:
    members = [int(pid) for procs in group.rglob("cgroup.procs") for pid in procs.read_text(encoding="ascii").split()]
    for pid in members:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return not members
