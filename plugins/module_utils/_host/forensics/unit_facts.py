# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Facts about systemd units, drop-ins included, and about settings in their processes.

Returns only fingerprints of values, under the run's key.
"""

from __future__ import annotations

import glob
import os
import pwd
import shlex
import stat
from fnmatch import fnmatchcase
from typing import Any, Callable, Collection, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes, systemd_show

SHOWN = (
    *("Id", "LoadState", "UnitFileState", "Type", "ActiveState", "SubState", "Result", "MainPID", "User"),
    *("DynamicUser", "ExecStart", "ControlGroup", "Environment", "EnvironmentFiles", "NeedDaemonReload"),
    *("WantedBy", "RequiredBy", "UpheldBy", "BoundBy", "TriggeredBy"),
)
STARTERS = ("WantedBy", "RequiredBy", "UpheldBy", "BoundBy", "TriggeredBy")
ENGINES = ("docker", "podman", "nerdctl", "docker-compose", "podman-compose", "systemd-nspawn", "lxc-start")
"""Programs that start containers as root."""
CGROUPS = "/sys/fs/cgroup"
TREES = ("", "/unified", "/systemd")
"""Trees of control groups: a single one, or those of a host that still has several."""
LINGERING = "/var/lib/systemd/linger"
"""Folder with a file for each account whose units start at boot."""
MOST_PROCESSES = 100
LARGEST = 1 << 20
"""Bytes to read of a file of settings, or of a process's environment."""
MISSING = "does not exist"
TICK = 0.02
"""Seconds of tolerance: the clock of processes counts in hundredths."""

Command = Callable[[Sequence[str]], Tuple[Optional[int], str, str]]
"""Runs a program: exit code, output, and the reason for a missing code."""


class Known(NamedTuple):
    """Names of the application's settings, and the function for fingerprints."""

    patterns: Sequence[str]
    fingerprint: Callable[[str, str], str]
    path: str
    """The deployed ``.env``."""
    others: Collection[str] = ()
    """Files deployed with it."""

    def fingerprints(self, values: Mapping[str, str]) -> Dict[str, str]:
        """Fingerprints by name, of the settings among these values."""
        exact = frozenset(self.patterns)  # most are, and each pattern is compiled to an expression
        patterns = [pattern for pattern in self.patterns if glob.has_magic(pattern)]
        return {
            name: self.fingerprint(name, value)
            for name, value in values.items()
            if name in exact or any(fnmatchcase(name, pattern) for pattern in patterns)
        }


class Manager(NamedTuple):
    """A systemd instance: the host's, or an account's own."""

    program: Sequence[str] = ("systemctl",)
    account: str = "root"
    """Account of a unit without ``User=``."""
    lingers: bool = True
    """Whether the instance starts at boot."""

    def show(self, properties: Sequence[str], names: Sequence[str]) -> Sequence[str]:
        return [*self.program, "show", "--property=" + ",".join(properties), "--", *names]


def units(names: Sequence[str], known: Known, since: Optional[float], run: Command) -> Tuple[List[Dict[str, Any]], str]:
    """Rows of units, or the reason for none. ``since``: time of the file that they read."""
    names = [name for name in names if not name.startswith("-")]
    if not names:
        return [], ""
    manager, own = Manager(), _own_manager(known.path)
    code, text, why = run(manager.show(SHOWN, names))
    entries = systemd_show.shown(text)
    if code == 0 and own and all(entry.get("LoadState") == "not-found" for entry in entries):
        own_code, text, _why = run(own.show(SHOWN, names))
        if own_code == 0:
            manager, entries = own, systemd_show.shown(text)
    if code != 0:
        return (
            [],
            why
            or "systemctl failed with exit code %s; run systemctl on the host, and check that systemd is its init"
            % code,
        )
    if len(entries) != len(names):
        return [], "systemctl show did not list every unit"
    idle = _idle_starters(entries, manager, run)
    return [_row(name, entry, known, since, manager, idle) for name, entry in zip(names, entries)], ""


def _own_manager(path: str) -> Optional[Manager]:
    """Systemd of the account that runs this or, for root, of the file's owner."""
    try:
        uid = os.geteuid() or os.lstat(path).st_uid
        entry = pwd.getpwuid(uid)
    except (OSError, KeyError):
        return None
    if uid == 0:
        return None
    become = () if os.geteuid() else ("setpriv", "--reuid=%d" % uid, "--regid=%d" % entry.pw_gid, "--clear-groups")
    program = (*become, "env", "XDG_RUNTIME_DIR=/run/user/%d" % uid, "systemctl", "--user")
    return Manager(program, entry.pw_name, os.path.exists(os.path.join(LINGERING, entry.pw_name)))


def _idle_starters(entries: Sequence[Mapping[str, str]], manager: Manager, run: Command) -> Set[str]:
    """Inactive units that would start these units: nothing starts them at boot."""
    names = sorted({name for entry in entries for name in _starters(entry)})
    _code, text, _why = run(manager.show(("Id", "ActiveState"), names)) if names else (0, "", "")
    return {entry.get("Id", "") for entry in systemd_show.shown(text) if entry.get("ActiveState") == "inactive"}


