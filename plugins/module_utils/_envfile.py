# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file on the host. Standard library only; Python 3.8 is enough."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import grp
import hashlib
import os
import pwd
import stat
import time
from typing import Callable, Iterator, NamedTuple, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import HostError

HEADER = "Written by watchparty.secrets. Change the values in their stores, then deploy."
"""The same words whoever writes, so that a deploy and a host's own fetch write the same bytes."""
TEMPORARY = ".tmp-"
MARK = ".mark"
BACKUP = ".proven"
PATIENCE = 15
"""Seconds to wait for another run that writes the same file."""


# No dataclasses in what runs on a host: importing them is a sixth of the time there.
class Ownership(NamedTuple):
    """Who owns the file and who may read it; None keeps what a present file has."""

    uid: Optional[int]
    gid: Optional[int]
    mode: int


def ownership(owner: Optional[str], group: Optional[str], mode: str) -> Ownership:
    """From names or numbers; the group is the owner's own by default. Raises HostError for what is not here."""
    try:
        number = int(mode, 8)
    except ValueError:
        number = -1
    if not 0 <= number <= 0o7777:
        raise HostError("mode %s is not octal; give a string such as '0600'" % mode)
    uid = _number_of(owner, lambda name: pwd.getpwnam(name).pw_uid, "owner")
    gid = _number_of(group, lambda name: grp.getgrnam(name).gr_gid, "group")
    if gid is None and owner is not None and not owner.isdigit():
        gid = pwd.getpwnam(owner).pw_gid
    return Ownership(uid, gid, number)


def _number_of(name: Optional[str], database: Callable[[str], int], what: str) -> Optional[int]:
    if name is None:
        return None
    try:
        return database(name)
    except KeyError:
        if name.isdigit():
            return int(name)
        raise HostError("%s %s does not exist on this host; create it first" % (what, name)) from None


class Present(NamedTuple):
    """What a path holds."""

    content: bytes
    uid: int
    gid: int
    mode: int

    def __repr__(self) -> str:
        return "Present(uid=%d, gid=%d, mode=%o)" % (self.uid, self.gid, self.mode)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextlib.contextmanager
def alone(path: str) -> Iterator[None]:
    """Keeps other runs from the file meanwhile: one that was paused between mark and file must not go on into another.

    Raises HostError after a while.
    """
    directory = os.path.dirname(path) or "."
    try:
        handle = os.open(directory, os.O_RDONLY)
    except OSError:  # what is wrong with the directory is told by whoever looks into it
        yield
        return
    try:
        for _at in range(PATIENCE * 10):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(0.1)
            except OSError as error:
                if error.errno in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):  # a file system without locks
                    break
                raise HostError("%s: cannot be kept from other runs: %s" % (path, error.strerror)) from None
        else:
            raise HostError("%s: another run is writing here and does not end; look at it on the host" % path)
        yield
    finally:
        os.close(handle)


def present(path: str) -> Optional[Present]:
    """The file at ``path``, or None. Refuses what is no regular file, without following a link."""
    directory = os.path.dirname(path) or "."
    if not os.path.isdir(directory):
        raise HostError("%s: the directory %s does not exist; create it first" % (path, directory))
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise HostError("%s: cannot be looked at; use become" % path) from None
    if stat.S_ISLNK(found.st_mode):
        raise HostError("%s: is a symbolic link; remove it, or give the path that it points to" % path)
    if not stat.S_ISREG(found.st_mode):
        raise HostError("%s: is not a regular file; give the path of a file" % path)
    if os.geteuid() not in (0, found.st_uid):
        raise HostError("%s: is owned by uid %d and this is uid %d; use become" % (path, found.st_uid, os.geteuid()))
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as handle:
            content = handle.read()
    except OSError as error:
        raise HostError("%s: cannot be read: %s" % (path, error.strerror)) from None
    return Present(content, found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode))


def required(path: str) -> Present:
    """The file at ``path``, which must be there."""
    found = present(path)
    if found is None:
        raise HostError("%s: is gone; deploy again" % path)
    return found


def filled(wanted: Ownership, found: Optional[Present]) -> Ownership:
    """What is wanted, with the owner and group of a present file where none is asked for."""
    if found is None:
        return wanted
    uid = found.uid if wanted.uid is None else wanted.uid
    gid = found.gid if wanted.gid is None else wanted.gid
    return Ownership(uid, gid, wanted.mode)


def drifted(found: Optional[Present], wanted: Ownership) -> bool:
    """Whether the file is missing, or its owner, group or mode differ from what is wanted."""
    return (
        found is None
        or found.mode != wanted.mode
        or (wanted.uid is not None and found.uid != wanted.uid)
        or (wanted.gid is not None and found.gid != wanted.gid)
    )


def write(path: str, content: bytes, wanted: Ownership) -> None:
    """Puts ``content`` at ``path`` in one step. Until the rename the old file stays as it is, whatever fails."""
    directory = os.path.dirname(path) or "."
    temporary = os.path.join(directory, os.path.basename(path) + TEMPORARY + os.urandom(8).hex())
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(handle, 0o600)
            if wanted.uid is not None or wanted.gid is not None:
                os.fchown(handle, -1 if wanted.uid is None else wanted.uid, -1 if wanted.gid is None else wanted.gid)
            left = memoryview(content)
            while left:
                left = left[os.write(handle, left) :]
            os.fchmod(handle, wanted.mode)
            os.fsync(handle)
        finally:
            os.close(handle)
        if _read(temporary) != content:
            raise HostError("%s: what was written does not read back; the old file is in place" % path)
        os.rename(temporary, path)
        _sync(directory)
    except OSError as error:
        raise HostError("%s: %s; the old file is in place" % (path, reason(error))) from None
    finally:
        with contextlib.suppress(OSError):  # gone already, or it was never made: the reason above is the one to tell
            os.unlink(temporary)


def sweep(path: str) -> None:
    """Removes temporary files that a killed run left: of ``path``, of its mark and of its backup."""
    directory, name = os.path.dirname(path) or ".", os.path.basename(path)
    starts = tuple(name + suffix + TEMPORARY for suffix in ("", MARK, BACKUP))
    try:
        for found in os.listdir(directory):
            if found.startswith(starts):
                remove(os.path.join(directory, found))
    except OSError as error:
        raise HostError("%s: leftovers beside it cannot be removed: %s" % (path, reason(error))) from None


def reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; free some space"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no permission to write there (%s); use become, or correct owner and group" % error.strerror
    if error.errno == errno.EROFS:
        return "the file system is read-only"
    return "cannot be written: %s" % error.strerror


def _read(path: str) -> bytes:
    with open(path, "rb") as handle:
        return handle.read()


def _sync(directory: str) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
