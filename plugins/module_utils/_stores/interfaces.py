# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a store is: names in, readings out. Nothing here knows AWS or Ansible."""

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
    """What a value is made with, and what stands beside it."""

    description: str = ""
    key: Optional[str] = None
    """Alias of the key that encrypts it; None for AWS's own."""
    tags: Mapping[str, str] = field(default_factory=dict)
    replicas: Tuple[str, ...] = ()
    """Regions that hold replicas of a secret."""
    policy: Optional[str] = None
    """A resource policy, as JSON; put where a secret has none."""


PLAIN_FORM = Form()


class Store(ABC):
    """A place where values live."""

    name: str
    """The store's name in places and origins."""
    settling = Settling()
    """How long reads may be behind the writes."""

    def side_by_side(self, acts: Sequence[Callable[[], T]]) -> List[T]:
        """Calls of this store that do not depend on each other, at once."""
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

        ``names`` are secrets, or paths that are read recursively. ``pins`` asks for exact versions by name, ``stages``
        for versions by label; else the current one is read.

        What concerns one name comes back as a :class:`Failure`. Raises :class:`NoAccess` when the store as a whole
        cannot be used, and :class:`StoreError` for any other refusal.
        """

    def read_known(self, names: Sequence[str], *, pins: Mapping[str, str]) -> Contents:
        """As :meth:`read`, of versions that are known to exist: waits for those that AWS does not show yet."""

        def has_all(contents: Contents) -> bool:
            return not any(contents.is_missing(name) for name in pins)

        return self.settling.until(lambda: self.read(names, pins=pins), has_all)

    def read_prescribed(
        self, names: Sequence[str], *, pins: Mapping[str, str], elsewhere: Collection[str] = ()
    ) -> Contents:
        """Each name in the version of ``pins`` that is its own, and else as it is now. Of the names ``elsewhere`` it
        is known that the version is not the current one."""
        del elsewhere
        return self.read_known(names, pins=pins)


class VersionedStore(Store):
    """A store whose secrets keep versions, named by ids that the writer chooses, and labels that stand on them.

    Every write can be repeated. What a subclass gives are single acts; what they mean is decided here, once.
    """

    def read_prescribed(
        self, names: Sequence[str], *, pins: Mapping[str, str], elsewhere: Collection[str] = ()
    ) -> Contents:
        """One call reads what many hold now, and takes no versions: those alone are asked for by theirs that are to be
        another one."""
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
        """What versions hold, as somebody knows it already: a store that remembers need not read them."""

    @abstractmethod
    def describe(self, name: str) -> Description:
        """Raises :class:`NotFound` when there is no such secret."""

    @abstractmethod
    def list_versions(self, name: str) -> List[StoredVersion]:
        """All versions that are kept, the oldest first, also those without labels.

        Raises :class:`NotFound` when there is no such secret.
        """

    def every_version(self, name: str) -> List[str]:
        """Their ids."""
        return [version.id for version in self.list_versions(name)]

    def create(self, name: str, content: str, *, version: str, form: Form = PLAIN_FORM) -> None:
        """Makes a secret whose first version has this id and content; the same again is fine.

        Raises :class:`AlreadyExists` when there is such a secret with
        another first version.
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
        """Adds a version under a label of our own; the same again is fine, and puts the label back if it is gone.

        The label leaves the version that had it without a word, so labels of AWS are refused: those are moved by
        :meth:`promote`. Raises :class:`Conflict` when that id is taken by other content.
        """
        _require_secret_fits(name, content)
        if label.startswith(AWS_LABELS):
            raise StoreError(
                f"secret {name}: label {label} is shared with other writers; stage under another label and promote that"
            )
        try:
            labels = self._put(name, content, version, label)
        except AlreadyExists:
            # A retry whose first try arrived is refused by its own version: only the content tells.
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
        """Puts a label of our own on this version, from wherever it is. ``is_elsewhere``: AWS says that it is not on
        this one, so a description that shows it there is behind."""

        def attached() -> Optional[StoreError]:
            holder = self._present(name).stages.get(label)
            if holder == version:
                return StoreError(f"secret {name}: label {label} cannot be put on {version}") if is_elsewhere else None
            try:
                self._move(name, label, to=version, off=holder)
            except NoAccess:
                raise
            except StoreError as error:
                return error  # the description was behind
            return None

        refusal = self.settling.until(attached, lambda error: error is None)
        if refusal is not None:
            raise refusal

    def promote(
        self, name: str, *, to: str, instead_of: Optional[str], label: str = CURRENT, known: bool = False
    ) -> None:
        """Moves a label to version ``to`` if it is on version ``instead_of``, or on none where that is None.

        It being there already is fine. Raises :class:`Conflict`, naming the version that has the label. AWS decides it
        on the newest state, so the move is tried whatever a description says, which may be behind. Where it is
        ``known`` that the version is there and the label is not on it, nothing is asked before.
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
            if holder == to:  # it was there already, or our first try arrived and its answer did not
                return
            if holder != instead_of:
                raise _moved(name, label, holder, instead_of) from None
            raise

    def discard(self, name: str, *, version: str, labels: Sequence[str]) -> None:
        """Takes these labels off this version; where they are elsewhere, or nowhere, they stay as they are."""
        if CURRENT in labels:
            raise StoreError(f"secret {name}: {CURRENT} cannot be removed from a version, only moved to another")
        for label in labels:
            self._take_off(name, label, version)

    def _take_off(self, name: str, label: str, version: str) -> None:
        """AWS decides on the newest state whether the label is there; a description may be behind."""

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
        """Deletes a secret at once and for good; one that is not there is fine."""
        try:
            self._delete(name)
        except NotFound:
            return

    def staged(self, name: str) -> List[str]:
        """The ids of the versions that wait beside a secret, in a store that keeps them there."""
        return []

    def destroy(self, name: str, versions: Sequence[str]) -> List[str]:
        """Ends what these versions hold, for good; those that are no more are fine. What was destroyed, in words.

        Raises :class:`StoreError` for the current version, and changes nothing then.
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
        """Asked where AWS says that the version, or the secret, is there."""
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


def _moved(name: str, label: str, holder: Optional[str], expected: Optional[str]) -> Conflict:
    place = f"on version {holder}" if holder else "on no version"
    due = f"on {expected}" if expected else "on none"
    return Conflict(
        f"secret {name}: somebody moved {label}: it is {place}, not {due} as planned; check both versions "
        f"by '{command(name, 'lists_versions')}', then run again"
    )


def _require_secret_fits(name: str, content: str) -> None:
    size = len(content.encode())
    if not 0 < size <= SECRET_BYTES:
        raise StoreError(
            f"secret {name} would hold {size:,} bytes, but AWS accepts 1 to {SECRET_BYTES:,}; move some of its keys "
            "to a secret of their own"
        )
