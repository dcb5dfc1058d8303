# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins of a credential in the rotation that a run holds: one to remove, one to keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ansible_collections.watchparty.secrets.plugins.module_utils._core.credential_graph import StoredCredential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation, PendingTask
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan, state_machine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import former_login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


@dataclass(frozen=True)
class RotatedLogins:
    """Old and new login. A rollback removes the new login; else the old or a previous one goes."""

    old: Login = field(repr=False)
    new: Login | None = field(repr=False)
    """None if the rotation made no login."""
    journal: Journal
    rotation: OpenRotation
    stored: StoredCredential
    """The credential that the plan was made from; with a task, as stored now."""
    task: PendingTask | None = None
    """The pending task of the previous value to remove, or None."""

    @property
    def aborting(self) -> bool:
        return self.rotation.step in state_machine.BACKWARD

    @property
    def goes(self) -> Login | None:
        return self.new if self.aborting else self.old

    @property
    def stays(self) -> Login | None:
        if self.aborting:
            return self.old
        return self.new or (self.stored.login if self.task else None)


def rotated_logins(
    setting: RotationSetup,
    name: str,
    pending_task: str = "",
    *,
    look: Callable[[str], tuple[Journal, OpenRotation, plan.Item]] | None = None,
) -> RotatedLogins:
    """The logins of a credential. Raises SecretsError.

    ``pending_task`` names a previous value that the rotation revokes too. ``look`` is ``setting.mine``, or
    ``setting.holding`` for a server that refuses late requests.
    """
    journal, rotation, item = (look or setting.mine)(name)
    if pending_task and pending_task not in item.former:
        raise RotationError(f"{name}: the rotation does not include the pending task {pending_task}")
    new = setting.new_value(rotation, name) if item.act in plan.CHANGES else None
    revoked = pending_task or (item.pending_task if item.act == plan.REVOKE else None)
    if revoked:
        old = former_login(setting.catalog, setting.rotator.secrets, journal, replace(item, pending_task=revoked))
        stored = setting.held(setting.catalog.credentials[name])
        return RotatedLogins(old, new, journal, rotation, stored, journal.pending_tasks[revoked])
    if new is None and item.issued and rotation.step in state_machine.BACKWARD:  # issued, not yet staged
        new = setting.rotator.issued(rotation).find(name, made=True)
    stored = setting.old(rotation, name)
    return RotatedLogins(stored.login, new, journal, rotation, stored)
