# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dry run of a rotation's journal entries and audit record, before the first entry.

An entry that does not fit would leave the rotation open, with no way to close it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import blast_radius
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AuditError,
    JournalError,
    RotationError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import (
    ADMINISTERED,
    HONEYTOKENS,
    TWO_USERS,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import LIMIT, JournalStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    github_copies,
    incident_events,
    state_machine,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.journal_writer import (
    LONGEST_REASON,
    JournalWriter,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import RotationPlan

LAST = audit_chain.Head(10**9, "0" * 64)
LONGEST_NOTE = "x" * 120
"""The longest note of a kind about one credential."""
NOTED = ("outlived/", "compared/", "used/", "foothold/", "evicted/")
"""Prefixes of events with such a note."""
Ending = Callable[[Journal, OpenRotation], Mapping[str, Any]]
"""Makes the fields of a rotation's closing entry."""
Record = Callable[[Journal, OpenRotation], Mapping[str, Any]]
"""Makes a rotation's audit record."""


class Written(JournalStore):
    """A journal that stores nothing."""

    limit = LIMIT // 4
    """The rest is for entries of other runs during the rotation, each with the whole plan."""

    def _load(self) -> tuple[bytes, str]:
        raise NotImplementedError

    def _replace(self, content: bytes, version: str | None) -> str:
        return str(version)


class Rehearsal(JournalWriter):
    """Makes the entries of a rotation without storing them. ``behind`` are the skipped hosts."""

    def __init__(self, rotator: JournalWriter, behind: Sequence[str] = ()) -> None:
        journal = Written(rotator.catalog.application, rotator.catalog.environment)
        journal.where = rotator.journal.where
        super().__init__(catalog=rotator.catalog, journal=journal, me=rotator.me, clock=rotator.clock)
        self._behind = behind

    def goes(
        self,
        journal: Journal,
        rotation: str,
        plan: RotationPlan,
        contents: Contents,
        kinds: Mapping[str, Kind],
        ending: Ending,
        record: Record | None = None,
    ) -> None:
        """Raises JournalError if the journal becomes too long, RotationError for a record, PolicyError for a tag that
        AWS refuses."""
        self.tags()
        opened = self.open(journal, rotation, plan, contents)
        merged = {**_of(opened).plan, "merges": dict.fromkeys(plan.secrets, 99)}
        journal = self.append(opened, rotation, _of(opened).step, plan=merged)
        back = self.advance("abort", phase=min(plan.phases, 1), reason="x" * LONGEST_REASON, since=journal)
        # For overlapping passwords, each server's start and a session's number are noted.
        overlapping = {name for name, kind in kinds.items() if kind.alternates == "if_suffixed"}
        noted = [item.credential for item in plan.items if item.kind in overlapping]
        tokens = {item.credential: {"not_ended": [""]} for item in plan.items if item.kind == incident_events.OUTLIVED}
        each = [
            [f"{prefix}{number}" for number in range(incident_events.MOST_FOOTHOLDS)] for prefix in ("left", "gone")
        ]
        footholds: dict[str, Any] = {"footholds": each[0], "evicted": each[1], "baseline": [""]}
        footholds["notes"] = {"used": {"last": LONGEST_NOTE}}
        tokens.update(
            {
                item.credential: footholds
                for item in plan.items
                if item.kind in (*ADMINISTERED, *TWO_USERS, *HONEYTOKENS)
            }
        )
        notes: dict[str, Any] = {name: {"server": LONGEST_NOTE} for name in noted}
        honeytoken_names = [item.credential for item in plan.items if item.kind in HONEYTOKENS]
        notes.update({name: {"used": {"last": LONGEST_NOTE}} for name in honeytoken_names})
        for stage in state_machine.stages(plan.phases, immediate=plan.immediate):
            step, phase = state_machine.step_of(stage)
            extra: dict[str, Any] = {"notes": notes, "behind": self._behind if step == "record" else []}
            if step == "revoke":
                extra["sent"] = list(github_copies.names_of(self.catalog, plan.entry()))
            if journal.incident is not None:
                at, reads = self.clock(), blast_radius.read(self.catalog)
                events = incident_events.events(_of(journal), step, kinds, at, journal.incident, reads=reads, first=at)
                events.update(incident_events.outlived(events, tokens))
                rejections = {event: LONGEST_NOTE for event in events if event.startswith("refused/")}
                rejections.update({event: LONGEST_NOTE for event in events if event.startswith(NOTED)})
                extra.update(events=events, evidence=rejections)
            journal = self.advance(step, phase=phase, since=journal, **extra)
        self.append(journal, rotation, "closed", **ending(journal, _of(journal)))
        if record:
            for end in (journal, back):
                self._require_recordable(record(end, _of(end)))

    def _require_recordable(self, record: Mapping[str, Any]) -> None:
        own = {"application": self.catalog.application, "environment": self.catalog.environment}
        try:
            audit_chain.following({**record, **own}, LAST)
        except AuditError as error:
            raise RotationError(
                "no rotation was started, because the audit log would refuse the rotation's final record "
                f"(docs/how-to/audit-log.md): {error}"
            ) from None


def _of(journal: Journal) -> OpenRotation:
    if journal.rotation is None:
        raise JournalError("the rotation that was just started is not in the journal")
    return journal.rotation
