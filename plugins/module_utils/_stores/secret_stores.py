# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stores of all secrets as one. A secret's name tells its store, which is opened at its first use."""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import Any, Callable, Dict, Generic, List, Mapping, Optional, Sequence, TypeVar

from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    Contents,
    Description,
    StoredVersion,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import (
    SECRETS_MANAGER,
    STORES,
    of_name,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import registry
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form, VersionedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parallel_calls import in_threads

S = TypeVar("S", bound=VersionedStore)


class ByName(VersionedStore, Generic[S]):
    """One store over several stores."""

    name = SECRETS_MANAGER

    def __init__(self, opens: Mapping[str, Callable[[], S]]) -> None:
        self._opens = opens
        self._open: Dict[str, S] = {}
        self._lock = Lock()

    def of(self, name: str) -> S:
        store = of_name(name).name
        with self._lock:
            if store not in self._open:
                self._open[store] = self._opens[store]()
            return self._open[store]

    def read(
        self,
        names: Sequence[str],
        *,
        pins: Optional[Mapping[str, str]] = None,
        stages: Optional[Mapping[str, str]] = None,
    ) -> Contents:
        by_store: Dict[str, List[str]] = {}
        for name in names:
            by_store.setdefault(of_name(name).name, []).append(name)
        reads = [partial(self.of(some[0]).read, some, pins=pins, stages=stages) for some in by_store.values()]
        contents = Contents()
        for part in in_threads(reads):
            contents |= part
        return contents

    def describe(self, name: str) -> Description:
        return self.of(name).describe(name)

    def list_versions(self, name: str) -> List[StoredVersion]:
        return self.of(name).list_versions(name)

    def staged(self, name: str) -> List[str]:
        return self.of(name).staged(name)

    def destroy(self, name: str, versions: Sequence[str]) -> List[str]:
        return self.of(name).destroy(name, versions)

    def _create(self, name: str, content: str, version: str, form: Form) -> None:
        self.of(name)._create(name, content, version, form)

    def _put(self, name: str, content: str, version: str, label: str) -> Sequence[str]:
        return self.of(name)._put(name, content, version, label)

    def _move(self, name: str, label: str, *, to: Optional[str], off: Optional[str]) -> None:
        self.of(name)._move(name, label, to=to, off=off)

    def _delete(self, name: str) -> None:
        self.of(name)._delete(name)


def secret_stores(client: Callable[[str], Any]) -> VersionedStore:
    """All stores of secrets as one. ``client`` makes a client by the name of its service."""
    opens: Dict[str, Callable[[], Any]] = {
        name: partial(registry.OPEN[name], client) for name, traits in STORES.items() if traits.has_labels
    }
    return ByName(opens)
