# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog, kinds and stores of a rotation's action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph, server_addresses
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    Credential,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.access_propagation import access_wait
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.staging import Rotator

_TESTED = ("revoke_first", "deploy", "promote", "revoke", "record")
"""Steps after the one that tests the new values."""


@dataclass
class ReadCache:
    """Data that this process has read, until :meth:`forget`: a promotion or rollback changes current versions."""

    journal: Journal | None = None
    """The journal that the plan was made from."""
    contents: Contents | None = field(default=None, repr=False)
    """The contents that the plan was made from, with all places of credentials."""
    held: dict[str, credential_graph.StoredCredential] = field(default_factory=dict, repr=False)

    baseline: list[ServerBaseline | None] = field(default_factory=list, repr=False)
    """The baseline, once read. No rotation changes it."""

    def forget(self) -> None:
        self.journal, self.contents = None, None
        self.held.clear()


@dataclass(frozen=True)
class RotationSetup:
    catalog: Catalog
    kinds: Mapping[str, Kind]
    rotator: Rotator
    connection: AwsConnection
    known: ReadCache = field(default_factory=ReadCache)
    plans_leak: bool = False
    """Whether the rotation that is planned, and not open yet, answers a leak."""

    def first_look(self) -> Journal:
        """The journal, as a run's first read. Waits for a new grant."""
        return access_wait().until_granted(self.rotator.look, lambda _journal: ())

    def chosen(self, names: Sequence[str]) -> list[Credential]:
        """The named credentials. Raises RotationError with all unknown names."""
        unknown = [name for name in names if name not in self.catalog.credentials]
        if unknown:
            raise RotationError(
                f"{', '.join(unknown)}: is not a credential of the catalog; choose from "
                + ", ".join(sorted(self.catalog.credentials))
            )
        return [self.catalog.credentials[name] for name in names]

    def held(self, credential: Credential) -> credential_graph.StoredCredential:
        """A credential in the stores, read once per process until :meth:`ReadCache.forget`."""
        if credential.name not in self.known.held:
            places = (spot.place for spot in credential_graph.spots(self.catalog, credential))
            contents = self.known.contents or self.rotator.current(places)
            self.known.held[credential.name] = self.located(credential, contents)
        return self.known.held[credential.name]

    def current(self, credentials: Sequence[Credential]) -> Contents:
        """The current contents of all places of these credentials and of their previous keys."""
        return self.rotator.current(
            place for credential in credentials for place in credential_graph.changed_places(self.catalog, credential)
        )

    def located(self, credential: Credential, contents: Contents) -> credential_graph.StoredCredential:
        """A credential in ``contents``. If other places hold its address, reads them now."""
        stored = credential_graph.find(self.catalog, credential, contents)
        if any(appearance.in_url for appearance in stored.appearances):
            return stored
        places = server_addresses.places(self.catalog, credential)
        missing = [place for place in places if place.name not in contents.readings]
        if not missing:
            return stored
        further = self.rotator.current(missing)
        addresses = {place.name: further.readings[place.name] for place in missing if place.name in further.readings}
        return credential_graph.find(self.catalog, credential, contents | Contents(addresses))

    def old(self, rotation: OpenRotation, name: str) -> credential_graph.StoredCredential:
        """A credential in the stores when the rotation was planned."""
        credential = self.catalog.credentials[name]
        return self.located(credential, self.rotator.old_contents(rotation, credential))

    def mine(self, name: str) -> tuple[Journal, OpenRotation, plan.Item]:
        """The journal, this run's rotation and a credential's item, read now. Raises SecretsError."""
        return self._part(name, *self.rotator.mine())

    def holding(self, name: str) -> tuple[Journal, OpenRotation, plan.Item]:
        """The same as this process last saw it, for servers that refuse late requests."""
        return self._part(name, *self.rotator.holding())

    @staticmethod
    def _part(name: str, journal: Journal, rotation: OpenRotation) -> tuple[Journal, OpenRotation, plan.Item]:
        items = {item.credential: item for item in plan.items_of(rotation.plan)}
        if name not in items:
            raise RotationError(f"{name} is not in {rotation}; it has {', '.join(items)}")
        return journal, rotation, items[name]

    def answers_leak(self) -> bool:
        """Whether the open rotation, else the planned one, answers a leak. An open incident may be another
        credential's."""
        rotation = self.rotator.look().rotation
        return self.plans_leak if rotation is None else bool(rotation.plan.get("incident"))

    def administrators_login(self, admin: Credential, rotation: OpenRotation | None) -> Login:
        """The administrator's new login once tested, else the stored one: the old login may be revoked early."""
        new = self.new_value(rotation, admin.name) if rotation is not None and rotation.step in _TESTED else None
        return new or self.held(admin).login

    def new_value(self, rotation: OpenRotation, name: str, *, made: bool | None = None) -> Login | None:
        """The credential's new value, or None if not made yet.

        In step create, waits for the value unless ``made`` is false.
        """
        try:
            made = rotation.step == "create" if made is None else made
            return self.rotator.values(rotation, made=made).credentials.get(name)
        except NotFound:
            return None
