# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages, credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.credential_ages import Age
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import CONFIRM, DROP_FALLBACK
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    pending_tasks,
    provider_revocations,
    rotated_elsewhere,
    stored_since,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.context import RotationAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


class ActionModule(RotationAction):
    """Reads the journal, and from the stores the dates that the journal does not know."""

    name = "watchparty.secrets.rotation_info"

    def answer(self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        journal = setting.rotator.look()
        now = rotation_context.now()
        credentials, rotator = setting.catalog.credentials.values(), setting.rotator
        stored = stored_since.dates(setting.catalog, journal, credentials, rotator.secrets, rotator.parameters)
        ages = credential_ages.ages(setting.catalog, journal, now, stored)
        revocations = provider_revocations.waiting(setting.catalog, journal)
        due = {
            task.id
            for task in (
                *credential_ages.due_pending_tasks(journal, now),
                *provider_revocations.open_ones(journal),
            )
        }
        rotation, leak = journal.rotation, journal.incident
        answer: dict[str, Any] = {
            "changed": False,
            "application": setting.catalog.application,
            "environment": setting.catalog.environment,
            "credentials": [_row(setting.catalog, age) for age in ages],
            "due": [age.credential for age in ages if age.due],
            "pending_tasks": [
                {
                    "id": task.id,
                    "credential": task.credential,
                    "act": task.act,
                    "due_at": task.due,
                    "due": task.id in due,
                    "against": pending_tasks.blocker(setting.catalog, setting.kinds, task, None),
                }
                for task in journal.pending_tasks.values()
            ],
            "revocations": revocations,
            "rotation": (
                {
                    "id": rotation.id,
                    "step": rotation.step,
                    "who": rotation.who,
                    "since": rotation.since,
                    "credentials": sorted(rotation.plan.get("credentials", {})),
                }
                if rotation
                else None
            ),
            "leak": {"id": leak.id, "since": leak.at, "who": leak.who} if leak else None,
            "journal": journal.head,
            "audit": dict(journal.audit),
        }
        answer["act_now"] = bool(answer["due"] or due or rotation or leak)
        return {**answer, "table": _table(answer), "verdict": verdict(answer)}


def verdict(answer: Mapping[str, Any]) -> str:
    """Reasons for a scheduler to call somebody, with a command to paste. Empty if nothing is due."""
    pending = [task for task in answer["pending_tasks"] if task["act"] != CONFIRM and task["due"]]
    ours = [f"due: {', '.join(answer['due'])}"] if answer["due"] else []
    ours += [f"to be finished: {task['id']}" for task in pending]
    ours += [f"{task['credential']}: {task['against']}" for task in pending if task["against"]]
    ours += [f"open: {answer['rotation']['id']}"] if answer["rotation"] else []
    sentences = ["; ".join(ours), "Run ansible-playbook watchparty.secrets.rotate"] if ours else []
    if answer["leak"]:
        sentences.append(
            f"Not contained: {answer['leak']['id']}. Run ansible-playbook watchparty.secrets.leak_response"
        )
    return ". ".join(
        [*sentences, *filter(None, ["; ".join(revocation["message"] for revocation in answer["revocations"])])]
    )


def _row(catalog: Catalog, age: Age) -> dict[str, Any]:
    credential = catalog.credentials[age.credential]
    return {
        "name": age.credential,
        "kind": age.kind,
        "age_days": age.days,
        "max_age_days": age.limit,
        "due_in_days": age.left,
        "due": age.due,
        "rotated_at": age.last.at if age.last else None,
        "rotated_by": age.last.who if age.last else None,
        "rotation": age.last.rotation if age.last else None,
        "stored_since": age.stored or None,
        "places": [str(spot.place) for spot in credential_graph.spots(catalog, credential)],
    }


def _cells(credential: Mapping[str, Any]) -> tuple[str, ...]:
    age, limit, due_in = (credential[key] for key in ("age_days", "max_age_days", "due_in_days"))
    due = "never" if due_in is None else f"in {due_in} d"
    return (
        credential["name"],
        credential["kind"],
        "unknown" if age is None else f"{'<= ' if credential['stored_since'] else ''}{age} d",
        "none" if limit is None else f"{limit} d",
        "NOW" if credential["due"] else due,
        _last(credential),
    )


def _last(credential: Mapping[str, Any]) -> str:
    if not credential["rotated_at"]:
        return "not recorded"
    where = "elsewhere, recorded " if credential["rotation"] == rotated_elsewhere.ELSEWHERE else ""
    return f"{credential['rotated_at']} {where}by {credential['rotated_by']}"


def _table(answer: Mapping[str, Any]) -> list[str]:
    heads = ("credential", "kind", "age", "limit", "due", "last rotated")
    rows = [_cells(credential) for credential in answer["credentials"]]
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (heads, *rows)
    ]
    for task in (task for task in answer["pending_tasks"] if task["act"] != CONFIRM):
        message = "drops its previous key" if task["act"] == DROP_FALLBACK else "revokes its previous value"
        lines.append(f"later: {task['credential']} {message} {'NOW' if task['due'] else 'from ' + task['due_at']}")
        lines += [f"  {task['against']}"] if task["against"] else []
    lines += [revocation["message"] for revocation in answer["revocations"]]
    rotation = answer["rotation"]
    if rotation:
        lines.append(f"open: {rotation['id']} of {rotation['who']} since {rotation['since']}, at {rotation['step']}")
    leak = answer["leak"]
    if leak:
        lines.append(f"not contained: {leak['id']}, declared by {leak['who']} at {leak['since']}")
    return lines
