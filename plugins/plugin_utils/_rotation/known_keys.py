# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Access keys and SSH keys that the stores hold, and those that the journal names: a rotation needs two at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_ages,
    credential_graph,
    fingerprints,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    Credential,
    labelled_names,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import REVOKE, Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import IAM_KEYS, SSH_KEY
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import records
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.account_inventory import KnownKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.account_reader import held_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import APART
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import phases_of, version_id


def known_keys(catalog: Catalog, secrets: Any, contents: Contents, journal: Journal) -> KnownKeys:
    """Access keys of the stores' ``contents``, and of versions that the journal names, read from ``secrets``."""

    def of_versions(pins: Mapping[str, str]) -> Contents:
        return contents.without(pins) | secrets.read(list(pins), pins=pins)

    ids = held_keys(catalog, contents)
    for task in journal.pending_tasks.values():
        if _of_iam(catalog, [task.credential]):
            ids |= held_keys(catalog, of_versions(task.secrets))
    rotation = journal.rotation
    rotating = _of_iam(catalog, rotation.plan.get("credentials", ())) if rotation else []
    if rotation is None or not rotating:
        return KnownKeys(ids)
    before, *after = [of_versions(pins) for pins in _pins(rotation)]
    ids = ids.union(*(held_keys(catalog, read) for read in (before, *after)))
    earliest = credential_ages.moment(rotation.since) - APART
    unnamed = [item for item in rotating if not _new_ids(catalog, item, before, after)]
    return KnownKeys(ids, {str(item.options.get("user")): earliest for item in unnamed})


def former_keys(catalog: Catalog, secrets: Any, journal: Journal, name: str) -> frozenset[str]:
    """Ids of a credential's previous keys that wait for a later revocation."""
    tasks = [task for task in journal.pending_tasks.values() if task.credential == name and task.act == REVOKE]
    all_contents = [secrets.read(list(task.secrets), pins=task.secrets) for task in tasks]
    ids = [
        credential_graph.find(catalog, catalog.credentials[name], contents).login.username for contents in all_contents
    ]
    return frozenset(key for key in ids if key)


def known_ssh_keys(catalog: Catalog, secrets: Any, contents: Contents, journal: Journal) -> list[dict[str, str]]:
    """SSH keys that a host may have, with account and file. Reads places missing in ``contents``."""
    credentials = [credential for credential in catalog.credentials.values() if credential.kind == SSH_KEY]
    places = [spot.place for credential in credentials for spot in credential_graph.spots(catalog, credential)]
    contents = contents | secrets.read(sorted(set(labelled_names(places)) - set(contents.readings)))
    names = {credential.name for credential in credentials}
    pins = [task.secrets for task in journal.pending_tasks.values() if task.credential in names]
    rotation = journal.rotation
    if rotation and names.intersection(rotation.plan.get("credentials", ())):
        pins += _pins(rotation)
    keys: dict[tuple[str, str], dict[str, str]] = {}
    pinned_contents = [contents.without(pinned) | secrets.read(list(pinned), pins=pinned) for pinned in pins]
    for each in (contents, *pinned_contents):
        for credential in credentials:
            blob = records.public_part(credential_graph.find(catalog, credential, each).login.password or "")
            if blob:
                key = {"fingerprint": fingerprints.of_ssh_key(blob), "account": credential.options.get("user") or ""}
                key["file"] = credential.options.get("authorized_keys") or ""
                keys[credential.name, key["fingerprint"]] = key
    return list(keys.values())


def _pins(rotation: OpenRotation) -> Iterator[dict[str, str]]:
    """Versions that the rotation replaces, then its own."""
    planned = dict(rotation.plan.get("secrets", {}))
    yield planned
    for phase in phases_of(rotation):
        yield {name: version_id(rotation.id, name, phase) for name in planned}


def _of_iam(catalog: Catalog, names: Iterable[str]) -> list[Credential]:
    credentials = [catalog.credentials[name] for name in names if name in catalog.credentials]
    return [credential for credential in credentials if credential.kind in IAM_KEYS]


def _new_ids(catalog: Catalog, item: Credential, before: Contents, after: Iterable[Contents]) -> set[str | None]:
    old, *new = [credential_graph.find(catalog, item, read).login.username for read in (before, *after)]
    return {*new} - {None, old}
