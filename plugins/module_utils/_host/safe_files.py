# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Handles files in directories that another account may change while root works there.

A path is resolved once, component by component. Its directory stays open, and later calls name the file below that
handle. A link is followed only if root or this account made it, in a directory that no other account may write.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import stat
from typing import Callable, ContextManager, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError

_WALK = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
LINKS = 40
"""Links in one path, as in the kernel."""


class NoDirectory(HostError):
    """Raised if the directory of a file does not exist."""


class NotReadable(HostError):
    """Raised if permissions or the disk prevent reading."""


class Component(NamedTuple):
    """A parent directory of a file."""

    path: str
    uid: int
    mode: int

    @property
    def is_shared(self) -> bool:
        """Whether accounts other than the owner may replace its entries."""
        return bool(self.mode & 0o022) and not self.mode & stat.S_ISVTX


class OpenPath(NamedTuple):
    """A name in a directory that is held open."""

    directory: int
    folder: str
    name: str
    components: Tuple[Component, ...] = ()
    """Directories from ``/`` to the folder."""

    @property
    def path(self) -> str:
        return os.path.join(self.folder, self.name)

    def sibling(self, name: str) -> OpenPath:
        return self._replace(name=name)


@contextlib.contextmanager
def place(path: str, *, trusted: Optional[Sequence[int]] = None) -> Iterator[OpenPath]:
    """Opens the directory of ``path``. ``trusted`` accounts may own links in the path; by default root and this
    account.

    Raises NoDirectory, and HostError for another account's link.
    """
    folder, name = os.path.split(os.path.abspath(path))
    stack: List[int] = []
    try:
        components = _walk(path, folder, tuple(trusted or (0, os.geteuid())), stack)
        yield OpenPath(stack[-1], components[-1].path, name, components)
    finally:
        for handle in stack:
            os.close(handle)


@contextlib.contextmanager
def unguarded(path: str) -> Iterator[OpenPath]:
    """Opens the directory of ``path`` and follows links: for paths that no other account may change."""
    folder, name = os.path.split(path)
    handle = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield OpenPath(handle, folder, name)
    finally:
        os.close(handle)


@contextlib.contextmanager
def below(at: OpenPath, folder: str) -> Iterator[OpenPath]:
    """Opens a subdirectory, and follows no link. Raises OSError."""
    handle = os.dup(at.directory)
    try:
        for name in folder.split("/"):
            above, handle = handle, os.open(name, _WALK, dir_fd=handle)
            os.close(above)
        yield OpenPath(handle, os.path.normpath(os.path.join(at.folder, folder)), at.name)
    finally:
        os.close(handle)


class LastFolder(contextlib.ExitStack):
    """Keeps a directory open for its next file, if files come folder by folder."""

    def __init__(self, opened: Callable[[str], ContextManager[OpenPath]]) -> None:
        super().__init__()
        self._opened = opened
        self._last: Optional[Tuple[str, OpenPath]] = None

    def at(self, folder: str, name: str) -> OpenPath:
        """Raises the errors of opening the directory."""
        if self._last is None or self._last[0] != folder:
            self.close()
            self._last = None
            self._last = folder, self.enter_context(self._opened(folder))
        return self._last[1].sibling(name)


def _walk(path: str, folder: str, trusted: Tuple[int, ...], stack: List[int]) -> Tuple[Component, ...]:
    """Opens each component below the previous. The caller closes the handles in ``stack``."""
    stack.append(os.open("/", _WALK))
    components = [_component("/", stack[-1])]
    waiting = folder.split("/")[::-1]
    links = 0
    while waiting:
        name = waiting.pop()
        if name in ("", "."):
            continue
        if name == "..":
            if len(stack) > 1:
                os.close(stack.pop())
                components.pop()
            continue
        path_shown = os.path.join(components[-1].path, name)
        try:
            stack.append(os.open(name, _WALK, dir_fd=stack[-1]))
        except OSError as error:
            may_be_link = error.errno in (errno.ELOOP, errno.ENOTDIR)
            target = _target(components[-1], stack[-1], name, trusted) if may_be_link else None
            if target is None or links >= LINKS:
                raise _refused(path, path_shown, stack[-1], name, error) from None
            links += 1
            waiting += target.split("/")[::-1]
            if target.startswith("/"):
                while len(stack) > 1:
                    os.close(stack.pop())
                    components.pop()
        else:
            components.append(_component(path_shown, stack[-1]))
    return tuple(components)


def _component(path: str, handle: int) -> Component:
    status = os.fstat(handle)
    return Component(path, status.st_uid, stat.S_IMODE(status.st_mode))


