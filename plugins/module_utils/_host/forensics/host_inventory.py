# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes a host's inventory for its baseline: accounts that may log in or become root, start files and listeners. Only
reads.

Returns names as they are, and contents as keyed digests. Unchanged files of packages are no entries, so an upgrade
changes nothing. If this account may not read all of a kind, the whole kind is left out.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import os
import re
import shlex
import stat
from dataclasses import dataclass, field
from typing import Any, Callable, Collection, Dict, Iterator, List, Mapping, Sequence, Set, Tuple, Union

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    fingerprints,
    server_baseline,
    time_limit,
    timestamps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import (
    directory_entries,
    host_accounts,
    listeners,
    package_files,
    rewritten_units,
    start_files,
    ways_in,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.directory_entries import Entry
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.start_files import StartFile
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import all_accounts, authorized_keys

ACCOUNT, PASSWORD, MEMBER, KEY = "account", "password", "group member", "authorized key"
SETUID, UNIT, START = "setuid file", "unit", "start file"
LISTENER, AT_JOB = server_baseline.PASSING
BY_PATH = (
    ("sudoers file", ("/etc/sudoers", "/etc/doas.conf", "/etc/polkit-1/")),
    ("cron file", ("/etc/cron", "/etc/anacrontab", "/var/spool/cron/")),
    ("PAM file", ("/etc/pam.d/", "/etc/security/")),
    ("SSH daemon file", ("/etc/ssh/",)),
    (UNIT, ("/etc/systemd/", "/etc/containers/", "/usr/lib/systemd/", "/usr/local/lib/systemd/", "/run/systemd/")),
    (START, ("/",)),
)
"""Path prefixes of the system's start files, by kind."""
KINDS = (ACCOUNT, PASSWORD, MEMBER, KEY, SETUID, LISTENER, AT_JOB, *(kind for kind, _begins in BY_PATH))
LINGER = next(place for place in start_files.OF_ACCOUNT if "/linger/" in place.pattern)
OF_ACCOUNT = {
    UNIT: [place for place in start_files.OF_ACCOUNT if "systemd" in place.pattern and place != LINGER],
    START: [place for place in start_files.OF_ACCOUNT if place.effect == start_files.LOGIN],
}
"""Start files that are seldom edited."""
MOST_HOMES = 1000
SECONDS = 20.0
MOST, MOST_BYTES = 200, 64 << 10
"""Entries of a kind that one account can make, and their size. Another entry stands for the rest."""
OTHERS = "accounts that passwd does not have"
"""Owners such as those of a user namespace, of which one account has many."""
CLOSED = "%s may not be read by this account; use become"
_STARTED = re.compile(rb"(?m)^[ \t]*Exec\w+[ \t]*=[ \t]*[-@:+!|]*(/\S+)")


KnownKey = Tuple[str, str]
"""Fingerprint of a catalog's key, and its own file, in which it is compared with the stores instead."""
Facts = Union[str, Callable[[], str]]
"""Text, or a function that reads it only for listed entries."""


@dataclass
class AccountShare:
    """Entries of one account and kind."""

    count: int = 0
    size: int = 0
    rest: List[str] = field(default_factory=list)
    """Entries beyond the limits."""

    @property
    def is_full(self) -> bool:
        return self.count >= MOST or self.size >= MOST_BYTES


def read_inventory(key: str, known: Sequence[Mapping[str, str]], seconds: float = SECONDS) -> Dict[str, Any]:
    """This host's inventory in a server's format, and reasons for ``unread`` kinds. ``known``: the catalog's keys with
    fingerprint, account and file.
    """

    def look() -> Dict[str, Any]:
        keys = {(entry["fingerprint"], host_accounts.key_file(entry["account"], entry["file"])) for entry in known}
        return HostInventory(key).read(all_accounts.sshd()[0], keys)

    try:
        return time_limit.within(seconds, look, failed("incomplete after %.0f s" % seconds))
    except Exception as error:  # noqa: BLE001 # pylint: disable=broad-exception-caught # a host may hold anything
        return failed(type(error).__name__)


def failed(problem: str) -> Dict[str, Any]:
    """An empty inventory with its problem."""
    return {**server_baseline.no_inventory(), "problems": [problem], "unread": {}}


class HostInventory:
    """Makes an inventory. ``key`` is for the digests, ``root`` the directory of the host."""

    def __init__(self, key: str, root: str = "/") -> None:
        self._key, self._root = key, root
        self._tree = directory_entries.HostTree(root)
        self._entries: List[server_baseline.Entry] = []
        self._unread: Dict[str, str] = {}
        self._shares: Dict[Tuple[str, str], AccountShare] = {}
        """Shares by kind and account."""
        self._uids: Set[str] = set()
        self._key_files: Set[str] = set()
        """Paths whose keys are entries themselves, or the catalog's."""

    def read(self, patterns: Sequence[str], known: Collection[KnownKey]) -> Dict[str, Any]:
        """``patterns``: sshd's AuthorizedKeysFile."""
        accounts = [fields for fields in host_accounts.rows(self._root, "passwd", 7) if fields[2].isdecimal()]
        self._uids = {fields[2] for fields in accounts}
        people = [fields for fields in accounts if host_accounts.logs_in_with(fields[6])]
        self._accounts(accounts)
        self._keys(accounts, patterns, known)
        homes = self._homes(accounts)
        self._setuid(homes)
        with self._reading(AT_JOB):
            for entry in self._tree.each(start_files.AT_JOBS):
                self._file(AT_JOB, entry, StartFile("", ""), of=self._of(entry.status.st_uid) or "root")
        self._listeners()
        self._start_files(homes, people)
        for (kind, account), share in self._shares.items():
            if share.rest:
                facts = "%d, %s" % (len(share.rest), self._digest("\n".join(share.rest)))
                self._entries.append(server_baseline.entry_of(kind, "and more of %s" % account, facts, ""))
        inventory = server_baseline.no_inventory()
        part = {
            "kinds": sorted(set(KINDS) - set(self._unread)),
            "entries": [entry for entry in self._entries if entry["kind"] not in self._unread],
        }
        server_baseline.add(inventory, part)
        return {**inventory, "unread": self._unread}

    @contextlib.contextmanager
    def _reading(self, kind: str) -> Iterator[None]:
        """Leaves the kind out if a folder cannot be read meanwhile. An overfull folder hides only itself."""
        unseen, full = self._tree.unseen, len(self._tree.overfull)
        yield
        if self._tree.unseen > unseen:
            self._leave_out(kind, self._tree.last_unseen)
        for path in self._tree.overfull[full:]:
            self._add(kind, "folder %s" % path, "more than %d names" % directory_entries.MOST_NAMES, "")

    def _leave_out(self, kind: str, reason: str) -> None:
        self._unread.setdefault(kind, server_baseline.printable(reason))

    def _add(self, kind: str, name: str, facts: Facts, undo: str, changed: float = 0, *, of: str = "") -> None:
        """``of``: the account that could add more of them."""
        share = self._shares.setdefault((kind, of), AccountShare()) if of else AccountShare()
        if share.is_full:
            share.rest.append("%s %s" % (name, changed if callable(facts) else facts))
            return
        entry = server_baseline.entry_of(kind, name, facts() if callable(facts) else facts, undo)
        entry.update({"since": timestamps.stamp_of(changed)} if changed else {})
        share.count, share.size = share.count + 1, share.size + len(json.dumps(entry))
        self._entries.append(entry)

    def _of(self, uid: Any) -> str:
        """Account with that id, which could add more entries; empty for root."""
        return ("uid %s" % uid if str(uid) in self._uids else OTHERS) if str(uid) != "0" else ""

    def _digest(self, content: Any) -> str:
        data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        return server_baseline.keyed(self._key, hashlib.sha256(data).hexdigest())

    # Accounts

    def _accounts(self, accounts: Sequence[Sequence[str]]) -> None:
        """Adds accounts, passwords and members. Packages make accounts that cannot log in, which are left out."""
        shadow = {fields[0]: fields[1] for fields in host_accounts.rows(self._root, "shadow", 3)}
        if _is_closed(self._tree.at("/etc/shadow")):
            self._leave_out(PASSWORD, CLOSED % "/etc/shadow")
        sudoers = host_accounts.sudoers(self._root)
        for reason in sudoers.unread:
            self._leave_out(MEMBER, reason)
        named = {words[0][1:] for words in sudoers.words if words[0].startswith("%")}
        administrators = named.union(host_accounts.ADMINISTRATORS)
        groups = {fields[2]: fields[0] for fields in host_accounts.rows(self._root, "group", 4)}
        members = host_accounts.members(self._root, "etc", "group")
        listed: Set[str] = set()
        for fields in accounts:
            name, password, uid, gid = fields[:4]
            if groups.get(gid) in administrators and uid != "0":
                self._add(MEMBER, "%s in %s" % (name, groups[gid]), "", "")
            if uid == "0" or host_accounts.logs_in_with(fields[6]):
                listed.add(name)
                facts = "uid %s, gid %s, home %s, shell %s" % (uid, gid, fields[5], fields[6])
                self._add(ACCOUNT, name, facts, "userdel -f -- %s" % shlex.quote(name))
            secret = shadow.get(name, "*") if password == "x" else password
            if secret[:1] not in ("!", "*"):
                facts = self._digest(secret) if secret else "none needed"
                self._add(PASSWORD, name, facts, "passwd -l %s" % shlex.quote(name))
        for name, group in sorted(set(members)):
            if name in listed or group in administrators:
                undo = "gpasswd -d %s %s" % (shlex.quote(name), shlex.quote(group))
                self._add(MEMBER, "%s in %s" % (name, group), "", undo)

    def _keys(self, accounts: Sequence[Sequence[str]], patterns: Sequence[str], known: Collection[KnownKey]) -> None:
        owners: Dict[str, str] = {}
        for fields in accounts:
            for path in all_accounts.paths_of(patterns, fields[5], fields[0]):
                owners.setdefault(path, fields[0])
        self._key_files = {*owners, *(path for _fingerprint, path in known)}
        for path, account in owners.items():
            file = all_accounts.file(self._tree.at(path))
            undo = start_files.EDIT.format(path=shlex.quote(path))
            if file and file.content is None and _is_closed(file.path):
                self._leave_out(KEY, CLOSED % path)
            elif file and file.content is None:
                self._add(KEY, "file %s" % path, "no regular file of at most 4 MiB", undo, of=account)
            elif file:
                for line in filter(None, map(authorized_keys.entry_of, (file.content or b"").split(b"\n"))):
                    name = fingerprints.of_ssh_key(line.blob)
                    if (name, path) not in known:
                        facts = "options %s" % self._digest(line.options) if line.options else ""
                        removal = authorized_keys.removal(line.blob, path)
                        self._add(KEY, "%s in %s" % (name, path), facts, removal, file.kernel_changed, of=account)

    # Files

    def _homes(self, accounts: Sequence[Sequence[str]]) -> List[Sequence[str]]:
        """First account of each home, even if it cannot log in: it may have units."""
        homes: Dict[str, Sequence[str]] = {}
        for fields in accounts:
            homes.setdefault(self._tree.target(fields[5]), fields)
        result = [fields for home, fields in homes.items() if home not in start_files.SYSTEM_PATH]
        for kind in (UNIT, SETUID) if result[MOST_HOMES:] else ():
            self._leave_out(kind, "more than %d accounts have a home" % MOST_HOMES)
        return result[:MOST_HOMES]

    def _setuid(self, homes: Sequence[Sequence[str]]) -> None:
        """Includes programs of packages: their content does not show their mode."""
        folders = dict.fromkeys([*start_files.SETUID, *(fields[5] for fields in homes)])
        programs: Dict[str, Tuple[Entry, str]] = {}
        with self._reading(SETUID):
            for entry in self._tree.each(os.path.join(folder, "*") for folder in folders):
                if stat.S_ISREG(entry.status.st_mode):
                    capability = self._tree.capability(entry.path)
                    if capability or entry.status.st_mode & (stat.S_ISUID | stat.S_ISGID):
                        programs[entry.path] = (entry, capability)
        of_packages = self._of_packages(path for path in programs if _is_in_system(path))
        for path, (entry, capability) in programs.items():
            facts = functools.partial(self._mode, entry, capability, of_packages.get(path, False))
            undo = "chmod u-s,g-s -- %s" if not capability else "setcap -r %s"
            of = self._of(entry.status.st_uid) or ("" if _is_in_system(path) else os.path.dirname(path))
            self._add(SETUID, path, facts, undo % shlex.quote(path), entry.changed, of=of)

    def _mode(self, entry: Entry, capability: str, is_unchanged: bool) -> str:
        status = entry.status
        facts = "mode %04o, uid %d, gid %d" % (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
        facts += ", capability %s" % capability if capability else ""
        return facts + ("" if is_unchanged else ", content %s" % self._content(SETUID, entry.path))

    def _start_files(self, homes: Sequence[Sequence[str]], people: Sequence[Sequence[str]]) -> None:
        files: Dict[str, Tuple[str, Entry, StartFile]] = {}
        for place in start_files.OF_SYSTEM:
            kind = _kind(place.pattern)
            with self._reading(kind):
                for entry in self._tree.entries(place.pattern):
                    is_other = entry.path in self._key_files or start_files.is_left_out(entry.path)
                    if entry.status.st_size and not stat.S_ISDIR(entry.status.st_mode) and not is_other:
                        files.setdefault(entry.path, (kind, entry, place))
        targets = {path: self._tree.target(path) for path in files}
        of_packages = self._of_packages([*files, *targets.values()])
        explained = {path for path, is_same in of_packages.items() if is_same} | {os.devnull}
        explained |= {path for path, (_kind, entry, _place) in files.items() if self._mounts_snap(path, entry)}
        for path, (kind, entry, place) in files.items():
            is_explained = targets[path] in explained or (entry.is_link and self._is_other(kind, targets[path], files))
            if not is_explained and not ways_in.is_plain_pam(self._tree, path):
                self._file(kind, entry, place._replace(remedy=_remedy(place, path, of_packages)))
        with self._reading(UNIT):
            for entry in self._tree.entries(LINGER.pattern.format(account="*")):
                self._file(UNIT, entry, LINGER, of=os.path.basename(entry.path))
        for kind, accounts in ((UNIT, homes), (START, people)):
            with self._reading(kind):
                for fields, place in itertools.product(accounts, OF_ACCOUNT[kind]):
                    for entry in self._tree.entries(os.path.join(fields[5], place.pattern)):
                        if entry.path not in files and not stat.S_ISDIR(entry.status.st_mode):
                            self._file(kind, entry, place, of=fields[0])

    def _mounts_snap(self, path: str, entry: Entry) -> bool:
        content = all_accounts.read_whole(self._tree.at(path)) if path.endswith(".mount") else None
        return content is not None and rewritten_units.SNAP_MOUNT.is_in(path, entry.status.st_uid, content)

    def _is_other(self, kind: str, target: str, files: Collection[str]) -> bool:
        """Whether a link's target is or would be an entry itself: a removed package leaves its links."""
        is_missing = not os.path.lexists(self._tree.at(target))
        return target in files or (is_missing and kind != START and _kind(target) == kind)

    def _file(self, kind: str, entry: Entry, place: StartFile, *, of: str = "") -> None:
        link = "link to %s, " % self._tree.target(entry.path) if entry.is_link else ""
        undo = place.remedy.format(path=shlex.quote(entry.path), account=shlex.quote(of))
        self._add(kind, entry.path, lambda: link + self._content(kind, entry.path), undo, entry.changed, of=of)

    def _content(self, kind: str, path: str) -> str:
        """A digest, and for a unit the programs that it starts, without arguments."""
        content = all_accounts.read(self._tree.at(path))
        if content is None:
            if _is_closed(self._tree.at(path)):
                self._leave_out(kind, CLOSED % path)
            return "no regular file"
        content = rewritten_units.without_revision(path, content)
        programs = _STARTED.findall(content) if kind == UNIT else []
        started = ", ".join(dict.fromkeys(name.decode("utf-8", "surrogateescape") for name in programs[:3]))
        return ("starts %s, " % started if started else "") + "content %s" % self._digest(content)

    def _of_packages(self, paths: Any) -> Dict[str, bool]:
        """Whether files of packages are as installed. Accepts the name if a package has no digests.

        If rpm does not answer, its kinds are left out: all files would differ.
        """
        short: List[str] = []
        result = package_files.compared(paths, short, self._root, by_name=True)
        if package_files.UNANSWERED in short:
            for kind in (SETUID, *(kind for kind, _begins in BY_PATH)):
                self._leave_out(kind, package_files.UNANSWERED)
        return result

    # Listeners

    def _listeners(self) -> None:
        if os.geteuid() != 0:
            self._leave_out(LISTENER, "this account may not see the programs of others; use become")
            return
        for listener in dict.fromkeys(listeners.listeners()):
            undo = "fuser -k %d/%s" % (listener.port, listener.protocol) if listener.port else "ss -tulnp"
            self._add(LISTENER, listener.name, listener.facts, undo, listener.began or 0, of=self._of(listener.uid))


def _remedy(place: StartFile, path: str, of_packages: Collection[str]) -> str:
    """Command that undoes an addition. A package's file was altered. Logins need every file of PAM."""
    if path in of_packages:
        return start_files.REINSTALL
    folder = os.path.dirname(path)
    is_extra = place.remedy == start_files.EDIT and folder.endswith(".d") and folder != "/etc/pam.d"
    return start_files.REMOVE if is_extra else place.remedy


def _kind(path: str) -> str:
    """Kind of the system's start file."""
    if path.endswith("/security/*.so"):
        return "PAM file"
    return next(kind for kind, begins in BY_PATH if path.startswith(begins))


def _is_in_system(path: str) -> bool:
    """Whether only root can make a file there."""
    return os.path.dirname(path) in start_files.SYSTEM_PATH


def _is_closed(path: str) -> bool:
    """Whether this account may not read the file. A broken link is not closed."""
    try:
        os.stat(path)
    except PermissionError:
        return True
    except OSError:
        return False
    return not os.access(path, os.R_OK)
