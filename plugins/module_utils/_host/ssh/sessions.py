# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Live SSH sessions of an account: which key opened each, and the end of those that must go.

sshd tells the key in its log alone. The systemd journal says who wrote a line; a text file does not, so what it says in
a session's favour is not believed after a leak. Standard library only; Python 3.8.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes as kernel_processes
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import all_accounts, auth_log

LOGS = ("/var/log/auth.log", "/var/log/secure")
PATIENCE = 10.0
QUIET = 3
"""Looks in a row that must find nothing."""
_TITLE = re.compile(r"(?:sshd|sshd-session): (?P<user>[^\s@\[]+)(?: \[priv\]|@\S+)?$")
_SCOPE = re.compile(r"^\d+:[^:]*:(?P<scope>/\S*/session-[^/]+\.scope)", re.MULTILINE)
_LINE = re.compile(r"\b(?:sshd|sshd-session)\[(?P<pid>\d+)\]: (?P<words>Accepted .*)")


class Process(NamedTuple):
    pid: int
    parent: int
    session: int
    started: float
    """Seconds since 1970."""
    title: str
    scope: str
    """The control group that systemd-logind made for its session; empty without one."""


class Opened(NamedTuple):
    """What sshd's log says of a session."""

    user: str
    by: str
    """The key's fingerprint, or the method where it was no key."""
    source: str
    at: float
    """When; 0 where the log does not tell."""
    trusted: bool


Processes = Mapping[int, Process]


def heads(processes: Processes, account: str) -> List[Process]:
    """The topmost process of each of the account's connections."""
    found = []
    for process in processes.values():
        if _user(process) == account and _user(processes.get(process.parent)) != account:
            found.append(process)
    return found


def _user(process: Optional[Process]) -> Optional[str]:
    match = _TITLE.match(process.title) if process else None
    return match.group("user") if match else None


def ancestors(processes: Processes, pid: int) -> Set[int]:
    """The process itself, its parent and so on."""
    found: Set[int] = set()
    while pid in processes and pid not in found:
        found.add(pid)
        pid = processes[pid].parent
    return found


def scope_of(processes: Processes, head: Process) -> str:
    """The control group that was made for this connection: nothing in it is older. An sshd that somebody started by
    hand is in that person's own."""
    scopes = {one.scope for one in processes.values() if one.parent == head.pid} | {head.scope}
    for scope in sorted(scopes - {""}):
        if all(one.started >= head.started - 0.1 for one in processes.values() if one.scope == scope):
            return scope
    return ""


def members(processes: Processes, roots: Iterable[int], scopes: Iterable[str]) -> Set[int]:
    """Every process below the roots, also those whose parents have ended, and all in these scopes."""
    wanted = set(scopes)
    found = {one.pid for one in processes.values() if one.scope in wanted} | {pid for pid in roots if pid in processes}
    while True:
        more = {one.pid for one in processes.values() if one.parent in found or one.session in found} - found
        if not more:
            return found
        found |= more


def opened_of(head: Process, told: Mapping[int, Opened], account: str) -> Optional[Opened]:
    """What the log says of this very process, not of one that had its number before."""
    found = told.get(head.pid)
    if found is None or found.user != account or (found.at and found.at < head.started - 2):
        return None
    return found


def must_end(opened: Optional[Opened], key: str, *, leak: bool) -> bool:
    """Whether a session goes with the key; after a leak also one of which nobody can tell that another opened it."""
    if opened is not None and opened.by == key:
        return True
    return leak and not (opened is not None and opened.trusted)


def accepted(words: str, *, at: float, trusted: bool) -> Optional[Opened]:
    """What a line of sshd's log says of a login."""
    found = auth_log.accepted(words)
    if found is None:
        return None
    by = found.fingerprint if found.method == "publickey" else found.method
    if found.method == "publickey" and not by.startswith("SHA256:"):  # a log with other fingerprints
        return None
    return Opened(found.user, by, found.address, at, trusted)


