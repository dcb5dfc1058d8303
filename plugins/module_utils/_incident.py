# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak that was declared and is not contained yet, as journal entries tell it. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Mapping, Optional, Tuple

GRACEFUL, IMMEDIATE = "graceful", "immediate"


@dataclass(frozen=True)
class Incident:
    """One leak, from its declaration to its containment, however often the command is started."""

    id: str
    at: str
    """When it was declared."""
    who: str
    declared: Tuple[str, ...] = ()
    since: str = ""
    """Since when it may have been known to others; empty for unknown."""
    containment: str = GRACEFUL
    events: Mapping[str, str] = field(default_factory=dict)
    """When something was first seen to hold, by name."""

    def entry(self) -> dict[str, Any]:
        """The incident as an entry keeps it."""
        kept = asdict(self)
        return {**kept, "declared": list(self.declared)}


def following(before: Optional[Incident], entry: Mapping[str, Any]) -> Optional[Incident]:
    """The incident after one more entry. A second declaration joins the one that is open."""
    told = entry.get("incident")
    if isinstance(told, Mapping):
        said = Incident(**{**told, "declared": tuple(told.get("declared", ()))})
        if before is None:
            before = said
        else:
            joined = tuple(dict.fromkeys((*before.declared, *said.declared)))
            before = replace(before, declared=joined, events={**said.events, **before.events})
    if before is not None and isinstance(entry.get("events"), Mapping):
        before = replace(before, events={**entry["events"], **before.events})
    if before is not None and entry.get("contained") == before.id:
        return None
    return before
