# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of a change that is asked for by name: every place that the value appears in, and what stands against it."""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils import _graph
from ansible_collections.watchparty.secrets.plugins.module_utils._contents import Holdings
from ansible_collections.watchparty.secrets.plugins.module_utils._model import Catalog, Credential, Place
from ansible_collections.watchparty.secrets.plugins.module_utils._provisioning import _targets
from ansible_collections.watchparty.secrets.plugins.module_utils._provisioning._provision import Ground, Plan
from ansible_collections.watchparty.secrets.plugins.module_utils._provisioning._targets import Target
from ansible_collections.watchparty.secrets.plugins.module_utils._provisioning._value_writes import (
    Fill,
    busy,
    projected,
    unreadable,
    writes,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._kinds import Kind
from ansible_collections.watchparty.secrets.plugins.module_utils._url import Login, login_of

SET, FOLLOWS = "set", "follows"


def plan(ground: Ground) -> Plan:
    """Pure."""
    known, given, problems = _targets.chosen(ground.catalog, ground.given)
    closed = unreadable(ground.catalog, ground.contents, restoring=False)
    fills: Dict[Place, Fill] = {}
    for name, text in given.items():
        target = known[name]
        problem = _targets.wrong(ground.catalog, target.setting, text)
        problems += [f"{name}: {problem}"] if problem else []
        problems += objections(ground.catalog, ground.kinds, target, anyway=ground.anyway)
        problems += [closed[place.name] for place in target.places if closed.get(place.name)]
        if problems:
            continue
        for place in target.places:
            fills[place] = Fill(place, name, SET, text, secure=not target.is_low)
        if target.credential:
            credential = ground.catalog.credentials[target.credential]
            for place, follows in _followers(ground, credential, target, text, fills).items():
                fills.setdefault(place, follows)
    if problems:
        return Plan(problems=tuple(dict.fromkeys(problems)))
    changed = [fill for fill in _with_former(ground, known, fills) if fill.before != fill.text]
    found, wrong = writes(changed, ground.contents, advanced=ground.advanced)
    return Plan(
        writes=tuple(found),
        notes=tuple(_mirrored(ground, [fill.target for fill in changed])),
        problems=tuple(wrong + busy(ground.rotation, found)),
    )


def objections(catalog: Catalog, kinds: Mapping[str, Kind], target: Target, *, anyway: bool) -> List[str]:
    """Why a rotation should change it instead."""
    if target.credential is None or anyway:
        return []
    credential = catalog.credentials[target.credential]
    kind = kinds.get(credential.kind, Kind(credential.kind, value="supplied"))
    if kind.value == "supplied":
        return []
    words = (
        f"watchparty.secrets.rotate -e rotation_credentials={credential.name} replaces it with the old and the new "
        "value valid side by side"
    )
    remedy = "if its server has the value already, add -e set_force=true"
    return [f"{target.name}: is {credential.name}'s ({kind.name}), and {words}; {remedy}"]


def _followers(
    ground: Ground, credential: Credential, target: Target, text: str, fills: Dict[Place, Fill]
) -> Dict[Place, Fill]:
    """The other places of the same credential."""
    login = login_of(text.split(",")[0]) if target.setting and target.setting.type in ("url", "list") else None
    if login is None:
        if target.setting and target.setting.type == "url":
            return {}
        login = Login(username=text) if _is_user(ground, credential, target) else Login(password=text)
    now = projected(ground.contents, fills.values())
    found = _graph.find(ground.catalog, credential, now)
    follow = found.edits(login)
    absent = {
        spot.place: login.username if spot.is_user else login.password
        for spot in _graph.spots(ground.catalog, credential)
        if spot.setting is None and spot.place not in found.places
    }
    every = {**{place: one for place, one in absent.items() if one}, **follow}
    return {place: Fill(place, credential.name, FOLLOWS, one) for place, one in every.items()}


def _is_user(ground: Ground, credential: Credential, target: Target) -> bool:
    return any(spot.is_user for spot in _graph.spots(ground.catalog, credential) if spot.place in target.places)


def _with_former(ground: Ground, known: Dict[str, Target], fills: Dict[Place, Fill]) -> List[Fill]:
    holdings = Holdings(ground.contents)

    def former(fill: Fill) -> Optional[str]:
        target = known.get(fill.target)
        return holdings.value(fill.place, target.setting if target else None)

    return [Fill(fill.place, fill.target, fill.how, fill.text, fill.secure, former(fill)) for fill in fills.values()]


def _mirrored(ground: Ground, names: List[str]) -> List[str]:
    if ground.catalog.github is None:
        return []
    held: List[str] = []
    for name in names:
        credential = ground.catalog.credentials.get(name)
        if credential:
            held += _graph.mirrored_names(ground.catalog, credential)
        elif name in ground.catalog.settings and ground.catalog.settings[name].github:
            held.append(name)
    return [f"GitHub holds {', '.join(dict.fromkeys(held))} as well; run github_sync"] if held else []