def _starters(entry: Mapping[str, str]) -> List[str]:
    return [name for starter in STARTERS for name in entry.get(starter, "").split()]


def _row(
    name: str, entry: Mapping[str, str], known: Known, since: Optional[float], manager: Manager, idle: Set[str]
) -> Dict[str, Any]:
    pid = int(entry["MainPID"]) if entry.get("MainPID", "").isdigit() else 0
    began = processes.start_time(pid) if pid else None
    pids = sorted({pid, *_members(entry.get("ControlGroup", ""))} - {0})[:MOST_PROCESSES]
    fingerprints, silent = find_values(pids, known)
    return {
        "unit": name,
        "load": entry.get("LoadState", ""),
        "active": entry.get("ActiveState", ""),
        "sub": entry.get("SubState", ""),
        "is_up": systemd_show.is_up(entry)
        or (entry.get("ActiveState") == "inactive" and bool(entry.get("TriggeredBy"))),
        "enabled": entry.get("UnitFileState", "") + ("" if manager.lingers else ", but its account does not linger"),
        "starts": manager.lingers and _starts(entry, idle),
        "stale": entry.get("NeedDaemonReload") == "yes",
        "user": _account(entry, pid, manager),
        "container": os.path.basename(_program(entry.get("ExecStart", ""))) in ENGINES,
        "began": timestamps.stamp_of(began) if began is not None else None,
        "old": is_old(began, since),
        "environment": known.fingerprints(_assigned(entry.get("Environment", ""))),
        "files": list(_files(entry.get("EnvironmentFiles", ""), known)),
        "held": fingerprints,
        "silent": silent,
        "pids": pids,
    }


def is_old(began: Optional[float], since: Optional[float]) -> bool:
    """Whether a process began before the file that it reads."""
    return began is not None and since is not None and began + TICK < since


def _starts(entry: Mapping[str, str], idle: Set[str]) -> bool:
    """Whether the unit starts at boot: its starter is active now, and not only for this boot."""
    is_kept = not entry.get("UnitFileState", "").endswith("-runtime")
    return is_kept and any(name not in idle for name in _starters(entry))


def _account(entry: Mapping[str, str], pid: int, manager: Manager) -> str:
    """The unit's account; root even if that change waits for the next start."""
    if entry.get("User") in ("root", "0"):
        return "root"
    process = processes.account(pid) if pid else ""
    return process or entry.get("User") or ("" if entry.get("DynamicUser") == "yes" else manager.account)


def _program(text: str) -> str:
    """Path in ``{ path=/usr/bin/docker ; argv[]=… }``."""
    return text.partition("path=")[2].partition(" ;")[0].strip()


def _assigned(text: str) -> Dict[str, str]:
    """Parses ``Environment=`` as ``systemctl show`` quotes it."""
    try:
        assignments = shlex.split(text)
    except ValueError:
        assignments = text.split()
    return dict(word.split("=", 1) for word in assignments if "=" in word)


def _files(text: str, known: Known) -> Iterator[Dict[str, Any]]:
    """Settings files that are not deployed, in the order in which they count."""
    for line in text.splitlines():
        pattern, _mark, ignores = line.strip().rpartition(" (ignore_errors=")
        for path in sorted(glob.glob(pattern)) or [pattern]:
            if not path or any(_is_same(path, own) for own in (known.path, *known.others)):
                continue
            values, problem = _settings(path)
            if not (problem == MISSING and ignores.startswith("yes")):
                yield {"path": path, "problem": problem, "values": known.fingerprints(values)}


def _is_same(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.normpath(path) == os.path.normpath(other)


def _settings(path: str) -> Tuple[Dict[str, str], str]:
    """Settings as systemd would read them, or the reason why not."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            if stat.S_ISFIFO(os.fstat(handle).st_mode):
                return {}, "is a pipe"
            return dotenv.from_dotenv(stream.read(LARGEST).decode("utf-8"), ["systemd"]), ""
    except FileNotFoundError:
        return {}, MISSING
    except OSError as error:
        return {}, "cannot be read: %s" % error.strerror
    except (UnicodeDecodeError, DotenvError):
        return {}, "cannot be parsed as systemd would"


def find_values(pids: Sequence[int], known: Known) -> Tuple[Dict[str, List[str]], List[int]]:
    """Fingerprints of each setting in the unit's processes, as far as this account may read.

    Also returns processes that did not answer.
    """
    macs_of: Dict[str, Set[str]] = {}
    environments, silent = processes.each(pids, lambda pid: processes.environment(pid, LARGEST))
    for environment in environments.values():
        for name, mac in known.fingerprints(environment).items():
            macs_of.setdefault(name, set()).add(mac)
    return {name: sorted(macs) for name, macs in macs_of.items()}, silent


def _members(group: str) -> Iterator[int]:
    if not group.startswith("/") or "/../" in group + "/":
        return
    for folder, _folders, files in (place for tree in TREES for place in os.walk(CGROUPS + tree + group)):
        if "cgroup.procs" in files:
            try:
                with open(os.path.join(folder, "cgroup.procs"), encoding="ascii") as stream:
                    yield from (int(line) for line in stream)
            except (OSError, ValueError):
                continue
