# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file on the host, its mark and its backup. Standard library only; Python 3.8 is enough.

Beside ``.env`` lie ``.env.mark`` and ``.env.proven``, both 0600. The mark says which snapshot was last accepted here
and which one the services were proven healthy on; ``.env.proven`` holds the bytes of the last proven file.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import grp
import hashlib
import json
import os
import pwd
import stat
import time
from typing import Any, Callable, Dict, Iterator, NamedTuple, Optional

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
            except OSError:  # a file system without locks
                break
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
        raise HostError("%s: %s; the old file is in place" % (path, _reason(error))) from None
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
                _remove(os.path.join(directory, found))
    except OSError as error:
        raise HostError("%s: leftovers beside it cannot be removed: %s" % (path, _reason(error))) from None


def _reason(error: OSError) -> str:
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


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _is_entry(found: Any) -> bool:
    return found is None or (isinstance(found, dict) and isinstance(found.get("journal", 0), int))


class Mark:
    """The record beside the file, kept by version ids and the digest of the whole file."""

    def __init__(self, path: str) -> None:
        self.path = path + MARK
        self.backup = path + BACKUP
        self._data = self._load()

    def _load(self) -> Dict[str, Any]:
        found = present(self.path)
        if found is None:
            return {}
        try:
            data = json.loads(found.content.decode("utf-8"))
        except ValueError:
            data = None
        if not isinstance(data, dict) or not all(_is_entry(data.get(name)) for name in ("accepted", "proven")):
            raise HostError("%s: is no mark; remove it, and the next deploy restarts and proves anew" % self.path)
        return data

    @property
    def proven(self) -> Dict[str, Any]:
        return self._data.get("proven") or {}

    @property
    def accepted(self) -> Dict[str, Any]:
        return self._data.get("accepted") or {}

    @property
    def journal(self) -> int:
        """The highest journal number that this host accepted a snapshot under."""
        return max(int(self.proven.get("journal", 0)), int(self.accepted.get("journal", 0)))

    def refuse_older(self, journal: int) -> None:
        if journal < self.journal:
            raise HostError(
                "this host already accepted a snapshot read at journal number %d, and this run read at %d: "
                "it is older; start the deploy again" % (self.journal, journal)
            )

    def refuse_foreign(self, snapshot: Optional[str]) -> None:
        """Another run may have written here since ours; its file is not ours to take back."""
        accepted = self.accepted.get("snapshot")
        ours = (accepted, self.accepted.get("instead_of"))
        if accepted is not None and snapshot is not None and snapshot not in ours:
            raise HostError("another run wrote snapshot %s here since; its file is left in place" % accepted)

    def accept(self, snapshot: str, journal: int, file_digest: str, *, restart: bool = False) -> None:
        """Records what is about to be written; ``restart``: services may run on something else until it is proven."""
        entry = {"snapshot": snapshot, "journal": journal, "digest": file_digest}
        proven = self.proven
        if proven.get("digest") == file_digest:
            proven = entry
        self._save({"accepted": {**entry, **({"restart": True} if restart else {})}, "proven": proven or None})

    def prove(self, snapshot: str, found: Present) -> None:
        """Records the file as proven and keeps its bytes as the way back.

        Raises HostError unless the file is the one accepted for ``snapshot``.
        """
        if self.accepted.get("snapshot") != snapshot or self.accepted.get("digest") != digest(found.content):
            raise HostError(
                "the file is no longer the one of snapshot %s: another run wrote it; deploy again" % snapshot
            )
        kept = present(self.backup)
        if kept is None or kept.content != found.content:
            write(self.backup, found.content, Ownership(None, None, 0o600))
        entry = {name: value for name, value in self.accepted.items() if name != "restart"}
        self._save({"accepted": entry, "proven": entry})

    def is_proven(self, file_digest: str) -> bool:
        return self.proven.get("digest") == file_digest

    def is_settled(self, file_digest: str) -> bool:
        """Whether the services are known to run on this very file: it is proven, and nothing was written since."""
        return self.is_proven(file_digest) and not self.accepted.get("restart")

    def _save(self, data: Dict[str, Any]) -> None:
        if data == self._data:
            return
        content = json.dumps(data, sort_keys=True).encode("utf-8") + b"\n"
        write(self.path, content, Ownership(None, None, 0o600))
        self._data = data

    def keep(self, found: Present) -> None:
        """Keeps a file that was here before the first deploy; a proven one is kept when it is proven."""
        if not self.proven and not self.accepted.get("digest") and present(self.backup) is None:
            write(self.backup, found.content, Ownership(None, None, 0o600))

    def go_back(self, path: str, wanted: Ownership, snapshot: Optional[str] = None) -> bool:
        """Puts the last proven file back; without one the path becomes empty again. Whether it put a file back.

        A file that no deploy of ours wrote is never removed. ``snapshot`` is the one given up; taking it back may be
        repeated.
        """
        kept = present(self.backup)
        if kept is None:
            if self.proven:
                raise HostError(
                    "%s: the last proven file is gone, and there is no way back; deploy again" % self.backup
                )
            found = present(path)
            if found and digest(found.content) == self.accepted.get("digest"):
                try:
                    _remove(path)
                except OSError as error:
                    raise HostError("%s: cannot be removed: %s" % (path, _reason(error))) from None
            self._save({"accepted": {"journal": self.journal}, "proven": None})
            return False
        known = self.proven.get("snapshot") if self.is_proven(digest(kept.content)) else None
        # The services still run on the file that goes: until they are proven on this one, no deploy may spare them
        # the restart.
        entry = {"snapshot": known, "journal": self.journal, "digest": digest(kept.content), "restart": True}
        if snapshot is not None:
            entry["instead_of"] = snapshot
        self._save({"accepted": entry, "proven": self.proven or None})
        write(path, kept.content, wanted)
        return True


class Delivery(NamedTuple):
    """What a delivery would do, wholly known before the first write."""

    path: str
    content: bytes
    wanted: Ownership
    found: Optional[Present]
    mark: Optional[Mark]
    differs: bool
    """Whether the bytes are others."""
    rewrite: bool
    """Whether the bytes, the owner, the group or the mode are others."""
    restart: bool
    """Whether services may run on something else than this content."""

    def __repr__(self) -> str:
        return "Delivery(path=%r, rewrite=%r, restart=%r)" % (self.path, self.rewrite, self.restart)

    @property
    def is_settled(self) -> bool:
        return self.mark is not None and self.mark.is_settled(digest(self.content))


def planned(path: str, content: bytes, wanted: Ownership, found: Optional[Present], mark: Optional[Mark]) -> Delivery:
    wanted = filled(wanted, found)
    differs = found is None or found.content != content
    restart = mark is not None and (differs or not mark.is_settled(digest(content)))
    return Delivery(path, content, wanted, found, mark, differs, differs or drifted(found, wanted), restart)


def deliver(plan: Delivery, snapshot: str, journal: int, *, keep: bool = True) -> None:
    """Carries a plan out. ``keep``: a file that was here before the first deploy stays as the way back."""
    sweep(plan.path)
    if plan.mark:
        if plan.found and keep:
            plan.mark.keep(plan.found)
        plan.mark.accept(snapshot, journal, digest(plan.content), restart=plan.restart)
    if plan.rewrite:
        write(plan.path, plan.content, plan.wanted)
