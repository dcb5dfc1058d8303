# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fingerprints: they tell whether two values or keys are equal, and nothing else. Standard library only; Python 3.8."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Union

SHORT = 8
"""Digits in messages."""


def of_value(key: Union[str, bytes], value: str, *, name: str = "", digits: int = 64) -> str:
    """An HMAC under this run's key, so that later runs cannot compare it. A name makes equal values differ."""
    secret = key.encode() if isinstance(key, str) else key
    text = ("%s\0%s" % (name, value)).encode("utf-8", "surrogatepass")
    return hmac.new(secret, text, hashlib.sha256).hexdigest()[:digits]


def of_ssh_key(blob: bytes) -> str:
    """The fingerprint of a public key, in the form of sshd's log."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")


def of_text(text: Union[str, bytes]) -> str:
    """A short name for a text that is not secret."""
    return hashlib.sha256(text.encode("utf-8") if isinstance(text, str) else text).hexdigest()[:SHORT]
