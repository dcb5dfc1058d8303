# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses ``ssh -v``: the offered keys, the accepted key, and whether the login succeeded.

The exit code does not tell, because another key may log in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_OFFERED = re.compile(r"debug1: Offering public key: .*(SHA256:[A-Za-z0-9+/]+)")
_TAKEN = re.compile(r"debug1: Server accepts key: .*(SHA256:[A-Za-z0-9+/]+)")
_IN = re.compile(r'^Authenticated to .* using "([^"]+)"')
_DENIED = "Permission denied ("
_ANSWERS = (_DENIED, "Authentications that can continue: ", "Too many authentication failures")
"""A server's answers to offered keys that it did not take."""
_STARTED = "debug1: Authenticating to "
_PROXY = "debug1: Executing proxy command: "
_DIRECT = "debug1: Connecting to "

CHATTER = ("debug", "OpenSSH_", "Authenticated to ", "Warning: ", "Transferred: ", "Bytes per second: ")
"""Beginnings of lines without a reason."""


@dataclass(frozen=True)
class Verdict:
    offered: frozenset[str]
    taken: frozenset[str]
    refused: frozenset[str]
    """Offered keys with another answer than acceptance."""
    logged_in: bool
    by: str
    """Fingerprint of the last login's key, or the method without a key."""
    denied: bool
    reason: str

    def is_in_by(self, key: str) -> bool:
        return self.logged_in and self.by == key

    def accepts(self, key: str) -> bool | None:
        """Whether the server takes the key. None if it was not asked or did not answer."""
        if key in self.taken:
            return True
        return False if key in self.refused else None

    def is_unanswered(self, key: str) -> bool:
        return key in self.offered and self.accepts(key) is None


def read(lines: Sequence[str]) -> Verdict:
    """Ignores the output of jump hosts, which comes before the host's own."""
    talk = _Talk()
    reason = ""
    proxies, direct, logins, jumps = 0, False, 0, 0
    for line in (line.strip() for line in lines):
        proxies += line.startswith(_PROXY)
        direct = direct or line.startswith(_DIRECT)
        jumps = proxies - 1 + direct if proxies else 0  # a proxy that is not ssh, or a quiet one, tells of no login
        is_in = bool(_IN.match(line))
        logins += is_in
        talk.hear(line)
        if line.startswith(_STARTED) or (is_in and logins <= jumps):
            talk = _Talk()
        if line and not line.startswith(CHATTER):
            reason = line
    if logins < jumps:  # the last lines are a jump host's
        talk = _Talk()
    return Verdict(
        frozenset(talk.offered),
        frozenset(talk.taken),
        frozenset(talk.refused),
        talk.logged_in,
        talk.by,
        talk.denied,
        reason,
    )


class _Talk:
    def __init__(self) -> None:
        self.offered: list[str] = []
        self.taken: list[str] = []
        self.refused: list[str] = []
        self.logged_in = False
        self.by = ""
        self.denied = False

    def hear(self, line: str) -> None:
        self.offered += _OFFERED.findall(line)
        self.taken += _TAKEN.findall(line)
        match = _IN.match(line)
        if match:
            self.logged_in = True
            self.by = self.taken[-1] if match.group(1) == "publickey" and self.taken else match.group(1)
        if _DENIED in line:
            self.denied, self.logged_in = True, False
        if match or any(message in line for message in _ANSWERS):
            self.refused += self.offered
