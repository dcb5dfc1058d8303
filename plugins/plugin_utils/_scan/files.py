# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files and directories as sources: every regular file once, links not followed, nothing that could wait opened.

Directories are walked by their handles, so that one that is exchanged for a link leads nowhere.
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
"""Directories within directories; each costs an open handle."""
NAMES = 1_000_000
"""Entries of one directory."""
LONGEST = 1000
"""Characters of a path that is shown."""

Opened = tuple[str, IO[bytes] | str]
"""A file's path below where the walk began, and its stream, or the reason for a missing one."""
Passed = Callable[[bytes, str], None]
"""Hears of a path that is not looked into, and why."""


class Directory(NamedTuple):
    """A directory that is open while it is looked at."""

    path: bytes
    """Below where the walk began; empty for that."""
    handle: int
    files: list[bytes]
    folders: list[bytes]
    """Where the walk goes next; what is taken out is passed over."""

    def below(self, name: bytes) -> bytes:
        return self.path + b"/" + name if self.path else name


def shown(path: bytes) -> str:
    """A path for people: what is not UTF-8 as \\xNN, what cannot be printed as a question mark."""
    return printable(path[: 4 * LONGEST].decode("utf-8", "backslashreplace"))[:LONGEST]


def directories(root: str, passed: Passed) -> Iterator[Directory]:
    """The directory and each below it, from the top down."""
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
    follows = 0 if parent is not None else os.O_NOFOLLOW  # what was named may be a link
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


def walk(root: str, *, without: Collection[str] = (), but: Collection[str] = (), passed: Passed) -> Iterator[Opened]:
    """The files below a directory. ``without`` are names of directories that are passed over; ``but`` those at the
    top."""
    everywhere, at_the_top = ({os.fsencode(name) for name in names} for names in (without, but))
    for directory in directories(root, passed):
        skipped = everywhere if directory.path else everywhere | at_the_top
        directory.folders[:] = [name for name in directory.folders if name not in skipped]
        for name in sorted(directory.files):
            yield from opened(name, shown(directory.below(name)), directory.handle)


def opened(name: str | bytes, shown_as: str, parent: int | None = None) -> Iterator[Opened]:
    """One file, closed when the next is asked for; nothing for what is not a regular file."""
    try:
        if not stat.S_ISREG(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            return
        handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
    except OSError as error:
        yield shown_as, _why(error)
        return
    with _closed(handle):
        if not stat.S_ISREG(os.fstat(handle).st_mode):  # exchanged since
            return
        with os.fdopen(handle, "rb", closefd=False) as stream:
            yield shown_as, stream


def beneath(root: str, path: bytes) -> Iterator[Opened]:
    """A file below a directory, with no link on the way."""
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
    """A regular file that is no larger; nothing if it does not exist. Raises ScanError for what is larger."""
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
    """Afterwards; a directory's handle makes no stream that would close it."""
    try:
        yield
    finally:
        os.close(handle)


def _why(error: OSError) -> str:
    return f"cannot be read: {error.strerror}"
