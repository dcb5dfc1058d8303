# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stores that read each version of each name once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import CURRENT, Contents, Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import of_name
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Store
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore

Asked = tuple[str, str]
"""Name and version, by id or label."""


class ReadOnce:
    """Holds values in memory for the whole run."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[Asked, Contents] = {}

    def keep(self, names: Sequence[str], contents: Contents) -> None:
        """Adds contents that were read elsewhere: the current version of each name."""
        for name in names:
            self._kept[name, CURRENT] = _under(name, contents)

    def read(
        self,
        names: Sequence[str],
        *,
        pins: Mapping[str, str] | None = None,
        stages: Mapping[str, str] | None = None,
    ) -> Contents:
        pins, stages = pins or {}, stages or {}
        wanted_versions: list[Asked] = [
            (name, pins.get(name) or stages.get(name) or CURRENT) for name in dict.fromkeys(names)
        ]
        new = [group for group in wanted_versions if group not in self._kept]
        if new:
            names = [name for name, _version in new]
            result = self._store.read(names, pins=pins, stages=stages)
            self._kept.update((group, _under(group[0], result)) for group in new)
        contents = Contents()
        for group in wanted_versions:
            contents |= self._kept[group]
        return contents


class ParametersOnce(ReadOnce):
    def __init__(self, store: ParameterStore) -> None:
        super().__init__(store)
        self._histories = store

    def history(self, name: str) -> Sequence[Reading]:
        return self._histories.history(name)


class CachedStores(NamedTuple):
    """Both stores of an environment."""

    secrets: ReadOnce
    parameters: ParametersOnce


def _under(name: str, contents: Contents) -> Contents:
    """The entry of a secret, or all entries below a path."""

    def is_below(entry: str) -> bool:
        return entry == name or (of_name(name).is_listed and entry.startswith(name.rstrip("/") + "/"))

    return Contents(
        {key: reading for key, reading in contents.readings.items() if is_below(key)},
        {key: failure for key, failure in contents.failures.items() if is_below(key)},
    )
