# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a store is: names in, readings out. Nothing here knows AWS or Ansible."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Collection, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import (
    AlreadyExists,
    Conflict,
    Denied,
    NoAccess,
    NotFound,
    StoreError,
)

MISSING, DENIED, DELETED, BINARY = "missing", "denied", "scheduled for deletion", "binary"
CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
AWS_LABELS = "AWS"
"""What the labels begin with that Secrets Manager itself moves, and that other programs move too."""

SECRET_BYTES = 65536
PARAMETER_BYTES = {"Standard": 4096, "Advanced": 8192}
STANDARD = "Standard"
DELETED_AT_ONCE = 10
"""Parameters a DeleteParameters call."""
RETRIES_SEEN = 10
"""How many versions of one parameter are looked at for being copies of one write, sent again."""


@dataclass(frozen=True)
class Reading:
    """One secret or parameter as it was read."""

    store: str
    name: str
    version: str
    """Secrets Manager's VersionId or the parameter's version number."""
    value: str = field(repr=False)
    plain: bool = False
    """Whether it is kept unencrypted: a parameter of type String or StringList."""


@dataclass(frozen=True)
class Failure:
    """Why one secret or path could not be read, while others were."""

    store: str
    name: str
    reason: str
    """MISSING, DENIED, DELETED or BINARY."""
    detail: str = ""
    """The store's own words."""

    def __str__(self) -> str:
        kind = "secret" if not self.name.startswith("/") else "parameters below"
        return f"{kind} {self.name}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True)
class Contents:
    """What one read brought."""

    readings: Mapping[str, Reading] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)

    def __or__(self, other: Contents) -> Contents:
        return Contents({**self.readings, **other.readings}, {**self.failures, **other.failures})

    def without(self, names: Collection[str]) -> Contents:
        """The same without what concerns these."""
        return Contents(
            {name: one for name, one in self.readings.items() if name not in names},
            {name: one for name, one in self.failures.items() if name not in names},
        )


@dataclass(frozen=True)
class Description:
    """What a secret says about itself without its value."""

    name: str
    stages: Mapping[str, str]
    """Version id by label, of all versions."""
    rotation_enabled: bool = False
    """Whether AWS's own rotation is switched on."""
    deleted: bool = False
    """Whether it is scheduled for deletion."""
    arn: str = ""
    key: Optional[str] = None
    """The key that encrypts it, as AWS names it; None for AWS's own."""


class Store(ABC):
    """A place where values live."""

    name: str
    """The store's name in places and origins."""

    @abstractmethod
    def read(
        self,
        names: Sequence[str],
        *,
        pins: Optional[Mapping[str, str]] = None,
        stages: Optional[Mapping[str, str]] = None,
    ) -> Contents:
        """Reads every name once, in as few calls as the store allows.

        ``names`` are secrets, or paths that are read recursively. ``pins`` asks for exact versions by name, ``stages``
        for versions by label; else the current one is read.

        What concerns one name comes back as a :class:`Failure`. Raises :class:`NoAccess` when the store as a whole
        cannot be used, and :class:`StoreError` for any other refusal.
        """


