# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists names and times in directories that accounts may fill as they like. Opens nothing."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import stat
from fnmatch import fnmatchcase
from typing import Iterable, Iterator, List, NamedTuple, Optional

MOST_NAMES = 20000
"""Names to check for one pattern."""
CAPABILITY = "security.capability"
MOST_UNSEEN, LONGEST = 100, 200
"""Directories named as unreadable, and characters of each."""


class Entry(NamedTuple):
    path: str
    status: os.stat_result
    """Status of a link itself."""
    changed: float
    """The kernel's change time: the later of a link's and its target's."""

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.status.st_mode)


class HostTree:
    """Files below ``root``, the directory of the host."""

    def __init__(self, root: str) -> None:
        self._root = root
        self.short: List[str] = []
        """Messages about unreadable directories, without repetition, at most ``MOST_UNSEEN``."""
        self.unseen, self.last_unseen = 0, ""
        """Number of denied reads, and the last message."""
        self.overfull: List[str] = []
        """Directories with more names than are checked."""

    def at(self, path: str) -> str:
        return os.path.join(self._root, path.lstrip("/"))

    def target(self, path: str) -> str:
        """The path with all links resolved."""
        real, root = os.path.realpath(self.at(path)), os.path.realpath(self._root).rstrip("/")
        return real[len(root) :] if real.startswith(root + "/") else real

    def linked_folder(self, path: str, home: str) -> str:
        """The first link among the folders below the home; empty if none."""
        folder = home.rstrip("/")
        for name in path[len(folder) + 1 :].split("/")[:-1] if path.startswith(folder + "/") else ():
            folder = os.path.join(folder, name)
            if os.path.islink(self.at(folder)):
                return folder
        return ""

    def capability(self, path: str) -> str:
        """A file's capabilities, which may give root's rights without setuid; empty if none."""
        try:
            return os.getxattr(self.at(path), CAPABILITY, follow_symlinks=False).hex()
        except (OSError, AttributeError):
            return ""

    def each(self, patterns: Iterable[str]) -> Iterator[Entry]:
        return (entry for pattern in patterns for entry in self.entries(pattern))

    def entries(self, pattern: str) -> Iterator[Entry]:
        """Existing entries. ``*`` and ``[…]`` stand for one name."""
        paths, remaining = ["/"], MOST_NAMES
        for part in pattern.strip("/").split("/"):
            if not set("*[") & set(part):
                paths = [os.path.join(path, part) for path in paths]
                continue
            folders, paths = paths, []
            for folder in folders:
                names = self._names(folder, remaining + 1)
                remaining -= len(names)
                paths += [os.path.join(folder, name) for name in sorted(names) if fnmatchcase(name, part)]
                if remaining < 0:
                    self.overfull.append(os.path.dirname(re.split(r"[*\[]", pattern)[0]))
                    break
        return filter(None, map(self._entry, paths))

    def _names(self, folder: str, most: int) -> List[str]:
        try:
            with os.scandir(self.at(folder)) as entries:
                return [entry.name for entry in itertools.islice(entries, most)]
        except PermissionError:
            self._unseen(folder)
            return []
        except OSError:
            return []

    def _entry(self, path: str) -> Optional[Entry]:
        try:
            status = os.lstat(self.at(path))
        except PermissionError:
            self._unseen(os.path.dirname(path))
            return None
        except (OSError, ValueError):
            return None
        changed = status.st_ctime
        if stat.S_ISLNK(status.st_mode):
            with contextlib.suppress(OSError):
                changed = max(changed, os.stat(self.at(path)).st_ctime)
        return Entry(path, status, changed)

    def _unseen(self, folder: str) -> None:
        message = "%r may not be read by this account; use become" % folder[:LONGEST]
        self.unseen, self.last_unseen = self.unseen + 1, message
        if message not in self.short and len(self.short) < MOST_UNSEEN:
            self.short.append(message)
