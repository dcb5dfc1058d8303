# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Counts of unsearched paths, with the first few names."""

from __future__ import annotations

import errno
import os
from typing import Dict, List

CLOSED = "can be read by root only; to search this too, use become"
SHOWN = 3
"""Names for each reason."""
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ESRCH)
"""Errors for a path that vanished or changed since its listing, or is no file or folder."""


class UnreadPaths:
    """Unsearched files, folders or processes by reason."""

    def __init__(self) -> None:
        self._first: Dict[str, List[str]] = {}
        self._count: Dict[str, int] = {}

    def add(self, name: str, reason: str) -> None:
        """Another account may have chosen ``name``."""
        self._count[reason] = self._count.get(reason, 0) + 1
        first = self._first.setdefault(reason, [])
        if len(first) < SHOWN:
            first.append("".join(letter if letter.isprintable() else "?" for letter in name))

    def add_closed(self, name: str) -> None:
        """Adds an unreadable path. Root reads everything on an ordinary host."""
        self.add(name, "cannot be read" if os.geteuid() == 0 else CLOSED)

    def add_error(self, path: str, error: OSError) -> None:
        """Skips vanished paths."""
        if error.errno not in GONE:
            self.add_closed(path)

    @property
    def closed(self) -> List[str]:
        """Message about paths that only root could read; empty for root."""
        return [self._message(CLOSED)] if CLOSED in self._first else []

    def messages(self) -> List[str]:
        """A message for each other reason."""
        return [self._message(reason) for reason in self._first if reason != CLOSED]

    def _message(self, reason: str) -> str:
        first = self._first[reason]
        rest = self._count[reason] - len(first)
        return "%s: %s" % (", ".join(first) + (" and %d more" % rest if rest else ""), reason)
