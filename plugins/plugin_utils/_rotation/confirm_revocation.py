# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A confirmation that providers have revoked what rotations replaced, and the results of trying the old values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import TRIED
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import PendingTask
from ansible_collections.watchparty.secrets.plugins.module_utils._host.revoked_logins import ACCEPTED, REFUSED
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context, provider_revocations
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import Item
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


def taken(setting: RotationSetup, args: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Ends what waits for these credentials, in one entry; in a leak that entry is the leak's confirmation as well.

    What was tried and still works stays open, whatever the operator says.
    """
    journal = setting.rotator.look()
    incident, tried = journal.incident, args["tried"]
    mirrors = setting.rotator.mirror is not None
    against = provider_revocations.against_confirmation(
        setting.catalog, journal, setting.kinds, args["credentials"], mirrors=mirrors
    )
    if against and (incident or args["incident"]):
        raise RotationError(against)
    pending_tasks = provider_revocations.confirmed(setting.catalog, journal, args["credentials"])
    alive = [task for task in pending_tasks if tried.get(task.id, {}).get("state") == ACCEPTED]
    closed = [task for task in pending_tasks if task not in alive]
    names = [name for name in args["credentials"] if name not in {task.credential for task in alive}]
    new = [f"confirmed/{name}" for name in names if incident and f"confirmed/{name}" not in incident.events]
    if journal.rotation is not None and incident is None and closed:
        raise JournalError(f"{journal.rotation} is open; finish it, then give the confirmation again")
    now = context.now()
    result = {name: " ".join(str(item["message"]).split())[:300] for name, item in tried.items()}
    record = provider_revocations.record(setting.catalog, closed, setting.rotator.me.who, now, result) if closed else {}
    audit = context.audit_of(setting, journal)
    if not check and (closed or new):
        journal = setting.rotator.append(
            journal,
            incident.id if incident else record["rotation"],
            "closed",
            discharged=[task.id for task in closed],
            events=dict.fromkeys(new, timestamps.stamp(now)),
            evidence={event: _shown(event, closed, tried, result) for event in new},
            audit=args["audit"],
        )
    idle = [
        name for name in names if name not in {task.credential for task in closed} and f"confirmed/{name}" not in new
    ]
    return {
        "changed": bool(closed or new),
        "messages": [_message(task, tried.get(task.id, {}).get("state"), result.get(task.id, "")) for task in closed]
        + [f"{name}: no confirmation is pending" for name in idle],
        "still_accepted": [
            f"{task.credential}: its old value, which {task.rotation} replaced, STILL WORKS: {result[task.id]}"
            for task in alive
        ],
        "tries": _tries(setting, pending_tasks),
        "record": record,
        "audit": audit,
        "revocations": provider_revocations.waiting(setting.catalog, journal),
    }


def _shown(
    event: str, closed: Sequence[PendingTask], tried: Mapping[str, Mapping[str, Any]], result: Mapping[str, str]
) -> str:
    """The evidence of a confirmation: whether every old value was tried."""
    names = [task.id for task in closed if task.credential == event.partition("/")[2]]
    message = "; ".join(result[name] for name in names if name in result)
    is_rejected = bool(names) and all(tried.get(name, {}).get("state") == REFUSED for name in names)
    return (TRIED if is_rejected else "NOT tried") + (f": {message}" if message else "")


def _message(task: PendingTask, state: str | None, message: str) -> str:
    trial = "" if state is None else f" ({message})" if state == REFUSED else f" (not verified: {message})"
    return f"{task.credential}: the operator confirms that the value replaced by {task.rotation} was revoked{trial}"


def _tries(setting: RotationSetup, pending_tasks: Sequence[PendingTask]) -> list[dict[str, Any]]:
    """The credentials among them whose kind can try old values, as its tasks know them."""
    names = dict.fromkeys(task.credential for task in pending_tasks if task.credential in setting.catalog.credentials)
    items = [Item(name, setting.catalog.credentials[name].kind) for name in names]
    credential_summaries = [context.credential_summary(setting, item) for item in items]
    return [
        credential_summary for credential_summary in credential_summaries if "revoked" in credential_summary["stages"]
    ]
