# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The keys of secrets: JSON that keeps every digit, and becomes the text of ``.env``."""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Place, Setting
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import BINARY, Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import STORES

_LISTS = ("list", "host_list", "origin_list")


class Number(str):
    """A JSON number that keeps its spelling: 1.10 stays 1.10."""


def parse_secret(text: str) -> dict[str, Any]:
    """The JSON object in a secret. Raises ValueError, without a value, for anything else."""
    try:
        secret = json.loads(text, parse_int=Number, parse_float=Number, object_pairs_hook=_without_doubles)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(secret, dict):
        raise ValueError("is JSON, but no object with keys")
    return secret


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _value in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"holds the key {double} twice")
    return result


def is_same(first: str, second: str) -> bool:
    """Whether two secrets are equal. Some stores keep a JSON object instead of the text."""
    if first == second:
        return True
    try:
        return parse_secret(first) == parse_secret(second)
    except ValueError:
        return False


def as_text(value: Any, type_name: str = "string") -> Optional[str]:
    """A JSON value as the text of an environment variable. None for null."""
    if value is None:
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and type_name in _LISTS and all(isinstance(item, str) for item in value):
        return ",".join(value)
    return as_json(value)


def as_json(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        items = (f"{json.dumps(key, ensure_ascii=False)}:{as_json(item)}" for key, item in value.items())
        return "{" + ",".join(items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(as_json(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def updated(text: str, key: str, value: str) -> str:
    """The secret's text with one key changed. Every other key keeps value, spelling and place.

    A list of strings stays a list. Raises ValueError for a secret that is not a JSON object.
    """
    secret = parse_secret(text)
    before = secret.get(key)
    if isinstance(before, list):
        secret[key] = [item for item in value.split(",") if item]
    else:
        secret[key] = value
    return as_json(secret)


class Holdings:
    """Texts by place. Collects problems of secrets."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._parsed: dict[str, Optional[Mapping[str, Any]]] = {}
        self.problems: list[str] = []

    def value(self, place: Place, setting: Optional[Setting]) -> Optional[str]:
        """The text at the place, or None. ``setting`` determines the form of a list."""
        reading = self._contents.readings.get(place.name)
        if reading is None:
            failure = self._contents.failures.get(place.name)
            if failure and failure.reason == BINARY:
                self.problems.append(
                    f"secret {place.name}: is binary, but the catalog needs text; store a SecretString"
                )
            return None
        if place.key is None:
            return reading.value
        keys = self._keys(place.name, reading.value, f"key {place.key}")
        return as_text(keys.get(place.key), setting.type if setting else "string") if keys is not None else None

    def _keys(self, name: str, text: str, setting_name: str) -> Optional[Mapping[str, Any]]:
        if name not in self._parsed:
            try:
                self._parsed[name] = parse_secret(text)
            except ValueError as error:
                self._parsed[name] = None
                self.problems.append(
                    f"secret {name}: {error}, but the catalog needs {setting_name}; store a JSON object"
                )
        return self._parsed[name]

    def is_broken(self, place: Place) -> bool:
        """Whether the place's secret is not a JSON object, which is a problem of its own."""
        return place.key is not None and place.name in self._parsed and self._parsed[place.name] is None

    def places(self) -> Iterator[Place]:
        """All read keys and parameters."""
        for name, reading in self._contents.readings.items():
            if not STORES[reading.store].has_keys:
                yield Place(reading.store, name)
            for key in self._parsed.get(name) or ():
                yield Place(reading.store, name, key)
