# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values by place, grouped into writes: one for each secret or parameter, with the version that it replaces."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    BINARY,
    DELETED,
    Contents,
    Reading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import parse_secret
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import STORES, of_name
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import SECRET_BYTES
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.numbered_versions import (
    PARAMETER_BYTES,
    STANDARD,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.provisioning_interfaces import tier_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import targets

CREATE, MERGE = "create", "merge"


@dataclass(frozen=True)
class Fill:
    """A value for one place."""

    place: Place
    target: str
    """The name of the value."""
    how: str
    text: str = field(repr=False)
    secure: bool = True
    before: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Write:
    """A secret or parameter to create or update."""

    act: str
    """CREATE or MERGE."""
    store: str
    name: str
    content: str = field(repr=False)
    fills: tuple[Fill, ...] = ()
    instead_of: str = ""
    """The version that it replaces. Empty if the secret or parameter is created."""

    @property
    def secure(self) -> bool:
        return any(fill.secure for fill in self.fills)

    @property
    def message(self) -> str:
        """One line, without a value."""
        names = ", ".join(f"{fill.place.key or fill.target} ({fill.how})" for fill in self.fills)
        verb = "create" if self.act == CREATE else "update"
        return f"{verb} {STORES[self.store].noun} {self.name}: {names}"


def projected(contents: Contents, fills: Iterable[Fill]) -> Contents:
    """The contents of the stores after these writes."""
    fills = list(fills)
    base = {
        fill.place.name: Reading(fill.place.store, fill.place.name, "", "{}")
        for fill in fills
        if fill.place.name not in contents.readings
    }
    start = Contents({**base, **contents.readings}, contents.failures).without(())
    secrets, parameters = credential_graph.contents_with(start, {fill.place: fill.text for fill in fills})
    texts = {**secrets, **parameters}
    readings = {
        name: Reading(reading.store, name, reading.version, texts.get(name, reading.value), reading.plain)
        for name, reading in start.readings.items()
    }
    return Contents(readings, {name: failure for name, failure in contents.failures.items() if name not in texts})


def writes(fills: Iterable[Fill], contents: Contents, *, advanced: bool) -> tuple[list[Write], list[str]]:
    """The writes, always in the same order, and the problems of writes that are too large."""
    grouped: dict[tuple[str, str], list[Fill]] = {}
    for fill in sorted(fills, key=lambda fill: (fill.place.store, fill.place.name, fill.place.key or "")):
        grouped.setdefault((fill.place.store, fill.place.name), []).append(fill)
    after = projected(contents, [fill for group in grouped.values() for fill in group])
    results, problems = [], []
    for (store, name), group in grouped.items():
        before = contents.readings.get(name)
        text = after.readings[name].value
        act = MERGE if before else CREATE
        results.append(Write(act, store, name, text, tuple(group), before.version if before else ""))
        problems += _too_large(store, name, text, group, advanced)
    return results, problems


def _too_large(store: str, name: str, text: str, group: Sequence[Fill], advanced: bool) -> list[str]:
    size = len(text.encode())
    if STORES[store].has_keys:
        if size <= SECRET_BYTES:
            return []
        names = ", ".join(fill.target for fill in group)
        message = f"but at most {SECRET_BYTES:,} fit; move some of its settings to another group"
        return [f"secret {name} would hold {size:,} bytes with {names}, {message}"]
    limit = PARAMETER_BYTES[tier_for(text, advanced=advanced)]
    if size <= limit:
        return []
    remedy = "shorten it, or keep it in a secret (group)"
    if limit == PARAMETER_BYTES[STANDARD] and size <= max(PARAMETER_BYTES.values()):
        remedy = (
            "allow the advanced tier, which costs (-e provision_advanced_tier=true), or keep it in a secret (group)"
        )
    return [f"{group[0].target}: parameter {name} would hold {size:,} bytes, but AWS accepts {limit:,}; {remedy}"]


def unreadable(catalog: Catalog, contents: Contents, *, restoring: bool) -> dict[str, str]:
    """Secrets and parameters that no plan may write, each with the reason.

    The reason is empty if the secret is about to be restored.
    """
    keyed: dict[str, list[str]] = {}
    for target in targets.targets(catalog).values():
        for place in target.places:
            keyed.setdefault(place.name, [])
            if place.key is not None:
                keyed[place.name].append(place.key)
    result: dict[str, str] = {}
    for name, keys in keyed.items():
        failure = contents.failures.get(name)
        if failure is None and of_name(name).is_listed:
            failure = contents.failures.get(catalog.ssm_path)
        if failure and failure.reason == DELETED:
            result[name] = (
                ""
                if restoring
                else (f"{failure}; restore it with -e provision_restore=true, or remove the secret from the catalog")
            )
        elif failure and failure.reason == BINARY:
            result[name] = f"secret {name}: is binary, but the catalog needs text; store a SecretString"
        elif failure and failure.reason != "missing":
            result[name] = f"{failure}; allow reading it, because an existing value must not be overwritten"
        elif name in contents.readings and keys:
            try:
                parse_secret(contents.readings[name].value)
            except ValueError as error:
                result[name] = (
                    f"{of_name(name).noun} {name}: {error}, but the catalog needs key {keys[0]}; store a JSON object"
                )
    return result


def busy(rotation: OpenRotation | None, writes: Sequence[Write]) -> list[str]:
    """Problems of writes to names that an open rotation changes."""
    if rotation is None:
        return []
    return [
        f"{write.name}: {rotation} is open and changes it; finish that rotation with "
        "ansible-playbook watchparty.secrets.rotate first"
        for write in writes
        if write.name in rotation.names
    ]
