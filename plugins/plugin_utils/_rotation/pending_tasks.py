# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pending tasks: blockers with remedies, and the record of tasks that an operator ends. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_graph,
    timestamps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    CONFIRM,
    DROP_FALLBACK,
    REVOKE,
    Journal,
    PendingTask,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import DENIED, Contents
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import version_id
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind


def blocker(catalog: Catalog, kinds: Mapping[str, Kind], task: PendingTask, former: Contents | None) -> str | None:
    """The reason why no run can carry out the task, with the remedy, or None.

    ``former``: contents of the versions that the task names; None if not read.
    """
    subject, manual = "its previous value", "docs/runbooks/by-hand.md, Remove"
    if task.act == DROP_FALLBACK:
        subject, manual = "its previous key", "in the setting that holds previous keys"
    end = (
        f"remove {subject} by hand ({manual}), then run "
        "ansible-playbook watchparty.secrets.rotation_forget -e "
        f"rotation_forget={task.credential}"
    )
    credential = catalog.credentials.get(task.credential)
    if credential is None:
        return f"the catalog no longer has this credential, and {subject} is still valid; restore the entry, or {end}"
    kind = kinds.get(credential.kind)
    if kind is None:
        return f"kind {credential.kind} does not exist, and {subject} is still valid; restore the kind, or {end}"
    if former is None:
        return None
    denied = sorted(name for name, failure in former.failures.items() if failure.reason == DENIED)
    stored = credential_graph.find(catalog, credential, former)
    if stored.login.password is not None and (kind.alternates != "always" or stored.login.username is not None):
        return None
    if denied:
        return (
            f"secret {', '.join(denied)}, which holds {subject}, cannot be read: access denied; allow "
            "secretsmanager:GetSecretValue"
        )
    versions = ", ".join(f"version {version} of secret {name}" for name, version in sorted(task.secrets.items()))
    return f"{subject} can no longer be read from {versions or 'any secret'}; {end}"


def revocable(
    catalog: Catalog, kinds: Mapping[str, Kind], journal: Journal, name: str, former: Mapping[str, Contents]
) -> tuple[str, ...]:
    """Pending tasks, due or not, that a leak's rotation of this credential can carry out with its own revocation.

    ``former``: contents of the versions that tasks name, by task.
    """
    kind = kinds.get(catalog.credentials[name].kind)
    if kind is None or not kind.revokes_each:
        return ()
    pending_tasks = (task for task in journal.pending_tasks.values() if task.credential == name and task.act == REVOKE)
    able = (task for task in pending_tasks if task.id in former and not blocker(catalog, kinds, task, former[task.id]))
    return tuple(sorted(task.id for task in able))


def waiting(journal: Journal) -> dict[str, str]:
    """Messages about previous values that may be valid until a later revocation, by credential."""
    result: dict[str, list[PendingTask]] = {}
    for task in sorted(journal.pending_tasks.values(), key=lambda task: task.id):
        if task.act != CONFIRM and not task.hosts:
            result.setdefault(task.credential, []).append(task)
    return {name: _waits(name, pending_tasks) for name, pending_tasks in result.items()}


def _waits(name: str, pending_tasks: Sequence[PendingTask]) -> str:
    reason = " and ".join(
        f"the value that {task.rotation} replaced may be valid until {task.due}" for task in pending_tasks
    )
    return (
        f"{reason}. Run the same command again. Or, once it is due, revoke it by "
        "ansible-playbook watchparty.secrets.rotate -e "
        f"rotation_credentials={name}, then run the same command again. Or revoke it by hand "
        "(docs/runbooks/by-hand.md, Remove), then run "
        f"ansible-playbook watchparty.secrets.rotation_forget -e rotation_forget={name}"
    )


def named(journal: Journal, names: Sequence[str]) -> list[PendingTask]:
    """Pending tasks of these credentials or ids. Raises :class:`RotationError` for an unknown name."""
    pending_tasks = sorted(journal.pending_tasks.values(), key=lambda task: task.id)
    unknown = [name for name in names if not any(name in (task.id, task.credential) for task in pending_tasks)]
    if unknown or not names:
        ids = ", ".join(task.id for task in pending_tasks) or "none"
        problem = f"{', '.join(unknown)}: no such pending task" if unknown else "give -e rotation_forget=NAME"
        raise RotationError(f"{problem}; choose from {ids}")
    return [task for task in pending_tasks if task.id in names or task.credential in names]


def record(catalog: Catalog, ended: Sequence[PendingTask], outcome: str, who: str, now: datetime) -> dict[str, Any]:
    """The audit record of ended tasks. The same tasks always give the same id."""
    names = [task.credential for task in ended]
    return {
        "rotation": f"{outcome}-{version_id(outcome, *(task.id for task in ended))}",
        "outcome": outcome,
        "who": who,
        "at": timestamps.stamp(now),
        "credentials": list(dict.fromkeys(names)),
        "kinds": {
            name: audit_record.word(catalog.credentials[name].kind) for name in names if name in catalog.credentials
        },
        "pending_tasks": [task.id for task in ended],
    }
