# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rotation is planned from: everything that is read before it, and what providers and hosts have against it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils import _graph
from ansible_collections.watchparty.secrets.plugins.module_utils._journal import RETIRE, Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._model import SSM
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations import (
    _ages,
    _mirror,
    _rotation,
    _rotator_ends,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import CURRENT, Contents
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _access_key, _github_sync, _ssh_key
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _rotation as _shared
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access_wait import access_wait
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import Setting


def read(setting: Setting, journal: Journal) -> tuple[Contents, dict[str, Any], list[str]]:
    """Everything a plan stands on: the settings' places, the credentials', and the labels of the secrets.

    The last are secrets of rotations that have ended, which should not be there any more.
    """
    catalog, rotator = setting.catalog, setting.rotator
    concerned = {name for one in catalog.credentials.values() for name in _graph.secrets_of(catalog, one)}
    concerned |= {
        place.name
        for one in catalog.credentials.values()
        for place in _graph.fallback_places(catalog, one)
        if not place.name.startswith("/")
    }
    remembered = _rotator_ends.remembered(rotator, journal)
    rotator.settle(journal)

    def look() -> tuple[Contents, dict[str, Any]]:
        found = rotator.secrets.read([*sorted({*catalog.secret_names, *concerned}), *remembered])
        there = sorted(concerned & found.readings.keys())
        return found, {name: rotator.secrets.describe(name) for name in there}

    def agree(seen: tuple[Contents, dict[str, Any]]) -> bool:
        """Where they do not, one of both reads was behind, or somebody wrote in between."""
        return all(one.stages.get(CURRENT) == seen[0].readings[name].version for name, one in seen[1].items())

    found, descriptions = access_wait().until_granted(
        lambda: rotator.secrets.settling.until(look, agree), lambda seen: seen[0].without(remembered).denials
    )
    late = _rotator_ends.left_late(found, remembered)
    contents = found.without(remembered)
    if _graph.anything_in_ssm(catalog):
        contents |= rotator.parameters.read([catalog.ssm_path])
    return contents, descriptions, late


def parameters_key(setting: Setting, contents: Contents, descriptions: Mapping[str, Any]) -> str | None:
    """What encrypts the credentials' parameters, where no secret is there to tell the environment's key."""
    if descriptions:
        return None
    every = setting.catalog.credentials.values()
    names = {spot.place.name for one in every for spot in _graph.spots(setting.catalog, one) if spot.place.store == SSM}
    kept = [name for name in sorted(names) if name in contents.readings and not contents.readings[name].plain]
    return setting.rotator.parameters.key(kept[0]) if kept else None


def former(setting: Setting, journal: Journal, leaked: Collection[str] | None) -> dict[str, Contents]:
    """What the versions still hold that an obligation names, by each that is due; in a leak by each retirement, due or
    not, of what ``leaked``."""
    every = _ages.due_obligations(journal, _shared.now())
    if leaked is not None:
        every = [one for one in journal.obligations.values() if one.act == RETIRE and one.credential in leaked]
    return {
        one.id: setting.rotator.secrets.read_known(list(one.secrets), pins=one.secrets)
        for one in every
        if one.credential in setting.catalog.credentials
    }


def planned(
    setting: Setting, ground: _rotation.Ground, wish: _rotation.Wish, seen: Sequence[Mapping[str, Any]] | None
) -> _rotation.Plan:
    """With what providers and hosts have against it."""
    plan = _rotation.plan(ground, wish)
    against = {
        **_access_key.against(setting, plan, ground.contents),
        **_ssh_key.against(setting, plan, ground.contents, seen),
        **_against_mirror(setting, plan, ground),
    }
    return _rotation.plan(replace(ground, against={**ground.against, **against}), wish) if against else plan


def _against_mirror(setting: Setting, plan: _rotation.Plan, ground: _rotation.Ground) -> dict[str, str]:
    """By credential, what GitHub has against being sent its new value. That there is none holds up no leak."""
    mirror = setting.rotator.mirror
    if mirror is None:
        return {}
    found = {}
    entry = plan.entry()
    missing = () if ground.leak else _mirror.copies_of(setting.catalog, entry, ground.contents, {}).missing
    for item in plan.items:
        names = _graph.mirrored_names(setting.catalog, setting.catalog.credentials[item.credential])
        if not names or item.act not in _rotation.CHANGES:
            continue
        lacking = [name for name in names if name in missing]
        words = _mirror.needs_value(lacking) if lacking else None
        if words is None and isinstance(mirror, _github_sync.Mirror):
            words = mirror.objection(names)
        if words:
            found[item.credential] = words
    return found
