# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which login of a credential with leases goes and which one stays, in the rotation that a run holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_addresses
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login, with_login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.vault_leases import Lease
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan, state_machine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import former_login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


@dataclass(frozen=True)
class LeasedLogins:
    """In a rollback the new login goes; else the old one, or one that waits for a later revocation."""

    url: str = field(repr=False)
    goes: Login | None = field(repr=False)
    stays: Login | None = field(repr=False)
    """Either is None where the rotation made no login."""
    lease: Lease | None
    """Of the one that goes; None for a login that no rotation made."""
    aborting: bool = False

    def of(self, login: Login) -> str:
        return with_login(self.url, login)


def leased_logins(setting: RotationSetup, name: str, pending_task: str = "") -> LeasedLogins:
    """``pending_task`` names a former value that the rotation ends along with its own old one."""
    journal, rotation, item = setting.mine(name)
    credential = setting.catalog.credentials[name]
    task = journal.pending_tasks.get(pending_task or item.pending_task or "")
    stored = (
        setting.held(credential)
        if task
        else setting.located(credential, setting.rotator.old_contents(rotation, credential))
    )
    wrong = server_addresses.leads_elsewhere(setting.catalog, credential, stored.locations)
    if wrong or not stored.url:
        raise RotationError(f"{name}: {wrong or 'no place in the catalog holds the URL of its server'}")
    new = setting.new_value(rotation, name) if item.act in plan.CHANGES else None
    if task:
        waits = replace(item, pending_task=task.id)
        old = former_login(setting.catalog, setting.rotator.secrets, journal, waits)
        return LeasedLogins(stored.url, old, new or stored.login, Lease.of(task.notes.get("former")))
    noted: Mapping[str, Any] = rotation.notes.get(name, {})
    if rotation.step not in state_machine.BACKWARD:
        return LeasedLogins(stored.url, stored.login, new, Lease.of(noted.get("former")))
    issued = setting.rotator.issued(rotation)  # which it may have come no further than
    new = new or issued.find(name, made=True)
    lease = Lease.of(issued.notes(name)) if new else None
    return LeasedLogins(stored.url, new, stored.login, lease, aborting=True)
