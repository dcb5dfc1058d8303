# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gathers a host's own records within a deadline.

Each sort has its own thread: a hanging thread delays no other, and is reported as missing.
"""

from __future__ import annotations

import glob
import os
import subprocess
import threading
import time
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import processes
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import (
    host_accounts,
    host_inventory,
    records,
    ways_in,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.host_accounts import OpenedAccount
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.records import KeyLine, SshLogin
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.ways_in import Foothold
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers import registry
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import all_accounts

LOGS = ("/var/log/auth.log", "/var/log/secure", "/var/log/auth.log.1", "/var/log/secure.1")
WTMP = "/var/log/wtmp"
JOURNALS = ("/var/log/journal", "/run/log/journal")
JOURNAL_LINES = 20000
MARGIN = 0.3
"""Seconds before the deadline when a part ends itself."""
FORGEABLE = "logins: from a text log, in which every account of this host can forge lines of sshd"


class Placed(NamedTuple):
    """A key of the catalog, and its location."""

    fingerprint: str
    credential: str
    account: str
    """Empty for the account that Ansible logs in as."""
    file: str
    """Value like sshd's AuthorizedKeysFile; empty for the default."""
    leaked: bool


class EvidenceRequest(NamedTuple):
    since: float
    seconds: float
    path: str
    units: Sequence[str]
    known: Sequence[Placed]
    only_ways_in: bool = False
    """Whether to skip logins, authorized_keys, processes and services."""
    look_seconds: float = 0
    """Seconds for footholds and the inventory; 0 for ``seconds``."""
    managed: Sequence[Mapping[str, Any]] = ()
    """Services of managers other than systemd."""
    inventory_key: str = ""
    """Key of the digests; empty if no baseline is compared."""
    inventory_known: Sequence[Mapping[str, str]] = ()


class EvidencePart:
    """Results and problems of one sort of evidence."""

    def __init__(self) -> None:
        self.lines: List[str] = []
        self.footholds: List[Foothold] = []
        self.inventory: Dict[str, Any] = {}
        self.short: List[str] = []
        self.unfinished = ""
        """Reason of the failure."""
        self.done = False


def gather(wanted: EvidenceRequest) -> Dict[str, Any]:
    """Lines with results and with problems; if a key leaked, also possible footholds."""
    began = time.monotonic()
    acts: Dict[str, Callable[[EvidenceRequest, EvidencePart, float], None]] = {}
    if not wanted.only_ways_in:
        acts.update({"logins": _logins, "authorized_keys": _keys, "processes": _processes, "services": _services})
    if any(placed.leaked for placed in wanted.known):
        acts["ways_in"] = _ways_in
    if wanted.inventory_key:
        acts["inventory"] = _inventory
    parts = {name: EvidencePart() for name in acts}
    look_seconds = wanted.look_seconds or wanted.seconds
    seconds = {**dict.fromkeys(acts, wanted.seconds), "ways_in": look_seconds, "inventory": look_seconds}
    threads = {
        name: threading.Thread(target=_guarded, args=(act, wanted, parts[name], began + seconds[name]), daemon=True)
        for name, act in acts.items()
    }
    for thread in threads.values():
        thread.start()
    for name, thread in threads.items():
        thread.join(max(0.0, began + seconds[name] - time.monotonic()))
    lines, short = [], []
    for name, part in parts.items():
        lines += list(part.lines)
        short += list(part.short)
        if not part.done:
            part.unfinished = "incomplete after %.0f s" % seconds[name]
        if part.unfinished:
            short.append("%s: %s" % (name, part.unfinished))
    result: Dict[str, Any] = {"lines": lines, "short": short}
    if "ways_in" in parts:
        footholds = [foothold._asdict() for foothold in list(parts["ways_in"].footholds)]
        result.update(footholds=footholds, unfinished=parts["ways_in"].unfinished)
    if "inventory" in parts:
        problem = parts["inventory"].unfinished
        result["inventory"] = parts["inventory"].inventory or host_inventory.failed(problem)
    return result


