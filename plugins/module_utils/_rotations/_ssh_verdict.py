# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``ssh -v`` says of a login: which keys were offered, which one was taken, and whether it came to a login. Pure.

Its exit code does not tell: a login may succeed by another key than the one that is tried.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List, Optional, Sequence

_OFFERED = re.compile(r"debug1: Offering public key: .*(SHA256:[A-Za-z0-9+/]+)")
_TAKEN = re.compile(r"debug1: Server accepts key: .*(SHA256:[A-Za-z0-9+/]+)")
_IN = re.compile(r'^Authenticated to .* using "([^"]+)"')
_DENIED = "Permission denied ("

CHATTER = ("debug", "OpenSSH_", "Authenticated to ", "Warning: ", "Transferred: ", "Bytes per second: ")
"""How lines begin that tell no reason."""


@dataclass(frozen=True)
class Verdict:
    """What became of one attempt, so far."""

    offered: frozenset[str]
    taken: frozenset[str]
    logged_in: bool
    by: str
    """The fingerprint of the key that the last login was by, or the method where it was no key."""
    denied: bool
    reason: str

    def is_in_by(self, key: str) -> bool:
        return self.logged_in and self.by == key

    def accepts(self, key: str) -> Optional[bool]:
        """Whether the server takes the key; None where it was not asked."""
        if key in self.taken:
            return True
        return False if key in self.offered else None


def read(lines: Sequence[str]) -> Verdict:
    """A jump host's login comes first, so the last one is the host's own."""
    offered: List[str] = []
    taken: List[str] = []
    by, logged_in, denied, reason = "", False, False, ""
    for line in (one.strip() for one in lines):
        offered += _OFFERED.findall(line)
        taken += _TAKEN.findall(line)
        found = _IN.match(line)
        if found:
            logged_in = True
            by = taken[-1] if found.group(1) == "publickey" and taken else found.group(1)
        if _DENIED in line:
            denied, logged_in = True, False
        if line and not line.startswith(CHATTER):
            reason = line
    return Verdict(frozenset(offered), frozenset(taken), logged_in, by, denied, reason)
