# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Merges the shared part of the catalog with the overrides of one environment."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import OUTSIDE_AWS

SOURCES = ("group", "secret", "parameter", *OUTSIDE_AWS, "value", "compose", "inventory")


def environment_document(document: Mapping[str, Any], environment: str) -> Dict[str, Any]:
    over = document.get("environments", {}).get(environment, {})
    settings = over.get("settings", {})
    shared = {key: value for key, value in document.items() if key not in ("environments", "secrets", "settings")}
    merged = _merged(shared, {key: value for key, value in over.items() if key != "settings"})
    added = (extra for extra in settings if extra not in document["settings"])
    merged["settings"] = {
        name: _merged_setting(document["settings"].get(name, {}), settings.get(name, {}))
        for name in [*document["settings"], *added]
        if not (name in settings and settings[name] is None)
    }
    return merged


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Dict[str, Any]:
    """``base`` with the keys of ``over``, recursively. Null removes a key."""
    result = dict(base)
    for key, value in over.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = _merged(result[key], value)
        else:
            result[key] = value
    return result


def _merged_setting(base: Mapping[str, Any], over: Mapping[str, Any]) -> Dict[str, Any]:
    """An override that names a source replaces the setting's source and its copies."""
    if any(source in over for source in SOURCES):
        base = {key: value for key, value in base.items() if key not in (*SOURCES, "key", "copies")}
    return _merged(base, over)
