# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records of rotations, and the lines of a log that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain


def record_fields(number: Any = 1, **extra: Any) -> dict[str, Any]:
    return {
        "rotation": f"r{number}",
        "outcome": "completed",
        "application": "shop",
        "environment": "production",
        "who": "ann@laptop",
        "at": "2026-11-25T10:00:00Z",
        **extra,
    }


def log(count: int) -> list[str]:
    lines: list[str] = []
    for number in range(1, count + 1):
        lines.append(chained(record_fields(number), lines[-1] if lines else None))
    return lines


def chained(record: Mapping[str, Any], previous_line: str | None = None) -> str:
    """The line of ``record`` after ``previous_line``, or the first one."""
    head = audit_chain.parsed(previous_line).head if previous_line is not None else audit_chain.Head()
    return audit_chain.following(record, head)
