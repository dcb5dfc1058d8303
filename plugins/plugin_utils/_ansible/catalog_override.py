# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Narrows a catalog to the caller's secrets, path or file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Place, Setting
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM


def narrowed(catalog: Catalog, *, secret_ids: Sequence[str] = (), ssm_path: str | None = None) -> Catalog:
    """The catalog with ``secret_ids`` in place of its secrets, ``ssm_path`` in place of its path.

    A setting is no longer required if its secret is not given.
    """
    if not secret_ids and not ssm_path:
        return catalog
    path = ssm_path.rstrip("/") if ssm_path else None
    settings = {name: _setting(setting, catalog, secret_ids, path) for name, setting in catalog.settings.items()}
    alternatives = {
        name: choices
        for name, choices in catalog.alternatives.items()
        if not all(_away(catalog.settings[member], secret_ids) for choice in choices for member in choice)
    }
    return replace(catalog, settings=settings, alternatives=alternatives, ssm_path=path or catalog.ssm_path)


def _away(setting: Setting, secret_ids: Sequence[str]) -> bool:
    """Whether the setting's declared location is a secret that is not given."""
    declared = (setting.place,) if setting.place else setting.places
    return bool(secret_ids) and any(p.store == SECRETS_MANAGER and p.name not in secret_ids for p in declared)


def _setting(setting: Setting, catalog: Catalog, secret_ids: Sequence[str], path: str | None) -> Setting:
    away = _away(setting, secret_ids)
    if away:
        setting = replace(setting, required=False, required_when=None)

    def moved(place: Place) -> tuple[Place, ...]:
        if place.store == SSM and path:
            return (Place(SSM, path + place.name[len(catalog.ssm_path) :]),)
        if place.store == SECRETS_MANAGER and secret_ids and place.name not in secret_ids:
            return tuple(Place(SECRETS_MANAGER, name, place.key or setting.name) for name in secret_ids)
        return (place,)

    def part(place: Any) -> Any:
        return moved(place)[0] if isinstance(place, Place) else place

    if setting.compose:
        compose = setting.compose
        single = {name: part(getattr(compose, name)) for name in ("host", "username", "password", "port", "path")}
        query = tuple((name, part(item)) for name, item in compose.query)
        return replace(setting, compose=None if away else replace(compose, query=query, **single))
    if setting.place is None:
        return setting
    places = list(dict.fromkeys(new for place in (setting.place, *setting.copies) for new in moved(place)))
    return replace(setting, place=places[0], copies=tuple(places[1:]))


def filed(catalog: Catalog, values: Mapping[str, str]) -> Catalog:
    """The catalog with a file's settings as literals, so that it resolves as with the stores."""
    settings: dict[str, Setting] = {}
    for name, setting in catalog.settings.items():
        own_names = [own for own in values if own == name or own not in catalog.settings]
        results = [own for own in own_names if setting.matches(own)] if setting.rendered else []
        for own in results:
            settings[own] = replace(setting, name=own, literal=values[own], place=None, compose=None, copies=())
        if not results:
            settings[name] = replace(setting, literal=None)
    return replace(catalog, settings=settings)
