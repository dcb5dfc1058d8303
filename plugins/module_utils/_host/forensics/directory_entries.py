# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names and times in directories that accounts may fill as they like: nothing is opened. Python 3.8."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import stat
from fnmatch import fnmatchcase
from typing import Iterable, Iterator, List, NamedTuple, Optional

MOST_NAMES = 20000
"""Names that are looked at for one pattern."""
CAPABILITY = "security.capability"
MOST_UNSEEN, LONGEST = 100, 200
"""Directories that are named as not readable, and how many characters of each."""


class Entry(NamedTuple):
    """What lies at a path."""

    path: str
    status: os.stat_result
    """Of a link itself."""
    changed: float
    """By the kernel: the later of a link's own time and that of its target."""

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.status.st_mode)


class HostTree:
    """The host's files. ``root`` is the directory of the host."""

    def __init__(self, root: str) -> None:
        self._root = root
        self.short: List[str] = []
        """What may not be looked at, once each and not all."""
        self.unseen, self.last_unseen = 0, ""
        """How often this account may not look, and the message of the last time."""
        self.overfull: List[str] = []
        """Directories with more names than are looked at."""

    def at(self, path: str) -> str:
        return os.path.join(self._root, path.lstrip("/"))

    def target(self, path: str) -> str:
        """Where links lead."""
        real, root = os.path.realpath(self.at(path)), os.path.realpath(self._root).rstrip("/")
        return real[len(root) :] if real.startswith(root + "/") else real

    def linked_folder(self, path: str, home: str) -> str:
        """The first folder on the way from the home that is a link, or empty."""
        folder = home.rstrip("/")
        for name in path[len(folder) + 1 :].split("/")[:-1] if path.startswith(folder + "/") else ():
            folder = os.path.join(folder, name)
            if os.path.islink(self.at(folder)):
                return folder
        return ""

    def capability(self, path: str) -> str:
        """A file's capabilities, such as one to become root without a setuid mode; empty if it has none."""
        try:
            return os.getxattr(self.at(path), CAPABILITY, follow_symlinks=False).hex()
        except (OSError, AttributeError):
            return ""

    def each(self, patterns: Iterable[str]) -> Iterator[Entry]:
        return (entry for pattern in patterns for entry in self.entries(pattern))

    def entries(self, pattern: str) -> Iterator[Entry]:
        """Whatever is there. ``*`` and ``[…]`` stand for one name."""
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
