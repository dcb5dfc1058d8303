# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The credential graph: the locations of each credential, and the texts that a new value changes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Callable, Iterable, Iterator, Mapping, Optional, Sequence, Set

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names, server_addresses
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    Credential,
    Part,
    Place,
    Setting,
    SettingRef,
    labelled_names,
    numbered_names,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import MISSING, Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import Holdings, updated
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_addresses import Location
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import (
    Login,
    flaw,
    is_url,
    login_of,
    resembles_url,
    with_login,
)

Edits = Mapping[Place, str]
"""New text by place."""

_USER = re.compile(r"(?:^(?:PG)?|[/_-])(?:user|username|login|(?:access|api)_?key_?id|client_?id)$", re.IGNORECASE)


@dataclass(frozen=True)
class CredentialPlace:
    """A place in which the catalog declares a credential, with the setting, if any."""

    place: Place
    setting: Optional[Setting] = None
    is_user: bool = False

    def __str__(self) -> str:
        return f"{self.setting.name} ({self.place})" if self.setting else str(self.place)


@dataclass(frozen=True)
class Appearance:
    """A place that holds the credential, with its text."""

    spot: CredentialPlace
    text: str = field(repr=False)
    login: Login = field(repr=False)
    in_url: bool = False

    @property
    def flaw(self) -> Optional[str]:
        """The reason why a text that resembles a URL is malformed. None if well-formed, or if no URL is expected."""
        if self.in_url or login_of(self.text) is not None:
            return None
        return _flawed(self.spot, self.text) if holds_url(self.spot) or resembles_url(self.text) else None

    def rewritten(self, new: Login) -> str:
        if self.in_url:
            return ",".join(with_login(url, new) for url in _urls(self.spot, self.text))
        wanted = new.username if self.spot.is_user else new.password
        return self.text if wanted is None else wanted


@dataclass(frozen=True)
class StoredCredential:
    """A credential's values in the stores."""

    credential: Credential
    login: Login = field(default_factory=Login, repr=False)
    appearances: tuple[Appearance, ...] = ()
    problems: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    """Problems without those of values that do not exist yet."""
    elsewhere: Optional[Location] = field(default=None, repr=False)
    """The server's URL from a composed setting, parts or the administrator's server, if no place holds a URL."""

    @property
    def places(self) -> tuple[Place, ...]:
        return tuple(dict.fromkeys(appearance.spot.place for appearance in self.appearances))

    @property
    def url(self) -> Optional[str]:
        """The first URL of the server. None without one."""
        return next((location.url for location in self.locations), None)

    @property
    def locations(self) -> tuple[Location, ...]:
        """URLs of the credential's server."""
        own = [
            Location(str(appearance.spot), url)
            for appearance in self.appearances
            if appearance.in_url
            for url in _urls(appearance.spot, appearance.text)
        ]
        return tuple(own or filter(None, [self.elsewhere]))

    @property
    def flaws(self) -> tuple[str, ...]:
        """Reasons why texts that resemble URLs are malformed."""
        return tuple(appearance.flaw for appearance in self.appearances if appearance.flaw)

    def edits(self, new: Login) -> Edits:
        return {
            appearance.spot.place: appearance.rewritten(new)
            for appearance in self.appearances
            if appearance.rewritten(new) != appearance.text
        }


def spots(catalog: Catalog, credential: Credential) -> Iterator[CredentialPlace]:
    """Places in which the catalog declares the credential, each once."""
    seen: set[Place] = set()
    for spot in _spots(catalog, credential):
        if spot.place not in seen:
            seen.add(spot.place)
            yield spot


def _spots(catalog: Catalog, credential: Credential) -> Iterator[CredentialPlace]:
    for name in credential.settings:
        setting = catalog.settings[name]
        for place in setting.own_places:
            yield CredentialPlace(place, setting, is_user=bool(_USER.search(name)))
        if setting.compose:
            yield from _parts(catalog, setting, setting.compose.username, is_user=True)
            yield from _parts(catalog, setting, setting.compose.password, is_user=False)
    for place in credential.places:
        yield CredentialPlace(place, None, is_user=bool(_USER.search(place.key or place.name)))


