# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Live SSH sessions of an account: which key opened each, and ending those of revoked keys.

sshd names the key only in its log. The systemd journal tells who wrote a line; a text log does not, so it cannot
exonerate a session after a leak. Standard library only; Python 3.8.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from typing import (
    Any,
    Callable,
    Collection,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
)

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes as kernel_processes
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import all_accounts, auth_log

LOGS = ("/var/log/auth.log", "/var/log/secure")
PATIENCE = 10.0
QUIET = 3
"""Consecutive searches that must find nothing."""
_TITLE = re.compile(r"(?:sshd|sshd-session): (?P<user>[^\s@\[]+)(?: \[priv\]|@\S+)?$")
_SCOPE = re.compile(r"^\d+:[^:]*:(?P<scope>/\S*/session-[^/]+\.scope)", re.MULTILINE)
_LINE = re.compile(r"\b(?:sshd|sshd-session)\[(?P<pid>\d+)\]: (?P<message>Accepted .*)")


class Process(NamedTuple):
    pid: int
    parent: int
    session: int
    started: float
    title: str
    scope: str
    """The control group that systemd-logind made for the session. Empty without one."""


class Opened(NamedTuple):
    """A login in sshd's log."""

    user: str
    by: str
    """The key's fingerprint, or another method."""
    source: str
    at: float
    """Seconds since 1970; 0 if the log does not tell."""
    trusted: bool


Processes = Mapping[int, Process]


def heads(processes: Processes, account: str) -> List[Process]:
    """The topmost process of each connection of the account."""
    results = []
    for process in processes.values():
        if _user(process) == account and _user(processes.get(process.parent)) != account:
            results.append(process)
    return results


def _user(process: Optional[Process]) -> Optional[str]:
    match = _TITLE.match(process.title) if process else None
    return match.group("user") if match else None


def ancestors(processes: Processes, pid: int) -> Set[int]:
    results: Set[int] = set()
    while pid in processes and pid not in results:
        results.add(pid)
        pid = processes[pid].parent
    return results


def scope_of(processes: Processes, head: Process) -> str:
    """The control group of this connection, in which nothing is older. An sshd started by hand is in the control group
    of its user."""
    scopes = {process.scope for process in processes.values() if process.parent == head.pid} | {head.scope}
    for scope in sorted(scopes - {""}):
        if all(process.started >= head.started - 0.1 for process in processes.values() if process.scope == scope):
            return scope
    return ""


def members(processes: Processes, roots: Iterable[int], scopes: Iterable[str]) -> Set[int]:
    """Every process below the roots, also after its parents ended, and all in these scopes."""
    wanted = set(scopes)
    pids = {process.pid for process in processes.values() if process.scope in wanted} | {
        pid for pid in roots if pid in processes
    }
    while True:
        additions = {
            process.pid for process in processes.values() if process.parent in pids or process.session in pids
        } - pids
        if not additions:
            return pids
        pids |= additions


def opened_of(head: Process, opened_sessions: Mapping[int, Opened], account: str) -> Optional[Opened]:
    """The log's login of this process, not of an earlier one with the same number."""
    opened = opened_sessions.get(head.pid)
    if opened is None or opened.user != account or (opened.at and opened.at < head.started - 2):
        return None
    return opened


def must_end(opened: Optional[Opened], keys: Collection[str], *, leak: bool) -> bool:
    """Whether a session ends with its key. After a leak, also if one of the keys may have opened it."""
    if opened is not None and opened.by in keys:
        return True
    return leak and not (opened is not None and opened.trusted)


def accepted(message: str, *, at: float, trusted: bool) -> Optional[Opened]:
    """The login in a line of sshd's log."""
    result = auth_log.accepted(message)
    if result is None:
        return None
    by = result.fingerprint if result.method == "publickey" else result.method
    if result.method == "publickey" and not by.startswith("SHA256:"):  # a log with other fingerprints
        return None
    return Opened(result.user, by, result.address, at, trusted)


def from_journal(lines: Iterable[str]) -> Dict[int, Opened]:
    """Logins by process from journalctl's JSON. The newest line counts."""
    opened_sessions: Dict[int, Opened] = {}
    for line in lines:
        try:
            entry = json.loads(line)
            opened = accepted(str(entry["MESSAGE"]), at=int(entry["__REALTIME_TIMESTAMP"]) / 1e6, trusted=True)
            pid = int(entry["_PID"])
        except (ValueError, KeyError, TypeError):
            continue
        if opened is not None:
            opened_sessions[pid] = opened
    return opened_sessions


