# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Locks, reads and atomically replaces ``.env`` on a host, with its owner and mode."""

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
from typing import Callable, FrozenSet, Iterator, NamedTuple, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.safe_files import OpenPath

HEADER = "Written by watchparty.secrets. Change the values in their stores, then deploy."
"""Header of ``.env``, the same for a deploy and a host's own fetch, so that they write the same bytes."""
TEMPORARY = ".tmp-"
MARK = ".mark"
BACKUP = ".healthy"
FILES = ".files"
"""End of the backup's name if a deploy writes files beside ``.env``."""
LOCK = ".lock"
STATE = "/var/lib/watchparty-secrets"
VOLATILE_STATE = "/run/watchparty-secrets"
VOLATILE = ("/run/", "/dev/shm/")  # noqa: S108 - nothing is made there
"""Directories in memory."""
LONGEST_NAME = 255
LARGEST = 16 << 20
"""Bytes of a file that is read."""
PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_.")
PATIENCE = 15
"""Seconds to wait for another run that writes the same file."""


# No dataclass: importing dataclasses takes a sixth of a run on a host.
class Ownership(NamedTuple):
    """Owner, group and mode. None keeps the value of a present file."""

    uid: Optional[int]
    gid: Optional[int]
    mode: int


def ownership(owner: Optional[str], group: Optional[str], mode: str) -> Ownership:
    """Ownership from names or numbers. The default group is the owner's. Raises HostError for unknown names."""
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


def _number_of(name: Optional[str], database: Callable[[str], int], kind: str) -> Optional[int]:
    if name is None:
        return None
    try:
        return database(name)
    except KeyError:
        if name.isdigit():
            return int(name)
        raise HostError("%s %s does not exist on this host; create it first" % (kind, name)) from None


class Present(NamedTuple):
    """A file's content, owner, group and mode."""

    content: bytes
    uid: int
    gid: int
    mode: int

    def __repr__(self) -> str:
        return "Present(uid=%d, gid=%d, mode=%o)" % (self.uid, self.gid, self.mode)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class EnvFile(NamedTuple):
    """A ``.env`` and its state, in directories that are held open."""

    file: OpenPath
    mark: Optional[OpenPath]
    """None if the state does not exist yet, and the run writes nothing."""
    backup: Optional[OpenPath]
    others: FrozenSet[str] = frozenset()
    """Paths of further files that a deploy writes."""

    @property
    def files_backup(self) -> Optional[OpenPath]:
        """Replaces ``backup`` if there are other files."""
        return self.backup.sibling(self.backup.name + FILES) if self.backup else None

    @property
    def path(self) -> str:
        return self.file.path

    @property
    def own_names(self) -> FrozenSet[str]:
        """Names of our files in the file's own directory."""
        state = [
            open_path.name
            for open_path in (self.mark, self.backup, self.files_backup)
            if open_path and open_path.directory == self.file.directory
        ]
        return frozenset([self.file.name, self.file.name + LOCK, *state])


def state_of(path: str) -> str:
    """Root's directory for the mark and backup of ``path``, named as by systemd-escape."""
    name = "".join(_escaped(number) for number in path.strip("/").encode("utf-8", "surrogateescape")) or "-"
    name = "\\x2e" + name[1:] if name.startswith(".") else name
    if len(name) > LONGEST_NAME:
        name = digest(path.encode("utf-8", "surrogateescape"))
    # The state of a file in memory stays in memory.
    return os.path.join(VOLATILE_STATE if path.startswith(VOLATILE) else STATE, name)


def _escaped(byte: int) -> str:
    if byte == 0x2F:
        return "-"
    return chr(byte) if chr(byte) in PLAIN else "\\x%02x" % byte


