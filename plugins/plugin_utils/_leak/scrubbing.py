# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scrubs revoked values once they are verified to be rejected."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import of_name
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parallel_calls import in_threads
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secret_stores import secret_stores
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import sync, sync_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import (
    revoked_values,
    scrub_aws,
    scrub_exceptions,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


def scrub(
    setting: RotationSetup,
    journal: Journal,
    secrets: Mapping[str, Sequence[str]],
    parameters: Sequence[str],
    credentials: Sequence[str],
) -> dict[str, Any]:
    """Scrubs versions and histories. Returns lines on successes (``scrubbed``) and failures (``not_scrubbed``).

    Includes other versions of the same secrets that hold a revoked value of ``credentials``, unless still needed.
    """
    client = setting.connection.store_client("secretsmanager")
    dead = revoked_values.dead(setting, credentials, secrets) if secrets else {}  # before histories are emptied
    (scrubbed_lines, cannot), (pushed, stuck) = in_threads(
        [
            partial(_denied, setting, client, journal, secrets, credentials, dead),
            partial(scrub_aws.push_out, setting.rotator.parameters, parameters),
        ]
    )
    refreshed, unknown = _refreshed(setting, journal, credentials)
    sent = [f"GitHub's {name} holds the new value, sent at {at}" for name, at in refreshed.items()]
    cannot = [*cannot, *stuck, *unknown, *_mirrors(setting.catalog, credentials, refreshed)]
    cannot.append("scrubbing does not undo earlier reads; a denied version stays in AWS until AWS removes it")
    return {"scrubbed": [*scrubbed_lines, *pushed, *sent], "not_scrubbed": cannot}


def _denied(
    setting: RotationSetup,
    client: Any,
    journal: Journal,
    secrets: Mapping[str, Sequence[str]],
    credentials: Sequence[str],
    dead: Mapping[str, Sequence[str]],
) -> tuple[list[str], list[str]]:
    versions, problems = revoked_values.holders(
        setting, journal, secrets, dead, lambda name: scrub_aws.denied_by(client, name) if _is_aws(name) else set()
    )
    needed = scrub_exceptions.spared(journal, credentials)
    needed_versions = [
        (name, version) for name, ids in versions.items() for version in ids if (name, version) in needed
    ]
    versions = {name: [version for version in ids if (name, version) not in needed] for name, ids in versions.items()}
    scrubbed_lines, cannot = scrub_aws.scrub(
        client,
        {name: some for name, some in versions.items() if _is_aws(name)},
        lambda region: setting.connection.in_region(region).store_client("secretsmanager"),
    )
    destroyed, untouched = _destroyed(setting, {name: some for name, some in versions.items() if not _is_aws(name)})
    spared_lines = [f"version {version} of {name} {needed[name, version]}" for name, version in needed_versions]
    return [*scrubbed_lines, *destroyed], [*cannot, *untouched, *problems, *spared_lines]


def _is_aws(name: str) -> bool:
    return of_name(name).is_aws


def _destroyed(setting: RotationSetup, versions: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """Destroys versions outside AWS. Returns lines on successes and on failures."""
    store, scrubbed_lines, cannot = secret_stores(setting.connection.store_client), [], []
    for name, some in versions.items():
        try:
            scrubbed_lines += store.destroy(name, some)
        except StoreError as error:
            cannot.append(str(error))
    return scrubbed_lines, cannot


def _refreshed(setting: RotationSetup, journal: Journal, names: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """GitHub's copies that hold the new values, with their times, and why this is unknown."""
    catalog = setting.catalog
    if not any(credential_graph.mirrored_names(catalog, catalog.credentials[name]) for name in names):
        return {}, []
    try:
        # GitHub holds the leaked value of a credential that was not replaced.
        mirrored = [
            mirrored_name
            for name in names
            if rotation_plan.is_replaced(journal, name)
            for mirrored_name in credential_graph.mirrored_names(catalog, catalog.credentials[name])
        ]
        stores = (setting.rotator.secrets, setting.rotator.parameters)
        return sync.refreshed(catalog, mirrored, stores), []
    except SecretsError as error:
        return {}, [f"it is unknown whether GitHub holds the new values: {error}"]


def _mirrors(catalog: Catalog, names: Sequence[str], refreshed: Mapping[str, str]) -> Iterator[str]:
    """Lines on GitHub's other copies. They cannot be read back, so they may be old values."""
    for name in names:
        for mirrored in credential_graph.mirrored_names(catalog, catalog.credentials[name]):
            if mirrored.upper() in refreshed:
                continue
            kind, command = _by_hand(catalog, mirrored)
            message = (
                f"GitHub's {kind} {mirrored} may hold the leaked {name}: replace it by '{command}', which asks for"
            )
            yield f"{message} the value"


def _by_hand(catalog: Catalog, name: str) -> tuple[str, str]:
    """GitHub's kind of the copy, and the command that replaces it."""
    setting, github = catalog.settings.get(name), catalog.github
    kind = (setting.github if setting else None) or sync_plan.SECRET
    command = f"gh {kind} set {name}"
    if github is None:
        return kind, command
    scope = (setting.github_scope if setting else None) or github.scope
    if scope == sync_plan.ORGANIZATION:
        # Without the list of repositories that share the copy, gh would change this list.
        return kind, f"{command} --org {github.organization} --repos {github.repository.partition('/')[2]},..."
    where = f" --env {shlex.quote(github.environment)}" if scope == sync_plan.ENVIRONMENT else ""
    return kind, f"{command} --repo {github.repository}{where}"
