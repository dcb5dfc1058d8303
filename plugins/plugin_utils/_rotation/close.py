# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The end of a rotation in the journal: what it rotated, and what it leaves for later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    honeytokens,
    hosts_with_old_key,
    timestamps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import shortened
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation, Rotated
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import (
    AWS_ACCESS_KEY,
    HONEYTOKENS,
    VAULT_DATABASE,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    context,
    incident_events,
    plan,
    provider_revocations,
    revocation_latency,
    state_machine,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


def closed(setting: RotationSetup, args: Mapping[str, Any]) -> dict[str, Any]:
    """Appends the last entry. Returns the last summary, with values that providers must still revoke."""
    journal, rotation = setting.rotator.holding()
    aborted = rotation.step in state_machine.BACKWARD
    extra = ending(setting, journal, rotation, args["audit"])
    if journal.incident is not None and args["unrecorded"]:
        event = f"unrecorded/{rotation.id}"
        extra["events"] = {event: timestamps.stamp(context.now())}
        extra["evidence"] = {event: shortened(args["unrecorded"])}
    refused = [] if aborted else context.refused_at_end(setting, rotation, extra["pending_tasks"])
    answer = context.summary(setting, journal, rotation)
    answer.update(todo=[], closed=True, to_refusal=revocation_latency.lines(journal, rotation, refused))
    journal = setting.rotator.append(journal, rotation.id, "aborted" if aborted else "closed", **extra)
    return {**answer, "revocations": provider_revocations.waiting(setting.catalog, journal)}


def ending(
    setting: RotationSetup, journal: Journal, rotation: OpenRotation, audit: Mapping[str, Any]
) -> dict[str, Any]:
    """The fields of the closing entry."""
    aborted = rotation.step in state_machine.BACKWARD
    items = plan.items_of(rotation.plan)
    now = timestamps.stamp(context.now())
    extra: dict[str, Any] = {"audit": audit}
    if not aborted:
        open_tasks = {
            **plan.pending_tasks(
                setting.catalog,
                rotation.id,
                rotation.plan,
                context.now(),
                rotation.notes,
                rotation.promoted_at,
            ),
            **provider_revocations.pending(
                setting.catalog, rotation.id, rotation.plan, setting.kinds, context.now(), journal.incident
            ),
            **hosts_with_old_key.pending_tasks(setting.catalog, rotation, journal.pending_tasks, now),
        }
        extra["pending_tasks"] = open_tasks
        former = [
            journal.pending_tasks[name] for item in items for name in item.former if name in journal.pending_tasks
        ]
        extra["replaced"] = (
            incident_events.replaced(rotation, open_tasks, journal.incident, former) if journal.incident else {}
        )
        by = Rotated(now, rotation.who, rotation.id, rotation.plan.get("incident", ""))
        extra["rotated"] = {
            item.credential: replace(by, lease=_lease(item, rotation), used=_used(item, journal, rotation)).entry()
            for item in items
            if item.act in plan.CHANGES
        }
        renewed = {item.credential for item in items if item.act == plan.RENEW}
        # A login that took its turn again has another password: there is nothing left to revoke.
        turned = {item.credential for item in items if item.act == plan.ROTATE and _alternates(setting, item)}
        taken_up = [
            name for item in items for name in (item.pending_task, *item.former) if name and name not in open_tasks
        ]
        extra["discharged"] = taken_up + [
            pending_task.id
            for pending_task in journal.pending_tasks.values()
            if pending_task.credential in renewed
            or (pending_task.credential in turned and pending_task.act == plan.REVOKE)
        ]
    return extra


def _lease(item: plan.Item, rotation: OpenRotation) -> Mapping[str, str]:
    noted: Mapping[str, str] = rotation.notes.get(item.credential, {}).get("lease", {})
    return noted if item.kind == VAULT_DATABASE else {}


def _used(item: plan.Item, journal: Journal, rotation: OpenRotation) -> Mapping[str, Any]:
    """Recorded uses of the key. A leak response answers earlier uses; a routine rotation keeps them."""
    before, noted = journal.rotated.get(item.credential), rotation.notes.get(item.credential, {})
    handed_on: Mapping[str, Any] = before.used if before and not before.incident else {}
    if before and before.incident and item.kind in HONEYTOKENS:  # its server still shows the uses
        handed_on = {"answered": honeytokens.answered(before.entry())}
    is_built_in = item.kind in (AWS_ACCESS_KEY, *HONEYTOKENS)  # an operator's own kind may note anything
    return {**handed_on, **noted.get("used", {}), **noted.get("used_at_end", {})} if is_built_in else {}


def _alternates(setting: RotationSetup, item: plan.Item) -> bool:
    return item.kind in setting.kinds and setting.kinds[item.kind].alternates == "always"
