# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What sshd writes into its log at a login. Pure; standard library only, Python 3.8."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

_ACCEPTED = re.compile(
    r"Accepted (?P<method>\S+) for (?P<user>\S+) from (?P<address>\S+) port \d+ ssh2"
    r"(?:: \S+ (?P<fingerprint>(?:SHA256|MD5):\S+))?"
)


class Accepted(NamedTuple):
    """Somebody who logged in."""

    user: str
    address: str
    method: str
    fingerprint: str
    """Of the key, or of the certificate's; empty where it was not a key."""


def accepted(message: str) -> Optional[Accepted]:
    """The login that a line tells of. Its words must begin so: a client's name may hold the same ones."""
    match = _ACCEPTED.match(message)
    if not match:
        return None
    return Accepted(match["user"], match["address"], match["method"], match["fingerprint"] or "")
