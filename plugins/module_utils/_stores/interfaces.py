# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Abstract stores: names in, readings out. They depend on neither AWS nor Ansible."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Callable, Collection, List, Mapping, Optional, Sequence, Tuple, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    NoAccess,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    AWS_LABELS,
    CURRENT,
    DENIED,
    Contents,
    Description,
    Reading,
    StoredVersion,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import is_same
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import command, of_name
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parallel_calls import in_threads
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.settling import Settling

SECRET_BYTES = 65536
T = TypeVar("T")


@dataclass(frozen=True)
class Form:
    """The description, key, tags and other properties that a value is created with."""

    description: str = ""
    key: Optional[str] = None
    """The alias of the key that encrypts the value. None for AWS's own key."""
    tags: Mapping[str, str] = field(default_factory=dict)
    replicas: Tuple[str, ...] = ()
    """Regions that hold replicas of a secret."""


PLAIN_FORM = Form()


class Store(ABC):
    name: str
    """The store's name in locations and origins."""
    settling = Settling()
    """The delay after which reads show a write."""

    def side_by_side(self, acts: Sequence[Callable[[], T]]) -> List[T]:
        """Runs calls that do not depend on each other in parallel."""
        return in_threads(acts)

    @abstractmethod
    def read(
        self,
        names: Sequence[str],
        *,
        pins: Optional[Mapping[str, str]] = None,
        stages: Optional[Mapping[str, str]] = None,
    ) -> Contents:
        """Reads every name once, in as few calls as the store allows.

        ``names`` are secrets, or paths that are read recursively. ``pins`` selects exact versions by name, ``stages``
        selects versions by label. Other names are read in their current version.

        A problem of one name is returned as a :class:`Failure`. Raises :class:`NoAccess` if the whole store cannot be
        used, and :class:`StoreError` for any other error.
        """

    def read_known(self, names: Sequence[str], *, pins: Mapping[str, str]) -> Contents:
        """Reads versions that are known to exist, and waits until AWS shows them."""

        def has_all(contents: Contents) -> bool:
            return not any(contents.is_missing(name) for name in pins)

        return self.settling.until(lambda: self.read(names, pins=pins), has_all)

    def read_prescribed(
        self, names: Sequence[str], *, pins: Mapping[str, str], elsewhere: Collection[str] = ()
    ) -> Contents:
        """Each name in its version of ``pins``, or in the current version.

        ``elsewhere`` are names whose pinned version is known not to be the current one.
        """
        del elsewhere
        return self.read_known(names, pins=pins)


