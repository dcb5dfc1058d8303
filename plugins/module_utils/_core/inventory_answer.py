# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The form of an inventory in a host's answer. Without imports: most executions have no inventory."""

from __future__ import annotations

_ENTRY = {"kind": str, "name": str, "facts": str, "undo": str, "since?": str}
INVENTORY = {"kinds": [str], "entries": [_ENTRY], "problems": [str]}
"""Schema of a server's entries in a host's answer."""
HOST_INVENTORY = {**INVENTORY, "unread": {str: str}}
"""Schema of a host's own entries. ``unread`` has reasons by kind."""
