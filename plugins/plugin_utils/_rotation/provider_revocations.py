# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Old values that only a provider can revoke, pending in the journal until an operator confirms it. Pure.

Each rotation has its own confirmation: two values of one credential are two keys at the provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_graph,
    timestamps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import CONFIRM, Journal, PendingTask
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import pending_tasks
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as _plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind


def pending(
    catalog: Catalog,
    rotation: str,
    plan: Mapping[str, Any],
    kinds: Mapping[str, Kind],
    now: datetime,
    incident: Incident | None = None,
) -> dict[str, Any]:
    """Pending confirmations of a rotation, for its closing entry."""
    events = incident.events if incident else {}
    result: dict[str, Any] = {}
    for item in _plan.items_of(plan):
        kind = kinds.get(item.kind)
        if item.act not in _plan.CHANGES or kind is None or not kind.is_revoked_elsewhere:
            continue
        if f"confirmed/{item.credential}" in events:
            continue
        places = credential_graph.secrets_of(catalog, catalog.credentials[item.credential])
        result[f"{rotation}/{item.credential}"] = {
            "credential": item.credential,
            "act": CONFIRM,
            "due": timestamps.stamp(now),
            "rotation": rotation,
            "secrets": {name: plan["secrets"][name] for name in places if name in plan["secrets"]},
        }
    return result


def open_ones(journal: Journal) -> list[PendingTask]:
    return sorted(
        (task for task in journal.pending_tasks.values() if task.act == CONFIRM),
        key=lambda task: task.id,
    )


def waiting(catalog: Catalog, journal: Journal) -> list[dict[str, str]]:
    """Each pending confirmation, with the command that gives it."""
    return [_summary(catalog, task) for task in open_ones(journal)]


def _summary(catalog: Catalog, task: PendingTask) -> dict[str, str]:
    return {
        "id": task.id,
        "credential": task.credential,
        "page": _page(catalog, task.credential),
        "since": task.due,
        "message": f"{task.credential}: revoke its old value {where(catalog, task.credential)}; "
        f"{task.rotation} replaced it at {task.due}. Then run ansible-playbook watchparty.secrets.rotate -e "
        f"rotation_revoked={task.credential}",
    }


def _page(catalog: Catalog, name: str) -> str:
    credential = catalog.credentials.get(name)
    return (credential.provider_url if credential else None) or ""


def where(catalog: Catalog, name: str) -> str:
    page = _page(catalog, name)
    return f"at {page}" if page else "where it was issued"


def confirmed(catalog: Catalog, journal: Journal, names: Sequence[str]) -> list[PendingTask]:
    """Pending confirmations of these credentials. Raises :class:`RotationError` for an unknown name."""
    tasks = open_ones(journal)
    waiting_for = sorted({task.credential for task in tasks})
    unknown = [name for name in names if name not in catalog.credentials and name not in waiting_for]
    if unknown:
        raise RotationError(
            f"{', '.join(unknown)}: is not a credential of the catalog; a confirmation is pending for "
            f"{', '.join(waiting_for) or 'none'}"
        )
    return [task for task in tasks if task.credential in names]


def against_confirmation(
    catalog: Catalog, journal: Journal, kinds: Mapping[str, Kind], names: Iterable[str], *, mirrors: bool
) -> str | None:
    """The reason why a leak's confirmation of these credentials is refused: a run revokes the old values and verifies
    it.

    Accepted are values that no store has, or that GitHub holds and the run cannot sync (``mirrors``).
    """
    waiting_for = {task.credential for task in open_ones(journal)}
    results = []
    for name in names:
        credential = catalog.credentials.get(name)
        kind = kinds.get(credential.kind) if credential else None
        if credential is None or kind is None or not kind.ends_itself or name in waiting_for:
            continue
        at_github = bool(credential_graph.mirrored_names(catalog, credential)) and not (catalog.github and mirrors)
        in_stores = bool(credential_graph.secrets_of(catalog, credential)) or credential_graph.reads_ssm(
            catalog, credential
        )
        if in_stores and not at_github:
            results.append(name)
    if not results:
        return None
    return (
        f"{', '.join(results)}: a run revokes the old value itself and verifies that it is rejected, so "
        "your confirmation is not enough; remove the cause of the refusal, then run the same command again "
        "without the confirmation"
    )


def record(
    catalog: Catalog, closed: Iterable[PendingTask], who: str, now: datetime, tried: Mapping[str, str] | None = None
) -> dict[str, Any]:
    tasks = sorted(closed, key=lambda task: task.id)
    notes = [audit_record.plain(f"{task.id}: {tried[task.id]}") for task in tasks if tried and task.id in tried]
    return {**({"notes": notes} if notes else {}), **pending_tasks.record(catalog, tasks, "revoked", who, now)}
