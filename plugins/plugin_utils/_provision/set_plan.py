# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan to set values by name: every place that holds a value, and every conflict. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential, Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import Holdings
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login, login_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import targets
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.plan import ProvisionInputs, ProvisionPlan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.targets import ValueTarget
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.writes import (
    Fill,
    busy,
    projected,
    unreadable,
    writes,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind

SET, FOLLOWS = "set", "follows"


def plan(ground: ProvisionInputs) -> ProvisionPlan:
    known, chosen_values, problems = targets.chosen(ground.catalog, ground.given)
    closed = unreadable(ground.catalog, ground.contents, restoring=False)
    fills: dict[Place, Fill] = {}
    for name, text in chosen_values.items():
        target = known[name]
        problem = targets.wrong(ground.catalog, target.setting, text)
        problems += [f"{name}: {problem}"] if problem else []
        problems += conflicts(ground.catalog, ground.kinds, target, anyway=ground.anyway)
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
        return ProvisionPlan(problems=tuple(dict.fromkeys(problems)))
    changed = [fill for fill in _with_former(ground, known, fills) if fill.before != fill.text]
    results, wrong = writes(changed, ground.contents, advanced=ground.advanced)
    return ProvisionPlan(
        writes=tuple(results),
        notes=tuple(_mirrored(ground, [fill.target for fill in changed]) + _encrypted(ground, changed)),
        problems=tuple(wrong + busy(ground.rotation, results)),
    )


def conflicts(catalog: Catalog, kinds: Mapping[str, Kind], target: ValueTarget, *, anyway: bool) -> list[str]:
    """Reasons to change the value by a rotation instead. Empty if it may be set."""
    if target.credential is None or anyway:
        return []
    credential = catalog.credentials[target.credential]
    kind = kinds.get(credential.kind, Kind(credential.kind, value="supplied"))
    if kind.value == "supplied":
        return []
    remedy = (
        f"run ansible-playbook watchparty.secrets.rotate -e rotation_credentials={credential.name} "
        "-e rotation_force=true, or add -e set_force=true if the server already has the new value"
    )
    belongs = f"belongs to credential {credential.name} ({kind.name})"
    return [f"{target.name}: {belongs}, which a rotation replaces while both values are valid; {remedy}"]


def _followers(
    ground: ProvisionInputs, credential: Credential, target: ValueTarget, text: str, fills: dict[Place, Fill]
) -> dict[Place, Fill]:
    """Writes to the other places of the same credential."""
    login = login_of(text.split(",")[0]) if target.setting and target.setting.type in ("url", "list") else None
    if login is None:
        if target.setting and target.setting.type == "url":
            return {}
        login = Login(username=text) if _is_user(ground, credential, target) else Login(password=text)
    now = projected(ground.contents, fills.values())
    stored_credential = credential_graph.find(ground.catalog, credential, now)
    follow = stored_credential.edits(login)
    absent = {
        spot.place: login.username if spot.is_user else login.password
        for spot in credential_graph.spots(ground.catalog, credential)
        if spot.setting is None and spot.place not in stored_credential.places
    }
    followers = {**{place: name for place, name in absent.items() if name}, **follow}
    return {place: Fill(place, credential.name, FOLLOWS, name) for place, name in followers.items()}


def _is_user(ground: ProvisionInputs, credential: Credential, target: ValueTarget) -> bool:
    return any(
        spot.is_user for spot in credential_graph.spots(ground.catalog, credential) if spot.place in target.places
    )


def _with_former(ground: ProvisionInputs, known: dict[str, ValueTarget], fills: dict[Place, Fill]) -> list[Fill]:
    holdings = Holdings(ground.contents)
    settings = {name: target.setting for name, target in known.items()}
    return [replace(fill, before=holdings.value(fill.place, settings.get(fill.target))) for fill in fills.values()]


def _mirrored(ground: ProvisionInputs, names: list[str]) -> list[str]:
    if ground.catalog.github is None:
        return []
    copies: list[str] = []
    for name in names:
        credential = ground.catalog.credentials.get(name)
        if credential:
            copies += credential_graph.mirrored_names(ground.catalog, credential)
        elif name in ground.catalog.settings and ground.catalog.settings[name].github:
            copies.append(name)
    names_there = ", ".join(dict.fromkeys(copies))
    remedy = "run ansible-playbook watchparty.secrets.github_sync"
    return [f"GitHub holds {names_there} as well; {remedy}"] if copies else []


def _encrypted(ground: ProvisionInputs, changed: list[Fill]) -> list[str]:
    declared = ground.catalog.encrypted_env
    return (
        [f"{declared.file} holds the old value; run ansible-playbook watchparty.secrets.env_encrypt"]
        if declared and changed
        else []
    )
