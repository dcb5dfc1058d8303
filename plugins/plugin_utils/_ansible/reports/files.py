# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes files for people in one step."""

from __future__ import annotations

import errno
import itertools
import os
import tempfile
from pathlib import Path

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError

OURS = (".md", ".html", ".json", ".sarif")
"""Suffixes of this collection's files."""


def folder(path: str | None) -> Path:
    """The folder at ``path``, or this one. Raises RotationError for a file's name."""
    result = Path(path or ".").expanduser()
    if result.suffix in OURS and not os.path.isdir(result):
        raise RotationError(f"{result}: is a file; give a folder")
    return result


def ready(path: str | None, *, make: bool) -> bool:
    """Whether the folder was made. Without ``make``, it is only checked. Raises RotationError."""
    where = folder(path)
    try:
        missing = not where.exists()
        if make:
            where.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=where):
                return missing
        parent = next(path for path in (where, *where.parents) if path.exists())
        problem = 0 if os.access(parent, os.W_OK | os.X_OK) else errno.EACCES
        problem = problem if parent.is_dir() else errno.ENOTDIR
    except OSError as error:
        problem = error.errno or errno.EIO
    if problem:
        raise RotationError(f"{where}: cannot be written: {os.strerror(problem)}")
    return False


def free(where: Path, name: str) -> Path:
    """A free name without suffix, so that findings of an earlier run are not overwritten."""
    names = itertools.chain([name], (f"{name}-{at}" for at in itertools.count(2)))
    return next(where / name for name in names if not os.path.exists(where / f"{name}.md"))


def private_text(path: Path) -> str:
    """The text at ``path``. Empty without it, or if others than its owner may read it."""
    try:
        is_private = path.stat().st_mode & 0o077 == 0
        return path.read_text(encoding="utf-8", errors="replace") if is_private else ""
    except OSError:
        return ""


def write_text(path: Path, text: str) -> None:
    """Writes the text at ``path``, readable by its owner, and makes the folder. Raises RotationError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise RotationError(f"{path}: cannot be written: {error.strerror}") from None
