# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files and directories as sources. Opens each regular file once, follows no links, and opens nothing that could block.

Directories are walked by their handles. If a directory is exchanged for a link meanwhile, the walk does not follow it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import printable

REPOSITORY = ".git"
DEPTH = 256
"""Levels of directories. Each level keeps a handle open."""
NAMES = 1_000_000
"""Entries of one directory."""
LONGEST = 1000
"""Characters of a path that are shown."""

Opened = tuple[str, IO[bytes] | str]
"""A file's path below the start of the walk, and its stream or the reason why it cannot be read."""
Passed = Callable[[bytes, str], None]
"""Callback for a path that is not searched, and the reason."""


class Directory(NamedTuple):
    """A directory. Its handle is open until the walk leaves it."""

    path: bytes
    """Path below the start of the walk. Empty for the start itself."""
    handle: int
    files: list[bytes]
    folders: list[bytes]
    """Directories that the walk enters next. A caller may remove some."""

    def below(self, name: bytes) -> bytes:
        return self.path + b"/" + name if self.path else name


def shown(path: bytes) -> str:
    """A path as text. Bytes that are not UTF-8 become ``\\xNN``, characters that cannot be printed a question mark."""
    return printable(path[: 4 * LONGEST].decode("utf-8", "backslashreplace"))[:LONGEST]


def directories(root: str, passed: Passed) -> Iterator[Directory]:
    """A directory and each directory below it, from the top down."""
    opened_ones: list[int] = []
    try:
        waiting = []
        for directory in _entered(root, None, b"", passed, opened_ones):
            yield directory
            waiting.append((directory, iter(sorted(directory.folders))))
        while waiting:
            parent, names = waiting[-1]
            name = next(names, None)
            if name is None:
                waiting.pop()
                os.close(opened_ones.pop())
            elif len(waiting) >= DEPTH:
                passed(parent.below(name), f"is more than {DEPTH} directories deep")
            else:
                for directory in _entered(name, parent.handle, parent.below(name), passed, opened_ones):
                    yield directory
                    waiting.append((directory, iter(sorted(directory.folders))))
    finally:
        for handle in opened_ones:
            os.close(handle)


def _entered(
    name: str | bytes, parent: int | None, path: bytes, passed: Passed, handles: list[int]
) -> Iterator[Directory]:
    follows = 0 if parent is not None else os.O_NOFOLLOW  # the operator may name a link
    flags = os.O_RDONLY | os.O_DIRECTORY | (os.O_NOFOLLOW ^ follows)
    try:
        handle = os.open(name, flags, dir_fd=parent)
    except OSError as error:
        passed(path, "the directory cannot be read" if isinstance(error, PermissionError) else _why(error))
        return
    handles.append(handle)
    directory = Directory(path, handle, [], [])
    try:
        with os.scandir(handle) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    directory.files.append(os.fsencode(entry.name))
                elif entry.is_dir(follow_symlinks=False):
                    directory.folders.append(os.fsencode(entry.name))
                if len(directory.files) + len(directory.folders) >= NAMES:
                    passed(path, f"has more than {NAMES} entries; the rest was not scanned")
                    break
    except OSError as error:
        passed(path, _why(error))
    yield directory


def walk(root: str, *, but: Collection[str] = (), passed: Passed) -> Iterator[Opened]:
    """Files below a directory, without its own directories in ``but``, and without repositories, which are reported."""
    history, others = os.fsencode(REPOSITORY), {os.fsencode(name) for name in but}
    for directory in directories(root, passed):
        if history in directory.folders:
            passed(directory.below(history), "is a history; scan its repository: -e scan_repositories=PATH")
        skipped = {history} if directory.path else {history, *others}
        directory.folders[:] = [name for name in directory.folders if name not in skipped]
        for name in sorted(directory.files):
            yield from opened(name, shown(directory.below(name)), directory.handle)


def opened(name: str | bytes, shown_as: str, parent: int | None = None) -> Iterator[Opened]:
    """Opens a file, and closes it when the next is asked for. Yields nothing if it is not a regular file."""
    try:
        if not stat.S_ISREG(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            return
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
    except OSError as error:
        yield shown_as, _why(error)
        return
    with _closed(handle):
        if not stat.S_ISREG(os.fstat(handle).st_mode):  # exchanged after the first check
            return
        with os.fdopen(handle, "rb", closefd=False) as stream:
            yield shown_as, stream


def beneath(root: str, path: bytes) -> Iterator[Opened]:
    """Opens a file below a directory, and follows no link on the path."""
    parts = path.split(b"/")
    handles = [os.open(root, os.O_RDONLY | os.O_DIRECTORY)]
    try:
        for part in parts[:-1]:
            if part in (b"", b".", b".."):
                return
            handles.append(os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handles[-1]))
        if parts[-1] not in (b"", b".", b".."):
            yield from opened(parts[-1], shown(path), handles[-1])
    except OSError as error:
        yield shown(path), _why(error)
    finally:
        for handle in handles:
            os.close(handle)


def content(path: str, limit: int) -> bytes:
    """The content of a regular file. Empty if it cannot be opened. Raises ScanError if it exceeds the limit."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    with _closed(handle):
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return b""
        with os.fdopen(handle, "rb", closefd=False) as stream:
            data = stream.read(limit + 1)
    if len(data) > limit:
        raise ScanError(f"{printable(path)}: is larger than {limit >> 10} KiB")
    return data


@contextmanager
def _closed(handle: int) -> Iterator[None]:
    """Closes a handle at the end. ``os.fdopen`` fails for a directory, and would leave its handle open."""
    try:
        yield
    finally:
        os.close(handle)


def _why(error: OSError) -> str:
    return f"cannot be read: {error.strerror}"
