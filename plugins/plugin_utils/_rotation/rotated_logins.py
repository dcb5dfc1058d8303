# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which login of a credential goes and which one stays, in the rotation that a run holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ansible_collections.watchparty.secrets.plugins.module_utils._core.credential_graph import StoredCredential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation, PendingTask
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan, state_machine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import former_login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


@dataclass(frozen=True)
class RotatedLogins:
    """In a rollback the new login goes; else the old one, or one that waits for a later revocation."""

    goes: Login | None = field(repr=False)
    stays: Login | None = field(repr=False)
    """Either is None where the rotation made no login."""
    rotation: OpenRotation
    stored: StoredCredential
    task: PendingTask | None = None
    """Names the previous value that goes."""
    aborting: bool = False


def old_login(setting: RotationSetup, name: str) -> Login:
    """What a rotation replaces, also before it has made anything."""
    _journal, rotation, _item = setting.mine(name)
    credential = setting.catalog.credentials[name]
    return setting.located(credential, setting.rotator.old_contents(rotation, credential)).login


def rotated_logins(setting: RotationSetup, name: str, pending_task: str = "") -> RotatedLogins:
    """``pending_task`` names a previous value that the rotation ends along with its own old one."""
    journal, rotation, item = setting.mine(name)
    credential = setting.catalog.credentials[name]
    task = journal.pending_tasks.get(pending_task or item.pending_task or "")
    new = setting.new_value(rotation, name) if item.act in plan.CHANGES else None
    if task:
        old = former_login(setting.catalog, setting.rotator.secrets, journal, replace(item, pending_task=task.id))
        stored = setting.held(credential)
        return RotatedLogins(old, new or stored.login, rotation, stored, task)
    stored = setting.located(credential, setting.rotator.old_contents(rotation, credential))
    if rotation.step not in state_machine.BACKWARD:
        return RotatedLogins(stored.login, new, rotation, stored)
    if new is None and item.issued:  # which it may have come no further than
        new = setting.rotator.issued(rotation).find(name, made=True)
    return RotatedLogins(new, stored.login, rotation, stored, aborting=True)
