# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds and changes an authorized_keys file on its host, with its account's rights.

The account may turn its own folders into links while root works there. So the file is changed with no more rights than
the account has, as sshd reads it. Standard library only; Python 3.8.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from typing import Callable, Collection, Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.accounts import HostAccount
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.safe_files import OpenPath
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import authorized_keys

DEFAULT = ".ssh/authorized_keys"


class KeyChange(NamedTuple):
    old: bool
    new: bool


def account_of(name: Optional[str]) -> HostAccount:
    """The account of that name. Without a name, the account that logged in, also before sudo."""
    try:
        account = pwd.getpwnam(name) if name else pwd.getpwuid(int(os.environ.get("SUDO_UID") or os.getuid()))
    except KeyError:
        raise HostError("this host has no account %s; correct options.user" % (name or "of this user")) from None
    return HostAccount(account.pw_name, account.pw_uid, account.pw_gid, account.pw_dir)


def path_of(account: HostAccount, pattern: Optional[str]) -> str:
    return authorized_keys.path_of(pattern or DEFAULT, account.home, account.name)


@contextlib.contextmanager
def owned(account: HostAccount, path: str) -> Iterator[Optional[OpenPath]]:
    """Acts as the owner of the file's directory. Yields the place, or None if it does not exist.

    Raises HostError if the place is not safe.
    """
    trusted = (0, os.geteuid())
    try:
        with safe_files.place(path, trusted=trusted) as at:
            folder = at.components[-1]
            if folder.uid not in (account.uid, 0):
                raise HostError("%s: is owned by uid %d, neither %s nor root" % (folder.path, folder.uid, account.name))
            if folder.uid == 0:
                safe_files.require_owners(at, 0)
            gid = account.gid if folder.uid == account.uid else os.fstat(at.directory).st_gid
    except safe_files.NoDirectory:
        yield None
        return
    if os.geteuid() not in (0, folder.uid):
        raise HostError("%s: belongs to another account; use become" % folder.path)
    with acting_as(folder.uid, gid), _with_its_rights(account, path, trusted) as at:
        yield at if safe_files.status(at) else None


@contextlib.contextmanager
def _with_its_rights(account: HostAccount, path: str, trusted: Tuple[int, int]) -> Iterator[OpenPath]:
    """Opens the place again with the account's rights."""
    with contextlib.ExitStack() as stack:
        try:
            at = stack.enter_context(safe_files.place(path, trusted=trusted))
        except HostError as error:
            message = "%s; account %s itself cannot reach it; correct options.authorized_keys"
            raise HostError(message % (error, account.name)) from None
        yield at


@contextlib.contextmanager
def acting_as(uid: int, gid: int) -> Iterator[None]:
    """Works with another account's rights, if run as root."""
    if os.geteuid() != 0 or uid == 0:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([gid])
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def _content(account: HostAccount, path: str) -> bytes:
    """The content. Empty without a file."""
    with owned(account, path) as at:
        present = atomic_file.present(at)
    return present.content if present else b""


def read_keys(account: HostAccount, path: str, old: bytes, new: Optional[bytes]) -> KeyChange:
    """Whether the file authorizes, or has disabled, each of the two keys."""
    text = _content(account, path)
    return KeyChange(authorized_keys.names(text, old), new is not None and authorized_keys.holds(text, new))


def add(account: HostAccount, path: str, old: bytes, new: str, *, check: bool) -> bool:
    """Authorizes the new key next to the old one, with the same options. Returns whether the file changed."""
    return _edited(account, path, lambda text: authorized_keys.added(text, old, new), check=check)


def remove(account: HostAccount, path: str, removed_key: bytes, kept_key: Optional[bytes], *, check: bool) -> bool:
    """Removes every line of a key. Returns whether the file changed.

    Raises HostError if ``kept_key`` is given but not authorized, so that no account is locked out.
    """

    def edit(text: bytes) -> bytes:
        after = authorized_keys.without(text, removed_key)
        if after != text and kept_key is not None and not authorized_keys.holds(text, kept_key):
            raise HostError("%s: does not authorize the rotation's other key, so no key was removed" % path)
        return after

    return _edited(account, path, edit, check=check)


def disable(account: HostAccount, path: str, key: bytes, *, check: bool) -> bool:
    """Turns every line of a key into a comment. Returns whether the file changed."""
    return _edited(account, path, lambda text: authorized_keys.disabled(text, key), check=check)


def evict(account: HostAccount, path: str, keys: Collection[str], *, check: bool) -> List[str]:
    """Removes foreign keys by fingerprint. Returns the fingerprints that it found."""
    removed: List[str] = []

    def edit(text: bytes) -> bytes:
        entries = filter(None, map(authorized_keys.entry_of, text.split(b"\n")))
        for name, blob in {fingerprints.of_ssh_key(entry.blob): entry.blob for entry in entries}.items():
            if name in keys:
                removed.append(name)
                text = authorized_keys.without(text, blob)
        return text

    if keys:
        _edited(account, path, edit, check=check)
    return removed


def others(account: HostAccount, path: str, *known: Optional[bytes]) -> List[str]:
    return authorized_keys.others(_content(account, path), tuple(data for data in known if data is not None))


def _edited(account: HostAccount, path: str, edit: Callable[[bytes], bytes], *, check: bool) -> bool:
    """Changes the file if it exists. Returns whether it changed."""
    with owned(account, path) as at:
        if not at:
            return False
        with atomic_file.lock(at):
            present = atomic_file.required(at)
            return _write(at, present, edit(present.content), check=check)


def _write(at: OpenPath, present: atomic_file.Present, content: bytes, *, check: bool) -> bool:
    if content == present.content:
        return False
    if not check:
        atomic_file.remove_temporary(at)
        gid = None if present.gid == os.getegid() else present.gid
        uid = None if present.uid == os.geteuid() else present.uid
        atomic_file.write(at, content, atomic_file.Ownership(uid, gid, present.mode))
    return True