def _target(above: Component, handle: int, name: str, trusted: Tuple[int, ...]) -> Optional[str]:
    """Target of a link that only trusted accounts can make or replace; otherwise None."""
    status = os.lstat(name, dir_fd=handle)
    if not stat.S_ISLNK(status.st_mode) or status.st_uid not in trusted:
        return None
    if above.uid not in trusted or above.mode & 0o022:
        return None
    return os.readlink(name, dir_fd=handle)


def _refused(path: str, path_shown: str, handle: int, name: str, error: OSError) -> HostError:
    if error.errno == errno.ENOENT:
        return NoDirectory("%s: the directory %s does not exist; create it first" % (path, os.path.dirname(path)))
    if error.errno in (errno.EACCES, errno.EPERM):
        return NotReadable("%s: %s cannot be opened; use become" % (path, path_shown))
    try:
        is_link = stat.S_ISLNK(os.lstat(name, dir_fd=handle).st_mode)
    except OSError:
        is_link = False
    if is_link:
        return HostError("%s: %s is a symbolic link; give the path that it points to" % (path, path_shown))
    return HostError("%s: %s is not a directory" % (path, path_shown))


def require_owners(at: OpenPath, uid: int, declare: str = "") -> None:
    """Raises HostError if an account other than root and ``uid`` may replace the file.

    Only root checks, because it would act with more rights than that account has. ``declare``: the variable that names
    ``uid``.
    """
    if os.geteuid() != 0:
        return
    for component in at.components:
        if component.uid not in (0, uid):
            allowed = "root or %s" % account(uid) if uid else "root"
            raise HostError(
                "%s: %s belongs to %s, but must belong to %s; correct its owner%s"
                % (at.path, component.path, account(component.uid), allowed, ", or set " + declare if declare else "")
            )
        if component.is_shared:
            raise HostError(
                "%s: other accounts may write to %s (mode %04o); run: chmod go-w %s"
                % (at.path, component.path, component.mode, component.path)
            )


def require_file_owner(at: OpenPath, uid: Optional[int], declare: str) -> None:
    """Calls require_owners, by default for the owner of a present file."""
    present = status(at)
    require_owners(at, uid if uid is not None else present.st_uid if present else 0, declare)


def refuse_planted(at: OpenPath, declare: str) -> None:
    """Raises HostError for a file that any account could have made, as in /tmp: that account would own new content."""
    present, folder = status(at), at.components[-1]
    if os.geteuid() == 0 and present and present.st_uid and folder.mode & 0o022:
        raise HostError(
            "%s: belongs to %s, and any account can make files in %s; remove it, or set %s"
            % (at.path, account(present.st_uid), folder.path, declare)
        )


def account(uid: int) -> str:
    """The account's name, or its number if unnamed."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "uid %d" % uid


def status(at: OpenPath) -> Optional[os.stat_result]:
    """Status of a file or of a link itself; None if missing."""
    try:
        return os.lstat(at.name, dir_fd=at.directory)
    except FileNotFoundError:
        return None
    except PermissionError:
        raise HostError("%s: cannot be inspected; use become" % at.path) from None


def opened(at: OpenPath) -> int:
    """Opens a regular file to read, without waiting for a pipe.

    Raises HostError for anything else, and FileNotFoundError.
    """
    try:
        handle = os.open(at.name, _READ, dir_fd=at.directory)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise HostError("%s: is a symbolic link; remove it, or give the path that it points to" % at.path) from None
        if error.errno == errno.ENXIO:
            raise _not_regular(at) from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise NotReadable("%s: cannot be read: %s; use become" % (at.path, error.strerror)) from None
        raise NotReadable("%s: cannot be read: %s" % (at.path, error.strerror)) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise _not_regular(at)
    return handle


def _not_regular(at: OpenPath) -> HostError:
    return HostError("%s: is not a regular file; give the path of a file" % at.path)


def listed(at: OpenPath) -> List[str]:
    """Names in the directory. Raises OSError."""
    handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=at.directory)
    try:
        return os.listdir(handle)
    finally:
        os.close(handle)


def sync(at: OpenPath) -> None:
    """Flushes the directory to the disk. Raises OSError."""
    handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=at.directory)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replaceable(at: OpenPath) -> Iterator[Dict[str, object]]:
    """Accounts other than root that may replace the file."""
    for component in at.components:
        if component.uid != 0:
            yield {
                "path": component.path,
                "uid": component.uid,
                "owner": account(component.uid),
                "mode": "%04o" % component.mode,
            }
        elif component.is_shared:
            yield {"path": component.path, "uid": None, "owner": "", "mode": "%04o" % component.mode}
