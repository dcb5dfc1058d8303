# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A catalog narrowed to what the caller names instead of the catalog's own places: secrets, a path, or a file."""

from __future__ import annotations

from dataclasses import replace
from typing import Mapping, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._model import (
    SECRETS_MANAGER,
    SSM,
    Catalog,
    Place,
    Setting,
)


def narrowed(catalog: Catalog, *, secret_ids: Sequence[str] = (), ssm_path: Optional[str] = None) -> Catalog:
    """The catalog with ``secret_ids`` in place of its secrets, ``ssm_path`` in place of its path.

    A setting is still required only where the place that declares it is among those given.
    """
    if not secret_ids and not ssm_path:
        return catalog
    path = ssm_path.rstrip("/") if ssm_path else None
    settings = {name: _setting(setting, catalog, secret_ids, path) for name, setting in catalog.settings.items()}
    alternatives = {
        name: choices
        for name, choices in catalog.alternatives.items()
        if any(settings[member].place == catalog.settings[member].place for choice in choices for member in choice)
    }
    return replace(catalog, settings=settings, alternatives=alternatives, ssm_path=path or catalog.ssm_path)


def _setting(setting: Setting, catalog: Catalog, secret_ids: Sequence[str], path: Optional[str]) -> Setting:
    if setting.compose:
        away = any(p.store == SECRETS_MANAGER and p.name not in secret_ids for p in setting.places) if secret_ids else False
        return replace(setting, compose=None, required=False, required_when=None) if away else setting

    def moved(place: Place) -> tuple[Place, ...]:
        if place.store == SSM and path:
            return (Place(SSM, path + place.name[len(catalog.ssm_path) :]),)
        if place.store == SECRETS_MANAGER and secret_ids and place.name not in secret_ids:
            return tuple(Place(SECRETS_MANAGER, name, place.key or setting.name) for name in secret_ids)
        return (place,)

    if setting.place is None:
        return setting
    places = list(dict.fromkeys(new for place in (setting.place, *setting.copies) for new in moved(place)))
    away = setting.place.store == SECRETS_MANAGER and bool(secret_ids) and setting.place.name not in secret_ids
    return replace(
        setting,
        place=places[0],
        copies=tuple(places[1:]),
        required=setting.required and not away,
        required_when=None if away else setting.required_when,
    )


def filed(catalog: Catalog, values: Mapping[str, str]) -> Catalog:
    """The catalog with the settings of a file as literals, so that the file answers the same questions as the stores."""
    settings: dict[str, Setting] = {}
    for name, setting in catalog.settings.items():
        found = [own for own in values if setting.matches(own)] if setting.rendered else []
        for own in found:
            settings[own] = replace(setting, name=own, literal=values[own], place=None, compose=None, copies=())
        if not found:
            settings[name] = replace(setting, literal=None)
    return replace(catalog, settings=settings)
