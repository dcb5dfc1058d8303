# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads every account's authorized_keys on a host, as sshd would. Standard library only; Python 3.8."""

from __future__ import annotations

import glob
import itertools
import os
import pwd
import re
import shlex
import stat
from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import authorized_keys

LARGEST = 4 * 1024 * 1024
"""Limit of bytes of a file. Of a log, only the end is read."""
SSHD = "/etc/ssh/sshd_config"
PATTERNS = (".ssh/authorized_keys", ".ssh/authorized_keys2")
_SETTING = re.compile(r'\s*"?(\w+)"?(?:\s*=\s*|\s+)(.*)')


class File(NamedTuple):
    """A file that exists, or may exist."""

    path: str
    content: Optional[bytes]
    """None if this account may not read the file, or it is too large. sshd reads the whole."""
    changed: float = 0.0
    """Modification time, which the owner may have set."""
    kernel_changed: float = 0.0
    """The kernel's change time, at the earliest once the content was read."""


class KeySearch(NamedTuple):
    paths: List[str]
    unread: int


def read(path: str) -> Optional[bytes]:
    """The end of a regular file, through links, as sshd follows them, or None. Nothing else is opened: a pipe would
    block, and a device may act on being opened."""
    return _read(path).content


def read_whole(path: str) -> Optional[bytes]:
    """The same, or None if it is longer: somebody may push lines out of what is read."""
    content = read(path)
    return content if content is not None and len(content) < LARGEST else None


def _read(path: str) -> File:
    try:
        count = os.open(path, getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK) | os.O_CLOEXEC)
    except OSError:
        return File(path, None)
    try:
        if not stat.S_ISREG(os.fstat(count).st_mode):
            return File(path, None)
        # Opens the checked file itself, not what its path leads to by now. Does not wait for its owner's lease.
        handle = os.open("/proc/self/fd/%d" % count, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as stream:
            stream.seek(max(0, os.fstat(count).st_size - LARGEST))
            content = stream.read(LARGEST)
            return File(path, content, kernel_changed=os.fstat(count).st_ctime)
    except OSError:
        return File(path, None)
    finally:
        os.close(count)


def sshd() -> Tuple[Sequence[str], bool]:
    """Patterns of every AuthorizedKeysFile, of any Match, and the defaults; whether AuthorizedKeysCommand is set."""
    patterns: List[str] = []
    command = False
    for path in (*sorted(glob.glob(SSHD + ".d/*.conf")), SSHD):
        for line in (read(path) or b"").decode("utf-8", "replace").split("\n"):
            keyword, values = _setting(line)
            if keyword == "authorizedkeysfile":
                patterns += [value for value in values if value != "none"]
            elif keyword == "authorizedkeyscommand" and values != ["none"]:
                command = True
    return list(dict.fromkeys([*patterns, *PATTERNS])), command


def _setting(line: str) -> Tuple[str, List[str]]:
    """Keyword and values. Values may be quoted and followed by a comment."""
    match = _SETTING.match(line)
    if not match:
        return "", []
    try:
        values = shlex.split(match[2])
    except ValueError:
        values = match[2].replace('"', " ").split()
    return match[1].lower(), list(itertools.takewhile(lambda value: not value.startswith("#"), values))


def paths(patterns: Sequence[str]) -> Iterator[str]:
    seen = set()
    for user in pwd.getpwall():
        for path in paths_of(patterns, user.pw_dir, user.pw_name):
            if path not in seen:
                seen.add(path)
                yield path


def paths_of(patterns: Sequence[str], home: str, name: str) -> List[str]:
    return [authorized_keys.path_of(pattern, home, name) for pattern in patterns]


def files(patterns: Sequence[str]) -> Iterator[File]:
    """Files that exist, or whose existence this account may not learn."""
    return filter(None, map(file, paths(patterns)))


def file(path: str) -> Optional[File]:
    """The file if it exists, or may exist."""
    try:
        status = os.stat(path)
    except PermissionError:
        return File(path, None)
    except OSError:
        return None
    whole = _read(path) if status.st_size <= LARGEST else File(path, None)
    return whole._replace(changed=status.st_mtime)


def holding(blob: bytes, *, but: str) -> KeySearch:
    """Files that authorize the key, except ``but``."""
    results, unread = [], 0
    for file in files(sshd()[0]):
        if file.path == but:
            continue
        if file.content is None:
            unread += 1
        elif authorized_keys.holds(file.content, blob):
            results.append(file.path)
    return KeySearch(results, unread)
