# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The blast radius: every credential that a leak reaches, and the order of their replacement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Iterable, Iterator, Mapping, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph, honeytokens
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import (
    AWS_ACCESS_KEY,
    READS_HOSTS,
    READS_STORES,
)

HOST, GITHUB, SECRET, ALL = "host:", "github", "secret:", "all"
_LEVELS = ("low", "medium", "high")


@dataclass(frozen=True)
class Edge:
    """A way from a source to a credential that the source reveals."""

    source: str
    """Name of a credential, host:NAME, github, secret:NAME or all."""
    target: str
    why: str


@dataclass(frozen=True)
class Reached:
    name: str
    kind: str
    severity: str
    via: tuple[Edge, ...]
    """Empty if the credential was declared."""
    wave: int = 0


@dataclass(frozen=True)
class Impact:
    """The blast radius of what an operator declared as leaked."""

    declared: tuple[str, ...]
    reached: tuple[Reached, ...]
    """Credentials in the order of replacement."""
    edges: tuple[Edge, ...]
    cycles: tuple[tuple[str, ...], ...] = ()
    first_off: tuple[str, ...] = ()
    """Access keys that may read a new value of their own wave. A run deactivates them before it makes the values."""

    @property
    def waves(self) -> tuple[tuple[str, ...], ...]:
        numbers = sorted({reached.wave for reached in self.reached})
        return tuple(tuple(reached.name for reached in self.reached if reached.wave == number) for number in numbers)

    @property
    def severity(self) -> str:
        return max((reached.severity for reached in self.reached), key=_LEVELS.index, default="low")


def impact(catalog: Catalog, declared: Sequence[str], hosts: Sequence[str]) -> Impact:
    """The blast radius of credentials, host:NAME, github, secret:NAME or all.

    Raises :class:`RotationError` for a name that is neither in the catalog nor in the inventory.
    """
    for name in declared:
        _require_known(catalog, name, hosts)
    result: dict[str, list[Edge]] = {}
    edges: list[Edge] = []
    waiting = list(dict.fromkeys(declared))
    seen: set[str] = set()
    while waiting:
        source = waiting.pop(0)
        if source in seen:
            continue
        seen.add(source)
        if source in catalog.credentials:
            result.setdefault(source, [])
        for edge in exposes(catalog, source):
            edges.append(edge)
            result.setdefault(edge.target, []).append(edge)
            waiting.append(edge.target)
    levels, cycles = _waves_and_cycles(list(result), edges)
    last = max(levels.values(), default=0)
    exposers = {edge.source for edge in edges if edge.source in result and edge.target != edge.source}
    reached = [
        Reached(
            name=name,
            kind=catalog.credentials[name].kind,
            severity=severity_of(catalog, catalog.credentials[name]),
            via=() if name in declared else tuple(via),
            # Credentials that reveal no other credential share the last rollout.
            wave=levels[name] if name in exposers else last,
        )
        for name, via in result.items()
    ]
    ordered = sorted(reached, key=lambda reached: (reached.wave, -_LEVELS.index(reached.severity), reached.name))
    found_so_far = Impact(tuple(declared), tuple(ordered), tuple(edges), cycles)
    first_off = tuple(name for wave in found_so_far.waves for name in wave if reads_new(catalog, name, wave))
    return replace(found_so_far, first_off=first_off)


def reached_hosts(catalog: Catalog, impact: Impact, hosts: Sequence[str]) -> tuple[str, ...]:
    """Hosts that the attacker may have reached: the declared hosts, or all hosts if a reached credential logs in to
    hosts."""
    opened = [reached.name for reached in impact.reached if catalog.credentials[reached.name].kind in READS_HOSTS]
    declared = {name[len(HOST) :] for name in impact.declared if name.startswith(HOST)}
    return tuple(name for name in hosts if opened or name in declared)


def administrators(catalog: Catalog, impact: Impact) -> tuple[str, ...]:
    """Administrators of the reached credentials. Their replacement sends these administrators' passwords to servers."""
    used = (catalog.credentials[reached.name].admin for reached in impact.reached)
    return tuple(sorted({name for name in used if name}))


def _require_known(catalog: Catalog, name: str, hosts: Sequence[str]) -> None:
    if name.startswith(HOST):
        if name[len(HOST) :] not in hosts:
            raise RotationError(f"{name}: the inventory has no such host; it has {', '.join(hosts) or 'none'}")
    elif name.startswith(SECRET):
        if name[len(SECRET) :] not in {place.name for place in credential_graph.every_place(catalog)}:
            raise RotationError(f"{name}: no setting or credential of the catalog is in that secret")
    elif name not in (GITHUB, ALL) and name not in catalog.credentials:
        known = ", ".join(sorted(catalog.credentials)) or "none"
        raise RotationError(
            f"{name}: is not a credential of the catalog; it has {known}. You can also declare host:NAME, "
            "github, secret:NAME and all"
        )


