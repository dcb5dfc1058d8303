# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names for which an operator can give a value, and the places of these values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_graph,
    deliverable_values,
    production_rules,
    value_types,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    Place,
    Setting,
    labelled_names,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ProvisionError


@dataclass(frozen=True)
class ValueTarget:
    """A value, and every place that holds exactly this value."""

    name: str
    """A setting's name, ``credential.username``, ``credential.password`` or ``SETTING.host`` for a part of its URL."""
    places: tuple[Place, ...]
    setting: Setting | None = None
    credential: str | None = None
    is_user: bool = False
    part_of: str | None = None
    """The setting that is composed of this value and others."""

    @property
    def is_low(self) -> bool:
        return self.setting is not None and self.setting.sensitivity == "low"


def targets(catalog: Catalog) -> dict[str, ValueTarget]:
    """Every target, in the catalog's order. Patterns have no targets."""
    owners: dict[Place, str] = {}
    value_targets: dict[str, ValueTarget] = {}
    credentials = {name: credential.name for credential in catalog.credentials.values() for name in credential.settings}
    for setting in catalog.settings.values():
        if setting.place and not setting.is_pattern:
            places = (setting.place, *setting.copies)
            owners.update(dict.fromkeys(places, setting.name))
            value_targets[setting.name] = ValueTarget(setting.name, places, setting, credentials.get(setting.name))
    for name, place, credential, is_user in _of_credentials(catalog):
        if place not in owners:
            owners[place] = name
            former = value_targets.get(name, ValueTarget(name, (), None, credential, is_user))
            value_targets[name] = replace(former, places=(*former.places, place))
    for setting, part, place in _of_urls(catalog):
        if place not in owners:
            name = owners[place] = f"{setting.name}.{part}"
            value_targets[name] = ValueTarget(name, (place,), part_of=setting.name)
    return value_targets


def _of_credentials(catalog: Catalog) -> Iterator[tuple[str, Place, str, bool]]:
    for credential in catalog.credentials.values():
        for spot in credential_graph.spots(catalog, credential):
            part = "username" if spot.is_user else "password"
            yield f"{credential.name}.{part}", spot.place, credential.name, spot.is_user


def _of_urls(catalog: Catalog) -> Iterator[tuple[Setting, str, Place]]:
    for setting in catalog.settings.values():
        if setting.compose is None:
            continue
        single = [(part, getattr(setting.compose, part)) for part in ("host", "username", "password", "port", "path")]
        for part, place in [*single, *((f"query.{name}", item) for name, item in setting.compose.query)]:
            if isinstance(place, Place):
                yield setting, part, place


def matched(catalog: Catalog, name: str) -> ValueTarget | None:
    """The target of a name that a pattern of the catalog matches. None if no pattern matches."""
    if not name.isidentifier() or name in catalog.settings:
        return None
    for setting in catalog.settings.values():
        if setting.is_pattern and setting.place and setting.matches(name):
            place = Place(setting.place.store, f"{setting.place.name.rpartition('/')[0]}/{name}")
            return ValueTarget(name, (place,), replace(setting, name=name, place=place))
    return None


def flattened(values: Mapping[str, Any]) -> dict[str, str]:
    """Values by target. A credential's login may be a mapping, and its password alone a text.

    Raises :class:`ProvisionError`, without a value, for a value that is not text.
    """
    result: dict[str, str] = {}
    for name, value in values.items():
        parts = (
            {f"{name}.{part}": text for part, text in value.items()} if isinstance(value, Mapping) else {name: value}
        )
        for target, text in parts.items():
            if not isinstance(text, str):
                raise ProvisionError([f"{target}: its value is not text; write it in quotes"])
            result[str(target)] = str(text)
    return result


def chosen(catalog: Catalog, by_name: Mapping[str, str]) -> tuple[dict[str, ValueTarget], dict[str, str], list[str]]:
    """Targets, with those of names that patterns match; the values by target; the problems with the names."""
    known = targets(catalog)
    values: dict[str, str] = {}
    problems: list[str] = []
    for name, text in by_name.items():
        by_password = f"{name}.password"
        if name not in known and name in catalog.credentials and by_password in known:
            name = by_password
        if name not in known:
            match = matched(catalog, name)
            if match is None:
                problems.append(f"{name}: {_no_target(catalog, name, known)}")
                continue
            known[name] = match
        values[name] = text
    return known, values, problems


def _no_target(catalog: Catalog, name: str, known: Mapping[str, ValueTarget]) -> str:
    setting = catalog.settings.get(name)
    if name in catalog.credentials:
        settings = ", ".join(catalog.credentials[name].settings) or "none"
        return f"is a credential whose value is in settings; give those ({settings})"
    if setting is None:
        return "is neither a setting nor a credential of the catalog; correct the name, or add it there"
    if setting.literal is not None:
        return "has its value in the catalog; change it there"
    if setting.compose:
        parts = [value_target.name for value_target in known.values() if value_target.part_of == name]
        return "is composed of other values; give " + (", ".join(parts) or "those")
    if setting.inventory:
        return f"comes from the inventory ({setting.inventory}); change it there"
    if setting.place is None:
        return "is held only at GitHub, where github_sync sends it"
    return "is a pattern for many names; give the whole name of one"


def wrong(catalog: Catalog, setting: Setting | None, value: str) -> str | None:
    """The problem of a value, in words that follow its name. None if the value is valid."""
    if not value:
        return "is empty; give it a value"
    if "\0" in value:
        return "holds a NUL character, which no environment variable can hold"
    if setting is None:
        return None
    problem = value_types.problem(setting, value) or deliverable_values.problem(catalog, setting, setting.name, value)
    if problem:
        return problem
    if catalog.production:
        excused = frozenset(exemption.rule for exemption in catalog.exemptions if exemption.setting == setting.name)
        for rule, message in production_rules.broken(setting, value, excused):
            return f"{message} [{rule}]"
    return None


def secret_names(catalog: Catalog) -> tuple[str, ...]:
    """Every secret that holds a value of the environment, sorted."""
    places = [place for target in targets(catalog).values() for place in target.places]
    return labelled_names([*places, *catalog.places])


def parameters(catalog: Catalog, names: Iterable[str]) -> dict[str, str]:
    """The parameters that hold a value of the environment, each with the catalog's description of it."""
    known = {
        place.name: target
        for target in targets(catalog).values()
        for place in target.places
        if not place.traits.has_labels
    }
    result: dict[str, str] = {}
    for name in sorted(names):
        target = known.get(name) or matched(catalog, name.rpartition("/")[2])
        if target and any(place.name == name for place in target.places):
            result[name] = (target.setting.description if target.setting else "") or ""
    return result


def holders(catalog: Catalog, name: str) -> tuple[str, ...]:
    """Credentials that appear in a secret or parameter."""
    return tuple(
        credential.name
        for credential in catalog.credentials.values()
        if any(spot.place.name == name for spot in credential_graph.spots(catalog, credential))
    )
