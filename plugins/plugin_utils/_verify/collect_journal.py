# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal, as checks read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secret_stores import secret_stores
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import provider_revocations, stored_since
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_previous, revocation_times


def as_data(
    catalog: Catalog,
    journal: _journal.Journal,
    records: Sequence[Mapping[str, Any]],
    stored: collect_previous.Stored,
    now: datetime,
) -> dict[str, Any]:
    """``records`` are the audit log's; without them, fewer durations are known."""
    due = credential_ages.due_pending_tasks(journal, now)
    return {
        "rotation": str(journal.rotation) if journal.rotation else None,
        "incident": journal.incident.id if journal.incident else None,
        "pending_tasks": sorted(journal.pending_tasks),
        "pending_tasks_due": [pending_task.id for pending_task in due],
        "revocations": [entry["message"] for entry in provider_revocations.waiting(catalog, journal)],
        "ages": [_age(age) for age in credential_ages.ages(catalog, journal, now, _since(catalog, journal, stored))],
        "measured": revocation_times.measured(_journal.entries(journal), records),
    }


def _since(catalog: Catalog, journal: _journal.Journal, read: collect_previous.Stored) -> dict[str, str]:
    """Earliest possible storage dates of credentials without a rotation in the journal."""
    created = {name: item.get("created", "") for name, item in read.described.items() if not item.get("missing")}
    secrets = secret_stores(read.connection.store_client)
    credentials = catalog.credentials.values()
    parameters = read.stores.parameters
    return stored_since.dates(catalog, journal, credentials, secrets, parameters, created=created, contents=read.now)


def _age(age: credential_ages.Age) -> dict[str, Any]:
    last = age.last.at if age.last else None
    return {
        "credential": age.credential,
        "kind": age.kind,
        "days": age.days,
        "limit": age.limit,
        "due": age.due,
        "message": age.message,
        "last": last,
    }