def exposes(catalog: Catalog, source: str) -> Iterator[Edge]:
    """Edges from a source to the credentials that it reveals directly."""
    for credential in catalog.credentials.values():
        why = _why_exposed(catalog, source, credential)
        if why:
            yield Edge(source, credential.name, why)
    if source in catalog.credentials:  # a credential may have the name "github" or "all"
        yield from _of_credential(catalog, catalog.credentials[source])


def _why_exposed(catalog: Catalog, source: str, credential: Credential) -> str:
    """The reason why a host, secret, GitHub or all reveals the credential. Empty if it does not."""
    name = source[len(SECRET) :]
    if source == ALL:
        return "everything was declared as leaked"
    if source == GITHUB and (credential.github or any(catalog.settings[item].github for item in credential.settings)):
        return "holds it"
    if source.startswith(HOST) and in_env(catalog, credential):
        return "has it in .env"
    if source.startswith(SECRET) and name in {spot.place.name for spot in credential_graph.spots(catalog, credential)}:
        return "holds it"
    return ""


def _of_credential(catalog: Catalog, credential: Credential) -> Iterator[Edge]:
    for name in credential.exposes:
        yield Edge(credential.name, name, "reveals it, as the catalog declares")
    for other in catalog.credentials.values():
        if other.name == credential.name or other.name in credential.exposes:
            continue
        if other.admin == credential.name:
            yield Edge(credential.name, other.name, "may change it")
        elif credential.kind in READS_HOSTS and in_env(catalog, other):
            yield Edge(credential.name, other.name, "logs in to hosts that have it in .env")
        elif credential.kind in READS_STORES and _readable(catalog, credential, other):
            yield Edge(credential.name, other.name, "may read a store that holds it")


def _readable(catalog: Catalog, credential: Credential, other: Credential) -> bool:
    reads = [] if honeytokens.is_honeytoken(credential) else credential.options.get("reads")
    names = {spot.place.name for spot in credential_graph.spots(catalog, other)}
    return bool(names) and (reads is None or bool(names & set(reads)))


def reads_new(catalog: Catalog, name: str, replaced: Iterable[str]) -> bool:
    """Whether ``name`` is an access key that may read a location of one of the ``replaced`` credentials."""
    credential = catalog.credentials[name]
    return credential.kind == AWS_ACCESS_KEY and any(
        _readable(catalog, credential, catalog.credentials[name]) for name in replaced
    )


def in_env(catalog: Catalog, credential: Credential) -> bool:
    places = {str(spot.place) for spot in credential_graph.spots(catalog, credential)}
    if any(catalog.settings[name].rendered for name in credential.settings):
        return True
    return any(
        setting.rendered and any(str(place) in places for place in setting.places)
        for setting in catalog.settings.values()
    )


def read(catalog: Catalog) -> frozenset[str]:
    """Credentials that the application reads from its ``.env``."""
    return frozenset(credential.name for credential in catalog.credentials.values() if in_env(catalog, credential))


def severity_of(catalog: Catalog, credential: Credential) -> str:
    """The highest sensitivity of the credential's settings, or "high" for a credential without settings."""
    sensitivities = [catalog.settings[name].sensitivity for name in credential.settings]
    return max(sensitivities, key=_LEVELS.index, default="high")


def _waves_and_cycles(
    names: Sequence[str], edges: Sequence[Edge]
) -> tuple[dict[str, int], tuple[tuple[str, ...], ...]]:
    """The length of the longest chain that reveals each name, and the cycles. A cycle counts as one link."""
    follow = {name: sorted({edge.target for edge in edges if edge.source == name} - {name}) for name in names}
    groups = _cycles_and_singles(names, follow)
    group_of = {name: group for group in groups for name in group}
    before: dict[tuple[str, ...], set[tuple[str, ...]]] = {group: set() for group in groups}
    for name in names:
        for target in follow[name]:
            if group_of[target] != group_of[name]:
                before[group_of[target]].add(group_of[name])
    levels: dict[tuple[str, ...], int] = {}

    def level(group: tuple[str, ...]) -> int:
        if group not in levels:
            levels[group] = 1 + max((level(other) for other in before[group]), default=-1)
        return levels[group]

    return {name: level(group_of[name]) for name in names}, tuple(group for group in groups if len(group) > 1)


def _cycles_and_singles(names: Sequence[str], follow: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Groups of names that reveal each other. Every other name is a group of its own."""
    reach = {name: _reachable(name, follow) for name in names}
    groups: list[tuple[str, ...]] = []
    placed: set[str] = set()
    for name in names:
        if name not in placed:
            group = tuple(sorted({name} | {other for other in reach[name] if name in reach[other]}))
            placed.update(group)
            groups.append(group)
    return groups


def _reachable(start: str, follow: Mapping[str, Sequence[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for target in follow[waiting.pop()]:
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen
