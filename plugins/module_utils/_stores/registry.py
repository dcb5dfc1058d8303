# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stores by name, and one read over all of them."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Callable, Dict, Iterable, List, Mapping, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Place, names_in
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import (
    OUTSIDE_AWS,
    SECRETS_MANAGER,
    SSM,
    STORES,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Store
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secrets_manager import SecretsManager

Client = Callable[[str], Any]
"""Makes a client by the name of its service."""


def outside_aws(store: str) -> Any:
    """The class of a store outside AWS."""
    file, _, name = OUTSIDE_AWS[store].code.partition(":")
    return getattr(import_module(f"{__package__}.{file}"), name)


def _opened(store: str) -> Callable[[Client], Store]:
    return lambda client: outside_aws(store)(client(store))


OPEN: Dict[str, Callable[[Client], Store]] = {
    SECRETS_MANAGER: lambda client: SecretsManager(client("secretsmanager")),
    SSM: lambda client: ParameterStore(client("ssm")),
    **{store: _opened(store) for store in OUTSIDE_AWS},
}
"""Functions that open a store, by the names in STORES."""


def names_to_read(catalog: Catalog, places: Iterable[Place]) -> Dict[str, List[str]]:
    """The names that a read of these places needs, by store. A store that is listed by path needs only its path."""
    places = list(places)
    by_store = {store: list(names_in(store, places)) for store in STORES}
    return {
        store: [catalog.ssm_path] if STORES[store].is_listed else names for store, names in by_store.items() if names
    }


def by_traits(secrets: Store, parameters: Store) -> Dict[str, Store]:
    """The store for each name in STORES: ``secrets`` for stores with labels, ``parameters`` for the others."""
    return {name: secrets if traits.has_labels else parameters for name, traits in STORES.items()}


def current(catalog: Catalog, places: Iterable[Place], stores: Mapping[str, Store]) -> Contents:
    contents = Contents()
    for store, names in names_to_read(catalog, places).items():
        contents |= stores[store].read(names)
    return contents


def side_by_side(stores: Sequence[Store], reads: Sequence[Callable[[], Contents]]) -> Contents:
    """The contents of all reads. Runs them in parallel if the store is reached over a network."""
    contents = Contents()
    for part in stores[0].side_by_side(reads) if stores else ():
        contents |= part
    return contents
