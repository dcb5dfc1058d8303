# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Earliest dates of stored values, for credentials without a rotation in the journal.

A version's date is no limit: a secret gets a new version when another of its keys changes, and a parameter when its KMS
key changes. The creation date of a secret or parameter never moves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Protocol

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    Credential,
    Place,
    labelled_names,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import VersionedStore

FIRST = "1"
"""The version with which a parameter is created."""


class Parameters(Protocol):
    def read(self, names: list[str], *, pins: Mapping[str, str] | None = None) -> Contents: ...


def dates(
    catalog: Catalog,
    journal: Journal,
    credentials: Iterable[Credential],
    secrets: VersionedStore,
    parameters: Parameters,
    *,
    created: Mapping[str, str] | None = None,
    contents: Contents | None = None,
) -> dict[str, str]:
    """Dates by credential. ``created`` and ``contents`` are not read again."""
    places = {item.name: _places(catalog, item) for item in credentials if item.name not in journal.rotated}
    all_places = [place for setting_places in places.values() for place in setting_places]
    created_at = dict(created or {})
    missing = (contents or Contents()).is_missing
    created_at |= _secrets(
        secrets, [name for name in labelled_names(all_places) if name not in created_at and not missing(name)]
    )
    if any(not place.traits.has_labels for place in all_places):
        created_at |= _parameters(catalog, parameters, all_places, contents)
    return {name: oldest for name, setting_places in places.items() if (oldest := _oldest(created_at, setting_places))}


def _places(catalog: Catalog, credential: Credential) -> list[Place]:
    """Places without user names, which a rotation keeps."""
    return [spot.place for spot in credential_graph.spots(catalog, credential) if not spot.is_user]


def _oldest(created_at: Mapping[str, str], places: list[Place]) -> str:
    """The first date of these places; empty if one has an unknown date, or if none exists."""
    return min((created_at[place.name] for place in places if place.name in created_at), default="")


def _secrets(store: VersionedStore, names: list[str]) -> dict[str, str]:
    answers = store.side_by_side([partial(_created, store, name) for name in names])
    return {name: answer for name, answer in zip(names, answers, strict=True) if answer is not None}


def _created(store: VersionedStore, name: str) -> str | None:
    """Creation date of a secret. None if the secret does not exist, empty if unknown."""
    try:
        return store.describe(name).created
    except NotFound:
        return None
    except StoreError:
        return ""


def _parameters(catalog: Catalog, store: Parameters, places: list[Place], contents: Contents | None) -> dict[str, str]:
    """Creation dates of parameters; empty if the first version is no longer kept."""
    names = {place.name for place in places if not place.traits.has_labels}
    contents = store.read([catalog.ssm_path]) if contents is None else contents
    if catalog.ssm_path in contents.failures:
        return dict.fromkeys(names, "")
    present = {name: contents.readings[name] for name in names if name in contents.readings}
    later = {name: FIRST for name, reading in present.items() if reading.version != FIRST}
    first = store.read([], pins=later).readings if later else {}
    return {name: (first[name].written if name in first else "") for name in later} | {
        name: reading.written for name, reading in present.items() if name not in later
    }
