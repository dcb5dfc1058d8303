# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Confirmations by an operator: old values were revoked, or pending tasks are dropped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    JournalError,
    RotationError,
    SecretsError,
    one_line,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import TRIED
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import PendingTask
from ansible_collections.watchparty.secrets.plugins.module_utils._host.revoked_logins import ACCEPTED, REFUSED
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    context,
    pending_tasks,
    provider_revocations,
    segment,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import stages_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Part, ServerPrograms
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import Item
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

Take = Callable[..., dict[str, Any]]


def confirmed(
    setting: RotationSetup, args: Mapping[str, Any], server: ServerPrograms, take: Take, *, check: bool
) -> dict[str, Any]:
    """The result of ``take``. Raises SecretsError.

    First tries old values if the catalog says how, then writes the audit log and the journal.
    """
    waiting = take(setting, {**args, "tried": {}, "audit": {}}, check=True)
    tried = _tried(setting, server, waiting.get("tries", ()))
    preview = take(setting, {**args, "tried": tried, "audit": {}}, check=True) if tried else waiting
    if check:
        return preview
    recorded: Mapping[str, Any] = {}
    log = segment.Audit(setting, args, required=not args["incident"])
    if preview["record"]:
        recorded = log.recorded(preview["record"], preview["audit"]["head"])
    answer = take(setting, {**args, "tried": tried, "audit": recorded.get("head") or {}}, check=False)
    return {**answer, "messages": [*answer["messages"], *recorded.get("unannounced", ())]}


def _tried(setting: RotationSetup, server: ServerPrograms, credentials: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for credential in credentials:
        try:
            answer = stages_for(setting.kinds[credential["kind"]]).verify_revoked(Part(setting, server, credential))
        except SecretsError as error:
            segment.show("tried", credential["name"], f"not tried: {one_line(error)}")
            continue
        result.update(answer.get("tried") or {})
    return result


def revoked(setting: RotationSetup, args: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Ends pending confirmations of these credentials in one entry, which also records the leak's confirmation.

    A value that still works stays pending, whatever the operator says.
    """
    journal = setting.rotator.look()
    incident, tried = journal.incident, args["tried"]
    mirrors = setting.rotator.mirror is not None
    against = provider_revocations.against_confirmation(
        setting.catalog, journal, setting.kinds, args["credentials"], mirrors=mirrors
    )
    if against and (incident or args["incident"]):
        raise RotationError(against)
    tasks = provider_revocations.confirmed(setting.catalog, journal, args["credentials"])
    alive = [task for task in tasks if tried.get(task.id, {}).get("state") == ACCEPTED]
    closed = [task for task in tasks if task not in alive]
    names = [name for name in args["credentials"] if name not in {task.credential for task in alive}]
    new = [f"confirmed/{name}" for name in names if incident and f"confirmed/{name}" not in incident.events]
    if journal.rotation is not None and incident is None and closed:
        raise JournalError(
            f"{journal.rotation} is open; finish it by ansible-playbook watchparty.secrets.rotate, then "
            "give the confirmation again"
        )
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
        "tries": _tries(setting, tasks),
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


def _tries(setting: RotationSetup, tasks: Sequence[PendingTask]) -> list[dict[str, Any]]:
    """Summaries of credentials whose kind can try old values."""
    credentials = setting.catalog.credentials
    names = dict.fromkeys(task.credential for task in tasks if task.credential in credentials)
    summaries = [context.credential_summary(setting, Item(name, credentials[name].kind)) for name in names]
    return [summary for summary in summaries if "revoked" in summary["stages"]]


def forgotten(setting: RotationSetup, args: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    journal = setting.rotator.look()
    tasks = pending_tasks.named(journal, args["credentials"])
    if journal.rotation is not None:
        raise JournalError(
            f"{journal.rotation} is open; finish it by ansible-playbook watchparty.secrets.rotate, then "
            "run the same command again"
        )
    record = pending_tasks.record(setting.catalog, tasks, "forgotten", setting.rotator.me.who, context.now())
    if not check:
        ids = [task.id for task in tasks]
        setting.rotator.append(journal, record["rotation"], "closed", discharged=ids, audit=args["audit"])
    return {
        "changed": True,
        "messages": [
            (
                f"{task.id} ({task.act}, due {task.due}) is forgotten; its old value stays valid unless you revoked "
                "it by hand"
            )
            for task in tasks
        ],
        "record": record,
        "audit": context.audit_of(setting, journal),
    }
