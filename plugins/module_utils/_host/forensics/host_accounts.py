# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts of a host: those that may become root, and unusual ones."""

from __future__ import annotations

import glob
import os
import pwd
import re
from typing import Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import (
    all_accounts,
    authorized_keys,
    key_times,
)

ADMINISTRATORS = ("root", "sudo", "wheel", "admin", "docker", "lxd", "incus-admin", "libvirt", "disk", "shadow")
"""Groups whose members may become root."""
COPIES_OF_GROUPS = (("etc", "group-"), ("var/backups", "group.bak"))
"""Copies of the group file, kept by tools that change groups and daily by Debian, with the original's time."""
NO_LOGIN = ("nologin", "false", "sync", "shutdown", "halt")
NO_LOGIN_FOLDERS = ("/bin", "/sbin", "/usr/bin", "/usr/sbin")
"""Folders in which these shells end a login; elsewhere, another file may have the name."""
FIRST_PERSON = 1000
DAY = 86400


class OpenedAccount(NamedTuple):
    """An account that a leaked key opens."""

    name: str
    uid: int
    home: str
    credential: str


class Sudoers(NamedTuple):
    """Rules that let accounts become root."""

    words: Sequence[Sequence[str]]
    """Words of each line."""
    unread: Sequence[str]
    """Message if files could not be read."""


def user(account: str) -> Optional[pwd.struct_passwd]:
    """An account by name; for an empty name, the account that logged in."""
    try:
        uid = int(os.environ.get("SUDO_UID") or os.getuid())
        return pwd.getpwnam(account) if account else pwd.getpwuid(uid)
    except KeyError:
        return None


def key_file(account: str, file: str) -> str:
    """Path of an account's key file; empty if the account does not exist. ``file`` is as for sshd."""
    entry = user(account)
    return authorized_keys.path_of(file or all_accounts.PATTERNS[0], entry.pw_dir, entry.pw_name) if entry else ""


def holding(patterns: Sequence[str], keys: Mapping[str, str]) -> Iterator[OpenedAccount]:
    """Accounts that the keys open. ``keys`` are credentials by fingerprint."""
    for user in pwd.getpwall():
        for file in filter(None, map(all_accounts.file, all_accounts.paths_of(patterns, user.pw_dir, user.pw_name))):
            for name in key_times.times(file):
                if name in keys:
                    yield OpenedAccount(user.pw_name, user.pw_uid, user.pw_dir, keys[name])


def rows(root: str, name: str, least: int, folder: str = "etc") -> List[List[str]]:
    """Fields of each line of an account file. Only a line feed ends a line: a comment may hold other separators."""
    text = (all_accounts.read(os.path.join(root, folder, name)) or b"").decode("utf-8", "replace")
    return [fields for fields in (line.split(":") for line in text.split("\n")) if len(fields) >= least]


def logs_in_with(shell: str) -> bool:
    folder, name = os.path.split(shell)
    return name not in NO_LOGIN or folder not in NO_LOGIN_FOLDERS


def sudoers(root: str) -> Sudoers:
    """Rules of a host, as far as this account may read them."""
    folder = os.path.join(root, "etc/sudoers.d")
    paths = [path for path in (os.path.join(root, "etc/sudoers"), folder) if os.path.lexists(path)]
    paths += glob.glob(os.path.join(folder, "*"))
    texts = {path: all_accounts.read(path) for path in paths if not os.path.isdir(path)}
    unread = [path for path, text in texts.items() if text is None]
    unread += [path for path in paths if os.path.isdir(path) and not os.access(path, os.R_OK | os.X_OK)]
    lines = [line for text in texts.values() for line in (text or b"").decode("utf-8", "replace").splitlines()]
    message = "sudoers cannot be read, so the accounts that may become root are unknown; use become"
    rules = [re.split(r"[\s,=]+", line.partition("#")[0].strip()) for line in lines]
    return Sudoers(rules, [message] if unread else [])


def may_become_root(account: OpenedAccount, rules: Sudoers, root: str) -> bool:
    """Whether groups or sudoers allow it; True if sudoers cannot be read."""
    first = {fields[3] for fields in rows(root, "passwd", 7) if fields[0] == account.name}
    groups = [
        fields[0] for fields in rows(root, "group", 4) if account.name in fields[3].split(",") or fields[2] in first
    ]
    if account.uid == 0 or rules.unread or any(group in ADMINISTRATORS for group in groups):
        return True
    names = {account.name, *("%" + group for group in groups)}
    return any(rule[0] == "ALL" or names.intersection(rule) for rule in rules.words)


def odd(root: str, since: float) -> Iterator[Tuple[str, str]]:
    """Accounts that no package makes, with the reason; empty if the account files have not changed after ``since``."""
    if since and max(_changed(root, name) for name in ("passwd", "shadow")) < since:
        return
    shadow = {fields[0]: fields for fields in rows(root, "shadow", 3)}
    for name, _password, uid, *_more, shell in rows(root, "passwd", 7):
        logs_in = name != "root" and logs_in_with(shell)
        if logs_in and uid == "0":
            yield name, "is root under another name"
        elif logs_in and shadow and name not in shadow:
            yield name, "has no line in /etc/shadow"
        elif logs_in and shadow and not shadow[name][1]:
            yield name, "needs no password"
        elif logs_in and shadow and since and _is_new(uid, shadow[name], since):
            yield name, "was made, or got a password, since %s" % timestamps.stamp_of(since)[:10]


def joined(root: str, since: float, rules: Sudoers) -> Optional[List[Tuple[str, str]]]:
    """Accounts, each with a group joined since then whose members may become root. None if no earlier copy of the
    groups exists.
    """
    if not since or _changed(root, "group") < since:
        return []
    before = _earlier_members(root, since)
    if before is None:
        return None
    named = {words[0][1:] for words in rules.words if words[0].startswith("%")}
    return [
        pair for pair in members(root, "etc", "group") if pair not in before and pair[1] in named.union(ADMINISTRATORS)
    ]


def _earlier_members(root: str, since: float) -> Optional[List[Tuple[str, str]]]:
    """Members in the newest copy of /etc/group from before ``since``."""
    times = {place: _written(os.path.join(root, *place)) for place in COPIES_OF_GROUPS}
    older = {place: at for place, at in times.items() if at and at < since}
    return members(root, *max(older, key=lambda place: older[place])) if older else None


def members(root: str, folder: str, name: str) -> List[Tuple[str, str]]:
    """Pairs of an account and its group."""
    return [(member, fields[0]) for fields in rows(root, name, 4, folder) for member in fields[3].split(",") if member]


def _written(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _is_new(uid: str, fields: List[str], since: float) -> bool:
    """Whether the password, or the account with it, was made since then. Packages make accounts without a password."""
    is_persons = (uid.isdecimal() and int(uid) >= FIRST_PERSON) or fields[1][:1] not in ("!", "*")
    return is_persons and fields[2].isdecimal() and int(fields[2]) >= int(since) // DAY


def _changed(root: str, name: str) -> float:
    try:
        return os.stat(os.path.join(root, "etc", name)).st_ctime
    except OSError:
        return 0.0
