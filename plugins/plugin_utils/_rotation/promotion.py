# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The outcome of a promotion, from a comparison of secrets with the plan. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan


@dataclass(frozen=True)
class Promotion:
    outcome: str
    """Either "done", "taken" (another writer changed rotating keys) or "blocked" (GitHub cannot be synced, or another
    writer does not pause)."""
    secrets: tuple[str, ...] = ()
    parameters: Mapping[str, int] = field(default_factory=dict)
    """New version of each parameter."""
    message: str = ""
    sent: tuple[str, ...] = ()
    """Names that were synced to GitHub."""


def is_untouched(catalog: Catalog, items: Sequence[plan.Item], name: str, before: Contents, now: Contents) -> bool:
    """Whether the rotating keys of secret ``name`` are unchanged."""
    places = (
        place
        for item in items
        for place in plan.places_of(catalog, catalog.credentials[item.credential], item)
        if place.name == name
    )
    return all(credential_graph.text_at(now, place) == credential_graph.text_at(before, place) for place in places)


def is_over(catalog: Catalog, items: Sequence[plan.Item], new: Mapping[str, Login], now: Contents) -> bool:
    """Whether another writer's version keeps the promoted values: every credential has its new password."""
    wrong_places = []
    for item in items:
        stored = credential_graph.find(catalog, catalog.credentials[item.credential], now)
        if item.act in plan.CHANGES and stored.places:
            wrong_places.append(stored.login.password == new[item.credential].password)
    return bool(wrong_places) and all(wrong_places)


def taken(states: Mapping[str, str]) -> Promotion | None:
    """The outcome if another writer changed rotating keys; else None."""
    names = tuple(name for name, state in states.items() if state == "taken")
    if not names:
        return None
    message = f"somebody changed rotating keys of secret {', '.join(names)}; that change was kept"
    return Promotion("taken", names, message=message)


def outwritten(merges: Mapping[str, int], versions: Mapping[str, str], seconds: float) -> Promotion:
    """The outcome if another writer changed other keys each time before AWSCURRENT was moved."""
    last = ", ".join(f"secret {name} (now version {version})" for name, version in versions.items())
    message = (
        f"another writer keeps changing other keys of {last}. This run merged such changes "
        f"{max(merges.values(), default=0)} times within {seconds:.0f} s, but the next change always came before "
        "AWSCURRENT was moved. Pause that writer, or merge for longer: -e rotation_merge_seconds=600"
    )
    return Promotion("blocked", tuple(versions), message=message)


def merged_message(merges: Mapping[str, int]) -> str:
    if not merges:
        return ""
    return (
        f"secret {', '.join(merges)}: another writer's change of other keys was merged. Deploy it to hosts "
        "by ansible-playbook watchparty.secrets.deploy"
    )
