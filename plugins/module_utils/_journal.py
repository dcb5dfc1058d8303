# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The reading half of the journal: numbered entries in, the state that a deploy must respect out.

An entry is a JSON object with at least ``rotation``, ``step`` and ``who``. ``prescribes`` names the versions that every
deploy must use while the rotation is open: ``{"secrets": {name: version id}, "parameters": {name: version number}}``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import JournalError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import Reading

CLOSING_STEPS = ("closed", "aborted")
PROMOTING_STEPS = ("promote",)


@dataclass(frozen=True)
class OpenRotation:
    """A rotation that has begun and not ended."""

    id: str
    step: str
    who: str
    since: str
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Version id by secret that a deploy must read."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Version number by parameter."""

    @property
    def prescribes(self) -> bool:
        return bool(self.secrets or self.parameters)

    @property
    def half_promoted(self) -> bool:
        return self.step in PROMOTING_STEPS

    def __str__(self) -> str:
        return f"rotation {self.id} of {self.who} (since {self.since}, at step {self.step})"


@dataclass(frozen=True)
class Journal:
    """What the entries add up to."""

    head: int = 0
    """Number of the newest entry; 0 for an empty journal."""
    rotation: Optional[OpenRotation] = None


def fold(path: str, readings: Iterable[Reading]) -> Journal:
    """The state that the parameters below ``path`` add up to.

    Raises :class:`JournalError`, naming the parameter, for what is no entry.
    """
    entries = sorted(_entry(path, reading) for reading in readings)
    rotation: Optional[OpenRotation] = None
    for _number, name, text in entries:
        rotation = _next(rotation, name, text)
    return Journal(head=entries[-1][0] if entries else 0, rotation=rotation)


def _entry(path: str, reading: Reading) -> tuple[int, str, str]:
    number = reading.name[len(path) + 1 :]
    if not re.fullmatch(r"[0-9]{1,12}", number):
        raise JournalError(f"parameter {reading.name} lies in the journal's path and is no entry; move it elsewhere")
    return int(number), reading.name, reading.value


def _next(before: Optional[OpenRotation], name: str, text: str) -> Optional[OpenRotation]:
    entry = _parsed(name, text)
    same = before if before and before.id == entry["rotation"] else None
    if entry["step"] in CLOSING_STEPS:
        return before if before and not same else None
    prescribed = entry.get("prescribes") or {}
    return OpenRotation(
        id=entry["rotation"],
        step=entry["step"],
        who=entry["who"],
        since=same.since if same else str(entry.get("at", "an unknown time")),
        secrets=_versions(name, prescribed, "secrets", same.secrets if same else {}),
        parameters=_versions(name, prescribed, "parameters", same.parameters if same else {}),
    )


def _versions(name: str, prescribed: Any, key: str, before: Mapping[str, str]) -> Mapping[str, str]:
    found = prescribed.get(key, before) if isinstance(prescribed, dict) else None
    if not isinstance(found, Mapping):
        raise _no_entry(name)
    return {name: str(version) for name, version in found.items()}


def _no_entry(name: str) -> JournalError:
    return JournalError(f"parameter {name} is no journal entry; look at it with 'aws ssm get-parameter-history'")


def _parsed(name: str, text: str) -> Mapping[str, Any]:
    try:
        entry = json.loads(text)
    except ValueError:
        entry = None
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("rotation", "step", "who")):
        raise _no_entry(name)
    return entry
