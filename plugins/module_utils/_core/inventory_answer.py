# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The form of an inventory in a host's answer. Without imports: most executions have no inventory."""

from __future__ import annotations

_ENTRY = {"kind": str, "name": str, "facts": str, "undo": str, "since?": str}
INVENTORY = {"kinds": [str], "entries": [_ENTRY], "problems": [str]}
"""Of a server."""
HOST_INVENTORY = {**INVENTORY, "unread": {str: str}}
"""Of a host: by kind also why it was not read."""
