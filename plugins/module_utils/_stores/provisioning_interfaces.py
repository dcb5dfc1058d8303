# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Creation of secrets and parameters, and changes of their tags, keys and other properties. Independent of AWS."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import (
    Form,
    VersionedStore,
    _require_secret_fits,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.numbered_versions import (
    PARAMETER_BYTES,
    STANDARD,
    NumberedStore,
    _require_parameter_fits,
)

LABEL = "provisioned"
"""The label of a new version until its promotion."""
SECURE, PLAIN, ADVANCED = "SecureString", "String", "Advanced"
SHORTEST_RECOVERY, LONGEST_RECOVERY = 7, 30
"""Days between which AWS keeps a deleted secret."""


@dataclass(frozen=True)
class ExistingEntry:
    """The properties of an existing secret or parameter."""

    name: str
    form: Form
    deleted: bool = False
    """Whether it is scheduled for deletion."""


@dataclass(frozen=True)
class Change:
    """Changes that bring a secret or parameter to its form. None and empty values change nothing."""

    description: Optional[str] = None
    key: Optional[str] = None
    tags: Mapping[str, str] = field(default_factory=dict)
    replicas: Tuple[str, ...] = ()

    @property
    def rewrites(self) -> bool:
        """Whether the description or the key changes. For these, a parameter's value is written again."""
        return self.description is not None or bool(self.key)

    @property
    def messages(self) -> List[str]:
        parts = ["description"] if self.description is not None else []
        parts += [f"key {self.key}"] if self.key else []
        parts += [f"tag {name}" for name in sorted(self.tags)]
        return parts + [f"replica in {region}" for region in self.replicas]


def change(present: Form, wanted: Form) -> Change:
    """The changes from one form to another. Undeclared tags and replicas stay, because others may have added them."""
    return Change(
        description=wanted.description if wanted.description and wanted.description != present.description else None,
        key=wanted.key if wanted.key and not is_key(present.key, wanted.key) else None,
        tags={name: text for name, text in wanted.tags.items() if present.tags.get(name) != text},
        replicas=tuple(region for region in wanted.replicas if region not in present.replicas),
    )


def is_key(present: Optional[str], wanted: str) -> bool:
    """Whether both are the same key. AWS answers with an alias or with its ARN."""
    return present is not None and (present == wanted or present.endswith(f":{wanted}"))


class SecretMaking(VersionedStore):
    """A versioned store that can create secrets in a form, and change existing secrets to it."""

    def kept(self, name: str) -> Optional[ExistingEntry]:
        """The properties of a secret, or None if it does not exist."""
        try:
            return self._kept(name)
        except NotFound:
            return None

    def make(self, name: str, content: str, *, version: str, form: Form) -> None:
        """Creates a secret whose first version has this id and content. A repeat does no harm.

        Raises :class:`AlreadyExists` if another secret has this name.
        """
        _require_secret_fits(name, content)
        try:
            self._create(name, content, version, form)
        except AlreadyExists:
            if not self._holds(name, version, content):
                raise AlreadyExists(
                    f"another writer created secret {name} at the same moment; run the same command again"
                ) from None

    def merge(self, name: str, content: str, *, version: str, instead_of: Optional[str]) -> None:
        """Makes the content current if version ``instead_of`` still is. None stands for a secret without a version.

        Raises :class:`Conflict` if another version is current.
        """
        self.stage(name, content, version=version, label=LABEL)
        try:
            self.promote(name, to=version, instead_of=instead_of)
        finally:
            self.discard(name, version=version, labels=[LABEL])

    def reform(self, name: str, wanted: Change) -> None:
        if wanted.rewrites:
            self._update(name, wanted.description, wanted.key)
        if wanted.tags:
            self._tag(name, wanted.tags)
        if wanted.replicas:
            self._replicate(name, wanted.replicas)

    def schedule_deletion(self, name: str, *, days: int) -> bool:
        """Schedules the deletion of a secret. Returns whether this changed anything."""
        if not SHORTEST_RECOVERY <= days <= LONGEST_RECOVERY:
            raise StoreError(
                f"secret {name}: AWS keeps a deleted secret for 7 to 30 days, not for {days}; give a "
                "number of days from 7 to 30"
            )
        secret = self.kept(name)
        if secret is None or secret.deleted:
            return False
        self._schedule_deletion(name, days)
        return True

    def restore(self, name: str) -> bool:
        """Cancels a scheduled deletion. Returns whether this changed anything."""
        secret = self.kept(name)
        if secret is None:
            raise NotFound(
                f"secret {name} does not exist, and AWS cannot restore it either; create it: "
                "ansible-playbook watchparty.secrets.provision"
            )
        if not secret.deleted:
            return False
        self._restore(name)
        return True

    @abstractmethod
    def _kept(self, name: str) -> ExistingEntry:
        """The properties of a secret. Raises :class:`NotFound`."""

    @abstractmethod
    def _update(self, name: str, description: Optional[str], key: Optional[str]) -> None:
        """Changes the description and the key, if given."""

    @abstractmethod
    def _tag(self, name: str, tags: Mapping[str, str]) -> None:
        """Adds or changes tags."""

    @abstractmethod
    def _replicate(self, name: str, regions: Tuple[str, ...]) -> None:
        """Adds replicas."""

    @abstractmethod
    def _schedule_deletion(self, name: str, days: int) -> None:
        """Schedules a deletion."""

    @abstractmethod
    def _restore(self, name: str) -> None:
        """Cancels a scheduled deletion."""


class ParameterMaking(NumberedStore):
    """A numbered store that can create parameters in a form, and change existing parameters to it."""

    def make(self, name: str, value: str, *, secure: bool, form: Form, tier: str = STANDARD) -> None:
        """Creates a parameter. A repeat does no harm. Raises :class:`AlreadyExists` if it has another value."""
        _require_parameter_fits(name, value, tier)
        try:
            self._make(name, value, SECURE if secure else PLAIN, form, tier)
        except (AlreadyExists, Conflict):
            if self._look_since(name, 1)[0].value != value:
                raise AlreadyExists(
                    f"another writer created parameter {name} at the same moment; run the same command again"
                ) from None

    def reform(self, name: str, wanted: Change) -> None:
        """Changes a parameter to its form. A description or key changes only with a value, which is written again.

        Raises :class:`Conflict` if another writer wrote at the same moment. The other writer's value is restored.
        """
        if wanted.tags:
            self._tag(name, wanted.tags)
        if wanted.rewrites:
            reading, metadata = self._look(name)
            parts = {"Description": wanted.description, "KeyId": wanted.key}
            extra = {part: text for part, text in parts.items() if text}
            self._replace(name, reading.value, int(reading.version), {**metadata, **extra})

    @abstractmethod
    def kept(self, names: Sequence[str]) -> Dict[str, ExistingEntry]:
        """The properties of these parameters, without parameters that do not exist."""

    @abstractmethod
    def _make(self, name: str, value: str, kind: str, form: Form, tier: str) -> None:
        """Creates a parameter. Raises :class:`AlreadyExists`."""

    @abstractmethod
    def _tag(self, name: str, tags: Mapping[str, str]) -> None:
        """Adds or changes tags."""


def tier_for(value: str, *, advanced: bool) -> str:
    """The tier that a value needs. The standard tier, which is free, unless ``advanced``."""
    return ADVANCED if advanced and len(value.encode()) > PARAMETER_BYTES[STANDARD] else STANDARD
