# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Declares a leak in the journal, or joins the open incident."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident, shortened
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import CURRENT
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import process_identity
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import redeclaration
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

PLANNED = "planned"


@dataclass(frozen=True)
class LeakDeclaration:
    """The operator's declaration."""

    leaked: Sequence[str]
    containment: str = "graceful"
    exposed_since: str = ""
    impact: Mapping[str, Any] | None = None
    matches: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Declaration:
    """The incident after the declaration."""

    incident: Incident
    open_rotation: Mapping[str, Any] | None
    """The open rotation, and whether it is aborted because its new values may have leaked."""
    message: str
    """The kind of containment, and whether an earlier declaration was escalated."""
    behind: Sequence[str] = ()
    """Hosts that an earlier run skipped."""

    @property
    def aborts(self) -> bool:
        return bool((self.open_rotation or {}).get("may_have_leaked"))


def declared(setting: RotationSetup, journal: Journal, declaration: LeakDeclaration) -> Declaration:
    """The journal after a declaration. Writes nothing. Raises RotationError."""
    before, joined = _joined_to(setting, journal, declaration)
    return Declaration(
        incident=joined,
        open_rotation=redeclaration.open_rotation(journal, joined),
        message=_containment(journal.incident, joined, declaration.containment),
        behind=before.behind,
    )


def declare(setting: RotationSetup, journal: Journal, declaration: LeakDeclaration, plan: str = "") -> Declaration:
    """Writes the declaration into the journal. The same entry has ``plan`` as evidence that the plan is known."""
    before, joined = _joined_to(setting, journal, declaration)
    opened = redeclaration.open_rotation(journal, joined)
    message = _containment(journal.incident, joined, declaration.containment)
    at = timestamps.stamp(rotation_context.now())
    events, evidence = {}, {}
    if plan and PLANNED not in before.events:
        events[PLANNED], evidence[PLANNED] = at, shortened(plan)
    extra: dict[str, Any] = {}
    if journal.incident is None or joined != before:
        entry = replace(joined, events={}, evidence={}, dead={}, parameters=()).entry()
        extra["incident"] = entry
        again = {event.partition("/")[2] for event in before.events.keys() - joined.events.keys()}
        events.update({f"again/{name}": at for name in sorted(again)})
    if extra or events:
        journal = setting.rotator.append(journal, before.id, "closed", **extra, events=events, evidence=evidence)
    return Declaration(journal.incident or joined, opened, message, before.behind)


def _joined_to(setting: RotationSetup, journal: Journal, declaration: LeakDeclaration) -> tuple[Incident, Incident]:
    since, at = _since(declaration.exposed_since), rotation_context.now()
    before = journal.incident or Incident(
        id=f"leak-{at:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}",
        at=timestamps.stamp(at),
        who=process_identity.me(),
        containment=declaration.containment,
    )
    joined = before.joined(declaration.leaked, declaration.containment, since)
    matches = [_in_force(setting, match) for match in declaration.matches]
    return before, joined.without(redeclaration.spoiled(journal, before, joined, declaration.impact or {}, matches))


def _in_force(setting: RotationSetup, match: Mapping[str, Any]) -> Mapping[str, Any]:
    """The match with the current key, if it names a previous key that still verifies sessions."""
    fallbacks = setting.catalog.credentials[match["credential"]].fallbacks
    return {**match, "stage": CURRENT} if fallbacks and match["stage"] == fallbacks else match


def _containment(before: Incident | None, now: Incident, containment: str) -> str:
    """The containment after a second declaration."""
    if before is None or before.containment == containment:
        return f"containment: {now.containment}"
    if now.containment == containment:
        return f"containment: {containment} from now on; {now.id} was declared as {before.containment}"
    return f"containment: {now.containment}, as {now.id} was declared; the requested {containment} has no effect"


def _since(text: str) -> str:
    """The exposure's start in the journal's format. Raises RotationError for another text or a future time."""
    if not text:
        return ""
    try:
        since = datetime.fromisoformat(text)
    except ValueError:
        raise RotationError(
            f"leak_exposed_since: {text!r} is not a time; give for example -e leak_exposed_since=2026-11-20T10:00Z"
        ) from None
    since = since if since.tzinfo else since.replace(tzinfo=UTC)
    if since > rotation_context.now():
        raise RotationError(
            f"leak_exposed_since: {text} lies in the future; give a past time, such as -e "
            "leak_exposed_since=2026-11-20T10:00Z"
        )
    return timestamps.stamp(since)
