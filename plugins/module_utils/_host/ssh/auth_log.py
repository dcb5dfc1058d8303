# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lines of sshd's log about a login. Pure; standard library only, Python 3.8."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

_ACCEPTED = re.compile(
    r"Accepted (?P<method>\S+) for (?P<user>\S+) from (?P<address>\S+) port \d+ ssh2"
    r"(?:: \S+ (?P<fingerprint>(?:SHA256|MD5):\S+))?"
)


class Accepted(NamedTuple):
    user: str
    address: str
    method: str
    fingerprint: str
    """Fingerprint of the key or certificate. Empty for another method."""


def accepted(message: str) -> Optional[Accepted]:
    """The login in a log line. The line must begin with sshd's words: a client's name may contain them."""
    match = _ACCEPTED.match(message)
    if not match:
        return None
    return Accepted(match["user"], match["address"], match["method"], match["fingerprint"] or "")
