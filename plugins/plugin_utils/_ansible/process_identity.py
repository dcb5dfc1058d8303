# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Identifies the process that holds a rotation, and tells whether it is gone."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes


def me() -> str:
    """The acting account and machine, for people."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.geteuid())
    return f"{user}@{socket.gethostname()}"


def holder() -> dict[str, Any]:
    """This machine and its ansible-playbook process, whose workers come and go."""
    process = os.getppid()
    return {
        "machine": _first("/etc/machine-id", "/var/lib/dbus/machine-id"),
        "host": socket.gethostname(),
        "boot": _first("/proc/sys/kernel/random/boot_id"),
        "space": _space(),
        "pid": process,
        "start": _start(process),
    }


def running_seconds() -> float | None:
    """Seconds since ansible-playbook started. None if the kernel does not tell."""
    began = processes.start_time(os.getppid())
    return None if began is None else time.time() - began


def is_gone(result: Mapping[str, Any]) -> bool:
    """Whether the holder ran on this machine and has ended. False if unknown."""
    mine = holder()
    if not result.get("machine") or any(result.get(name) != mine[name] for name in ("machine", "host")):
        return False
    if result.get("boot") != mine["boot"]:
        return True
    process, start = result.get("pid"), result.get("start")
    if result.get("space") != mine["space"] or not isinstance(process, int) or not start:
        return False
    return _start(process) != start


def _start(process: int) -> str:
    """Start time of the process in the kernel's ticks. Empty if it is gone or a zombie."""
    status = processes.stat(process)
    return str(status.ticks) if status and not status.has_ended else ""


def _space() -> str:
    """The process ids' namespace. In a container, the same number is another process."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _first(*paths: str) -> str:
    for path in paths:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError:
            continue
    return ""
