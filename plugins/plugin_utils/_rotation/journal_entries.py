# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The entries that a run appends to the journal as a stage ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core import blast_radius, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Overtaken
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    context,
    incident_events,
    state_machine,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.run import StageNotes
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

T = TypeVar("T")
Advanced = tuple[state_machine.Decision, dict[str, Any]]


def advance(
    setting: RotationSetup, outcome: str, message: str, notes: StageNotes, *, is_tested: bool = False
) -> Advanced:
    """Appends the entry that begins the next stage, unless the run stops here. Raises SecretsError.

    Returns the decision and the new summary.
    """
    return appended(setting, lambda: _advanced(setting, outcome, message, notes, is_tested=is_tested))


def appended(setting: RotationSetup, make: Callable[[], T]) -> T:
    """Returns the result of ``make``, which appends an entry.

    If another entry was written since, such as a leak's, calls ``make`` again. Raises :class:`Overtaken` if another run
    continues the rotation.
    """
    try:
        return make()
    except Overtaken:
        setting.rotator.confirm()
        setting.rotator.mine()
        return make()


def _advanced(setting: RotationSetup, outcome: str, message: str, notes: StageNotes, *, is_tested: bool) -> Advanced:
    journal, rotation = setting.rotator.holding()
    decision = state_machine.following(rotation, outcome, message=message, is_tested=is_tested)
    if decision.way == state_machine.STOP:
        setting.rotator.confirm()
        return decision, context.summary(setting, journal, rotation)
    extra: dict[str, Any] = {
        "notes": notes.notes,
        "hosts_with_old_key": notes.hosts_with_old_key,
        "behind": sorted(notes.behind),
        "sent": list(notes.sent),
        "reason": message if decision.way == state_machine.BACK else "",
    }
    if journal.incident is not None:
        noted = replace(
            rotation,
            hosts_with_old_key={
                **rotation.hosts_with_old_key,
                **{name: tuple(group) for name, group in notes.hosts_with_old_key.items()},
            },
        )
        first = timestamps.stamp(datetime.fromtimestamp(min(notes.healthy_at), UTC)) if notes.healthy_at else ""
        at = timestamps.stamp(context.now())
        reads = blast_radius.read(setting.catalog)
        step, kinds, incident = str(decision.step), setting.kinds, journal.incident
        events = incident_events.events(
            noted, step, kinds, at, incident, reads=reads, first=first, blocked=notes.blocked
        )
        events.update(incident_events.outlived(events, notes.refusals))
        extra.update(events=events, evidence=incident_events.evidence(events, notes.refusals))
    journal = setting.rotator.advance(str(decision.step), phase=decision.phase, since=journal, **extra)
    return decision, context.open_summary(setting, journal)


def note_skipped(setting: RotationSetup, hosts: Sequence[str]) -> None:
    for host in hosts:
        journal = setting.rotator.look()
        incident = journal.incident
        if incident is None or host in incident.behind:
            continue
        events: Mapping[str, str] = {f"skipped/{host}": timestamps.stamp(context.now())}
        setting.rotator.append(journal, incident.id, "closed", events=events)
