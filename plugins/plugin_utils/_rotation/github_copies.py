# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values of credentials that are synced to GitHub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph, resolver
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Setting, SettingRef
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import DENIED, Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as _plan


@dataclass(frozen=True)
class Copies:
    values: Mapping[str, str] = field(repr=False)
    missing: tuple[str, ...] = ()
    """Names that must have a value and lack one. An optional setting without a value is in neither field."""


def names_of(catalog: Catalog, plan: Mapping[str, Any]) -> tuple[str, ...]:
    """GitHub's names for the values that the rotation changes."""
    changed = [item.credential for item in _plan.items_of(plan) if item.act in _plan.CHANGES]
    names = (name for key in changed for name in credential_graph.mirrored_names(catalog, catalog.credentials[key]))
    return tuple(dict.fromkeys(names))


def copies_of(catalog: Catalog, plan: Mapping[str, Any], contents: Contents, logins: Mapping[str, Login]) -> Copies:
    """Values with ``logins`` in force; without, the previous ones. ``contents`` holds every place of settings."""
    items = _plan.items_of(plan)
    edits = _plan.edits(catalog, items if logins else (), contents, logins, int(plan["phases"]))
    secrets, parameters = credential_graph.contents_with(contents, edits)
    changed = {name: replace(contents.readings[name], value=text) for name, text in {**secrets, **parameters}.items()}
    after = Contents({**contents.readings, **changed}, contents.failures)
    resolved = resolver.resolve(catalog, after).values
    unreadable = any(failure.reason == DENIED for failure in contents.failures.values())
    values: dict[str, str] = {}
    missing: list[str] = []
    for credential in (catalog.credentials[item.credential] for item in items if item.act in _plan.CHANGES):
        password = credential_graph.find(catalog, credential, after).login.password
        for name in credential_graph.mirrored_names(catalog, credential):
            value = resolved.get(name) if name in credential.settings else password
            if value is not None:
                values[name] = value
            elif unreadable or name not in credential.settings or _is_missed(catalog.settings[name], after, resolved):
                missing.append(name)
    return Copies(values, tuple(missing))


def _is_missed(setting: Setting, contents: Contents, resolved: Mapping[str, str]) -> bool:
    """Whether a setting without a value should have one: it is required, or a part of it exists."""
    parts = setting.compose.parts if setting.compose else ()
    is_held = any(credential_graph.text_at(contents, place) for place in setting.places)
    return setting.required or is_held or any(isinstance(part, SettingRef) and part.name in resolved for part in parts)


def needs_value(names: Sequence[str]) -> str:
    return (
        f"GitHub holds {', '.join(names)} too, and a part of that value is missing or cannot be read; give "
        "it a value, or allow reading it, then run the same command again"
    )


def not_synced(names: Sequence[str]) -> str:
    """The warning in a leak response, which does not wait for GitHub."""
    return (
        f"{', '.join(names)} was not sent to GitHub, which may hold an older value; set a token and run "
        "ansible-playbook watchparty.secrets.github_sync"
    )
