# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A journal entry as text: JSON, or where a parameter would not take that, the same compressed. Pure."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any, Mapping

ROOM = 4096
"""Bytes that a standard parameter takes."""
PACKED = "zlib:"
"""What a compressed entry begins with; base64 follows. No JSON begins so."""
UNPACKED_BYTES = 1 << 20
"""The most that is unpacked: what was not written here may be made to grow without end."""


def written(entry: Mapping[str, Any]) -> str:
    """The entry as it is kept; longer than ``ROOM`` where compressing it is not enough."""
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    if len(text) <= ROOM:
        return text
    return PACKED + base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def read(text: str) -> Any:
    """What was written. Raises :class:`ValueError` for what is neither."""
    if not text.startswith(PACKED):
        return json.loads(text)
    unpacking = zlib.decompressobj()
    try:
        found = unpacking.decompress(base64.b64decode(text[len(PACKED) :], validate=True), UNPACKED_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not unpacking.eof:
        raise ValueError("it is cut off, or too long")
    return json.loads(found)
