# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps of a key's rotation at a provider: make and keep the new key once, test it, remove the old key.

A key's label names its rotation, so a key whose value a killed run lost is found and removed. A store's value names the
key to remove and must not choose a key of others: a run removes only a key of this credential's rotations, or the key
with the catalog's label.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    external_value_request,
    provider_requests,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_requests import ProviderApi
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.provider_requests import ProviderKey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login, login_of
from ansible_collections.watchparty.secrets.plugins.module_utils._host.revoked_logins import ACCEPTED, REFUSED, UNTRIED
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kept_value import keep_or_undo
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import required
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.provider_client import ProviderClient
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotated_logins import rotated_logins
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

LOOKS, INTERVAL = 30, 2.0
"""Number of requests until a provider must show a change, and seconds in between."""
_ROTATION = re.compile(r"r-[0-9]{8}T[0-9]{6}-[0-9a-f]{4}")


@dataclass(frozen=True)
class ProviderKeys:
    setting: RotationSetup
    name: str
    api: ProviderApi
    client: ProviderClient

    def check(self) -> dict[str, Any]:
        """Checks the key in use. Writes nothing."""
        login = self.setting.held(self.setting.catalog.credentials[self.name]).login
        key = self._id(login)
        is_leaked = self.setting.answers_leak()  # its holder may delete it, and make more keys than can be listed
        keys = self.client.listed(until=key if is_leaked else "")
        self._require_ours(key, keys)
        if is_leaked:
            return {}
        self._require_in_use(key, keys, login)
        if self._is_full(keys):
            raise RotationError(
                f"{self.client.host} lists {len(keys)} keys, and api.limit is {self.api.limit}; delete a key that is "
                "not in use"
            )
        return {}

    def _is_full(self, keys: list[ProviderKey]) -> bool:
        return bool(self.api.limit) and len(keys) >= (self.api.limit or 0)

    def _require_in_use(self, key: str, keys: list[ProviderKey], login: Login) -> None:
        if key not in [item.id for item in keys if item.active]:
            raise RotationError(
                f"{self.client.host} lists no active key {key}; store the id of the key in use, which the provider's "
                "page shows"
            )
        state, message = self._tried(login)
        if state != ACCEPTED:
            raise RotationError(
                f"key {key} in use is not accepted: {message}; correct the stored value, or test of {self.name}"
            )

    def block(self) -> dict[str, Any]:
        """Disables the old key, or deletes it where the provider cannot disable keys."""
        _journal, rotation, _item = self.setting.mine(self.name)
        old = self.setting.old(rotation, self.name).login
        key = self._id(old)
        keys = self.client.listed(until=key)
        self._require_ours(key, keys)
        if key in [item.id for item in keys]:
            act = self.client.delete if self.api.disable is None else self.client.disable
            act(key, fresh=self.setting.rotator.fresh())
        self._require((REFUSED, UNTRIED), old)
        return {"message": f"key {key} is disabled"}

    def issue(self) -> dict[str, Any]:
        """Makes the new key once."""
        _journal, rotation, _item = self.setting.mine(self.name)
        issued = self.setting.rotator.issued(rotation)
        if issued.find(self.name) is None:
            self._make(rotation)
        return {"message": f"{self.client.host} made key {self._id(issued.take(self.name))}"}

    def _make(self, rotation: OpenRotation) -> None:
        rotator, old = self.setting.rotator, self.setting.old(rotation, self.name).login
        label = self._prefix + rotation.id
        self._remove_leftovers(self.client.listed(), label)
        if rotation.plan.get("incident") and self._is_full(keys := self.client.listed()):
            self._require_ours(self._id(old), keys)
            rotator.note_disabling([self.name])
            self._remove(self._id(old), rotator.fresh)
        new_key = self.client.create(label, fresh=rotator.fresh())
        key = str(new_key.username)
        kept_login = Login(None, new_key.password) if self.api.value_has_id else new_key
        if self._id(kept_login) != key or self._id(old) == key:
            raise RotationError(
                f"{self.client.host} answered the request 'create' with the old key, or with a value of another id; "
                f"{self.api.correct('create.id', 'create.value')}"
            )
        self._require_usable(key, kept_login, label)
        keep_or_undo(
            rotator,
            rotation,
            self.name,
            kept_login,
            undo=lambda: self._remove(key, WritePermission.uncontested),
            undone="deleted the key that it had made",
        )

    def _require_usable(self, key: str, login: Login, label: str) -> None:
        """Verifies a key before it is kept. Under a wrong id it would be deleted as a leftover while in use, and a
        value that cannot be tried could not be rolled back."""
        probe = self.setting.catalog.credentials[self.name].test
        if probe is not None:
            external_value_request.request(probe, login)
        for _look in self._looks():
            if any((item.id, item.label) == (key, label) for item in self.client.listed()):
                return
        raise RotationError(
            f"{self.client.host} does not list the new key {key} with label {label}; "
            f"{self.api.correct('create.id', 'list.id', 'list.label')}. The next run deletes every key with this label"
        )

    def test(self) -> dict[str, Any]:
        stays = required(rotated_logins(self.setting, self.name).stays)
        self._require((ACCEPTED,), stays)
        return {"message": f"key {self._id(stays)} works"}

    def revoke(self, pending_task: str) -> dict[str, Any]:
        """Removes the old key, or in a rollback the new one, and verifies that it is rejected."""
        logins = rotated_logins(self.setting, self.name, pending_task)
        goes, stays, label = logins.goes, logins.stays, self._prefix + logins.rotation.id
        keys = self.client.listed()
        if goes is None or stays is None:
            removed = ", ".join(self._remove_leftovers(keys, label)) or "none"
            message = f"no new key was kept; deleted keys of this rotation: {removed}"
            return {"message": f"{message}. If the provider lists {label} later, delete that key"}
        key = self._id(goes)
        if key == self._id(stays):
            raise RotationError("the old and the new key are the same key; nothing was changed")
        self._require_ours(key, keys)
        if not logins.aborting:  # in a rollback the old one may not work: that may be why it failed
            self._require((ACCEPTED,), stays)
        if key in [item.id for item in keys]:
            self._remove(key, self.setting.rotator.fresh)
        self._remove_leftovers(keys, label, key_ids=(key, self._id(stays)))
        self._require((REFUSED,), goes)
        return {"message": f"key {key} is deleted and rejected", "refused": [self.client.host]}

    def _remove_leftovers(self, keys: list[ProviderKey], label: str, key_ids: tuple[str, ...] = ()) -> list[str]:
        """Removes keys of this rotation whose values no run has. Returns their ids."""
        leftovers = [key.id for key in keys if key.label == label and key.id not in key_ids]
        for key in leftovers:
            self._remove(key, self.setting.rotator.fresh)
        return leftovers

    def _remove(self, key: str, look: Callable[[], WritePermission]) -> None:
        if self.api.disable is not None:
            self.client.disable(key, fresh=look())
        self.client.delete(key, fresh=look())

    def _require_ours(self, key: str, keys: list[ProviderKey]) -> None:
        """Raises RotationError if a listed key belongs to others. An unlisted key is never deleted."""
        for label in [item.label for item in keys if item.id == key]:
            is_ours = label.startswith(self._prefix) and _ROTATION.fullmatch(label[len(self._prefix) :])
            if not is_ours and (not label or label != self.api.first_label):
                raise RotationError(
                    f"{self.client.host} lists key {key} under an unknown label: no rotation of {self.name} gave it, "
                    f"and the catalog does not name it. If this key is the one to replace, write its label into "
                    f"credentials.{self.name}.{'options' if self.api.remedy else 'api'}.first_label"
                )

    @property
    def _prefix(self) -> str:
        """Prefix of key labels; the rotation's id follows."""
        catalog = self.setting.catalog
        return f"{catalog.application}-{catalog.environment}-{self.name}-"

    def _require(self, states: tuple[str, ...], login: Login) -> None:
        """Raises RotationError if the key does not reach one of these states in time."""
        message = ""
        for _look in self._looks():
            current, message = self._tried(login)
            if current in states:
                return
        raise RotationError(
            f"key {self._id(login)} is not {'accepted' if ACCEPTED in states else 'rejected'} after "
            f"{LOOKS * INTERVAL:.0f} s: {message}; correct the cause, then run the same command again"
        )

    def _looks(self) -> Iterator[int]:
        for look in range(LOOKS):
            self.client.sleep(INTERVAL if look else 0)
            yield look

    def _tried(self, login: Login) -> tuple[str, str]:
        """Tries a value by the catalog's test, else by the list of keys."""
        probe = self.setting.catalog.credentials[self.name].test
        if probe is not None:
            return self.client.tried(probe, login)
        key = self._id(login)
        listed = [item.active for item in self.client.listed(until=key) if item.id == key]
        if any(listed):
            return ACCEPTED, f"{self.client.host} lists it as active"
        state, how = (UNTRIED, "lists it as inactive") if listed else (REFUSED, "does not list it")
        return state, f"{self.client.host} {how}"

    def _id(self, login: Login) -> str:
        """The key's id. Raises RotationError if the stores hold none."""
        login = (login_of(login.password or "") or Login()) if self.api.value_has_id else login
        return provider_requests.require_id(login.username, f"the stored key id of {self.name}")