def _guarded(
    act: Callable[[EvidenceRequest, EvidencePart, float], None], wanted: EvidenceRequest, part: EvidencePart, end: float
) -> None:
    try:
        act(wanted, part, end)
    except OSError as error:
        part.unfinished = str(error.strerror)
    except Exception as error:  # noqa: BLE001 - what a host holds may break anything, and silence would look like nothing
        part.unfinished = type(error).__name__
    part.done = True


# --- logins ----------------------------------------------------------------------------------------------------------


def _logins(wanted: EvidenceRequest, part: EvidencePart, end: float) -> None:
    """Reads the journal, else the text logs, else wtmp."""
    ssh_logins: List[SshLogin] = []
    message = _from_journal(wanted, ssh_logins, end)
    if message and ssh_logins:
        part.short.append(message)
    elif message and not _from_logs(ssh_logins, part):
        content = all_accounts.read(WTMP)
        part.short += _cut(WTMP, content)
        ssh_logins += list(records.of_wtmp(content or b""))
        part.short += [
            message,
            "logins: read from wtmp only, which names no keys" if content else "logins: no other record can be read",
        ]
    part.lines += records.logins(ssh_logins, wanted.since)
    if not part.lines and not part.short:
        part.lines.append("no login by SSH" + (" since " + timestamps.stamp_of(wanted.since) if wanted.since else ""))


def _from_journal(wanted: EvidenceRequest, ssh_logins: List[SshLogin], end: float) -> Optional[str]:
    """Adds to ``ssh_logins``, the newest first. Returns why logins are missing, or None."""
    files = [path for folder in JOURNALS for path in glob.glob(folder + "/*/system*.journal")]
    if not any(os.access(path, os.R_OK) for path in files):
        return (
            "logins: this user may not read the systemd journal; use become" if files else "logins: no systemd journal"
        )
    command = ["journalctl", "--quiet", "--no-pager", "--reverse", "--output=json", "--output-fields=MESSAGE"]
    # From root only: any account can log as sshd, to invent logins or to push real ones out of the limit.
    command += ["--lines=%d" % JOURNAL_LINES, "SYSLOG_IDENTIFIER=sshd", "SYSLOG_IDENTIFIER=sshd-session", "_UID=0"]
    command += ["--since=@%d" % wanted.since] if wanted.since else []
    try:
        # run_command knows no deadline.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        return "logins: journalctl: %s" % error.strerror
    killer = threading.Timer(max(0.1, end - time.monotonic() - MARGIN), process.kill)
    killer.start()
    lines = 0
    try:
        for line in process.stdout or ():
            lines += 1
            ssh_login = records.of_journal(line.decode("utf-8", "replace"))
            if ssh_login:
                ssh_logins.append(ssh_login)
        code = process.wait()
    finally:
        killer.cancel()
    if code < 0:
        return "logins: the systemd journal was not read to its end: the time limit was reached"
    if lines >= JOURNAL_LINES:
        return "logins: only the newest %d lines of sshd in the systemd journal were read" % JOURNAL_LINES
    return "logins: journalctl failed with exit code %d" % code if code else None


def _from_logs(ssh_logins: List[SshLogin], part: EvidencePart) -> bool:
    """Adds to ``ssh_logins``. Returns whether any log could be read."""
    now, seen = time.time(), False
    for path in LOGS:
        content = all_accounts.read(path)
        if content is not None and not seen:
            part.short.append(FORGEABLE)
        seen = seen or content is not None
        part.short += _cut(path, content)
        for line in (content or b"").decode("utf-8", "replace").splitlines():
            ssh_login = records.of_syslog(line, now)
            if ssh_login:
                ssh_logins.append(ssh_login)
    return seen


def _cut(path: str, content: Optional[bytes]) -> List[str]:
    """A message if only the end of a file was read: noise may have pushed out earlier lines."""
    if content is None or len(content) < all_accounts.LARGEST:
        return []
    return ["logins: only the last %d MiB of %s were read" % (all_accounts.LARGEST >> 20, path)]


