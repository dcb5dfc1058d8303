# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a process of this host began. Standard library only; Python 3.8."""

from __future__ import annotations

import os
import time
from typing import Optional


def began(pid: int) -> Optional[float]:
    """When it began, in seconds since 1970, to hundredths; None without such a process."""
    # Not the kernel's btime, which counts in whole seconds: a deploy restarts within hundredths of its write.
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as stream:
            return started(stream.read(), boot, os.sysconf("SC_CLK_TCK"))
    except OSError:
        return None


def started(stat: str, boot: float, ticks: int) -> Optional[float]:
    """When a process began, out of its ``stat``; its name, in brackets, may hold anything."""
    fields = stat.rpartition(")")[2].split()
    try:
        return boot + int(fields[19]) / float(ticks)
    except (IndexError, ValueError):
        return None
