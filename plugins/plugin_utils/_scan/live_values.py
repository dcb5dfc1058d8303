# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The values of an environment that are or were in use: three versions of each secret, each parameter's history."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph, secret_json, value_types
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Place, Setting
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    CURRENT,
    MISSING,
    PENDING,
    PREVIOUS,
    Contents,
    Reading,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import NotChecked

VALUES = "values"
"""The report's name for the source of the values."""
STAGES = {CURRENT: "current", PENDING: "pending", PREVIOUS: "previous"}
PUBLIC = {
    *("username", "user", "host", "hostname", "port", "dbname", "database", "db", "engine", "region", "scheme"),
    *("dbinstanceidentifier", "dbclusteridentifier", "masterarn", "ssl", "sslmode"),
}
"""Keys of secrets, in lower case, such as RDS writes. They hold no secret unless the catalog declares them."""


class ReadableStore(Protocol):
    """A store, or a cache before a store."""

    def read(self, names: Sequence[str], *, stages: Mapping[str, str] | None = None) -> Contents: ...


class Histories(ReadableStore, Protocol):
    def history(self, name: str) -> Sequence[Reading]: ...


def read(catalog: Catalog, secrets: ReadableStore, parameters: Histories) -> tuple[list[Live], list[NotChecked]]:
    """The values, and the secrets and parameters that could not be read. Raises NoAccess if none can be read."""
    values: list[Live] = []
    unread: list[NotChecked] = []
    names = credential_graph.every_secret(catalog)
    for label, stage in STAGES.items():
        contents = secrets.read(names, stages=None if label == CURRENT else dict.fromkeys(names, label))
        for reading in contents.readings.values():
            values += _of_secret(catalog, reading, stage)
        for failure in contents.failures.values():
            if label == CURRENT or failure.reason != MISSING:
                unread.append(NotChecked(VALUES, f"{stage} version", f"secret {failure.name}: {failure.reason}"))
    if credential_graph.anything_in_ssm(catalog):
        contents = parameters.read([catalog.ssm_path])
        unread += [NotChecked(VALUES, "", str(failure)) for failure in contents.failures.values()]
        for reading in contents.readings.values():
            values += _of_parameter(catalog, reading, "current")
            try:
                values += _former(catalog, parameters.history(reading.name), int(reading.version))
            except StoreError as error:
                unread.append(NotChecked(VALUES, f"history of parameter {reading.name}", str(error)))
    return values, unread


def _of_secret(catalog: Catalog, reading: Reading, stage: str) -> Iterator[Live]:
    try:
        content: Mapping[str, Any] = secret_json.parse_secret(reading.value)
    except ValueError:
        yield from _lives(catalog, Place(reading.store, reading.name), reading.value, stage)
        return
    for key, value in content.items():
        text = secret_json.as_text(value, "list")
        if text is not None:
            yield from _lives(catalog, Place(reading.store, reading.name, key), text, stage)


def _of_parameter(catalog: Catalog, reading: Reading, stage: str) -> Iterator[Live]:
    yield from _lives(catalog, Place(reading.store, reading.name), reading.value, stage)


def _former(catalog: Catalog, history: Sequence[Reading], current: int) -> Iterator[Live]:
    former = sorted(
        (reading for reading in history if int(reading.version) < current), key=lambda reading: -int(reading.version)
    )
    for at, reading in enumerate(former):
        yield from _of_parameter(catalog, reading, "previous" if at == 0 else f"version {reading.version}")


def _lives(catalog: Catalog, place: Place, text: str, stage: str) -> Iterator[Live]:
    """The value of a place. Adds the parts of a list or JSON object."""
    setting = _setting_at(catalog, place)
    if setting is not None:
        name, sensitivity, example = setting.name, setting.sensitivity, setting.example
    else:
        name, example = str(place), None
        sensitivity = "low" if (place.key or "").lower() in PUBLIC else "high"
    yield Live(name, stage, text, str(place), sensitivity, example)
    if setting is not None and setting.type == "list":
        parts = [(name, part) for part in value_types.items(text)]
    else:
        parts = list(_leaves(name, text))
    for part, value in parts:
        if value != text:
            yield Live(part, stage, value, str(place), sensitivity, example)


def _leaves(name: str, text: str) -> Iterator[tuple[str, str]]:
    if not text.lstrip().startswith(("{", "[")):
        return
    try:
        waiting = [(name, json.loads(text))]
    except (ValueError, RecursionError):
        return
    while waiting:
        at, node = waiting.pop()
        if isinstance(node, str):
            yield at, node
        elif isinstance(node, dict):
            waiting += [(f"{at}.{key}", item) for key, item in node.items() if key.lower() not in PUBLIC]
        elif isinstance(node, list):
            waiting += [(at, item) for item in node]


def _setting_at(catalog: Catalog, place: Place) -> Setting | None:
    for setting in catalog.settings.values():
        if place in setting.places:
            return setting
    for setting in catalog.settings.values():
        for item in setting.places if setting.is_pattern else ():
            if (item.store, item.key) == (place.store, place.key) and place.name.startswith(item.name.rstrip("*")):
                return setting
    return None
