# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stores that read each version once, because its content never changes."""

from __future__ import annotations

from typing import Any, Callable, Dict, Generic, List, Mapping, Optional, Sequence, Tuple, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    Contents,
    Description,
    Reading,
    StoredVersion,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import of_name
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form, Store, VersionedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.numbered_versions import NumberedStore

S = TypeVar("S", bound=Store)
T = TypeVar("T")


class _Kept:
    """Readings by name and version, until the process ends."""

    def __init__(self) -> None:
        self._readings: Dict[Tuple[str, str], Reading] = {}

    def of(self, pins: Mapping[str, str]) -> Dict[str, Reading]:
        return {name: self._readings[group] for name, group in zip(pins, pins.items()) if group in self._readings}

    def keep(self, present: Contents) -> None:
        self._readings.update({(name, reading.version): reading for name, reading in present.readings.items()})


def _written(name: str, version: str, content: str) -> Contents:
    return Contents({name: Reading(of_name(name).name, name, version, content)})


class _Remembering(Generic[S]):
    def __init__(self, store: S) -> None:
        self.name, self.settling = store.name, store.settling
        self._store = store
        self._kept = _Kept()

    def side_by_side(self, acts: Sequence[Callable[[], T]]) -> List[T]:
        return self._store.side_by_side(acts)


class Remembered(_Remembering[VersionedStore], VersionedStore):
    """A cache of versions. Labels and current versions are read each time."""

    def read(
        self,
        names: Sequence[str],
        *,
        pins: Optional[Mapping[str, str]] = None,
        stages: Optional[Mapping[str, str]] = None,
    ) -> Contents:
        pins = pins or {}
        remembered = self._kept.of({name: pins[name] for name in names if name in pins})
        wanted = [name for name in names if name not in remembered]
        if not wanted:
            return Contents(remembered)
        contents = self._store.read(wanted, pins=pins, stages=stages)
        self._kept.keep(contents)
        return contents | Contents(remembered)

    def keep(self, readings: Sequence[Reading]) -> None:
        self._kept.keep(Contents({reading.name: reading for reading in readings}))

    def describe(self, name: str) -> Description:
        return self._store.describe(name)

    def list_versions(self, name: str) -> List[StoredVersion]:
        return self._store.list_versions(name)

    def _create(self, name: str, content: str, version: str, form: Form) -> None:
        self._store._create(name, content, version, form)
        self._kept.keep(_written(name, version, content))

    def _put(self, name: str, content: str, version: str, label: str) -> Sequence[str]:
        labels = self._store._put(name, content, version, label)
        self._kept.keep(_written(name, version, content))
        return labels

    def _move(self, name: str, label: str, *, to: Optional[str], off: Optional[str]) -> None:
        self._store._move(name, label, to=to, off=off)

    def _delete(self, name: str) -> None:
        self._store._delete(name)


class RememberedParameters(_Remembering[NumberedStore], NumberedStore):
    """A cache of numbered parameters. Paths are read each time."""

    def read(
        self,
        names: Sequence[str],
        *,
        pins: Optional[Mapping[str, str]] = None,
        stages: Optional[Mapping[str, str]] = None,
    ) -> Contents:
        pins = pins or {}
        remembered = {} if names else self._kept.of(pins)
        wanted = {name: version for name, version in pins.items() if name not in remembered}
        if not names and not wanted:
            return Contents(remembered)
        contents = self._store.read(names, pins=wanted, stages=stages)
        self._kept.keep(contents)
        return contents | Contents(remembered)

    def history(self, name: str) -> List[Reading]:
        return self._store.history(name)

    def _look(self, name: str) -> Tuple[Reading, Mapping[str, Any]]:
        return self._store._look(name)

    def _write(self, name: str, value: str, metadata: Mapping[str, Any]) -> int:
        return self._store._write(name, value, metadata)

    def _create(self, name: str, value: str) -> None:
        self._store._create(name, value)

    def _delete(self, names: Sequence[str]) -> None:
        self._store._delete(names)