def _parts(catalog: Catalog, setting: Setting, part: Optional[Part], *, is_user: bool) -> Iterator[CredentialPlace]:
    if isinstance(part, Place):
        yield CredentialPlace(part, setting, is_user=is_user)
    elif isinstance(part, SettingRef):
        other = catalog.settings[part.name]
        for place in other.own_places:
            yield CredentialPlace(place, other, is_user=is_user)


def secrets_of(catalog: Catalog, credential: Credential) -> tuple[str, ...]:
    return tuple(dict.fromkeys(spot.place.name for spot in spots(catalog, credential) if spot.place.traits.has_labels))


def reads_ssm(catalog: Catalog, credential: Credential) -> bool:
    return any(not spot.place.traits.has_labels for spot in spots(catalog, credential))


def every_place(catalog: Catalog) -> tuple[Place, ...]:
    """Places of all settings and credentials, each once."""
    places = (spot.place for credential in catalog.credentials.values() for spot in spots(catalog, credential))
    return tuple(dict.fromkeys((*catalog.places, *places)))


def every_secret(catalog: Catalog) -> tuple[str, ...]:
    """Sorted names of the secrets of all settings and credentials."""
    return labelled_names(every_place(catalog))


def anything_in_ssm(catalog: Catalog) -> bool:
    return bool(numbered_names(every_place(catalog)))


def fallback_places(catalog: Catalog, credential: Credential) -> tuple[Place, ...]:
    """Places that list the previous keys of a signing key."""
    setting = catalog.settings.get(credential.fallbacks or "")
    return setting.own_places if setting else ()


def changed_places(catalog: Catalog, credential: Credential) -> Iterator[Place]:
    """Places of the credential and of its previous keys."""
    yield from (spot.place for spot in spots(catalog, credential))
    yield from fallback_places(catalog, credential)


def mirrored_names(catalog: Catalog, credential: Credential) -> tuple[str, ...]:
    """Names of the GitHub secrets and variables that hold the credential."""
    if not catalog.github:
        return credential.github
    settings = tuple(name for name in credential.settings if catalog.settings[name].github)
    return tuple(dict.fromkeys((*credential.github, *settings)))


def find(catalog: Catalog, credential: Credential, contents: Contents) -> StoredCredential:
    """The credential's values in ``contents``, with all contradictions."""
    holdings = Holdings(contents)
    wanted = list(spots(catalog, credential))
    problems: list[str] = []
    lacking: list[str] = []
    appearances: list[Appearance] = []
    for spot in wanted:
        text = holdings.value(spot.place, spot.setting)
        if text and len({login_of(url) for url in _urls(spot, text)}) > 1:
            problems.append(_different(spot, text))
        elif text:
            appearances.append(_appearance(spot, text, is_whole=credential.kind in kind_names.WHOLE))
            if holds_url(spot) and not is_url(text):
                problems.append(_flawed(spot, text))
        elif not holdings.is_broken(spot.place) and (spot.setting is None or spot.setting.required):
            failure = contents.failures.get(spot.place.name)
            lacking.append(f"{spot} holds no value" + (f" ({failure.reason})" if failure else ""))
            problems.append(lacking[-1])
    problems += holdings.problems
    if not appearances and not problems:
        lacking.append(f"no store holds its value: {_nowhere(catalog, credential, wanted, contents)}")
        problems.append(lacking[-1])
    password, additions = _agreed(
        appearances, "password", lambda appearance: not (appearance.spot.is_user and not appearance.in_url)
    )
    username, others = _agreed(appearances, "username", lambda appearance: appearance.in_url or appearance.spot.is_user)
    elsewhere = None
    if not any(appearance.in_url for appearance in appearances) and password is not None:
        elsewhere, wrong = server_addresses.location(catalog, credential, contents, Login(username, password))
        problems += wrong
        # The catalog may write the user name into a composed URL.
        username = username or (login_of(elsewhere.url) or Login()).username if elsewhere else username
    names = tuple(dict.fromkeys((*problems, *additions, *others)))
    conflicts = tuple(name for name in names if name not in lacking)
    return StoredCredential(credential, Login(username, password), tuple(appearances), names, conflicts, elsewhere)


