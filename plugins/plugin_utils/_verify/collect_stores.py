# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Problems of the stores' contents, as names and messages. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    production_rules,
    production_servers,
    redaction,
    resolver,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Setting
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment import Environment


def judged(read: Environment) -> dict[str, Any]:
    # Another check judges production's rules.
    bare = resolver.resolve(
        replace(read.catalog, production=False),
        read.contents,
        half_promoted=str(read.journal.rotation) if read.journal.rotation else None,
    )
    return {
        "problems": [*bare.problems, *bare.undeliverable],
        "rules": broken(read.catalog, bare.values),
        "unknown": list(bare.unknown),
        "copied": [origin.setting for origin in bare.origins if origin.via_copy],
        "undervalued": undervalued(read.catalog, bare.values),
        "settings": len(bare.values),
        "snapshot": read.resolution.snapshot_id,
    }


def broken(catalog: Catalog, values: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Setting, rule and message."""
    excused = {(exemption.setting, exemption.rule) for exemption in catalog.exemptions}
    return [
        (name, rule, message)
        for name, value in values.items()
        for setting in catalog.settings.values()
        if setting.matches(name)
        for rule, message in _broken(setting, value, values)
        if (setting.name, rule) not in excused
    ]


def _broken(setting: Setting, value: str, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Judges a JWT key by the algorithm that the values name."""
    rules = dict(production_rules.broken(setting, value, strictly=True))
    named = {text.strip().upper() for name, text in values.items() if name.upper().endswith("ALGORITHM")}
    for algorithm in sorted(named & {*production_servers.JWT_BYTES}):
        message = production_servers.jwt_key(setting, value, algorithm)
        rules |= {"jwt_key": message} if message else {}
    yield from rules.items()


def undervalued(catalog: Catalog, values: Mapping[str, str]) -> list[str]:
    """Settings of low sensitivity that hold secrets. Their values are neither masked nor sought after a leak."""
    credentials = {name for credential in catalog.credentials.values() for name in credential.settings}
    return [
        name
        for name, value in sorted(values.items())
        for setting in catalog.settings.values()
        if setting.matches(name) and setting.sensitivity == "low"
        if name in credentials or redaction.passwords(value) or _looks_secret(name, value)
    ]


def _looks_secret(name: str, value: str) -> bool:
    is_strong = production_rules.strength(value) >= production_rules.STRENGTH
    return (production_rules.is_secret_name(name) and is_strong) or production_rules.is_secret_url(value)
