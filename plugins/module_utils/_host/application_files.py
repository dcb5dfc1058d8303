# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prepares, as root, what other accounts own: a login's keys, the application's directory, its .gitignore."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import stat
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.accounts import HostAccount
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.safe_files import OpenPath
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import authorized_keys, authorized_keys_file

IGNORED = ".env*\n!.env.example\n"
BEGIN, END = "# BEGIN watchparty.secrets\n", "# END watchparty.secrets\n"
_BLOCK = re.compile("(?ms)^%s.*?^%s" % (BEGIN, END))
# The last line that matches decides, so the exception stands last.
_COVERS = re.compile(r"(?ms)^[.]env[*]$.*^!/?[.]env[.]example$")


class FileChange(NamedTuple):
    """``left_out``: keys that were not added."""

    changed: bool
    left_out: List[str]


def authorize(name: str, keys: Sequence[str], options: str, *, add: bool, check: bool) -> FileChange:
    """Adds keys with these options to authorized_keys, with the account's own rights.

    If the file has keys already, only those are updated: a rotation may have removed one. ``add`` adds all.
    """
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        if check:  # the account does not exist yet
            return FileChange(bool(keys), [])
        raise HostError("this host has no account %s" % name) from None
    if user.pw_uid == 0:
        raise HostError("%s is root" % name)
    account = HostAccount(name, user.pw_uid, user.pw_gid, user.pw_dir)
    is_kept = check or not keys
    with authorized_keys_file.acting_as(account.uid, account.gid), _ssh_directory(account, check=is_kept) as at:
        if at is None:
            return FileChange(bool(keys), [])
        with atomic_file.lock(at):
            return _authorize(at, keys, options.encode(), add=add, check=check)


@contextlib.contextmanager
def _ssh_directory(account: HostAccount, *, check: bool) -> Iterator[Optional[OpenPath]]:
    """Opens the path of authorized_keys. None if ``check`` is set and its directory does not exist."""
    with safe_files.place(os.path.join(account.home, ".ssh"), trusted=(0,)) as folder:
        if safe_files.status(folder) is None:
            if check:
                yield None
                return
            os.mkdir(folder.name, 0o700, dir_fd=folder.directory)
    with safe_files.place(os.path.join(account.home, authorized_keys_file.DEFAULT), trusted=(0,)) as at:
        owner = at.components[-1].uid
        if owner != account.uid:
            message = "%s: belongs to %s, but must belong to %s; correct its owner"
            raise HostError(message % (at.folder, safe_files.account(owner), account.name))
        yield at


def _authorize(at: OpenPath, keys: Sequence[str], options: bytes, *, add: bool, check: bool) -> FileChange:
    present = atomic_file.present(at)
    lines = present.content.split(b"\n") if present else []
    entries = [entry for entry in map(authorized_keys.entry_of, lines) if entry]
    blobs = {entry.blob for entry in entries}
    wanted = {_blob_of(key): key for key in keys}
    new_keys = {blob: key for blob, key in wanted.items() if add or not entries or blob in blobs}
    after = []
    for line in lines:
        entry = authorized_keys.entry_of(line)
        if entry and entry.blob in new_keys and entry.options != options:
            line = _line(options, new_keys[entry.blob])
        after.append(line)
    new = [_line(options, key) for blob, key in new_keys.items() if blob not in blobs]
    if new:
        after = [*(after[:-1] if after and not after[-1] else after), *new, b""]
    content = b"\n".join(after)
    changed = content != (present.content if present else b"")
    if changed and not check:
        atomic_file.remove_temporary(at)
        mode = present.mode & 0o644 if present else 0o600
        atomic_file.write(at, content, atomic_file.Ownership(None, None, mode))
    return FileChange(changed, [key for blob, key in wanted.items() if blob not in new_keys])


def _blob_of(key: str) -> bytes:
    try:
        return authorized_keys.blob_of(key)
    except ValueError as error:
        raise HostError("app_host_keys: %s %s; correct it" % (key, error)) from None


def _line(options: bytes, key: str) -> bytes:
    return (options + b" " if options else b"") + key.strip().encode("utf-8")