@contextlib.contextmanager
def open_file(path: str, *, owner: Optional[int] = None, write: bool = True, look: bool = False) -> Iterator[EnvFile]:
    """Locks ``.env`` and its state: a run that paused between mark and file must not continue into another.
    ``write=False`` creates nothing. ``look=True`` takes no lock.

    Root's state lies where only root writes, any other account's beside the file. Raises HostError if an account other
    than root and ``owner``, by default the file's, may replace the file. A look skips this check.
    """
    write = write and not look
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(safe_files.place(path))
        if not look:
            safe_files.require_file_owner(file, owner, "env_deploy_owner")
            if owner is None:
                safe_files.refuse_planted(file, "env_deploy_owner")
        state = state_of(file.path)
        beside = EnvFile(file, file.sibling(file.name + MARK), file.sibling(file.name + BACKUP))
        if os.geteuid() != 0:
            if write and os.path.lexists(state):
                raise HostError(
                    "%s: an earlier deploy wrote this file as root (state: %s); use become. If root no longer deploys "
                    "it, remove that directory as root" % (file.path, state)
                )
            if not look:
                stack.enter_context(lock(file, file.name + LOCK, make=write))
            yield beside
        elif write or os.path.isdir(state):
            if write:
                make_state(state)
            mark = stack.enter_context(safe_files.place(os.path.join(state, "mark"), trusted=(0,)))
            safe_files.require_owners(mark, 0)
            if not look:
                stack.enter_context(lock(mark))
            env = EnvFile(file, mark, mark.sibling("healthy"))
            if write:
                _remove_state(beside)
            yield env
        else:
            yield EnvFile(file, None, None)


def make_state(state: str) -> None:
    """Raises HostError."""
    try:
        for path, mode in ((os.path.dirname(state), 0o755), (state, 0o700)):
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, mode)
                os.chmod(path, mode)
    except OSError as error:
        raise HostError("%s: %s" % (state, reason(error))) from None


def _remove_state(beside: EnvFile) -> None:
    """Removes the state of deploys by another account: its backup holds values."""
    for old in (beside.files_backup, beside.backup, beside.mark):
        with contextlib.suppress(OSError):  # a directory of that name is not ours
            remove(old)


