# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What systemd runs of the application: the unit as it counts, drop-ins included, and what its processes hold.

Standard library only; Python 3.8. Of values only fingerprints under the run's key leave here.
"""

from __future__ import annotations

import os
import shlex
from fnmatch import fnmatchcase
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes, services, systemd_show

SHOWN = (
    *("Id", "LoadState", "UnitFileState", "Type", "ActiveState", "SubState", "Result", "MainPID", "User"),
    *("DynamicUser", "ExecStart", "ControlGroup", "Environment", "EnvironmentFiles"),
    *("WantedBy", "RequiredBy", "UpheldBy", "BoundBy", "TriggeredBy"),
)
STARTERS = ("WantedBy", "RequiredBy", "UpheldBy", "BoundBy", "TriggeredBy")
ENABLED = ("enabled", "alias", "generated")
ENGINES = ("docker", "podman", "nerdctl", "docker-compose", "podman-compose", "systemd-nspawn", "lxc-start")
"""Programs that run as root what is in a container."""
CGROUPS = "/sys/fs/cgroup"
MOST_PROCESSES = 100
LARGEST = 1 << 20
"""Bytes of a file of settings, or of a process's environment, that are read."""
TICK = 0.02
"""The clock of processes counts in hundredths."""

Command = Callable[[Sequence[str]], Tuple[Optional[int], str, str]]
"""Runs a program: exit code, output, and the reason for a missing one."""


class Known(NamedTuple):
    """What the application's settings are called, and how their values are shown."""

    patterns: Sequence[str]
    fingerprint: Callable[[str, str], str]
    path: str
    """The ``.env`` that is deployed."""

    def fingerprints(self, values: Mapping[str, str]) -> Dict[str, str]:
        """Fingerprints by name, of the settings among these values."""
        return {
            name: self.fingerprint(name, value)
            for name, value in values.items()
            if any(fnmatchcase(name, pattern) for pattern in self.patterns)
        }


def units(names: Sequence[str], known: Known, since: Optional[float], run: Command) -> Tuple[List[Dict[str, Any]], str]:
    """A row for each unit, and why there is no row. ``since`` is when the file that they read came to be."""
    names = [name for name in names if not name.startswith("-")]
    if not names:
        return [], ""
    code, text, why = run(["systemctl", "show", "--property=" + ",".join(SHOWN), "--", *names])
    entries = systemd_show.shown(text)
    if code == 0 and os.geteuid() and all(entry.get("LoadState") == "not-found" for entry in entries):
        code, text, why = run(["systemctl", "--user", "show", "--property=" + ",".join(SHOWN), "--", *names])
        entries = systemd_show.shown(text)
    if code != 0:
        return [], why or "systemctl failed with code %s; run it there, and see whether systemd runs the host" % code
    if len(entries) != len(names):
        return [], "systemd does not tell of each unit"
    return [_row(name, entry, known, since) for name, entry in zip(names, entries)], ""


def _row(name: str, entry: Mapping[str, str], known: Known, since: Optional[float]) -> Dict[str, Any]:
    pid = int(entry["MainPID"]) if entry.get("MainPID", "").isdigit() else 0
    began = processes.began(pid) if pid else None
    account = processes.account(pid) if pid else ""
    pids = sorted({pid, *_members(entry.get("ControlGroup", ""))} - {0})[:MOST_PROCESSES]
    return {
        "unit": name,
        "load": entry.get("LoadState", ""),
        "active": entry.get("ActiveState", ""),
        "sub": entry.get("SubState", ""),
        "is_up": services.is_up(entry) or (entry.get("ActiveState") == "inactive" and bool(entry.get("TriggeredBy"))),
        "enabled": entry.get("UnitFileState", ""),
        "starts": entry.get("UnitFileState") in ENABLED or any(entry.get(starter) for starter in STARTERS),
        "user": account or entry.get("User") or ("" if entry.get("DynamicUser") == "yes" else "root"),
        "container": os.path.basename(_program(entry.get("ExecStart", ""))) in ENGINES,
        "began": timestamps.stamp_of(began) if began is not None else None,
        "old": began is not None and since is not None and began + TICK < since,
        "environment": known.fingerprints(_assigned(entry.get("Environment", ""))),
        "files": list(_files(entry.get("EnvironmentFiles", ""), known)),
        "held": _held(pids, known),
        "pids": pids,
    }


def _program(text: str) -> str:
    """Of ``{ path=/usr/bin/docker ; argv[]=… }``."""
    return text.partition("path=")[2].partition(" ;")[0].strip()


def _assigned(text: str) -> Dict[str, str]:
    """``Environment=`` as ``systemctl show`` quotes it."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = text.split()
    return dict(word.split("=", 1) for word in words if "=" in word)


def _files(text: str, known: Known) -> Iterator[Dict[str, Any]]:
    """Files of settings other than the one that is deployed, in the order in which they count."""
    for line in text.splitlines():
        path, _mark, ignores = line.strip().rpartition(" (ignore_errors=")
        if not path or _is_same(path, known.path):
            continue
        values, problem = _settings(path)
        is_missing = problem == "does not exist"
        if is_missing and ignores.startswith("yes"):
            continue
        yield {"path": path, "problem": problem, "values": known.fingerprints(values)}


def _is_same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.normpath(path) == os.path.normpath(other)


def _settings(path: str) -> Tuple[Dict[str, str], str]:
    """What systemd would read, and why it cannot be."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            return dotenv.from_dotenv(stream.read(LARGEST).decode("utf-8"), ["systemd"]), ""
    except FileNotFoundError:
        return {}, "does not exist"
    except OSError as error:
        return {}, "cannot be read: %s" % error.strerror
    except (UnicodeDecodeError, DotenvError):
        return {}, "cannot be parsed as systemd would"


def _held(pids: Sequence[int], known: Known) -> Dict[str, List[str]]:
    """The fingerprints that the unit's processes have of each setting, as far as this account may look."""
    found: Dict[str, Set[str]] = {}
    for pid in pids:
        for name, mac in known.fingerprints(processes.environment(pid, LARGEST)).items():
            found.setdefault(name, set()).add(mac)
    return {name: sorted(macs) for name, macs in found.items()}


def _members(group: str) -> Iterator[int]:
    if not group.startswith("/") or "/../" in group + "/":
        return
    for folder, _folders, files in os.walk(CGROUPS + group):
        if "cgroup.procs" in files:
            try:
                with open(os.path.join(folder, "cgroup.procs"), encoding="ascii") as stream:
                    yield from (int(line) for line in stream)
            except (OSError, ValueError):
                continue
