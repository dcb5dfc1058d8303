# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Previous versions, and whether they still work if the controller alone can try them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial, reduce
from itertools import zip_longest
from operator import or_
from typing import Any, NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    labelled_names,
    names_outside_aws,
    numbered_names,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import PREVIOUS, Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import VersionedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secret_stores import secret_stores
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import access_key_preconditions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import previous_values, try_previous_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.cached_stores import (
    CachedStores,
    ParametersOnce,
    ReadOnce,
)

KEPT = 8
"""Limit of versions that are read before the previous one, for each secret or parameter."""


class Stored(NamedTuple):
    """Connection and stores, with contents that were already read."""

    connection: AwsConnection
    stores: CachedStores
    now: Contents
    described: Mapping[str, Mapping[str, Any]]
    """Secrets in Secrets Manager."""


def versions(catalog: Catalog, stored: Stored, journal: Journal) -> previous_values.Versions:
    secrets = stored.stores.secrets
    names = [name for name, item in stored.described.items() if PREVIOUS in item.get("stages", {})]
    names += outside_aws(catalog, stored.connection)
    unread = sorted(set(names) - set(stored.now.readings))  # administrators' secrets, which hold no setting
    before = secrets.read(names, stages=dict.fromkeys(names, PREVIOUS))
    read = previous_values.Versions(stored.now | secrets.read(unread), before, journal)
    return _with_older(catalog, stored.stores, secret_stores(stored.connection.store_client), read)


def _with_older(
    catalog: Catalog, stores: CachedStores, store: VersionedStore, read: previous_values.Versions
) -> previous_values.Versions:
    """Adds versions of servers' logins before the previous version, also versions without a label."""
    credentials = [item for item in catalog.credentials.values() if previous_values.at_servers(item)]
    places = [spot.place for item in credentials for spot in credential_graph.spots(catalog, item)]
    columns: list[list[Contents]] = []
    problems: list[str] = []
    for act in (
        *(partial(_secret, stores.secrets, store, name, read) for name in labelled_names(places)),
        *(partial(_parameter, stores.parameters, name, read) for name in numbered_names(places)),
    ):
        try:
            columns.append(act())
        except NotFound:
            continue
        except SecretsError as error:
            problems.append(one_line(error))
    rows = zip_longest(*columns, fillvalue=Contents())
    older = tuple(reduce(or_, row) for row in rows)
    problems += dict.fromkeys(denial for contents in older for denial in contents.denials)
    return replace(read, older=older, unread="; ".join(problems))


def _secret(secrets: ReadOnce, store: VersionedStore, name: str, read: previous_values.Versions) -> list[Contents]:
    """Newest first."""
    known = {contents.readings[name].version for contents in (read.now, read.before) if name in contents.readings}
    versions = [version for version in reversed(store.every_version(name)) if version not in known][:KEPT]
    return store.side_by_side([partial(secrets.read, [name], pins={name: version}) for version in versions])


def _parameter(parameters: ParametersOnce, name: str, read: previous_values.Versions) -> list[Contents]:
    current = read.now.readings.get(name)
    history = [item for item in reversed(parameters.history(name)) if not current or item.value != current.value]
    return [Contents({name: item}) for item in history[:KEPT]]


def outside_aws(catalog: Catalog, connection: AwsConnection) -> list[str]:
    """Secrets outside AWS that have a previous version."""
    store, names = secret_stores(connection.store_client), []
    for name in names_outside_aws(credential_graph.every_place(catalog)):
        with suppress(NotFound):
            names += [name] if PREVIOUS in store.describe(name).stages else []
    return names


def staged_outside_aws(catalog: Catalog, connection: AwsConnection) -> list[str]:
    """Staged versions outside AWS, each with its secret's name."""
    store, names = secret_stores(connection.store_client), names_outside_aws(credential_graph.every_place(catalog))
    return [f"{name}-staged/{version}" for name in names for version in store.staged(name)]


def states(
    catalog: Catalog,
    read: previous_values.Versions,
    values: Mapping[str, str],
    tries: list[previous_values.Try],
    connection: AwsConnection,
) -> dict[str, Any]:
    """State and message by credential."""
    result = previous_values.states(catalog, read, values)
    for item in tries:
        if item.by == previous_values.BY_AWS:
            keys = access_key_preconditions.store(connection, catalog.credentials[item.credential])
            result[item.credential] = try_previous_keys.at_aws(keys, item)
    return result