class VersionedStore(Store):
    """A store whose secrets keep versions, named by ids that the writer chooses, and labels that stand on them.

    Every write can be repeated. What a subclass gives are single acts; what they mean is decided here, once.
    """

    @abstractmethod
    def describe(self, name: str) -> Description:
        """Raises :class:`NotFound` when there is no such secret."""

    @abstractmethod
    def every_version(self, name: str) -> List[str]:
        """The ids of all versions that are kept, the oldest first, also of those without labels.

        Raises :class:`NotFound` when there is no such secret.
        """

    def create(self, name: str, content: str, *, version: str, **form: Any) -> None:
        """Makes a secret whose first version has this id and content; the same again is fine.

        ``form`` is its description, key and tags. Raises :class:`AlreadyExists` when there is such a secret with
        another first version.
        """
        _require_secret_fits(name, content)
        try:
            self._create(name, content, version, **form)
        except AlreadyExists:
            if not self._holds(name, version, content):
                raise AlreadyExists(
                    f"secret {name} is there already, or still being deleted, and does not hold version {version} as "
                    "it was to be made; find out whose it is before you delete it"
                ) from None

    def stage(self, name: str, content: str, *, version: str, label: str) -> None:
        """Adds a version under a label of our own; the same again is fine, and puts the label back if it is gone.

        The label leaves the version that had it without a word, so labels of AWS are refused: those are moved by
        :meth:`promote`. Raises :class:`Conflict` when that id is taken by other content.
        """
        _require_secret_fits(name, content)
        if label.startswith(AWS_LABELS):
            raise StoreError(
                f"secret {name}: label {label} is shared with others; stage under a label of your own and promote it"
            )
        try:
            labels = self._put(name, content, version, label)
        except AlreadyExists:
            # A retry whose first try arrived is refused by its own version: only the content tells.
            if not self._holds(name, version, content):
                raise Conflict(
                    f"secret {name}: version {version} is taken by other content; it cannot be changed, so start the "
                    "rotation again, which takes a new id"
                ) from None
            labels = ()
        if label not in labels:
            holder = self._present(name).stages.get(label)
            if holder != version:
                self._move(name, label, to=version, off=holder)

    def promote(self, name: str, *, to: str, instead_of: Optional[str], label: str = CURRENT) -> None:
        """Moves a label to version ``to`` if it is on version ``instead_of``, or on none where that is None.

        It being there already is fine. Raises :class:`Conflict`, naming the version that has the label.
        """
        described = self._present(name)
        holder = described.stages.get(label)
        if holder == to:
            return
        if holder != instead_of:
            raise _moved(name, label, holder, instead_of)
        if to not in described.stages.values():
            self._require_version(name, to)
        try:
            self._move(name, label, to=to, off=instead_of)
        except NoAccess:
            raise
        except StoreError:
            holder = self._present(name).stages.get(label)
            if holder == to:  # our first try arrived and its answer did not
                return
            if holder != instead_of:
                raise _moved(name, label, holder, instead_of) from None
            raise

    def discard(self, name: str, *, version: str, labels: Sequence[str]) -> None:
        """Takes these labels off this version; where they are elsewhere, or nowhere, they stay as they are."""
        if CURRENT in labels:
            raise StoreError(f"secret {name}: {CURRENT} cannot be taken off a version, only moved to another")
        try:
            described = self._present(name)
        except NotFound:
            return
        for label in labels:
            if described.stages.get(label) == version:
                self._take_off(name, label, version)

    def _take_off(self, name: str, label: str, version: str) -> None:
        try:
            self._move(name, label, to=None, off=version)
        except NoAccess:
            raise
        except StoreError:
            if self.describe(name).stages.get(label) == version:
                raise

    def delete(self, name: str) -> None:
        """Deletes a secret at once and for good; one that is not there is fine."""
        try:
            self._delete(name)
        except NotFound:
            return

    def _present(self, name: str) -> Description:
        described = self.describe(name)
        if described.deleted:
            raise NotFound(
                f"secret {name} is scheduled for deletion; take that back by 'aws secretsmanager restore-secret', or "
                "take the secret out of the catalog"
            )
        return described

    def _holds(self, name: str, version: str, content: str) -> bool:
        found = self._version(name, version).readings.get(name)
        return found is not None and found.value == content

    def _require_version(self, name: str, version: str) -> None:
        failure = self._version(name, version).failures.get(name)
        if failure:
            raise NotFound(f"secret {name} has no version {version} that can be read ({failure.reason}); stage it anew")

    def _version(self, name: str, version: str) -> Contents:
        contents = self.read([name], pins={name: version})
        for failure in contents.failures.values():
            if failure.reason == DENIED:
                raise Denied(
                    f"secret {name} may not be read, to see what its version {version} holds; allow "
                    f"secretsmanager:GetSecretValue on it ({failure.detail})",
                    failure.detail,
                )
        return contents

    @abstractmethod
    def _create(self, name: str, content: str, version: str, **form: Any) -> None:
        """Raises :class:`AlreadyExists`."""

    @abstractmethod
    def _put(self, name: str, content: str, version: str, label: str) -> Sequence[str]:
        """Adds a version; returns the labels that it has then. Raises :class:`AlreadyExists` for other content."""

    @abstractmethod
    def _move(self, name: str, label: str, *, to: Optional[str], off: Optional[str]) -> None:
        """Moves a label between two versions. Raises :class:`StoreError` when it is not on ``off``."""

    @abstractmethod
    def _delete(self, name: str) -> None:
        """Deletes a secret at once."""


