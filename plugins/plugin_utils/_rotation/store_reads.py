# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads of a rotation from the stores, and its sync to GitHub."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages, credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential, Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, NotFound, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    BACKWARD_STEPS,
    Journal,
    OpenRotation,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    DENIED,
    Contents,
    Description,
    Reading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import registry
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import VersionedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import JournalStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.numbered_versions import NumberedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parallel_calls import WORKERS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import port as github_port
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import github_copies, preconditions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import Values, Who, version_id
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.journal_writer import JournalWriter


class StoreReads(JournalWriter):
    def __init__(
        self,
        *,
        catalog: Catalog,
        secrets: VersionedStore,
        parameters: NumberedStore,
        journal: JournalStore,
        me: Who,
        clock: Callable[[], str],
        mirror: github_port.CopyPort | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        super().__init__(catalog=catalog, journal=journal, me=me, clock=clock)
        self.secrets = secrets
        self.parameters = parameters
        self.mirror = mirror
        self.sleep = sleep
        self.described: dict[str, Description] = {}
        """Descriptions of secrets from this process's plan."""

    def current(self, places: Iterable[Place]) -> Contents:
        return registry.current(self.catalog, places, registry.by_traits(self.secrets, self.parameters))

    def wait_for_writes(self, journal: Journal) -> None:
        """Waits until reads show the previous rotation's writes."""
        self.parameters.settling.wait_since(journal.written, credential_ages.moment(self.clock()))

    def old_contents(self, rotation: OpenRotation, credential: Credential | None = None) -> Contents:
        """The contents that the plan was made from, read by version: of one credential, or all."""
        pins = {**rotation.secrets, **rotation.plan.get("secrets", {})}
        numbers = {name: str(number) for name, number in rotation.plan.get("parameters", {}).items()}
        if credential is not None:
            pins = {name: pins[name] for name in credential_graph.secrets_of(self.catalog, credential) if name in pins}
            numbers = numbers if credential_graph.reads_ssm(self.catalog, credential) else {}
        contents = self.secrets.read_known(list(pins), pins=pins)
        if numbers:
            contents |= self.parameters.read_known([], pins=numbers)
        versions = {**pins, **numbers}
        planned = versions.keys() & {*rotation.plan.get("secrets", {}), *numbers}
        lacking = [f"version {versions[name]} of {name}" for name in sorted(planned - contents.readings.keys())]
        if lacking:
            raise RotationError(
                f"{', '.join(lacking)} can no longer be read, and the plan of {rotation} needs it; if the version "
                "still exists, allow this run to read it, otherwise finish or roll back by hand "
                "(docs/runbooks/by-hand.md, Begin)"
            )
        return contents

    def read_ahead(self, rotation: OpenRotation) -> None:
        """Reads in parallel the versions that acts of many credentials need."""
        pins = rotation.plan.get("secrets", {})
        numbers = {name: str(number) for name, number in rotation.plan.get("parameters", {}).items()}

        def made() -> Contents:
            with suppress(NotFound):
                self.values(rotation, made=rotation.step not in ("create", *BACKWARD_STEPS))
            return Contents()

        acts: list[Callable[[], Contents]] = [made] if len(pins) <= WORKERS else []
        if not acts:
            made()  # secrets that it contains are not read again
        if pins:
            acts.append(lambda: self.secrets.read_known(list(pins), pins=pins))
        if numbers:
            acts.append(lambda: self.parameters.read_known([], pins=numbers))
        self.secrets.side_by_side(acts)

    def values(self, rotation: OpenRotation, *, made: bool = False) -> Values:
        """The new values. Raises :class:`NotFound` if not made yet.

        If AWS (``made``) or the journal shows that they exist, waits for them.
        """
        name = self.logins_secret(rotation)
        version = version_id(rotation.id, name)
        read = self.secrets.read_known if made or rotation.made else self.secrets.read
        contents = read([name], pins={name: version})
        failure = contents.failures.get(name)
        if failure and failure.reason == DENIED:  # not to be taken for "not made yet", which has other consequences
            raise Denied(
                f"secret {name} cannot be read: access denied; allow secretsmanager:GetSecretValue on it",
                failure.detail,
            )
        if name not in contents.readings:
            raise NotFound(f"secret {name} does not exist: the rotation has no new values yet")
        document = json.loads(contents.readings[name].value)
        former = document.get("former", {})
        self.secrets.keep([Reading(self.secrets.name, item, *versioned) for item, versioned in former.items()])
        logins = {
            name: Login(item.get("username"), item.get("password")) for name, item in document["credentials"].items()
        }
        return Values(logins, document["phases"], version)

    def against_copies(self, rotation: OpenRotation, logins: Mapping[str, Login]) -> str:
        """The reason why GitHub cannot be synced with ``logins`` in force, or empty."""
        names = github_copies.names_of(self.catalog, rotation.plan)
        if names and self.mirror is None:
            return preconditions.needs_token(self.catalog, names)
        missing = self._copies(rotation, logins).missing if names else ()
        return github_copies.needs_value(missing) if missing else ""

    def send_copies(self, rotation: OpenRotation, logins: Mapping[str, Login]) -> tuple[tuple[str, ...], str]:
        """Syncs values to GitHub. Returns the synced names, and a message about missing values."""
        names = github_copies.names_of(self.catalog, rotation.plan)
        if not names or self.mirror is None:
            return (), github_copies.not_synced(names) if names else ""
        copies = self._copies(rotation, logins)
        self.mirror.send(copies.values, self.fresh)
        return tuple(copies.values), github_copies.not_synced(copies.missing) if copies.missing else ""

    def logins(self, rotation: OpenRotation) -> Mapping[str, Login]:
        """New logins; empty if GitHub holds none."""
        return self.values(rotation).credentials if github_copies.names_of(self.catalog, rotation.plan) else {}

    def _copies(self, rotation: OpenRotation, logins: Mapping[str, Login]) -> github_copies.Copies:
        """Values for GitHub, from planned versions of what changes and present versions of all else."""
        planned = self.old_contents(rotation)
        others = [
            place for place in credential_graph.every_place(self.catalog) if place.name not in rotation.plan["secrets"]
        ]
        contents = self.current(others)
        changing = {*rotation.plan["secrets"], *rotation.plan["parameters"]}
        contents |= Contents({name: reading for name, reading in planned.readings.items() if name in changing})
        return github_copies.copies_of(self.catalog, rotation.plan, contents, logins)