class VersionedStore(Store):
    """A store whose secrets have versions. The writer chooses a version's id, and labels point to versions.

    Every write can be repeated. A subclass provides single calls; this class decides what their errors mean.
    """

    def read_prescribed(
        self, names: Sequence[str], *, pins: Mapping[str, str], elsewhere: Collection[str] = ()
    ) -> Contents:
        """Reads the current versions in one call, then only the pinned versions that are not current.

        One call can read many secrets, but only in their current version.
        """
        ahead = {name: pins[name] for name in names if name in elsewhere and name in pins}
        now = [name for name in names if name not in ahead]
        contents = self.read(now) if now else Contents()
        others = {
            name: pins[name]
            for name in now
            if name in pins and (name not in contents.readings or contents.readings[name].version != pins[name])
        }
        wanted = {**ahead, **others}
        if not wanted:
            return contents
        return contents.without(others) | self.read_known(list(wanted), pins=wanted)

    def keep(self, readings: Sequence[Reading]) -> None:
        """Hands over known contents of versions. A store with a cache need not read them."""

    @abstractmethod
    def describe(self, name: str) -> Description:
        """The versions and properties of a secret. Raises :class:`NotFound` if the secret does not exist."""

    @abstractmethod
    def list_versions(self, name: str) -> List[StoredVersion]:
        """All versions of a secret, the oldest first, also versions without labels.

        Raises :class:`NotFound` if the secret does not exist.
        """

    def every_version(self, name: str) -> List[str]:
        return [version.id for version in self.list_versions(name)]

    def create(self, name: str, content: str, *, version: str, form: Form = PLAIN_FORM) -> None:
        """Creates a secret whose first version has this id and content. A repeat does no harm.

        Raises :class:`AlreadyExists` if the secret exists without such a version.
        """
        _require_secret_fits(name, content)
        try:
            self._create(name, content, version, form)
        except AlreadyExists:
            if not self._holds(name, version, content):
                raise AlreadyExists(
                    f"secret {name} already exists or is still being deleted, and lacks version {version} of this run; "
                    "find out who owns it before you delete it"
                ) from None

    def stage(self, name: str, content: str, *, version: str, label: str) -> None:
        """Adds a version under a label of this collection. A repeat does no harm, and restores a lost label.

        AWS moves the label without a check from the version that had it. AWS's own labels are therefore refused here;
        :meth:`promote` moves them. Raises :class:`Conflict` if the id belongs to a version with other content.
        """
        _require_secret_fits(name, content)
        if label.startswith(AWS_LABELS):
            raise StoreError(
                f"secret {name}: label {label} is shared with other writers; stage under another label and promote that"
            )
        try:
            labels = self._put(name, content, version, label)
        except AlreadyExists:
            # If the answer to the first try was lost, the retry is refused. Only the content shows that.
            if not self._holds(name, version, content):
                raise Conflict(
                    f"secret {name}: version {version} already has other content and cannot be changed; start the "
                    "rotation again, which uses a new version id"
                ) from None
            self._attach(name, label, version)
        else:
            if label not in labels:
                self._attach(name, label, version, is_elsewhere=True)

    def _attach(self, name: str, label: str, version: str, *, is_elsewhere: bool = False) -> None:
        """Moves a label of this collection to this version, from any other.

        ``is_elsewhere``: AWS has said that the label is not on this version. A description that shows it there is
        outdated.
        """

        def attached() -> Optional[StoreError]:
            holder = self._present(name).stages.get(label)
            if holder == version:
                return StoreError(f"secret {name}: label {label} cannot be put on {version}") if is_elsewhere else None
            try:
                self._move(name, label, to=version, off=holder)
            except NoAccess:
                raise
            except StoreError as error:
                return error  # the description was outdated
            return None

        refusal = self.settling.until(attached, lambda error: error is None)
        if refusal is not None:
            raise refusal

    def promote(
        self, name: str, *, to: str, instead_of: Optional[str], label: str = CURRENT, known: bool = False
    ) -> None:
        """Moves a label to version ``to`` if it is on version ``instead_of``. None stands for no version.

        Does nothing if the label is on ``to`` already. Raises :class:`Conflict`, which names the version with the
        label. AWS checks the newest state, but a description may be outdated, so the move is tried first. ``known``:
        the version exists and lacks the label, so no description is read before.
        """
        if not known:
            described = self._present(name)
            if described.stages.get(label) == to:
                return
            if to not in described.stages.values():
                self._require_version(name, to)
        try:
            self._move(name, label, to=to, off=instead_of)
        except NoAccess:
            raise
        except StoreError:
            description = self.settling.until(
                lambda: self._present(name), lambda described: described.stages.get(label) != instead_of
            )
            holder = description.stages.get(label)
            if holder == to:  # the label was there already, or the answer to the first try was lost
                return
            if holder != instead_of:
                raise _moved(name, label, holder, instead_of) from None
            raise

    def discard(self, name: str, *, version: str, labels: Sequence[str]) -> None:
        """Removes these labels from this version. Labels on other versions stay."""
        if CURRENT in labels:
            raise StoreError(f"secret {name}: {CURRENT} cannot be removed from a version, only moved to another")
        for label in labels:
            self._take_off(name, label, version)

    def _take_off(self, name: str, label: str, version: str) -> None:
        """Removes a label. AWS checks the newest state, but a description may be outdated."""

        def is_gone() -> bool:
            try:
                return self.describe(name).stages.get(label) != version
            except NotFound:
                return True

        try:
            self._move(name, label, to=None, off=version)
        except NoAccess:
            raise
        except NotFound:
            return
        except StoreError:
            if not self.settling.until(is_gone, bool):
                raise

    def delete(self, name: str) -> None:
        """Deletes a secret at once and for good. Does nothing if it does not exist."""
        try:
            self._delete(name)
        except NotFound:
            return

    def staged(self, name: str) -> List[str]:
        """The ids of versions that a store keeps outside of the secret until they are promoted."""
        return []

    def destroy(self, name: str, versions: Sequence[str]) -> List[str]:
        """Destroys the content of these versions for good, if they exist. Returns a message for each.

        Raises :class:`StoreError` for the current version, and then changes nothing.
        """
        raise StoreError(f"versions of secret {name} cannot be destroyed; its store keeps them")

    def _present(self, name: str) -> Description:
        described = self.describe(name)
        if described.deleted:
            raise NotFound(
                f"secret {name} is scheduled for deletion; restore it by '{command(name, 'restores')}', or remove "
                "the secret from the catalog"
            )
        return described

    def _holds(self, name: str, version: str, content: str) -> bool:
        """Whether the version has this content. AWS must have said that the version or secret exists."""
        reading = self._version(name, version).readings.get(name)
        return reading is not None and is_same(reading.value, content)

    def _require_version(self, name: str, version: str) -> None:
        failure = self._version(name, version).failures.get(name)
        if failure:
            raise NotFound(f"secret {name} has no readable version {version} ({failure.reason}); stage it again")

    def _version(self, name: str, version: str) -> Contents:
        contents = self.read_known([name], pins={name: version})
        for failure in contents.failures.values():
            if failure.reason == DENIED:
                raise Denied(
                    f"secret {name} cannot be read (access denied), so the content of version {version} is unknown; "
                    f"allow {of_name(name).allows_reading} on it ({failure.detail})",
                    failure.detail,
                )
        return contents

    @abstractmethod
    def _create(self, name: str, content: str, version: str, form: Form) -> None:
        """Creates a secret. Raises :class:`AlreadyExists`."""

    @abstractmethod
    def _put(self, name: str, content: str, version: str, label: str) -> Sequence[str]:
        """Adds a version. Returns its labels. Raises :class:`AlreadyExists` if it has other content."""

    @abstractmethod
    def _move(self, name: str, label: str, *, to: Optional[str], off: Optional[str]) -> None:
        """Moves a label between two versions. Raises :class:`StoreError` if it is not on ``off``."""

    @abstractmethod
    def _delete(self, name: str) -> None:
        """Deletes a secret at once."""


def _moved(name: str, label: str, holder: Optional[str], expected: Optional[str]) -> Conflict:
    place = f"on version {holder}" if holder else "on no version"
    due = f"on version {expected}" if expected else "on no version"
    return Conflict(
        f"secret {name}: somebody moved {label}. The label is {place}, but should be {due}; check both versions "
        f"by '{command(name, 'lists_versions')}', then run again"
    )


def _require_secret_fits(name: str, content: str) -> None:
    size = len(content.encode())
    if not 0 < size <= SECRET_BYTES:
        raise StoreError(
            f"secret {name} would hold {size:,} bytes, but must hold 1 to {SECRET_BYTES:,}; move some of its keys "
            "to a secret of their own"
        )
