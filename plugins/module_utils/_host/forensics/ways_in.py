# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds footholds that the holder of a leaked key may have left on the host. Only reads.

An entry counts if its ctime is after the exposure began: only root can set that time. A package's own content does not
count. If the beginning is unknown, only entries that no ordinary host has count. Of accounts' files, only
authorized_keys is opened.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import stat
from fnmatch import fnmatchcase
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import printable
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import (
    directory_entries,
    host_accounts,
    package_files,
    records,
    rewritten_units,
    start_files,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.directory_entries import Entry
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.host_accounts import OpenedAccount
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.start_files import StartFile
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import all_accounts, key_times, sessions

MOST = 100
"""Findings of one account, of all keys, or of the system. The last one counts the rest."""
MOST_ACCOUNTS = 50


class Foothold(NamedTuple):
    credential: str
    text: str
    """Description, time, and the command that removes it."""
    key: str = ""
    """Fingerprint of an authorized key."""
    file: str = ""
    """Path of that key's file, or of a changed file."""
    account: str = ""
    group: str = ""
    """The group that the account joined."""


class FootholdSearch:
    """Searches for footholds of the accounts' credentials."""

    def __init__(self, opened: Sequence[OpenedAccount], since: float, root: str = "/") -> None:
        """``since``: start of the exposure; 0 if unknown. ``root``: the directory of the host."""
        self._opened, self._since, self._root = list(opened), since, root
        self._tree = directory_entries.HostTree(root)
        self._seen: Set[str] = set()
        self._own: Optional[Set[str]] = None
        self._left = MOST
        self.footholds: List[Foothold] = []

    def search(self, patterns: Sequence[str], known: Set[str]) -> None:
        """``patterns``: sshd's AuthorizedKeysFile. ``known``: fingerprints of the catalog's keys."""
        sudoers = host_accounts.sudoers(self._root)
        self.short.extend(sudoers.unread)
        root = next(
            (opened for opened in self._opened if host_accounts.may_become_root(opened, sudoers, self._root)), None
        )
        if root and not any(account.uid == 0 for account in self._opened):
            self._opened.append(OpenedAccount("root", 0, "/root", root.credential))
        for account in self._opened[:MOST_ACCOUNTS]:
            with self._part(account.credential, account.name):
                self._account(account)
        first = self._opened[0].credential if self._opened else ""
        if len(self._opened) > MOST_ACCOUNTS:
            self._add(
                first, "the key opens %d accounts, and only %d were searched" % (len(self._opened), MOST_ACCOUNTS)
            )
        with self._part(first, "authorized keys"):
            self._keys(patterns, known, root)
        with self._part(first, "setuid files"):
            self._setuid(root)
        if root:
            with self._part(root.credential, "the system"):
                self._system(root.credential)
            with self._part(root.credential, "accounts"):
                for name, reason in host_accounts.odd(self._root, self._since):
                    text = "account %s %s: userdel -- %s" % (_plain(name), reason, _quoted(name))
                    self._add(root.credential, text, account=printable(name))
                self._groups(root.credential, sudoers)
        for folder in dict.fromkeys(self._tree.overfull):
            text = "%s holds more than %d names, and not all were checked. List them: ls -lct %s"
            text %= (_plain(folder), directory_entries.MOST_NAMES, _quoted(folder))
            if folder in start_files.SETUID:
                self.short.append(text)
            else:
                self._add(first, text)

    @property
    def short(self) -> List[str]:
        """Unsearched paths, with the reason."""
        return self._tree.short

    @contextlib.contextmanager
    def _part(self, credential: str, name: str) -> Iterator[None]:
        """Limits the findings of a part: an answer with too many is rejected as a whole."""
        self._left = MOST
        yield
        if self._left < 0:
            self.footholds.append(Foothold(credential, "and %d more of %s" % (-self._left, _plain(name))))
        self._left = MOST

    def _add(self, credential: str, text: str, **names: str) -> None:
        self._left -= 1
        if self._left >= 0:
            self.footholds.append(Foothold(credential, text, **names))

    def _counts(self, changed: float, *, is_odd: bool) -> bool:
        return changed >= self._since if self._since else is_odd

    # Accounts

    def _account(self, account: OpenedAccount) -> None:
        for place in start_files.OF_ACCOUNT:
            for entry in self._tree.entries(self._pattern(place, account)):
                self._judge(entry, place, account)
        for entry in self._tree.each(start_files.AT_JOBS):
            if entry.status.st_uid == account.uid:
                self._judge(entry, StartFile("", "is a job of at that runs as {account}"), account)
        for folder in start_files.PATH_FOLDERS:
            for entry in self._tree.entries(os.path.join(account.home, folder, "*")):
                self._command(entry, account)

    @staticmethod
    def _pattern(place: StartFile, account: OpenedAccount) -> str:
        return os.path.join(account.home, place.pattern.format(account=account.name))

    def _judge(self, entry: Entry, place: StartFile, account: OpenedAccount) -> None:
        if stat.S_ISDIR(entry.status.st_mode) or entry.path in self._seen:
            return
        self._seen.add(entry.path)
        if self._is_behind_link(entry, account, is_odd=place.is_odd):
            return
        is_file = entry.is_link or stat.S_ISREG(entry.status.st_mode)
        if self._counts(entry.changed, is_odd=place.is_odd or not is_file):
            effect = place.effect if is_file else "is not a regular file. A file there " + place.effect
            remedy = place.remedy.format(account=_quoted(account.name), path=_quoted(entry.path))
            text = "%s changed %s and %s: %s" % (*_shown(entry), effect.format(account=_plain(account.name)), remedy)
            self._add(account.credential, text, file=printable(entry.path))

    def _is_behind_link(self, entry: Entry, account: OpenedAccount, *, is_odd: bool) -> bool:
        """Whether a linked folder of the home leads there. Reports the link once: its target may be the system's own,
        which no command here may remove.
        """
        link = self._tree.linked_folder(entry.path, account.home)
        if link and self._counts(entry.changed, is_odd=is_odd) and link not in self._seen:
            self._seen.add(link)
            text = "%s links to a folder in which a start file changed at %s: rm -- %s"
            self._add(account.credential, text % (_plain(link), timestamps.stamp_of(entry.changed), _quoted(link)))
        return bool(link)

    def _command(self, entry: Entry, account: OpenedAccount, path: Sequence[str] = start_files.SYSTEM_PATH) -> None:
        """Judges a command that the PATH may find before the system's, in the folders of ``path``."""
        name = os.path.basename(entry.path)
        is_second = any(os.path.lexists(self._tree.at(os.path.join(folder, name))) for folder in path)
        is_odd = name in start_files.TAKEN_OVER
        if (
            is_second
            and not self._is_behind_link(entry, account, is_odd=is_odd)
            and self._counts(entry.changed, is_odd=is_odd)
        ):
            text = "%s changed %s and may run instead of the system's command: rm -- %s"
            text %= (*_shown(entry), _quoted(entry.path))
            self._add(account.credential, text, file=printable(entry.path))

    def _keys(self, patterns: Sequence[str], known: Set[str], root: Optional[OpenedAccount]) -> None:
        """Judges these accounts' keys, or those of every account if a key opens root."""
        if not self._since:
            return
        own = {
            path: opened
            for opened in self._opened
            for path in all_accounts.paths_of(patterns, opened.home, opened.name)
        }
        for path in all_accounts.paths(patterns) if root else own:
            account, file = own.get(path, root), all_accounts.file(path)
            if account and file and file.content is not None:
                self._keys_of(file, account.credential, known)
            elif account and file and file.changed:
                text = "%s is not a regular file of at most 4 MiB, so it was not checked: ls -l %s"
                self._add(account.credential, text % (_plain(path), _quoted(path)))

    def _keys_of(self, file: all_accounts.File, credential: str, known: Set[str]) -> None:
        times = key_times.times(file)
        recent = [name for name, at in times.items() if at >= self._since]
        added = [name for name in recent if name not in known and key_times.WITH_OPTIONS not in name]
        added = [name for name in added if name not in self._own_keys()]
        for name in recent:
            key, changes, _options = name.partition(key_times.WITH_OPTIONS)
            if changes and key not in added:
                text = "key %s in %s got command= or environment= at %s or earlier: check these options by %s"
                edit = start_files.EDIT.format(path=_quoted(file.path))
                self._add(credential, text % (key, _plain(file.path), timestamps.stamp_of(times[name]), edit))
        for name in added[: records.MOST_OF_FILE]:
            text = "unknown key %s was added to %s at %s or earlier: remove its line, or run with -e leak_evict=true"
            text %= (name, _plain(file.path), timestamps.stamp_of(times[name]))
            self._add(credential, text, key=name, file=file.path)
        if len(added) > records.MOST_OF_FILE:
            count = len(added) - records.MOST_OF_FILE
            self._add(credential, "%d more unknown keys are in %s" % (count, _plain(file.path)))

    def _own_keys(self) -> Set[str]:
        if self._own is None:
            self._own = sessions.own_keys()
        return self._own

    # The system

    def _setuid(self, root: Optional[OpenedAccount]) -> None:
        owners = {account.uid: account for account in self._opened}
        owners.update({0: root} if root else {})
        folders = [*start_files.SETUID, *(account.home for account in self._opened)]
        programs = {}
        for entry in self._tree.each([os.path.join(folder, "*") for folder in dict.fromkeys(folders)]):
            mode, owner = entry.status.st_mode, owners.get(entry.status.st_uid)
            if owner and stat.S_ISREG(mode) and self._counts(entry.changed, is_odd=True):
                is_set = mode & (stat.S_ISUID | stat.S_ISGID)
                if is_set or self._tree.capability(entry.path):
                    programs[entry.path] = (entry, owner, "chmod u-s,g-s -- {path}" if is_set else "setcap -r {path}")
        # Digests of packages do not cover a file's rights: only its installation explains a change.
        known = self._installed(programs, since=self._since)
        owned = package_files.owned(programs, self._root)
        for path, (entry, owner, undo) in programs.items():
            if path not in known:
                remedy = start_files.REINSTALL if path in owned else undo
                text = "%s changed %s and runs with the rights of %s: %s"
                values = (*_shown(entry), _plain(owner.name), remedy.format(path=_quoted(path)))
                self._add(owner.credential, text % values, file=printable(path))

    def _system(self, credential: str) -> None:
        files: Dict[str, Tuple[Entry, StartFile]] = {}
        scanned: Set[str] = set()
        for place in start_files.OF_SYSTEM:
            for entry in self._tree.entries(place.pattern):
                scanned.add(entry.path)
                is_file = entry.status.st_size and not stat.S_ISDIR(entry.status.st_mode)
                is_named = entry.path in self._seen or start_files.is_left_out(entry.path)
                if is_file and not is_named and self._counts(entry.changed, is_odd=place.is_odd):
                    files.setdefault(entry.path, (entry, place))
        targets = {path: self._tree.target(path) for path in files}
        known = self._installed({*files, *targets.values()}) | {os.devnull}
        account = OpenedAccount("root", 0, "/root", credential)
        for entry in self._tree.each(folder + "/*" for folder in start_files.SYSTEM_PATH[:2]):
            self._command(entry, account, start_files.SYSTEM_PATH[2:])
        for path, (entry, place) in files.items():
            # A link adds nothing if its target is checked by itself.
            is_explained = targets[path] in known or (entry.is_link and targets[path] in scanned)
            if not is_explained and not is_plain_pam(self._tree, path) and not self._is_rewritten(entry):
                self._judge(entry, place, account)

    def _is_rewritten(self, entry: Entry) -> bool:
        """Whether it is a harmless unit that snapd or netplan writes anew."""
        content = None if entry.is_link else all_accounts.read_whole(self._tree.at(entry.path))
        about = (entry.path, entry.status.st_uid, content or b"")
        units = (rewritten_units.SNAP_MOUNT, rewritten_units.NETPLAN)
        return content is not None and any(unit.is_in(*about) for unit in units)

    def _groups(self, credential: str, sudoers: host_accounts.Sudoers) -> None:
        joined = host_accounts.joined(self._root, self._since, sudoers)
        if joined is None:
            self.short.append(
                "members of groups: /etc/group changed, and no earlier copy exists. List the members: "
                "getent group sudo wheel docker"
            )
        since = timestamps.stamp_of(self._since)
        for name, group in joined or ():
            text = "account %s joined group %s, whose members may become root, after %s: gpasswd -d %s %s"
            text %= (_plain(name), _plain(group), since, _quoted(name), _quoted(group))
            self._add(credential, text, account=printable(name), group=printable(group))

    def _installed(self, paths: Iterable[str], since: float = 0) -> Set[str]:
        """Paths that are as in a package. If no time counts, the name suffices for a package without digests."""
        return package_files.unchanged(paths, self.short, self._root, by_name=not self._since, since=since)


def is_plain_pam(tree: directory_entries.HostTree, path: str) -> bool:
    """Whether pam-auth-update, which upgrades run, may have written it."""
    if not fnmatchcase(path, "/etc/pam.d/common-*"):
        return False
    content = all_accounts.read_whole(tree.at(path))
    text = "" if content is None else content.decode("utf-8", "replace")
    return content is not None and re.search(start_files.PAM_PROGRAMS, text) is None


def _plain(path: str) -> str:
    return records.plain(path)


def _quoted(path: str) -> str:
    """Quotes for a shell, or describes how to find a name that cannot be typed."""
    # The journal keeps a long text up to its last ": ", where the command begins.
    is_typed = path == _plain(path) and ": " not in path
    return shlex.quote(path) if is_typed else "(its name cannot be typed; find it by ls -lctb)"


def _shown(entry: Entry) -> Tuple[str, str]:
    return _plain(entry.path), timestamps.stamp_of(entry.changed)