def from_log(lines: Iterable[str]) -> Dict[int, Opened]:
    """Logins by process from a text log. Anybody on the host may have written its lines."""
    opened_sessions: Dict[int, Opened] = {}
    for line in lines:
        match = _LINE.search(line)
        opened = accepted(match.group("message"), at=0.0, trusted=False) if match else None
        if match is not None and opened is not None:
            opened_sessions[int(match.group("pid"))] = opened
    return opened_sessions


# The rest reads the host's processes and ends them.


def processes() -> Dict[int, Process]:
    processes: Dict[int, Process] = {}
    for pid in kernel_processes.pids():
        stat = kernel_processes.stat(pid)
        if stat is not None:  # else it has ended meanwhile
            scope = _SCOPE.search(kernel_processes.control_groups(pid))
            processes[pid] = Process(
                pid=pid,
                parent=stat.parent,
                session=stat.session,
                started=stat.start_time,
                title=kernel_processes.title(pid),
                scope=scope.group("scope") if scope else "",
            )
    return processes


def logins_of(pids: Sequence[int]) -> Dict[int, Opened]:
    """Logins of these processes. Text logs, which may be long, are read only if the journal misses one."""
    opened_sessions: Dict[int, Opened] = {}
    journal = from_journal(_journal(pids))
    for path in LOGS if set(pids) - set(journal) else ():
        opened_sessions.update(from_log((all_accounts.read(path) or b"").decode("utf-8", "replace").splitlines()))
    return {**opened_sessions, **journal}


def _journal(pids: Sequence[int]) -> Iterator[str]:
    """Lines of sshd, written by root: the journal vouches only for a line's writer."""
    fields = ["SYSLOG_IDENTIFIER=sshd", "SYSLOG_IDENTIFIER=sshd-session", "_UID=0", *("_PID=%d" % pid for pid in pids)]
    command = ["journalctl", "--quiet", "--no-pager", "--output=json", *fields]
    try:
        # run_command has no time limit.
        process = subprocess.run(  # pylint: disable=ansible-bad-function
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return iter(())
    return iter(process.stdout.decode("utf-8", "replace").splitlines())


def own_keys() -> Set[str]:
    """Fingerprints of the keys that opened this run's own session, if the systemd journal tells."""
    opened_sessions = logins_of(sorted(ancestors(processes(), os.getpid())))
    return {opened.by for opened in opened_sessions.values() if opened.trusted}


class EndedSessions(NamedTuple):
    sources: List[str]
    """Source of each ended session; "unknown" if the log does not tell."""
    left: int
    """Sessions that stay although their key is unknown."""


def end(
    account: str,
    keys: Collection[str],
    *,
    leak: bool,
    check: bool,
    look: Callable[[], Dict[int, Process]] = processes,
    ask: Callable[[Sequence[int]], Dict[int, Opened]] = logins_of,
    kill: Callable[[int, int], Any] = os.kill,
    sleep: Callable[[float], Any] = time.sleep,
) -> EndedSessions:
    logged: Dict[int, Opened] = {}
    ended: Dict[int, str] = {}
    scopes: Set[str] = set()
    going: Set[int] = set()
    quiet, waited, remaining = 0, 0.0, 0
    while quiet < QUIET and waited < PATIENCE:
        seen = look()
        ours = ancestors(seen, os.getpid())
        results = [process for process in heads(seen, account) if process.pid not in ours]
        unknown = [process.pid for process in results if process.pid not in logged]
        logged.update(ask(unknown) if unknown else {})
        sessions = [(process, opened_of(process, logged, account)) for process in results]
        roots = [process for process, opened in sessions if must_end(opened, keys, leak=leak)]
        remaining = sum(opened is None for process, opened in sessions if process not in roots)
        ended.update(
            {process.pid: opened.source if opened else "unknown" for process, opened in sessions if process in roots}
        )
        if check:
            break
        scopes |= {scope_of(seen, process) for process in roots} - {""}
        heads_of = {process.pid for process in roots}
        going = members(seen, heads_of, scopes) - ours
        for pid in going:
            # A head closes what PAM opened once its child is gone; it is ended itself where it does not.
            if pid not in heads_of or waited > 1:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    kill(pid, signal.SIGKILL)
        quiet = 0 if going else quiet + 1
        sleep(0.2)
        waited += 0.2
    if not check and quiet < QUIET:
        raise HostError(
            "%d processes of sessions of %s cannot be ended; use become, or end them by hand: %s"
            % (len(going), account, " ".join(map(str, sorted(going))))
        )
    return EndedSessions(list(ended.values()), remaining)
