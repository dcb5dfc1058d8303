# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An authorized_keys file on its host: where it is, and changes to it, made as the one whose file it is.

The account's owner may turn its own folders into links while root works there. So the file is changed with no more
rights than the account has, as sshd reads it. Standard library only; Python 3.8.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import stat
from typing import Iterator, List, NamedTuple, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils import _authorized_keys, _envfile
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import HostError

DEFAULT = ".ssh/authorized_keys"


class Account(NamedTuple):
    """Whose logins are meant."""

    name: str
    uid: int
    gid: int
    home: str


class Held(NamedTuple):
    """Which keys the file lets in."""

    old: bool
    new: bool


def account_of(name: Optional[str]) -> Account:
    """The account of that name; by default the one that is logged in, also behind sudo."""
    try:
        found = pwd.getpwnam(name) if name else pwd.getpwuid(int(os.environ.get("SUDO_UID") or os.getuid()))
    except KeyError:
        raise HostError("there is no account %s here; correct options.user" % (name or "of this user")) from None
    return Account(found.pw_name, found.pw_uid, found.pw_gid, found.pw_dir)


def path_of(account: Account, pattern: Optional[str]) -> str:
    """Where the account's file is."""
    return _authorized_keys.path_of(pattern or DEFAULT, account.home, account.name)


@contextlib.contextmanager
def owned(account: Account, path: str) -> Iterator[bool]:
    """Acts as the owner of the file's folder; whether there is a file. Raises HostError for what is not safe."""
    folder = os.path.dirname(path)
    try:
        found = os.stat(folder, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        yield False
        return
    except PermissionError:
        raise HostError("%s: cannot be looked at; use become" % folder) from None
    home = os.path.realpath(account.home)
    inside = folder[len(account.home) :] if (folder + "/").startswith(account.home + "/") else None
    wanted = home + inside if inside is not None else folder
    if stat.S_ISLNK(found.st_mode) or os.path.realpath(folder) != os.path.normpath(wanted):
        raise HostError("%s: leads over a symbolic link; give the path that it points to" % folder)
    if found.st_uid not in (account.uid, 0):
        raise HostError("%s: is owned by uid %d, neither %s nor root" % (folder, found.st_uid, account.name))
    if found.st_uid == 0 and account.uid != 0:
        _require_roots(folder)
    if os.geteuid() not in (0, found.st_uid):
        raise HostError("%s: belongs to another account than this one; use become" % folder)
    with _acting_as(found.st_uid, account.gid if found.st_uid == account.uid else found.st_gid):
        yield _is_there(path, account)


def _is_there(path: str, account: Account) -> bool:
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    except PermissionError:
        raise HostError(
            "%s: %s itself cannot reach it; correct options.authorized_keys" % (path, account.name)
        ) from None
    return True


def _require_roots(folder: str) -> None:
    """Every folder above must be root's, or somebody could move the whole under root's hands."""
    while folder not in ("/", ""):
        folder = os.path.dirname(folder)
        if os.stat(folder).st_uid != 0:
            raise HostError("%s: belongs to somebody, and a folder in it to root; give it to the account" % folder)


@contextlib.contextmanager
def _acting_as(uid: int, gid: int) -> Iterator[None]:
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


def look(account: Account, path: str, old: bytes, new: Optional[bytes]) -> Held:
    """Which of the two keys the file lets in; neither where there is none."""
    with owned(account, path) as there:
        found = _envfile.present(path) if there else None
    text = found.content if found else b""
    return Held(_authorized_keys.holds(text, old), new is not None and _authorized_keys.holds(text, new))


def add(account: Account, path: str, old: bytes, new: str, *, check: bool) -> bool:
    """Lets the new key in wherever the old one is, under the same options; whether that changes the file."""
    with owned(account, path) as there:
        if not there:
            return False
        with _envfile.alone(path):
            found = _envfile.required(path)
            return _changed(path, found, _authorized_keys.added(found.content, old, new), check=check)


def remove(account: Account, path: str, gone: bytes, kept: Optional[bytes], *, check: bool) -> bool:
    """Takes every line of a key away; whether that changes the file.

    Raises HostError where ``kept`` is given and not let in, so that nobody is locked out.
    """
    with owned(account, path) as there:
        if not there:
            return False
        with _envfile.alone(path):
            found = _envfile.required(path)
            if not _authorized_keys.holds(found.content, gone):
                return False
            if kept is not None and not _authorized_keys.holds(found.content, kept):
                raise HostError("%s: does not let the key in that stays; nothing is taken away" % path)
            return _changed(path, found, _authorized_keys.without(found.content, gone), check=check)


def others(account: Account, path: str, *known: Optional[bytes]) -> List[str]:
    """The fingerprints of every other key that is let in."""
    with owned(account, path) as there:
        found = _envfile.present(path) if there else None
    return _authorized_keys.others(found.content if found else b"", tuple(one for one in known if one is not None))


def _changed(path: str, found: _envfile.Present, content: bytes, *, check: bool) -> bool:
    if content == found.content:
        return False
    if not check:
        _envfile.sweep(path)
        gid = None if found.gid == os.getegid() else found.gid
        uid = None if found.uid == os.geteuid() else found.uid
        _envfile.write(path, content, _envfile.Ownership(uid, gid, found.mode))
    return True
