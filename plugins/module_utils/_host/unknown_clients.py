# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Advice for unknown clients that use an old value."""

from __future__ import annotations

import ipaddress
from typing import Iterable


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def remedy(addresses: Iterable[str]) -> str:
    """End of a sentence with the remedy. A session over a Unix socket has no address to add."""
    unknown_addresses = [name for name in dict.fromkeys(addresses) if _is_address(name)]
    joined = ",".join(unknown_addresses)
    add = "add their addresses (-e rotation_known_addresses=%s), or " % joined if joined else ""
    end = "add -e rotation_allow_sessions=true, which ends their sessions"
    return "give those clients the new value, then run the same command again; or %s%s" % (add, end)
