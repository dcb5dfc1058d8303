# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Masks values in messages.

Only values of high or medium sensitivity and at least eight characters: masking ``0`` or ``production`` would hide
modes, paths and names.
"""

from __future__ import annotations

import re
from typing import Any, Mapping
from urllib.parse import unquote, urlsplit

SHORTEST = 8
MASK = "********"
_PASSWORD = re.compile(r"://[^\s/?#@:]*:([^\s/?#@]+)@")
"""A value may contain several URLs, such as a list of Redis hosts."""


def maskable(values: Mapping[str, str], sensitivity: Mapping[str, str]) -> list[str]:
    """Strings to mask, longest first: sensitive values, and passwords in URLs."""
    results: set[str] = set()
    for name, value in values.items():
        if sensitivity.get(name, "high") == "low":
            continue
        results.add(value)
        results.update(passwords(value))
    return sorted((text for text in results if len(text) >= SHORTEST), key=lambda text: (-len(text), text))


def passwords(value: str) -> list[str]:
    try:
        password = urlsplit(value).password if "://" in value else None
    except ValueError:
        password = None
    results = {*_PASSWORD.findall(value), *([password] if password else [])}
    return sorted(results | {unquote(item) for item in results})


def scrub(node: Any, secrets: list[str]) -> Any:
    """``node`` with every secret masked in its strings, including keys."""
    if isinstance(node, str):
        for secret in secrets:
            node = node.replace(secret, MASK)
        return node
    if isinstance(node, Mapping):
        return {scrub(key, secrets): scrub(value, secrets) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [scrub(item, secrets) for item in node]
    return node
