# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks and reads files that no other account may read, through one descriptor for the same file."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess


def read_private(path: Path, kind: str, *, unless: Callable[[bytes], bool] = lambda _content: False) -> bytes:
    """The content of a file with a secret. Others may read it only if ``unless`` accepts the content.

    Raises NoAccess, without the content.
    """
    try:
        with open(path, "rb", opener=_opened) as stream:
            details = os.fstat(stream.fileno())
            if stat.S_ISREG(details.st_mode):
                content: bytes = stream.read()
                if _is_private(details) or unless(content):
                    return content
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EISDIR):
            raise NoAccess(f"{path}: cannot be read: {error.strerror}") from None
    raise NoAccess(
        f"{path}: must be a regular file of yours with mode 0600, since it holds {kind}; run chmod 600 "
        f"{shlex.quote(str(path))}"
    )


def read_private_text(path: Path, kind: str) -> str:
    try:
        return read_private(path, kind).decode("utf-8")
    except UnicodeDecodeError:
        raise NoAccess(f"{path}: is not text in UTF-8; write the file again") from None


def _opened(path: str, flags: int) -> int:
    """Opens no link, which another account may redirect, and does not wait for a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _is_private(details: os.stat_result) -> bool:
    return details.st_uid in (os.geteuid(), 0) and not details.st_mode & 0o077
