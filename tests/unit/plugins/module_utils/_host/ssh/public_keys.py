# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Public SSH keys for tests, of which only the form is real."""

from __future__ import annotations

import base64

TYPE = "ssh-ed25519"


def key(name: str, kind: str = TYPE) -> str:
    """A public line; what is in it is a name instead of a point on a curve."""
    blob = len(kind).to_bytes(4, "big") + kind.encode() + len(name).to_bytes(4, "big") + name.encode()
    return f"{kind} {base64.b64encode(blob).decode()}"
