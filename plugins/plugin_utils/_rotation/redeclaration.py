# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Effects of a declaration on open and earlier rotations: new values that may have leaked too. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident, named
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import CURRENT, PENDING, Contents
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import pending_tasks, plan, state_machine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind

ON_HOSTS = ("deploy", "promote", "revoke", "record")
"""Steps at which hosts may hold the new value."""
IN_FORCE = ("promote", "revoke", "record")
"""Steps at which the current version may be the new one."""


def spoiled(
    journal: Journal,
    before: Incident,
    now: Incident,
    impact: Mapping[str, Any],
    matches: Sequence[Mapping[str, Any]],
) -> list[str]:
    """New values that may have leaked with the credentials declared ``now``.

    The incident's own rotations made their values after the declaration ``before``, so only added credentials reveal
    them. A credential that was already reached adds nothing.
    """
    edges = [edge for edge in impact.get("edges", []) if edge["from"] != edge["to"]]
    reached_before = {*before.declared, *_revealed(before.declared, edges)}
    added = [name for name in now.declared if name not in reached_before]
    result: dict[str, set[Any]] = {}
    for match in matches:
        result.setdefault(match["credential"], set()).add(match.get("stage"))
    exposed = {*_revealed(added, edges), *(name for name in added if name not in result)}
    leaked = [
        named(last.rotation, name)
        for name, last in journal.rotated.items()
        if last.incident == before.id and (name in exposed or CURRENT in result.get(name, ()))
    ]
    rotation = journal.rotation
    if rotation is not None:
        own = rotation.plan.get("incident") == before.id
        names = _of_open(rotation, impact, edges, added if own else now.declared, result, own=own)
        leaked += [named(rotation.id, name) for name in names]
    return list(dict.fromkeys(leaked))


def _of_open(
    rotation: OpenRotation,
    impact: Mapping[str, Any],
    edges: Sequence[Mapping[str, Any]],
    sources: Collection[str],
    result: Mapping[str, Collection[str]],
    *,
    own: bool,
) -> Iterator[str]:
    """Credentials of an open rotation whose new values the sources may reveal."""
    reached = {credential["name"] for credential in impact.get("credentials", [])}
    exposed = _revealed(sources, edges)
    for item in plan.items_of(rotation.plan):
        name = item.credential
        stages = result.get(name, ())
        # A signing key's scheduled rotation keeps the old one, and an access key may read its own replacement.
        unfit = name in reached and (item.phases == 2 or name in impact.get("first_off", []))
        if item.act in plan.CHANGES and (
            name in exposed
            or PENDING in stages
            or (CURRENT in stages and rotation.step in IN_FORCE)
            # Without a match, either of its values may have leaked.
            or (name in sources and name not in result and rotation.step in ON_HOSTS)
            or (unfit and not own)
        ):
            yield name


def open_rotation(journal: Journal, now: Incident) -> dict[str, Any] | None:
    """The open rotation, and whether to abort it, because its new values may have leaked."""
    rotation = journal.rotation
    if rotation is None:
        return None
    names = sorted(rotation.plan.get("credentials", {}))
    leaked = any(named(rotation.id, name) in now.spoiled for name in names)
    return {
        "id": rotation.id,
        "step": rotation.step,
        "credentials": names,
        "may_have_leaked": leaked and not state_machine.is_past_return(rotation),
    }


def joined(rotation: OpenRotation, incident: str, reached: Iterable[str]) -> OpenRotation | None:
    """The open rotation as the leak's own. None if it is already, is rolled back, or rotates no reached credential."""
    concerned = set(rotation.plan.get("credentials", {})) & set(reached)
    if not incident or not concerned or rotation.aborting or rotation.plan.get("incident") == incident:
        return None
    return replace(rotation, plan={**rotation.plan, "incident": incident})


def with_former(
    rotation: OpenRotation,
    catalog: Catalog,
    kinds: Mapping[str, Kind],
    journal: Journal,
    former: Mapping[str, Contents],
) -> OpenRotation:
    """A joined rotation that also revokes previous values.

    If it is past its revocation, the credential's next rotation revokes them.
    """
    if rotation.step == "record":
        return rotation
    credentials = {**rotation.plan.get("credentials", {})}
    for item in plan.items_of(rotation.plan):
        results = pending_tasks.revocable(catalog, kinds, journal, item.credential, former)
        if results and item.act in plan.CHANGES:
            credentials[item.credential] = {**credentials[item.credential], "former": list(results)}
    return replace(rotation, plan={**rotation.plan, "credentials": credentials})


def still_leaked(journal: Journal) -> dict[str, str]:
    """Messages about newest values that may have leaked too, by credential."""
    incident = journal.incident
    if incident is None:
        return {}
    return {
        name: f"the new value of rotation {last.rotation} may have leaked too"
        for name, last in journal.rotated.items()
        if named(last.rotation, name) in incident.spoiled
    }


def _revealed(sources: Iterable[str], edges: Sequence[Mapping[str, Any]]) -> set[str]:
    """Credentials that the sources reveal, directly or in turn."""
    results: set[str] = set()
    waiting = list(sources)
    while waiting:
        source = waiting.pop()
        additions = {edge["to"] for edge in edges if edge["from"] == source} - results
        results |= additions
        waiting += additions
    return results
