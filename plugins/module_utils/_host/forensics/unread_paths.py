# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a search of a host could not read: how much, and the first few names. Standard library only; Python 3.8."""

from __future__ import annotations

import errno
import os
from typing import Dict, List

CLOSED = "can be read by root only; to search this too, use become"
SHOWN = 3
"""Names of each reason."""
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ESRCH)
"""Errors for a path that ended or changed since it was listed, and for what is no file or folder."""


class UnreadPaths:
    """Files, folders or processes by the reason why they were not searched."""

    def __init__(self) -> None:
        self._first: Dict[str, List[str]] = {}
        self._count: Dict[str, int] = {}

    def add(self, name: str, reason: str) -> None:
        """``name`` may be what another account chose."""
        self._count[reason] = self._count.get(reason, 0) + 1
        first = self._first.setdefault(reason, [])
        if len(first) < SHOWN:
            first.append("".join(letter if letter.isprintable() else "?" for letter in name))

    def add_closed(self, name: str) -> None:
        """What this account may not read. Root reads everything on an ordinary host."""
        self.add(name, "cannot be read" if os.geteuid() == 0 else CLOSED)

    def add_error(self, path: str, error: OSError) -> None:
        """Leaves out what ended meanwhile."""
        if error.errno not in GONE:
            self.add_closed(path)

    @property
    def closed(self) -> List[str]:
        """What only root could read, if the run is not root."""
        return [self._message(CLOSED)] if CLOSED in self._first else []

    def messages(self) -> List[str]:
        """One for each other reason."""
        return [self._message(reason) for reason in self._first if reason != CLOSED]

    def _message(self, reason: str) -> str:
        first = self._first[reason]
        rest = self._count[reason] - len(first)
        return "%s: %s" % (", ".join(first) + (" and %d more" % rest if rest else ""), reason)
