# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A store of versions of which each is read once: what a version holds never changes."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import (
    Contents,
    Description,
    Reading,
    VersionedStore,
)


class Remembered(VersionedStore):
    """Keeps what versions hold for as long as the process lives. Labels, and what is current, are read each time."""

    def __init__(self, store: VersionedStore) -> None:
        self.name, self.settling = store.name, store.settling
        self._store = store
        self._kept: Dict[Tuple[str, str], Reading] = {}

    def read(
        self,
        names: Sequence[str],
        *,
        pins: Optional[Mapping[str, str]] = None,
        stages: Optional[Mapping[str, str]] = None,
    ) -> Contents:
        pins = pins or {}
        kept = {name: self._kept[name, pins[name]] for name in names if (name, pins.get(name)) in self._kept}
        wanted = [name for name in names if name not in kept]
        if not wanted:
            return Contents(kept)
        found = self._store.read(wanted, pins=pins, stages=stages)
        for name, reading in found.readings.items():
            self._kept[name, reading.version] = reading
        return found | Contents(kept)

    def describe(self, name: str) -> Description:
        return self._store.describe(name)

    def every_version(self, name: str) -> List[str]:
        return self._store.every_version(name)

    def _create(self, name: str, content: str, version: str, **form: Any) -> None:
        self._store._create(name, content, version, **form)

    def _put(self, name: str, content: str, version: str, label: str) -> Sequence[str]:
        return self._store._put(name, content, version, label)

    def _move(self, name: str, label: str, *, to: Optional[str], off: Optional[str]) -> None:
        self._store._move(name, label, to=to, off=off)

    def _delete(self, name: str) -> None:
        self._store._delete(name)
