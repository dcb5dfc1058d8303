# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A plan in words, and as data for --check --diff. Names, places and reasons; never a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as _plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import preconditions


def described(catalog: Catalog, plan: _plan.RotationPlan, hosts: Sequence[str]) -> dict[str, Any]:
    return {
        "credentials": {item.credential: _item(catalog, item) for item in plan.items},
        "refused": dict(plan.refused),
        "passed_over": dict(plan.passed_over),
        "rollouts": plan.phases,
        "services": {name: list(service.units or (name,)) for name, service in catalog.services.items()}
        if plan.phases
        else {},
        "hosts": list(hosts) if plan.phases else [],
    }


def _item(catalog: Catalog, item: _plan.Item) -> dict[str, Any]:
    credential = catalog.credentials[item.credential]
    spots = {spot.place: spot for spot in credential_graph.spots(catalog, credential)}
    settings = {place: spots[place].setting for place in item.places if place in spots}
    names = [setting.name for setting in settings.values() if setting]
    listed = item.phases == 2 or item.act in (_plan.DROP_FALLBACK, _plan.RENEW)
    names += [credential.fallbacks] if credential.fallbacks and listed else []
    return {
        "kind": item.kind,
        "act": item.act,
        "why": item.reason,
        "rollouts": item.phases,
        "places": [str(place) for place in item.places],
        "settings": list(dict.fromkeys(names)),
        "github": list(credential_graph.mirrored_names(catalog, credential)) if item.act in _plan.CHANGES else [],
        **({"revokes_with_it": [name.partition("/")[0] for name in item.former]} if item.former else {}),
    }


def summary(plan: Mapping[str, Any], late: Sequence[str] = (), *, places: bool = True) -> list[str]:
    """The plan as lines for the terminal; ``late`` are secrets of rotations that have ended."""
    lines = [f"secret {name} was made too late, by a rotation that has already ended; it is removed" for name in late]
    acts = {
        "rotate": "rotates",
        "drop_fallback": "drops its previous key",
        "revoke": "revokes its previous value",
        "renew": "is replaced and keeps no previous key",
    }
    for name, item in plan["credentials"].items():
        lines.append(f"{name} ({item['kind']}) {acts[item['act']]}; {item['why']}")
        if places:
            lines += [f"  changes {place}" for place in item["places"]]
            if item["settings"]:
                lines.append(f"  is part of setting{'s' * (len(item['settings']) > 1)} {', '.join(item['settings'])}")
        lines += [
            f"  also revokes the value that {rotation} had replaced" for rotation in item.get("revokes_with_it", ())
        ]
        if item["github"]:
            lines.append(f"  sends {', '.join(item['github'])} to GitHub")
    for name, why in plan["refused"].items():
        lines.append(f"{name} is REFUSED: {why}")
    skipped: dict[str, list[str]] = {}
    for name, why in plan["passed_over"].items():
        skipped.setdefault(why, []).append(name)
    for why, names in skipped.items():
        lines.append(f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} skipped: {why}")
    if plan["rollouts"]:
        units = (
            ", ".join(dict.fromkeys(unit for service in plan["services"].values() for unit in service)) or "no units"
        )
        times = "one rollout restarts" if plan["rollouts"] == 1 else f"{plan['rollouts']} rollouts restart"
        lines.append(f"{times} {units} on {', '.join(plan['hosts']) or 'no host'}")
    return lines or ["the catalog has no credentials"]


def elsewhere(
    plan: _plan.RotationPlan, hosts: Sequence[str], targeted: Sequence[str], skipped: Sequence[str]
) -> list[str]:
    """Lines about hosts of the inventory outside this run."""
    away = [host for host in hosts if host not in targeted and host not in skipped]
    skipped_hosts = [host for host in hosts if host in skipped]
    lines = []
    if away and plan.items and not plan.incident:
        lines.append(
            f"{', '.join(away)}: not in this run (--limit). Their old values stay valid and the rotation stays "
            f"open until the same command runs with {'it' if len(away) == 1 else 'them'}"
        )
    if skipped_hosts and plan.items:
        lines.append(f"skipped hosts: {', '.join(skipped_hosts)} (not deployed to, not waited for)")
    return lines


def questions(names: Iterable[str]) -> list[str]:
    """Lines about externally issued values that were not supplied."""
    return [
        f"{name}: this run asks for its new value at the terminal; without a terminal, give it by the line "
        f"{preconditions.value_lines(name)}"
        for name in names
    ]


def diff(plan: Mapping[str, Any]) -> dict[str, str]:
    """The output of --diff: every place, before and after."""
    places = sorted({place for item in plan["credentials"].values() for place in item["places"]})
    return {
        "before_header": "in the stores",
        "after_header": "after the rotation",
        "before": "".join(f"{place}: present value\n" for place in places),
        "after": "".join(f"{place}: new value\n" for place in places),
    }
