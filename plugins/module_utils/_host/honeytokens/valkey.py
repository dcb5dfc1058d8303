# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A login of Valkey that exists on no server; its administrator reads its use.

A server logs each rejected login (ACL LOG) with the user's name, even if the user does not exist. So nothing is created
on the server, and a stolen login is useless.
"""

from __future__ import annotations

import re
import time
from typing import Any, Dict, Mapping, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps, valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import connection as _connection

ALL, MOST = 100000, 5
"""Entries to ask for, and addresses to name."""

Report = Dict[str, Any]


def seen(admin: valkey.Address, nodes: Sequence[str], user: str) -> Report:
    """Combined report of all nodes. Raises SecretsError."""
    reports = []
    for address in (admin, *(admin.at(node) for node in nodes)):
        with _connection.Connection(address, _connection.ADMIN) as connection:
            reports.append(_at_node(connection, user))
    return {
        "exists": any(report["exists"] for report in reports),
        "uses": sum(report["uses"] for report in reports),
        "last": max(report["last"] for report in reports),
        "clients": sorted({client for report in reports for client in report["clients"]})[:MOST],
        "reach": min(report["reach"] for report in reports),
        "lost": any(report["lost"] for report in reports),
    }


def _at_node(connection: _connection.Connection, user: str) -> Report:
    entries = [dict(zip(flat[::2], flat[1::2])) for flat in connection.ask("ACL", "LOG", ALL)]
    users = valkey.parse_users(connection.ask("ACL", "LIST"))
    own = [entry for entry in entries if entry["username"] == user]
    now = time.time()
    uptime = _number(connection, "server", "uptime_in_seconds")
    denied = _number(connection, "stats", "acl_access_denied_auth")
    listed = sum(int(entry["count"]) for entry in entries if entry["reason"] == "auth")
    is_incomplete = denied > listed  # the log is full, somebody emptied it, or others flooded it
    oldest = max((float(entry["age-seconds"]) for entry in entries), default=0)
    return {
        "exists": user in users and users[user].enabled,
        "uses": sum(int(entry["count"]) for entry in own),
        "last": max((timestamps.stamp_of(now - float(entry["age-seconds"])) for entry in own), default=""),
        "clients": [_address(entry) for entry in own],
        "reach": int(oldest if is_incomplete else uptime),
        "lost": is_incomplete,
    }


def _address(entry: Mapping[str, Any]) -> str:
    match = re.search(r"(?:^| )addr=(\S{1,64})(?: |$)", str(entry["client-info"]))
    return match.group(1).rpartition(":")[0] if match else "an unknown address"


def _number(connection: _connection.Connection, section: str, name: str) -> int:
    match = re.search(r"^%s:(\d+)\s*$" % name, connection.ask("INFO", section), re.MULTILINE)
    return int(match.group(1)) if match else 0


def check(report: Report, user: str) -> Report:
    """Raises RotationError if a server has the user, whose logins would succeed and leave no trace."""
    if report["exists"]:
        raise RotationError(
            "user %s exists, so the server does not log its logins; delete it (ACL DELUSER %s, then ACL SAVE if "
            "the server has an aclfile), or name another user in options.user" % (user, user)
        )
    return report
