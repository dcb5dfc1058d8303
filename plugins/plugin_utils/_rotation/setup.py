# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an action of a rotation works with: the catalog, the kinds, the stores."""

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
    """What this process has read, until :meth:`forget`: a promotion, or its undoing, changes what is current."""

    journal: Journal | None = None
    """As it was planned from."""
    contents: Contents | None = field(default=None, repr=False)
    """What the stores held when it was planned: everything that credentials are in."""
    held: dict[str, credential_graph.StoredCredential] = field(default_factory=dict, repr=False)

    baseline: list[ServerBaseline | None] = field(default_factory=list, repr=False)
    """What servers are compared with, once it was read. No rotation changes it."""

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
        """The journal, as the first thing that a run reads: a grant that was just made is waited for."""
        return access_wait().until_granted(self.rotator.look, lambda _journal: ())

    def chosen(self, names: Sequence[str]) -> list[Credential]:
        """These credentials. Raises RotationError that names all that the catalog has not."""
        unknown = [name for name in names if name not in self.catalog.credentials]
        if unknown:
            raise RotationError(
                f"{', '.join(unknown)}: is not a credential of the catalog; the catalog declares "
                + ", ".join(sorted(self.catalog.credentials))
            )
        return [self.catalog.credentials[name] for name in names]

    def held(self, credential: Credential) -> credential_graph.StoredCredential:
        """What the stores hold of a credential, read once a process unless a promotion came in between."""
        if credential.name not in self.known.held:
            places = (spot.place for spot in credential_graph.spots(self.catalog, credential))
            contents = self.known.contents or self.rotator.current(places)
            self.known.held[credential.name] = self.located(credential, contents)
        return self.known.held[credential.name]

    def located(self, credential: Credential, contents: Contents) -> credential_graph.StoredCredential:
        """What ``contents`` hold of it; where its address stands elsewhere, that place is read now."""
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
        """What the stores held of a credential when the rotation was planned."""
        credential = self.catalog.credentials[name]
        return self.located(credential, self.rotator.old_contents(rotation, credential))

    def mine(self, name: str) -> tuple[Journal, OpenRotation, plan.Item]:
        """The rotation that this run holds, looked at now, and a credential's part in it. Raises SecretsError."""
        return self._part(name, *self.rotator.mine())

    def holding(self, name: str) -> tuple[Journal, OpenRotation, plan.Item]:
        """The same as this process last saw it: for servers that refuse what is late."""
        return self._part(name, *self.rotator.holding())

    @staticmethod
    def _part(name: str, journal: Journal, rotation: OpenRotation) -> tuple[Journal, OpenRotation, plan.Item]:
        items = {item.credential: item for item in plan.items_of(rotation.plan)}
        if name not in items:
            raise RotationError(f"{name} is not in {rotation}; it has {', '.join(items)}")
        return journal, rotation, items[name]

    def answers_leak(self) -> bool:
        """Whether the open rotation, or else the planned one, does. An open incident may be another credential's."""
        rotation = self.rotator.look().rotation
        return self.plans_leak if rotation is None else bool(rotation.plan.get("incident"))

    def administrators_login(self, admin: Credential, rotation: OpenRotation | None) -> Login:
        """Its new one as soon as that is tested: then its old one may be gone before those that it revokes."""
        new = self.new_value(rotation, admin.name) if rotation is not None and rotation.step in _TESTED else None
        return new or self.held(admin).login

    def new_value(self, rotation: OpenRotation, name: str, *, made: bool | None = None) -> Login | None:
        """What takes the credential's place, or None if nothing was made yet.

        Whoever asks in the step that makes the values asks after that, unless ``made`` says otherwise.
        """
        try:
            made = rotation.step == "create" if made is None else made
            return self.rotator.values(rotation, made=made).credentials.get(name)
        except NotFound:
            return None
