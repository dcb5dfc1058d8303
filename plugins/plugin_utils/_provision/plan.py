# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of provisioning: the values to write, their places, and the values to ask for. Existing values stay.

A generated value is not stored anywhere before the first write. The first written place therefore decides, and every
later run copies the value of that place to the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_checks import PASSWORD
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    Credential,
    Place,
    Setting,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import Holdings
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import (
    Login,
    is_url,
    login_of,
    with_login,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import targets
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.targets import ValueTarget
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.writes import (
    Fill,
    Write,
    busy,
    projected,
    unreadable,
    writes,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind

GIVEN, GENERATED, DERIVED, INITIAL, COPIED = "given", "generated", "from its credential", "from the catalog", "copied"


@dataclass(frozen=True)
class ProvisionInputs:
    catalog: Catalog
    kinds: Mapping[str, Kind]
    contents: Contents
    generate: Callable[[Credential, Kind], str]
    """Generates a value. All calls for one credential in a run give the same value."""
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    rotation: OpenRotation | None = None
    advanced: bool = False
    """Whether a parameter may use the advanced tier."""
    restoring: bool = False
    """Whether secrets that are scheduled for deletion are about to be restored."""
    anyway: bool = False
    """Whether values may be set that a rotation should replace."""
    exact: bool = False
    """Whether a given value that differs from an existing one is a problem, not only a note."""


@dataclass(frozen=True)
class ProvisionPlan:
    """The writes, and the values that are missing even after these writes."""

    writes: tuple[Write, ...] = ()
    asks: Mapping[str, str] = field(default_factory=dict)
    """Values to ask for, each with the page where its provider issues it. The page is empty if the catalog has none."""
    absent: tuple[str, ...] = ()
    """Optional values that are missing."""
    empty: tuple[str, ...] = ()
    """Required values that exist as an empty text, which stays as it is."""
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def fills(self) -> tuple[Fill, ...]:
        return tuple(fill for write in self.writes for fill in write.fills)


def plan(ground: ProvisionInputs) -> ProvisionPlan:
    """Pure, except for ``generate``."""
    return _Planner(ground).plan()


class _Planner:
    def __init__(self, ground: ProvisionInputs) -> None:
        self.ground = ground
        self.catalog = ground.catalog
        self.known, self.given, self.problems = targets.chosen(ground.catalog, ground.given)
        self.unreadable = unreadable(ground.catalog, ground.contents, restoring=ground.restoring)
        self.problems += [message for message in self.unreadable.values() if message]
        self.holdings = Holdings(ground.contents)
        self.fills: dict[Place, Fill] = {}
        self.templates: dict[str, str] = {}
        self.notes: list[str] = []
        self.empty: list[str] = []

    def plan(self) -> ProvisionPlan:
        for target in self.known.values():
            self._take(target)
        for credential in self.catalog.credentials.values():
            self._credential(credential)
        for target in self.known.values():
            initial = target.setting.initial if target.setting else None
            if initial and PASSWORD not in initial and self._value(target) is None:
                self._fill_all(target, initial, INITIAL)
        needed = self._needed()
        results, problems = writes(self.fills.values(), self.ground.contents, advanced=self.ground.advanced)
        problems += busy(self.ground.rotation, results)
        return ProvisionPlan(
            writes=tuple(results),
            asks={name: self._page(name) for name in self._values_to_ask(needed)},
            absent=tuple(
                name
                for name, value_target in self.known.items()
                if name not in needed and self._value(value_target) is None
            ),
            empty=tuple(name for name in self.empty if name in needed),
            notes=tuple(self.notes),
            problems=tuple(dict.fromkeys((*self.problems, *problems))),
        )

    def _held(self, place: Place, setting: Setting | None) -> str | None:
        if place in self.fills:
            return self.fills[place].text
        return None if place.name in self.unreadable else self.holdings.value(place, setting)

    def _value(self, target: ValueTarget) -> str | None:
        texts = (self._held(place, target.setting) for place in target.places)
        return next((text for text in texts if text is not None), None)

    def _fill(self, place: Place, target: str, text: str, how: str, *, low: bool = False) -> None:
        if place.name not in self.unreadable:
            self.fills[place] = Fill(place, target, how, text, secure=not low)

    def _fill_all(self, target: ValueTarget, text: str, how: str) -> None:
        problem = targets.wrong(self.catalog, target.setting, text)
        if problem:
            self.problems.append(f"{target.name}: {problem} ({how})")
            return
        for place in target.places:
            if self._held(place, target.setting) is None:
                self._fill(place, target.name, text, how, low=target.is_low)

    def _take(self, target: ValueTarget) -> None:
        """Copies an existing value to the places that lack it. Without an existing value, fills in the given one."""
        readings = [(place, self._held(place, target.setting)) for place in target.places]
        present = [(place, text) for place, text in readings if text is not None]
        operator_value = self.given.get(target.name)
        if present:
            self._spread(target, present, operator_value)
        elif operator_value is not None and target.credential and PASSWORD in operator_value:
            self.templates[target.name] = operator_value
        elif operator_value is not None:
            self._fill_all(target, operator_value, GIVEN)

    def _spread(self, target: ValueTarget, present: list[tuple[Place, str]], operator_value: str | None) -> None:
        first, text = present[0]
        other = next((place for place, name in present if name != text), None)
        if other is not None and not self._is_rotating(target):
            message = f"{target.name}: {first} and {other} hold different values; store the right one"
            self.problems.append(f"{message}: ansible-playbook watchparty.secrets.set -e set_names={target.name}")
        if operator_value is not None and operator_value != text:
            message = f"{target.name}: {first} holds another value than the given one"
            (self.problems if self.ground.exact else self.notes).append(
                f"{message}, and keeps it. {self._change(target)}"
            )
        if text == "":
            self.empty.append(target.name)
            return
        for place in target.places:
            if self._held(place, target.setting) is None:
                self._fill(place, target.name, text, COPIED, low=target.is_low)

    def _change(self, target: ValueTarget) -> str:
        """The way to write the given value nevertheless, in words."""
        credential = self.catalog.credentials.get(target.credential or "")
        kind = self.ground.kinds.get(credential.kind) if credential else None
        command = f"ansible-playbook watchparty.secrets.set -e set_names={target.name}"
        if credential is None or kind is None or kind.value == "supplied":
            return f"To change it, run {command}"
        return (
            f"If the given value is already in use, run {command} -e set_force=true. To replace the value in "
            f"use, run ansible-playbook watchparty.secrets.rotate -e rotation_credentials={credential.name} "
            "-e rotation_force=true"
        )

    def _is_rotating(self, target: ValueTarget) -> bool:
        names = self.ground.rotation.names if self.ground.rotation else ()
        return any(place.name in names for place in target.places)

    def _credential(self, credential: Credential) -> None:
        spots = [
            spot for spot in credential_graph.spots(self.catalog, credential) if spot.place.name not in self.unreadable
        ]
        stored_credential = credential_graph.find(
            self.catalog, credential, projected(self.ground.contents, self.fills.values())
        )
        names = self.ground.rotation.names if self.ground.rotation else ()
        if stored_credential.conflicts:
            if not any(spot.place.name in names for spot in spots):
                self.problems += [f"credential {credential.name}: {message}" for message in stored_credential.conflicts]
            return
        lacking = [spot for spot in spots if self._held(spot.place, spot.setting) is None]
        kind = self.ground.kinds.get(credential.kind, Kind(credential.kind, value="supplied"))
        password, how = stored_credential.login.password, DERIVED
        if password is None and lacking and self._may_generate(kind, lacking):
            password, how = self.ground.generate(credential, kind), GENERATED
        login = Login(stored_credential.login.username or self._planned_user(spots), password)
        for spot in lacking:
            text = self._text(spot, login)
            if text:
                self._fill_spot(credential, spot, text, how)

    def _fill_spot(self, credential: Credential, spot: credential_graph.CredentialPlace, text: str, how: str) -> None:
        part = "username" if spot.is_user else "password"
        setting = spot.setting if spot.setting and spot.place in spot.setting.own_places else None
        target = setting.name if setting else f"{credential.name}.{part}"
        problem = targets.wrong(self.catalog, setting, text)
        if problem:
            self.problems.append(f"{target}: {problem} ({how})")
            return
        is_whole_user = spot.is_user and self._template(spot) is None
        self._fill(spot.place, target, text, DERIVED if is_whole_user else how)

    def _template(self, spot: credential_graph.CredentialPlace) -> str | None:
        if spot.setting is None:
            return None
        text = self.templates.get(spot.setting.name) or spot.setting.initial
        return text if text and PASSWORD in text else None

    def _may_generate(self, kind: Kind, lacking: Sequence[credential_graph.CredentialPlace]) -> bool:
        """Whether a value may be generated. It may not if a required URL is still missing: the URL has a password."""
        members = {name for lists in self.catalog.alternatives.values() for group in lists for name in group}
        waits = [
            spot
            for spot in lacking
            if spot.setting
            and credential_graph.holds_url(spot)
            and self._template(spot) is None
            and (spot.setting.required or spot.setting.name in members)
        ]
        fillable = [
            spot for spot in lacking if self._template(spot) or not (spot.is_user or credential_graph.holds_url(spot))
        ]
        return kind.value == "generated" and kind.form == "text" and bool(fillable) and not waits

    def _planned_user(self, spots: Sequence[credential_graph.CredentialPlace]) -> str | None:
        templates = (self._template(spot) for spot in spots)
        logins = (login_of(text.split(",")[0]) for text in templates if text)
        return next((login.username for login in logins if login and login.username), None)

    def _text(self, spot: credential_graph.CredentialPlace, login: Login) -> str | None:
        template = self._template(spot)
        if template:
            return rendered(template, login) if login.password else None
        if spot.is_user:
            return login.username
        return None if credential_graph.holds_url(spot) else login.password

    def _needed(self) -> dict[str, ValueTarget]:
        """Targets that must have a value, whether they have one or not."""
        wanted = {name for name in self.known if self._is_needed(name)}
        for choices in self.catalog.alternatives.values():
            lacks: list[list[str]] = [[name for name in choice if not self._of_setting(name)] for choice in choices]
            nearest = min(lacks, key=len)
            wanted |= set(nearest)
        wanted |= {name for name, value_target in self.known.items() if value_target.part_of in wanted}
        return {name: value_target for name, value_target in self.known.items() if name in wanted}

    def _is_needed(self, name: str) -> bool:
        target = self.known[name]
        if target.setting is None:
            whole = self.catalog.settings.get(target.part_of or "")
            return whole.required if whole else True
        return target.setting.required or bool(
            target.setting.required_when and self._of_setting(target.setting.required_when)
        )

    def _of_setting(self, name: str) -> str | None:
        setting = self.catalog.settings[name]
        if setting.compose:
            parts = [value_target for value_target in self.known.values() if value_target.part_of == name]
            return "composed" if all(self._value(value_target) for value_target in parts) else None
        return self._value(self.known[name]) if name in self.known else setting.literal

    def _values_to_ask(self, needed: Mapping[str, ValueTarget]) -> list[str]:
        """Names to ask for. A value that follows from another answer is left out."""
        results: list[str] = []
        answered = set()
        for name, target in needed.items():
            if self._value(target) is not None or any(place.name in self.unreadable for place in target.places):
                continue
            if target.credential:
                is_url = target.setting is not None and target.setting.type == "url"
                part = name if is_url and target.setting and not target.setting.initial else target.is_user
                if (target.credential, part) in answered or (target.setting is None and self._has_url(target, results)):
                    continue
                answered.add((target.credential, part))
            results.append(name)
        return results

    def _has_url(self, target: ValueTarget, names: Sequence[str]) -> bool:
        """Whether a URL that is asked for brings this part of its login."""
        return any(
            value_target.credential == target.credential
            and value_target.setting is not None
            and value_target.setting.type == "url"
            for value_target in (self.known[name] for name in names)
        )

    def _page(self, name: str) -> str:
        credential = self.catalog.credentials.get(self.known[name].credential or "")
        return (credential.provider_url or "") if credential else ""


def rendered(template: str, login: Login) -> str:
    """An initial value with the password in it. In a URL, the password is percent-encoded."""
    return ",".join(_rendered(part, login) for part in template.split(","))


def _rendered(template: str, login: Login) -> str:
    password = login.password or ""
    inside = login_of(template)
    if inside is not None and inside.password == PASSWORD:
        return with_login(template, Login(login.username if inside.username else None, password))
    return template.replace(PASSWORD, quote(password, safe="") if is_url(template) else password)
