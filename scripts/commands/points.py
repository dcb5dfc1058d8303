# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Contents of the stores at an earlier moment, as far as they still keep them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    CURRENT,
    MISSING,
    PREVIOUS,
    Contents,
    Failure,
    Reading,
    StoredVersion,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import STORES
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import registry


def contents_at(catalog: Catalog, client: registry.Client, at: str) -> Contents:
    contents = Contents()
    for name, wanted in registry.names_to_read(catalog, catalog.places).items():
        store = registry.OPEN[name](client)
        contents |= (_labelled if STORES[name].has_labels else _numbered)(store, wanted, at)
    return contents


def _labelled(store: Any, names: Sequence[str], at: str) -> Contents:
    listed = store.side_by_side([partial(_versions, store, name) for name in names])
    pins = {
        name: version for name, versions in zip(names, listed, strict=True) if (version := _current_at(versions, at))
    }
    missing = {name: Failure(store.name, name, MISSING) for name in names if name not in pins}
    contents: Contents = store.read(list(pins), pins=pins)
    if any(contents.is_missing(name) for name in pins):
        raise NotFound(
            "; ".join(
                f"{failure}: the store no longer keeps it; give a later time by --at"
                for failure in contents.failures.values()
            )
        )
    return contents | Contents({}, missing)


def _versions(store: Any, name: str) -> list[StoredVersion]:
    try:
        result: list[StoredVersion] = store.list_versions(name)
    except NotFound:
        return []
    return result


def _current_at(versions: Sequence[StoredVersion], at: str) -> str:
    """The newest version that existed then. A version that only waits for promotion was never current."""
    were_current = [version for version in versions if not version.labels or {CURRENT, PREVIOUS} & set(version.labels)]
    return next((version.id for version in reversed(were_current) if version.created <= at), "")


def _numbered(store: Any, paths: Sequence[str], at: str) -> Contents:
    """Parameters that still exist: a deleted parameter has no history."""
    present: Contents = store.read(paths)
    names = list(present.readings)
    histories: list[list[Reading]] = store.side_by_side([partial(store.history, name) for name in names])
    newest = (next((item for item in reversed(history) if item.written <= at), None) for history in histories)
    return Contents({reading.name: reading for reading in newest if reading}, present.failures)
