# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The logins of a credential with leases, and the lease of the one that goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_addresses
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login, with_login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.vault_leases import Lease
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotated_logins import (
    RotatedLogins,
    rotated_logins,
)
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
    """``pending_task`` names a previous value that the rotation ends along with its own old one."""
    logins = rotated_logins(setting, name, pending_task)
    credential = setting.catalog.credentials[name]
    wrong = server_addresses.leads_elsewhere(setting.catalog, credential, logins.stored.locations)
    if wrong or not logins.stored.url:
        no_url = f"no location of the credential is a URL of its server; add one to credentials.{name}.appears_in"
        raise RotationError(f"{name}: {wrong or no_url}")
    lease = Lease.of(_notes(setting, name, logins)) if logins.goes else None
    return LeasedLogins(logins.stored.url, logins.goes, logins.stays, lease, logins.aborting)


def _notes(setting: RotationSetup, name: str, logins: RotatedLogins) -> Any:
    """What was kept of the lease of the login that goes."""
    if logins.aborting:
        return setting.rotator.issued(logins.rotation).notes(name)
    noted: Mapping[str, Any] = logins.task.notes if logins.task else logins.rotation.notes.get(name, {})
    return noted.get("former")
