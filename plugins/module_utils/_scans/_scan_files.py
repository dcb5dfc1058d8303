# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files and directories as sources: every regular file once, links not followed, nothing that could wait opened."""

from __future__ import annotations

import os
import stat
from typing import IO, Collection, Iterator, Tuple, Union

REPOSITORY = ".git"

Opened = Tuple[str, Union[IO[bytes], str]]
"""A file's path below where the walk began, and its stream, or why there is none."""


def walk(root: str, *, without: Collection[str] = ()) -> Iterator[Opened]:
    """The files below a directory. ``without`` are names of directories that are passed over."""
    for directory, names, files in os.walk(root, onerror=None):
        names[:] = sorted(name for name in names if name not in without)
        for name in list(names):
            path = os.path.join(directory, name)
            if not os.path.islink(path) and not os.access(path, os.R_OK | os.X_OK):
                yield os.path.relpath(path, root), "the directory cannot be read"
        for name in sorted(files):
            path = os.path.join(directory, name)
            yield from opened(path, os.path.relpath(path, root))


def opened(path: str, told: str) -> Iterator[Opened]:
    """One file, closed when the next is asked for; nothing for what is no regular file."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return
        stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except OSError as error:
        yield told, f"cannot be read: {error.strerror}"
        return
    with stream:
        yield told, stream