def _nowhere(catalog: Catalog, credential: Credential, wanted: Sequence[CredentialPlace], contents: Contents) -> str:
    """The places and the remedy. A place that could not be read may hold the credential."""
    if not wanted:
        return _in_no_store(catalog, credential)
    failures = {spot.place.name: contents.failures.get(spot.place.name) for spot in wanted}
    unread = [
        f"{name} ({failure.reason})" for name, failure in failures.items() if failure and failure.reason != MISSING
    ]
    remedy = "store its value there, or remove the credential from the catalog"
    return f"{', '.join(map(str, wanted))}; {'not read: ' + ', '.join(unread) if unread else remedy}"


def _in_no_store(catalog: Catalog, credential: Credential) -> str:
    github = ", ".join(mirrored_names(catalog, credential))
    if not github:
        return "none of its locations is in a store; add one to its appears_in"
    part, key = ("private half", "private_key") if credential.kind == kind_names.SSH_KEY else ("value", "value")
    place = f"{catalog.application}/{{environment}}/{credential.name.replace('_', '-')}"
    return (
        f"its only location is GitHub ({github}), whose values cannot be read back; store its {part} in a secret, "
        f'too: add {{secret: "{place}", key: {key}}} to its appears_in, and store the value in use there'
    )


def holds_url(spot: CredentialPlace) -> bool:
    """Whether the place must hold a whole URL."""
    return spot.setting is not None and spot.setting.type == "url" and spot.place in spot.setting.own_places


def _flawed(where: object, text: str) -> str:
    return (
        f"{where} {flaw(text)}; write scheme://user:password@host/… there, with special characters of the user name "
        "and the password as %XX"
    )


def _different(spot: CredentialPlace, text: str) -> str:
    """The problem of a list whose URLs have different logins."""
    for number, url in enumerate(_urls(spot, text), 1):
        if not is_url(url) and resembles_url(url):
            return _flawed(f"item {number} of {spot}", url)
    return f"{spot} lists URLs with different logins; give each login a setting and a credential"


def _appearance(spot: CredentialPlace, text: str, *, is_whole: bool) -> Appearance:
    login = login_of(_urls(spot, text)[0])
    if login is not None and not is_whole:
        return Appearance(spot, text, login, in_url=True)
    return Appearance(spot, text, Login(username=text) if spot.is_user else Login(password=text))


def _urls(spot: CredentialPlace, text: str) -> list[str]:
    return text.split(",") if spot.setting and spot.setting.type == "list" else [text]


def _agreed(
    appearances: list[Appearance], part: str, holds: Callable[[Appearance], bool]
) -> tuple[Optional[str], list[str]]:
    """The value of a part of the login, and a problem for each place with another value."""
    holders = [appearance for appearance in appearances if holds(appearance)]
    if not holders:
        return None, []
    sound = [appearance for appearance in holders if not appearance.flaw]
    first = (sound or holders)[0]
    value = getattr(first.login, part)
    plural = "passwords" if part == "password" else "user names"
    return value, [
        (appearance.flaw if sound else None)
        or f"{first.spot} and {appearance.spot} hold different {plural}; correct the wrong one"
        for appearance in holders
        if getattr(appearance.login, part) != value
    ]


def text_at(contents: Contents, place: Place) -> Optional[str]:
    return Holdings(contents).value(place, None)


def contents_with(contents: Contents, edits: Edits) -> tuple[dict[str, str], dict[str, str]]:
    """New texts of secrets and of parameters, by name."""
    secrets: dict[str, str] = {}
    parameters: dict[str, str] = {}
    for place, text in edits.items():
        texts = secrets if place.traits.has_labels else parameters
        if place.key is not None:
            text = updated(texts.get(place.name, contents.readings[place.name].value), place.key, text)
        texts[place.name] = text
    return secrets, parameters


def administrators(catalog: Catalog, names: Iterable[str]) -> Set[str]:
    """Administrators that set new values for these credentials."""
    return {admin for admin in (catalog.credentials[name].admin for name in names) if admin}
