# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Abstract stores of numbered versions, such as Parameter Store. They depend on neither AWS nor Ansible."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Collection, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Conflict, NotFound, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Store

PARAMETER_BYTES = {"Standard": 4096, "Advanced": 8192}
STANDARD = "Standard"
DELETED_AT_ONCE = 10
"""Parameters in one DeleteParameters call."""
HISTORY = 100
"""Versions of a parameter that AWS keeps, with the current one."""
RETRIES_SEEN = 10
"""Number of newer versions that may be repeats of one write."""


class NumberedStore(Store):
    """A store that numbers the versions of each parameter. It has no conditional writes."""

    def overwrite(self, name: str, value: str, *, instead_of: int) -> int:
        """Writes a value over version ``instead_of``. Returns the new version. A repeat does no harm.

        Raises :class:`Conflict`, which names both versions, if another writer wrote. If that was before, nothing is
        written. If it was at the same moment, the other writer's value is restored.
        """
        reading, metadata = self._look_since(name, instead_of)
        _require_parameter_fits(name, value, str(metadata.get("Tier", STANDARD)))
        current = int(reading.version)
        if current != instead_of:
            is_done = reading.value == value and self._only_ours(name, value, instead_of, current)
            if is_done:
                return current
            raise Conflict(
                f"parameter {name} is at version {current} instead of {instead_of}, so somebody wrote it; find the "
                f"writer by 'aws ssm get-parameter-history --name {name}', then run again"
            )
        return self._replace(name, value, instead_of, metadata)

    def push_out(self, name: str) -> None:
        """Writes the present value until AWS keeps no other value of this parameter. It always exists meanwhile.

        Writes nothing if there is no other value. Raises :class:`NotFound`, and :class:`Conflict` as :meth:`overwrite`.
        """
        history = self.history(name)
        reading, metadata = self._look_since(name, int(history[-1].version))
        newest = max(reading, history[-1], key=lambda reading: int(reading.version))
        number = int(newest.version)
        same = {int(reading.version) for reading in history if reading.value == newest.value}
        last = number + _writes_due(number, same)
        while number < last:
            number = self._replace(name, newest.value, number, metadata)

    def _replace(self, name: str, value: str, before: int, metadata: Mapping[str, Any]) -> int:
        written = self._write(name, value, metadata)
        if written == before + 1 or self._only_ours(name, value, before, written):
            return written
        message = self._put_back(name, value, before, written)
        raise Conflict(
            f"parameter {name}: version {written} was written instead of {before + 1}, so somebody wrote at the "
            f"same moment; {message}"
        )

    def _put_back(self, name: str, value: str, before: int, written: int) -> str:
        """Restores a value that this run overwrote. Returns a message about the result."""
        by_hand = (
            f"check the other value by 'aws ssm get-parameter-history --name {name}', and write it again by hand if it "
            "is needed"
        )
        try:
            theirs = self._newest_but(name, value, before, written)
            current, metadata = self._look_since(name, written)
            if theirs is None or int(current.version) != written:
                return by_hand
            back = self._write(name, theirs, metadata)
        except StoreError as error:
            return f"{by_hand} ({error})"
        return f"the other writer's value was restored as version {back}" if back == written + 1 else by_hand

    def _newest_but(self, name: str, value: str, before: int, last: int) -> Optional[str]:
        """The newest other value between these versions, or None."""
        for number in range(last - 1, max(before, last - 1 - RETRIES_SEEN), -1):
            reading = self.read_known([], pins={name: str(number)}).readings.get(name)
            if reading is None or reading.value != value:
                return reading.value if reading else None
        return None

    def _only_ours(self, name: str, value: str, before: int, last: int) -> bool:
        """Whether every version between these has this value. If an answer is lost, the client writes twice."""
        return before < last <= before + RETRIES_SEEN and all(
            self._holds(name, number, value) for number in range(before + 1, last)
        )

    def _holds(self, name: str, number: int, value: str) -> bool:
        reading = self.read_known([], pins={name: str(number)}).readings.get(name)
        return reading is not None and reading.value == value

    def _look_since(self, name: str, number: int) -> Tuple[Reading, Mapping[str, Any]]:
        """The current version and its properties. The parameter must have version ``number`` or a newer one.

        An outdated answer shows a lower number, or lacks the properties. A write would then reset the key and the tier
        to their defaults.
        """

        def read() -> Optional[Tuple[Reading, Mapping[str, Any]]]:
            try:
                return self._look(name)
            except NotFound:
                return None

        def is_settled(answer: Optional[Tuple[Reading, Mapping[str, Any]]]) -> bool:
            return answer is not None and int(answer[0].version) >= number and "Type" in answer[1]

        return self.settling.until(read, is_settled) or self._look(name)

    def key(self, name: str) -> Optional[str]:
        return self._look(name)[1].get("KeyId")

    def create(self, name: str, value: str) -> None:
        """Creates a parameter of type String. Raises :class:`AlreadyExists`."""
        _require_parameter_fits(name, value, STANDARD)
        self._create(name, value)

    def delete(self, names: Sequence[str]) -> None:
        """Deletes parameters in this order, if they exist."""
        for start in range(0, len(names), DELETED_AT_ONCE):
            self._delete(names[start : start + DELETED_AT_ONCE])

    @abstractmethod
    def history(self, name: str) -> List[Reading]:
        """Every version of a parameter that AWS keeps, the oldest first. Raises :class:`NotFound`."""

    @abstractmethod
    def _look(self, name: str) -> Tuple[Reading, Mapping[str, Any]]:
        """The current version, and the properties that a write must repeat: tier, key and others, as AWS names them."""

    @abstractmethod
    def _write(self, name: str, value: str, metadata: Mapping[str, Any]) -> int:
        """Overwrites a parameter. Returns the new version."""

    @abstractmethod
    def _create(self, name: str, value: str) -> None:
        """Creates a parameter. Raises :class:`AlreadyExists`, or :class:`Conflict` for a write at the same moment."""

    @abstractmethod
    def _delete(self, names: Sequence[str]) -> None:
        """Deletes at most ``DELETED_AT_ONCE`` parameters."""


def _writes_due(number: int, same: Collection[int]) -> int:
    """Number of writes until no other value is kept. ``same`` are the versions that hold the written value."""
    others = (back for back in range(1, min(HISTORY, number)) if number - back not in same)
    return HISTORY - next(others, HISTORY)


def _require_parameter_fits(name: str, value: str, tier: str) -> None:
    size, limit = len(value.encode()), PARAMETER_BYTES.get(tier, PARAMETER_BYTES[STANDARD])
    if not 0 < size <= limit:
        raise StoreError(
            f"parameter {name} would hold {size:,} bytes, but AWS accepts 1 to {limit:,} in its tier ({tier}); "
            "shorten the value, or choose another tier or store for it"
        )
