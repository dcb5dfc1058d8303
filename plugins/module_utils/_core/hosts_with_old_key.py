# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts that still accept a leaked key, because they were unreachable when the key was removed elsewhere.

The end of each stage records them in the journal. The closing entry makes a pending task of them, which the next run
for the incident takes up. Until then they get no new values.
"""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    REVOKE,
    Journal,
    OpenRotation,
    PendingTask,
)


def by_credential(journal: Journal) -> dict[str, list[str]]:
    """Hosts by credential. They get no new values, because the leaked key could read them there."""
    credential: dict[str, set[str]] = {}
    if journal.rotation is not None:
        for name, hosts in journal.rotation.hosts_with_old_key.items():
            credential.setdefault(name, set()).update(hosts)
    for pending_task in journal.pending_tasks.values():
        if pending_task.hosts:
            credential.setdefault(pending_task.credential, set()).update(pending_task.hosts)
    return {name: sorted(hosts) for name, hosts in sorted(credential.items()) if hosts}


def withheld(journal: Journal) -> list[str]:
    """All hosts that get no new values, including hosts with possible footholds."""
    footholds = journal.incident.foothold_hosts if journal.incident else {}
    return sorted({host for group in (by_credential(journal), footholds) for hosts in group.values() for host in hosts})


def pending_tasks(
    catalog: Catalog, rotation: OpenRotation, before: Mapping[str, PendingTask], at: str
) -> dict[str, dict[str, Any]]:
    """Pending tasks of a rotation's closing entry. ``before`` are the tasks that the rotation took up.

    A previous value that the rotation should have revoked too keeps a task under its own id for those hosts.
    """
    result = {}
    for name, item in rotation.plan.get("credentials", {}).items():
        behind = rotation.hosts_with_old_key.get(name)
        if not behind:
            continue
        taken_up = before.get(item.get("pending_task") or "")
        planned = rotation.plan.get("secrets", {})
        names = credential_graph.secrets_of(catalog, catalog.credentials[name])
        result[f"{rotation.id}/{name}"] = {
            "credential": name,
            "act": REVOKE,
            "due": at,
            "rotation": rotation.id,
            "secrets": dict(taken_up.secrets)
            if taken_up
            else {name: planned[name] for name in names if name in planned},
            "hosts": sorted(behind),
        }
        for pending_task in (before[former] for former in item.get("former", ()) if former in before):
            hosts = sorted(set(behind) & set(pending_task.hosts or behind))
            earlier = {
                "credential": name,
                "act": REVOKE,
                "due": at,
                "rotation": pending_task.rotation,
                "secrets": dict(pending_task.secrets),
            }
            result.update({pending_task.id: {**earlier, "hosts": hosts}} if hosts else {})
    return result
