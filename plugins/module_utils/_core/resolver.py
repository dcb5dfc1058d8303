# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Resolves a catalog against the stores: values, origins and problems."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Iterator, Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    deliverable_values,
    production_rules,
    url_builder,
    value_types,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    Compose,
    Part,
    Place,
    Setting,
    SettingRef,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import InvalidEnvironment
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    DELETED,
    DENIED,
    MISSING,
    Contents,
    Reading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import Holdings
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import command


@dataclass(frozen=True)
class Origin:
    """The source of a setting's value."""

    setting: str
    source: str
    """"secretsmanager", "ssm", "catalog" for a literal, or "composed"."""
    name: str = ""
    key: Optional[str] = None
    version: str = ""
    via_copy: bool = False


@dataclass(frozen=True)
class Resolution:
    """All settings of an environment, from one read."""

    environment: str
    values: Mapping[str, str] = field(repr=False)
    sensitivity: Mapping[str, str]
    origins: tuple[Origin, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    unknown: tuple[str, ...]
    snapshot_id: str
    undeliverable: tuple[str, ...] = ()
    """Problems of values that no ``.env`` can hold for all its readers. They concern only the writer of that file."""

    def require(self) -> Resolution:
        """Raises :class:`InvalidEnvironment` with every problem, if any."""
        return self._require(self.problems)

    def require_deliverable(self) -> Resolution:
        """Raises :class:`InvalidEnvironment` for undeliverable values, too."""
        return self._require(self.problems + self.undeliverable)

    def _require(self, problems: tuple[str, ...]) -> Resolution:
        if problems:
            raise InvalidEnvironment(problems, self.environment)
        return self


def resolve(catalog: Catalog, contents: Contents, *, half_promoted: Optional[str] = None) -> Resolution:
    """``half_promoted`` describes the open rotation that determines some versions."""
    return _Resolver(catalog, contents, half_promoted).resolution()


class _Resolver:
    def __init__(self, catalog: Catalog, contents: Contents, half_promoted: Optional[str]) -> None:
        self.catalog = catalog
        self.contents = contents
        self.holdings = Holdings(contents)
        self.half_promoted = half_promoted
        self.values: dict[str, str] = {}
        self.sensitivity: dict[str, str] = {}
        self.origins: list[Origin] = []
        self.warnings: list[str] = []
        self.problems: list[str] = []
        self.undeliverable: list[str] = []
        self.used: set[str] = set()

    def resolution(self) -> Resolution:
        denied = (failure for failure in self.contents.failures.values() if failure.reason == DENIED)
        self.problems += [
            f"{failure}; allow the role in use to read it: ansible-playbook watchparty.secrets.provision --tags access"
            for failure in denied
        ]
        ordered = sorted(self.catalog.settings.values(), key=lambda setting: setting.compose is not None)
        for setting in ordered:
            self._setting(setting)
        self.problems += self.holdings.problems
        self.problems += [*self._required(), *self._alternatives()]
        return Resolution(
            environment=self.catalog.environment,
            values=dict(sorted(self.values.items())),
            sensitivity=self.sensitivity,
            origins=tuple(sorted(self.origins, key=lambda origin: origin.setting)),
            problems=tuple(dict.fromkeys(self.problems)),
            warnings=tuple(dict.fromkeys(self.warnings)),
            unknown=tuple(self._unknown()),
            snapshot_id=snapshot_id(self.contents.readings),
            undeliverable=tuple(self.undeliverable),
        )

    def _setting(self, setting: Setting) -> None:
        if setting.literal is not None:
            self._take(setting, setting.name, setting.literal, Origin(setting.name, "catalog"))
        elif setting.is_pattern and setting.place:
            self._pattern(setting, setting.place)
        elif setting.compose:
            self._composed(setting, setting.compose)
        elif setting.place:
            self._stored(setting, setting.place)

    def _pattern(self, setting: Setting, place: Place) -> None:
        start = place.name.rpartition("/")[0] + "/"
        for name, reading in self.contents.readings.items():
            own = name[len(start) :]
            if reading.store == place.store and name.startswith(start) and setting.matches(own):
                result = Place(place.store, name)
                if own in self.catalog.settings:
                    continue  # has its own declaration
                if not own.isidentifier() or own in self.values:
                    why = "already belongs to another pattern" if own in self.values else "is not a setting's name"
                    self.problems.append(
                        f"{setting.name}: {result} matches this pattern, but {own} {why}; rename the parameter"
                    )
                    continue
                self._take(setting, own, reading.value, self._origin(own, result, False))
                self._plain(setting, own, result)

    def _stored(self, setting: Setting, primary: Place) -> None:
        results = [(place, self.holdings.value(place, setting)) for place in (primary, *setting.copies)]
        readings = [(place, value) for place, value in results if value is not None]
        if not readings:
            return
        place, value = readings[0]
        for other, value_there in readings[1:]:
            if value_there != value:
                self._conflict(setting, place, other)
        if place != primary:
            self.warnings.append(f"{setting.name}: read from its copy, {place}, because {primary} lacks it")
        for holder, _value in readings:
            self._plain(setting, setting.name, holder)
            self.used.add(str(holder))
        self._take(setting, setting.name, value, self._origin(setting.name, place, place != primary))

    def _conflict(self, setting: Setting, place: Place, other: Place) -> None:
        message = f"{setting.name}: {place} and {other} hold different values"
        if self.half_promoted:
            self.warnings.append(f"{message}; this run uses the value of {place}, because {self.half_promoted} is open")
        else:
            self.problems.append(f"{message}; store the right one in both: {_stored(setting.name)}")

    def _composed(self, setting: Setting, compose: Compose) -> None:
        for place in setting.places:
            self.used.add(str(place))
        try:
            value = url_builder.url(compose, lambda part: self._part(setting, part))
        except ValueError as error:
            self.problems.append(f"{setting.name}: cannot be composed: its {error}")
            return
        if value is not None:
            self._take(setting, setting.name, value, Origin(setting.name, "composed"))

    def _part(self, setting: Setting, part: Part) -> Optional[str]:
        if isinstance(part, SettingRef):
            return self.values.get(part.name)
        if isinstance(part, Place):
            value = self.holdings.value(part, None)
            if value is None and setting.required:
                self.problems.append(f"{setting.name}: cannot be composed: {part} is missing; create it")
            return value
        return part

    def _origin(self, name: str, place: Place, via_copy: bool) -> Origin:
        version = self.contents.readings[place.name].version
        self.used.add(str(place))
        return Origin(name, place.store, place.name, place.key, version, via_copy)

    def _plain(self, setting: Setting, name: str, place: Place) -> None:
        if setting.sensitivity == "high" and self.contents.readings[place.name].plain:
            self.problems.append(
                f"{name}: has high sensitivity, but {place} is an unencrypted String; store it as SecureString"
            )

    def _take(self, setting: Setting, name: str, value: str, origin: Origin) -> None:
        self.values[name] = value
        self.sensitivity[name] = setting.sensitivity
        self.origins.append(origin)
        where = f" ({Place(origin.source, origin.name, origin.key)})" if origin.name else ""
        if value == "" and setting.required:
            self.problems.append(f"{name}: is empty{where}; {_filled(setting)}")
            return
        undeliverable = deliverable_values.problem(self.catalog, setting, name, value)
        if undeliverable:
            self.undeliverable.append(f"{name}: {undeliverable}{where}")
        wrong = value_types.problem(setting, value) if value else None
        if wrong:
            self.problems.append(f"{name}: {wrong}{where}")
        if self.catalog.production:
            excused = frozenset(e.rule for e in self.catalog.exemptions if e.setting == setting.name)
            for rule, message in production_rules.broken(setting, value, excused):
                self.problems.append(f"{name}: {message}{where} [{rule}]")

    def _required(self) -> Iterator[str]:
        for setting in self.catalog.settings.values():
            needed = setting.required or bool(setting.required_when and self.values.get(setting.required_when))
            if not needed or not setting.rendered or self.values.get(setting.name):
                continue
            reason = f" (because {setting.required_when} is set)" if setting.required_when else ""
            if setting.name not in self.values:
                yield f"{setting.name}: is missing{reason}; {self._remedy(setting)}"
            elif not setting.required:
                yield f"{setting.name}: is empty{reason}; {_filled(setting)}"

    def _remedy(self, setting: Setting) -> str:
        place = setting.place
        if place is None:
            return f"store the values that settings.{setting.name}.compose names"
        failure = self.contents.failures.get(place.name)
        if failure:
            remedies = {
                MISSING: "is missing; create it: ansible-playbook watchparty.secrets.provision",
                DELETED: f"is {DELETED}; restore it: {command(place.name, 'restores')}",
            }
            state = remedies.get(failure.reason, f"cannot be read ({failure.reason})")
            return f"{place.traits.noun} {place.name} {state}"
        return f"store it in {place}: {_stored(setting.name)}"

    def _alternatives(self) -> Iterator[str]:
        for name, choices in self.catalog.alternatives.items():
            if any(all(self.values.get(member) for member in choice) for choice in choices):
                continue
            lacking = " or ".join(
                f"[{', '.join(member for member in choice if not self.values.get(member))}]" for choice in choices
            )
            yield f"alternatives.{name}: no alternative is complete; store all of {lacking}"

    def _unknown(self) -> Iterator[str]:
        named = {str(place) for setting in self.catalog.settings.values() for place in setting.places}
        named |= {str(place) for credential in self.catalog.credentials.values() for place in credential.places}
        for place in self.holdings.places():
            if str(place) not in named and str(place) not in self.used and f"secret {place.name}" not in named:
                yield str(place)


def _stored(name: str) -> str:
    return f"ansible-playbook watchparty.secrets.set -e set_names={name}"


def _filled(setting: Setting) -> str:
    return (
        f"store a value: {_stored(setting.name)}" if setting.place else f"write it into settings.{setting.name}.value"
    )


def snapshot_id(readings: Mapping[str, Reading]) -> str:
    """The id of a read: a digest of stores, names and version ids, without values."""
    versions = sorted([reading.store, reading.name, reading.version] for reading in readings.values())
    return "s-" + hashlib.sha256(json.dumps(versions).encode()).hexdigest()[:16]