# --- keys ------------------------------------------------------------------------------------------------------------


def _keys(wanted: EvidenceRequest, part: EvidencePart, end: float) -> None:
    patterns, command = all_accounts.sshd()
    keys: Dict[str, List[KeyLine]] = {}
    changed: Dict[str, float] = {}
    hidden = 0
    for file in all_accounts.files(patterns):
        if time.monotonic() > end:
            return
        if file.content is None:
            hidden += 1
            continue
        changed[file.path] = file.changed
        keys[file.path] = [key for key in map(records.key_of, file.content.split(b"\n")) if key]
    known = [
        records.KnownKey(
            placed.fingerprint, placed.credential, host_accounts.key_file(placed.account, placed.file), placed.leaked
        )
        for placed in wanted.known
    ]
    part.lines += records.stray_keys(keys, known, changed)
    if hidden:
        message = (
            "authorized_keys: %d files cannot be read or are larger than %d MiB; use become, or check them by hand"
        )
        part.short.append(message % (hidden, all_accounts.LARGEST >> 20))
    if command:
        part.short.append(
            "authorized_keys: keys that the program of AuthorizedKeysCommand authorizes; check them by hand"
        )


# --- footholds ----------------------------------------------------------------------------------------------------


def _ways_in(wanted: EvidenceRequest, part: EvidencePart, end: float) -> None:
    leaked = [placed for placed in wanted.known if placed.leaked]
    patterns = [*all_accounts.sshd()[0], *(placed.file for placed in leaked if placed.file)]
    keys = {placed.fingerprint: placed.credential for placed in leaked}
    users = [(placed.credential, host_accounts.user(placed.account)) for placed in leaked]
    accounts = [OpenedAccount(user.pw_name, user.pw_uid, user.pw_dir, name) for name, user in users if user]
    accounts += host_accounts.holding(patterns, keys)
    search = ways_in.FootholdSearch(list({account.name: account for account in accounts}.values()), wanted.since)
    part.footholds = search.footholds
    search.search(patterns, {placed.fingerprint for placed in wanted.known})
    part.short += ["footholds: " + line for line in search.short]


def _inventory(wanted: EvidenceRequest, part: EvidencePart, end: float) -> None:
    seconds = end - time.monotonic() - MARGIN
    part.inventory = host_inventory.read_inventory(wanted.inventory_key, wanted.inventory_known, seconds)


# --- processes -------------------------------------------------------------------------------------------------------


def _processes(wanted: EvidenceRequest, part: EvidencePart, end: float) -> None:
    if not wanted.units:
        return
    command = ["systemctl", "show", "--property=Id", "--property=MainPID", *wanted.units]
    try:
        process = subprocess.run(  # pylint: disable=ansible-bad-function
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=max(0.1, end - time.monotonic() - MARGIN),
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        message = error.strerror if isinstance(error, OSError) else "failed or was too slow"
        part.short.append("processes: systemctl: %s" % message)
        return
    pids = records.main_pids(process.stdout.decode("utf-8", "replace"))
    start_times = {unit: processes.start_time(pid) for unit, pid in pids.items()}
    part.lines += records.process_lines(start_times, wanted.path, _changed(wanted.path))


def _services(wanted: EvidenceRequest, part: EvidencePart, end: float) -> None:
    declared = [entry for entry in wanted.managed if entry["manager"] != "systemd"]
    for manager in registry.managers([], declared):
        manager.seconds = max(1, int(end - time.monotonic()))
        try:
            states = manager.states()
        except HostError as error:
            part.short.append("services: %s" % error)
            continue
        unknown = [state.unit for state in states if state.is_up and state.began is None]
        part.short += ["services: the start time of %s is unknown" % unit for unit in unknown]
        start_times = {state.unit: state.began for state in states if state.unit not in unknown}
        part.lines += records.process_lines(start_times, wanted.path, _changed(wanted.path))


def _changed(path: str) -> Optional[float]:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None