@contextlib.contextmanager
def lock(at: OpenPath, name: str = "", *, make: bool = False) -> Iterator[None]:
    """Locks other runs out, by a lock on the directory or on its private file ``name``: everybody who may read a
    directory can lock it. Raises HostError after ``PATIENCE``.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK if name else os.O_RDONLY | os.O_DIRECTORY
    flags |= os.O_CLOEXEC | (os.O_CREAT if make else 0)
    try:
        handle = os.open(name or ".", flags, 0o600, dir_fd=at.directory)
    except OSError as error:
        if name and not make:  # nothing was written here yet, or no other writer will
            yield
            return
        raise HostError("%s: %s" % (at.path, reason(error))) from None
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
                raise HostError("%s: cannot be locked against other runs: %s" % (at.path, error.strerror)) from None
        else:
            raise HostError(
                "%s: another process has held its lock for %d s. If a run is active, wait until it ends. To find the "
                "process: fuser -v %s" % (at.path, PATIENCE, os.path.join(os.path.dirname(at.path), name))
            )
        yield
    finally:
        os.close(handle)


def present(at: Optional[OpenPath]) -> Optional[Present]:
    """The file, or None. Raises HostError for anything but a regular file, also for a link."""
    status = safe_files.status(at) if at else None
    if at is None or status is None:
        return None
    if stat.S_ISREG(status.st_mode) and os.geteuid() not in (0, status.st_uid):
        raise HostError(
            "%s: is owned by uid %d and this is uid %d; use become" % (at.path, status.st_uid, os.geteuid())
        )
    try:
        handle = safe_files.opened(at)
    except FileNotFoundError:
        return None
    try:
        with os.fdopen(handle, "rb") as stream:
            status = os.fstat(stream.fileno())
            if status.st_nlink > 1 and os.geteuid() == 0:
                raise HostError(
                    "%s: another path is the same file (hard link); delete it, or replace this path by a copy (cp, mv)"
                    % at.path
                )
            content = stream.read(LARGEST + 1)
            if len(content) > LARGEST:
                raise HostError("%s: is larger than %d MiB; remove it" % (at.path, LARGEST >> 20))
    except OSError as error:
        raise HostError("%s: cannot be read: %s" % (at.path, error.strerror)) from None
    return Present(content, status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode))


def for_writing(at: Optional[OpenPath]) -> OpenPath:
    """The path, which every writing run has."""
    if at is None:
        raise HostError("the state of this file is not locked for writing (please report it)")
    return at


def required(at: OpenPath) -> Present:
    """The file. Raises HostError if it is missing."""
    result = present(at)
    if result is None:
        raise HostError("%s: no longer exists; deploy again" % at.path)
    return result


def filled(wanted: Ownership, result: Optional[Present]) -> Ownership:
    """Ownership with the owner and group of a present file, if ``wanted`` has none."""
    if result is None:
        return wanted
    uid = result.uid if wanted.uid is None else wanted.uid
    gid = result.gid if wanted.gid is None else wanted.gid
    return Ownership(uid, gid, wanted.mode)


def drifted(result: Optional[Present], wanted: Ownership) -> bool:
    """Whether the file is missing, or its owner, group or mode differ from ``wanted``."""
    return (
        result is None
        or result.mode != wanted.mode
        or (wanted.uid is not None and result.uid != wanted.uid)
        or (wanted.gid is not None and result.gid != wanted.gid)
    )


def write(at: OpenPath, content: bytes, wanted: Ownership) -> None:
    """Replaces the file atomically. Until the rename, the old file stays unchanged."""
    with staged(at, content, wanted) as replace:
        replace()


@contextlib.contextmanager
def staged(at: OpenPath, content: bytes, wanted: Ownership) -> Iterator[Callable[[], None]]:
    """Writes a temporary file with the wanted owner and mode. Yields the function that renames it to ``at``."""
    temporary = at.sibling(at.name + TEMPORARY + os.urandom(8).hex())

    def replace() -> None:
        state = "; the old file is in place"
        try:
            os.rename(temporary.name, at.name, src_dir_fd=at.directory, dst_dir_fd=at.directory)
            state = ""
            safe_files.sync(at)
        except OSError as error:
            raise HostError("%s: %s%s" % (at.path, reason(error), state)) from None

    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(temporary.name, flags, 0o600, dir_fd=at.directory)
        try:
            os.fchmod(handle, 0o600)
            if wanted.uid is not None or wanted.gid is not None:
                os.fchown(handle, -1 if wanted.uid is None else wanted.uid, -1 if wanted.gid is None else wanted.gid)
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fchmod(handle, wanted.mode)
            os.fsync(handle)
            if _read_back(handle, len(content)) != content:
                raise HostError(
                    "%s: the disk returned other content than was written; the old file is in place. Check the disk"
                    % at.path
                )
        finally:
            os.close(handle)
        yield replace
    except OSError as error:
        raise HostError("%s: %s; the old file is in place" % (at.path, reason(error))) from None
    finally:
        with contextlib.suppress(OSError):  # renamed already or never made; the error above matters
            os.unlink(temporary.name, dir_fd=at.directory)


def remove_temporary_files(env: EnvFile) -> None:
    """Removes temporary files that a killed run left, of the file, its mark and its backup."""
    remove_temporary(env.file, "", MARK, BACKUP, BACKUP + FILES)
    if env.mark and env.mark.directory != env.file.directory:
        remove_temporary(env.mark.sibling(""), "mark", "healthy", "healthy" + FILES)


def remove_temporary(at: OpenPath, *suffixes: str) -> None:
    """Removes temporary files that a killed run left in the directory."""
    bases = [at.name + suffix for suffix in suffixes or ("",)]
    try:
        for name in safe_files.listed(at):
            base, _dash, random = name.rpartition(TEMPORARY)
            if base in bases and len(random) == 16 and not random.strip("0123456789abcdef"):
                with contextlib.suppress(IsADirectoryError):  # not one of ours
                    remove(at.sibling(name))
    except OSError as error:
        raise HostError("%s: temporary files beside it cannot be removed: %s" % (at.path, reason(error))) from None


def reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; free some space"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no permission to write there (%s); use become, or correct owner and group" % error.strerror
    if error.errno == errno.EROFS:
        return "the file system is read-only"
    return "cannot be written: %s" % error.strerror


def _read_back(handle: int, size: int) -> bytes:
    os.lseek(handle, 0, os.SEEK_SET)
    parts = []
    while size >= 0:  # one byte more, to notice additional content
        part = os.read(handle, size + 1)
        if not part:
            break
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def remove(at: Optional[OpenPath]) -> None:
    if at:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(at.name, dir_fd=at.directory)