class NumberedStore(Store):
    """A store that numbers the versions of each parameter, and cannot compare before it writes."""

    def overwrite(self, name: str, value: str, *, instead_of: int) -> int:
        """Writes a value over version ``instead_of``; returns the new version's number. The same again is fine.

        Raises :class:`Conflict`, naming both numbers, when somebody else wrote: before us, and nothing is written, or
        in the same moment, and what they wrote is put back over ours.
        """
        found, kept = self._look(name)
        _require_parameter_fits(name, value, str(kept.get("Tier", STANDARD)))
        current = int(found.version)
        if current != instead_of:
            done = found.value == value and self._only_ours(name, value, instead_of, current)
            if done:
                return current
            raise Conflict(
                f"parameter {name} is at version {current} and not at {instead_of}, which was to be replaced; see who "
                "wrote it by 'aws ssm get-parameter-history', then run again"
            )
        return self._replace(name, value, instead_of, kept)

    def _replace(self, name: str, value: str, before: int, kept: Mapping[str, Any]) -> int:
        written = self._write(name, value, kept)
        if written == before + 1 or self._only_ours(name, value, before, written):
            return written
        told = self._put_back(name, value, before, written)
        raise Conflict(
            f"parameter {name}: version {written} was written where {before + 1} was due, so somebody else "
            f"wrote in the same moment; {told}"
        )

    def _put_back(self, name: str, value: str, before: int, written: int) -> str:
        """Writes what ours buried once more; says in words what became of it."""
        by_hand = "see what it was by 'aws ssm get-parameter-history', and put it back by hand if it is due"
        try:
            theirs = self._newest_but(name, value, before, written)
            current, kept = self._look(name)
            if theirs is None or int(current.version) != written:
                return by_hand
            back = self._write(name, theirs, kept)
        except StoreError as error:
            return f"{by_hand} ({error})"
        return f"their value stands again, as version {back}" if back == written + 1 else by_hand

    def _newest_but(self, name: str, value: str, before: int, last: int) -> Optional[str]:
        """The newest value between these versions that is not this one."""
        for number in range(last - 1, max(before, last - 1 - RETRIES_SEEN), -1):
            found = self.read([], pins={name: str(number)}).readings.get(name)
            if found is None or found.value != value:
                return found.value if found else None
        return None

    def _only_ours(self, name: str, value: str, before: int, last: int) -> bool:
        """Whether every version between these holds this value: a lost answer makes the client write twice."""
        return before < last <= before + RETRIES_SEEN and all(
            self._holds(name, number, value) for number in range(before + 1, last)
        )

    def _holds(self, name: str, number: int, value: str) -> bool:
        found = self.read([], pins={name: str(number)}).readings.get(name)
        return found is not None and found.value == value

    def key(self, name: str) -> Optional[str]:
        return self._look(name)[1].get("KeyId")

    def create(self, name: str, value: str) -> None:
        """Makes a parameter of type String. Raises :class:`AlreadyExists` when it is there."""
        _require_parameter_fits(name, value, STANDARD)
        self._create(name, value)

    def delete(self, names: Sequence[str]) -> None:
        """Deletes parameters, in this order; those that are not there are fine."""
        for start in range(0, len(names), DELETED_AT_ONCE):
            self._delete(names[start : start + DELETED_AT_ONCE])

    @abstractmethod
    def history(self, name: str) -> List[Reading]:
        """Every version of a parameter that is kept, the oldest first. Raises :class:`NotFound`."""

    @abstractmethod
    def _look(self, name: str) -> Tuple[Reading, Mapping[str, Any]]:
        """The current version, and what a write must repeat to keep it: tier, key and so on, as AWS names them."""

    @abstractmethod
    def _write(self, name: str, value: str, kept: Mapping[str, Any]) -> int:
        """Writes over whatever is there; returns the number of the new version."""

    @abstractmethod
    def _create(self, name: str, value: str) -> None:
        """Raises :class:`AlreadyExists`, or :class:`Conflict` when another writes it in the same moment."""

    @abstractmethod
    def _delete(self, names: Sequence[str]) -> None:
        """Deletes at most ``DELETED_AT_ONCE`` parameters."""


def _moved(name: str, label: str, holder: Optional[str], expected: Optional[str]) -> Conflict:
    found = f"on version {holder}" if holder else "on no version"
    due = f"on {expected}" if expected else "on none"
    return Conflict(
        f"secret {name}: {label} is {found} and not {due} as planned, so somebody else moved it; look at both by "
        "'aws secretsmanager list-secret-version-ids', then run again"
    )


def _require_secret_fits(name: str, content: str) -> None:
    size = len(content.encode())
    if not 0 < size <= SECRET_BYTES:
        raise StoreError(
            f"secret {name} would hold {size:,} bytes, and AWS takes 1 to {SECRET_BYTES:,}; move some of its keys to a "
            "secret of their own"
        )


def _require_parameter_fits(name: str, value: str, tier: str) -> None:
    size, limit = len(value.encode()), PARAMETER_BYTES.get(tier, PARAMETER_BYTES[STANDARD])
    if not 0 < size <= limit:
        raise StoreError(
            f"parameter {name} would hold {size:,} bytes, and AWS takes 1 to {limit:,} in its tier ({tier}); shorten "
            "the value, or choose another tier or store for it"
        )