def from_journal(lines: Iterable[str]) -> Dict[int, Opened]:
    """By process, out of journalctl's JSON; the newest line counts."""
    found: Dict[int, Opened] = {}
    for line in lines:
        try:
            entry = json.loads(line)
            one = accepted(str(entry["MESSAGE"]), at=int(entry["__REALTIME_TIMESTAMP"]) / 1e6, trusted=True)
            pid = int(entry["_PID"])
        except (ValueError, KeyError, TypeError):
            continue
        if one is not None:
            found[pid] = one
    return found


def from_log(lines: Iterable[str]) -> Dict[int, Opened]:
    """By process, out of a text log; anybody on the host may have written its lines."""
    found: Dict[int, Opened] = {}
    for line in lines:
        match = _LINE.search(line)
        one = accepted(match.group("words"), at=0.0, trusted=False) if match else None
        if match is not None and one is not None:
            found[int(match.group("pid"))] = one
    return found


# What follows looks at the machine, and changes it.


def processes() -> Dict[int, Process]:
    """Every process that can be seen."""
    found: Dict[int, Process] = {}
    for pid in kernel_processes.pids():
        stat = kernel_processes.stat(pid)
        if stat is not None:  # else it has ended meanwhile
            scope = _SCOPE.search(kernel_processes.control_groups(pid))
            found[pid] = Process(
                pid=pid,
                parent=stat.parent,
                session=stat.session,
                started=stat.began,
                title=kernel_processes.title(pid),
                scope=scope.group("scope") if scope else "",
            )
    return found


def told(pids: Sequence[int]) -> Dict[int, Opened]:
    """What the logs say of these processes; text files, which may be long, only where the journal is silent."""
    found: Dict[int, Opened] = {}
    journal = from_journal(_journal(pids))
    for path in LOGS if set(pids) - set(journal) else ():
        found.update(from_log((all_accounts.read(path) or b"").decode("utf-8", "replace").splitlines()))
    return {**found, **journal}


def _journal(pids: Sequence[int]) -> Iterator[str]:
    """sshd's lines, as written by root: a line's writer is the one thing that the journal vouches for."""
    fields = ["SYSLOG_IDENTIFIER=sshd", "SYSLOG_IDENTIFIER=sshd-session", "_UID=0", *("_PID=%d" % pid for pid in pids)]
    command = ["journalctl", "--quiet", "--no-pager", "--output=json", *fields]
    try:
        # run_command knows no deadline.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return iter(())
    return iter(done.stdout.decode("utf-8", "replace").splitlines())


class EndedSessions(NamedTuple):
    sources: List[str]
    """Where each session that was ended came from; "unknown" where the log does not tell."""
    left: int
    """Sessions that stay although nobody can tell which key opened them."""


def end(
    account: str,
    key: str,
    *,
    leak: bool,
    check: bool,
    look: Callable[[], Dict[int, Process]] = processes,
    ask: Callable[[Sequence[int]], Dict[int, Opened]] = told,
    kill: Callable[[int, int], Any] = os.kill,
    sleep: Callable[[float], Any] = time.sleep,
) -> EndedSessions:
    """Ends the sessions that go with the key, with all that they started, but never the one that this runs in.

    Raises HostError if something is left that cannot be ended.
    """
    logged: Dict[int, Opened] = {}
    ended: Dict[int, str] = {}
    scopes: Set[str] = set()
    going: Set[int] = set()
    quiet, waited, left = 0, 0.0, 0
    while quiet < QUIET and waited < PATIENCE:
        seen = look()
        ours = ancestors(seen, os.getpid())
        found = [one for one in heads(seen, account) if one.pid not in ours]
        unknown = [one.pid for one in found if one.pid not in logged]
        logged.update(ask(unknown) if unknown else {})
        sessions = [(one, opened_of(one, logged, account)) for one in found]
        roots = [one for one, opened in sessions if must_end(opened, key, leak=leak)]
        left = sum(opened is None for one, opened in sessions if one not in roots)
        ended.update({one.pid: opened.source if opened else "unknown" for one, opened in sessions if one in roots})
        if check:
            break
        scopes |= {scope_of(seen, one) for one in roots} - {""}
        heads_of = {one.pid for one in roots}
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
    return EndedSessions(list(ended.values()), left)
