# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secret values that two environments share, by fingerprints under one run's key. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph, redaction
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.fingerprints import of_value
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import DJANGO_SECRET_KEY
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.value_types import items

CREDENTIAL = " (credential)"
"""Suffix for names of credentials that only secrets hold, such as an administrator's password."""


def fingerprints(values: Mapping[str, str], sensitivity: Mapping[str, str], key: str) -> dict[str, str]:
    """Settings by fingerprint: whole values of high sensitivity, each key of a list, and the password inside each URL.

    Values under eight characters are often equal by chance, so only credentials' passwords may be shorter.
    """
    result: dict[str, str] = {}
    for name in sorted(values, key=lambda name: (name.endswith(")"), name)):  # a setting's name comes first
        how = sensitivity.get(name, "high")
        texts = redaction.maskable({name: values[name]}, {name: how})
        # A URL of medium sensitivity, or a host, may be shared; the password in it may not.
        texts += [item for item in items(values[name]) if how == "high" and len(item) >= redaction.SHORTEST]
        texts += [values[name]] if name.endswith(CREDENTIAL) else []
        for text in texts if how == "high" else [text for text in texts if text != values[name]]:
            result.setdefault(of_value(key, text.strip()), name)
    return result


def passwords(catalog: Catalog, contents: Contents) -> dict[str, str]:
    """Password of each credential, if a place holds it."""
    by_credential = {
        f"{name}{CREDENTIAL}": credential_graph.find(catalog, credential, contents).login.password
        for name, credential in catalog.credentials.items()
    }
    return {name: password for name, password in by_credential.items() if password}


def shared(own: Mapping[str, str], other: Mapping[str, str]) -> list[dict[str, str]]:
    """Pairs of settings with the same value."""
    pairs: set[tuple[str, str]] = {(own[mac], other[mac]) for mac in set(own) & set(other)}
    return [{"own": mine, "other": theirs} for mine, theirs in sorted(pairs)]


def signing_settings(catalog: Catalog) -> list[str]:
    settings = {
        name
        for credential in catalog.credentials.values()
        if credential.kind == DJANGO_SECRET_KEY
        for name in credential.settings
    }
    settings |= {
        credential.fallbacks
        for credential in catalog.credentials.values()
        if credential.kind == DJANGO_SECRET_KEY and credential.fallbacks
    }
    return sorted(settings | ({"SECRET_KEY"} & set(catalog.settings)))


def as_data(
    catalog: Catalog, own: Mapping[str, str], others: Mapping[str, Mapping[str, str]], unread: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "compared": len(own),
        "signing": signing_settings(catalog),
        "others": {name: shared(own, entry) for name, entry in others.items()},
        "unread": dict(unread),
    }