def own(path: str, owner: Optional[str], group: Optional[str], mode: str, *, check: bool) -> bool:
    """Creates a directory or corrects its owner, group and mode. Returns whether anything changes."""
    try:
        wanted = atomic_file.ownership(owner, group, mode)
    except HostError:
        if check:  # the account does not exist yet
            return True
        raise
    _make_parents(path, check=check)
    try:
        with safe_files.place(path) as at:
            return _own(at, wanted, check=check)
    except safe_files.NoDirectory:
        if check:
            return True
        raise


def _make_parents(path: str, *, check: bool) -> None:
    parent = os.path.dirname(os.path.abspath(path))
    try:
        with safe_files.place(os.path.join(parent, "x")):
            return
    except safe_files.NoDirectory:
        if check:
            return
    _make_parents(parent, check=check)
    with safe_files.place(parent) as at:
        safe_files.require_owners(at, 0)
        with contextlib.suppress(FileExistsError):
            os.mkdir(at.name, 0o755, dir_fd=at.directory)


def _own(at: OpenPath, wanted: atomic_file.Ownership, *, check: bool) -> bool:
    present = safe_files.status(at)
    if present is not None and not stat.S_ISDIR(present.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(present.st_mode) else "not a directory"
        raise HostError("%s: is %s; give the path of a directory (app_host_directory)" % (at.path, kind))
    uid = wanted.uid if wanted.uid is not None else present.st_uid if present else 0
    safe_files.require_owners(at, uid, "app_host_owner")
    if check and present is None:
        return True
    is_new = present is None
    if is_new:
        os.mkdir(at.name, 0o700, dir_fd=at.directory)
    handle = os.open(at.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at.directory)
    try:
        now = os.fstat(handle)
        if present and not os.path.samestat(present, now):
            raise HostError("%s: another process replaced it meanwhile; run again" % at.path)
        gid = now.st_gid if wanted.gid is None else wanted.gid
        same = (now.st_uid, now.st_gid, stat.S_IMODE(now.st_mode)) == (uid, gid, wanted.mode)
        if not same and not check:
            os.fchown(handle, uid, gid)
            os.fchmod(handle, wanted.mode)
        return is_new or not same
    finally:
        os.close(handle)


def ignore(checkout: str, *, check: bool) -> bool:
    """Adds .env* to a checkout's .gitignore, with the rights of the checkout's owner. Returns whether it changes."""
    try:
        with _git_ignore(checkout) as result:
            return result is not None and _ignore(*result, check=check)
    except safe_files.NoDirectory:
        return False


@contextlib.contextmanager
def _git_ignore(checkout: str) -> Iterator[Optional[Tuple[OpenPath, os.stat_result]]]:
    path = os.path.join(checkout, ".gitignore")
    with safe_files.place(path) as at:
        owner = at.components[-1].uid
        group = os.fstat(at.directory).st_gid
        if owner == 0:
            safe_files.require_owners(at, 0)
    with authorized_keys_file.acting_as(owner, group), safe_files.place(path, trusted=(0, owner)) as at:
        git = safe_files.status(at.sibling(".git"))
        yield (at, git) if git else None


def _ignore(at: OpenPath, git: os.stat_result, *, check: bool) -> bool:
    present = atomic_file.present(at)
    before = present.content.decode("utf-8", "surrogateescape") if present else ""
    block = BEGIN + IGNORED + END
    if BEGIN not in before and _COVERS.search(before):
        return False
    if _BLOCK.search(before):
        after = _BLOCK.sub(lambda _match: block, before, count=1)
    else:
        after = before + ("\n" if before and not before.endswith("\n") else "") + block
    if after == before:
        return False
    if not check:
        wanted = atomic_file.Ownership(git.st_uid, git.st_gid, 0o644) if os.geteuid() == 0 else None
        ownership = atomic_file.Ownership(None, None, present.mode if present else 0o644)
        atomic_file.write(
            at, after.encode("utf-8", "surrogateescape"), atomic_file.filled(wanted or ownership, present)
        )
    return True
