# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Entries of a journal as they are appended, for its tests."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    Journal,
    OpenRotation,
    digest_of,
)

DUE = {"credential": "database", "act": "revoke", "due": "2026-12-01T00:00:00Z", "rotation": "r1"}


def entry(number: Any, step: str, rotation: str = "r1", **more: Any) -> str:
    return json.dumps({"number": number, "rotation": rotation, "step": step, "who": "ann@laptop", **more})


def chained(*bodies: dict[str, Any], start: int = 1, prev: str = "") -> list[str]:
    """Entries as they are appended: each with the digest of the one before."""
    lines: list[str] = []
    for number, body in enumerate(bodies, start):
        full = {"rotation": "r1", "step": "plan", "who": "ann@laptop", **body, **({"prev": prev} if prev else {})}
        lines.append(json.dumps({"number": number, **full}))
        prev = digest_of(lines[-1])
    return lines


def state(journal: Journal) -> Journal:
    """Without what is kept."""
    return replace(journal, lines=())


def opened(journal: Journal) -> OpenRotation:
    assert journal.rotation is not None
    return journal.rotation
