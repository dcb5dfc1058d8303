# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What former versions still open: what can be tried from the controller alone is tried here."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, names_in
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import PREVIOUS, Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import VAULT
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secret_stores import secret_stores
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.vault_secrets import VaultSecrets
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import access_key_preconditions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import previous_values, try_previous_keys


class Versions(NamedTuple):
    """What the stores hold now, what they held before, and the journal that tells of it."""

    now: Contents
    before: Contents
    journal: _journal.Journal

    def tries(self, catalog: Catalog) -> list[previous_values.Try]:
        """What can be tried, with values."""
        return previous_values.tries(catalog, self.now, self.before, self.journal)


def in_vault(catalog: Catalog, connection: AwsConnection) -> list[str]:
    """The secrets in Vault that have a version before the current one."""
    store, found = secret_stores(connection.store_client), []
    for name in names_in(VAULT, credential_graph.every_place(catalog)):
        with suppress(NotFound):
            found += [name] if PREVIOUS in store.describe(name).stages else []
    return found


def staged_in_vault(catalog: Catalog, connection: AwsConnection) -> list[str]:
    """The staged versions in Vault, each as the secret that holds it."""
    names = names_in(VAULT, credential_graph.every_place(catalog))
    store = VaultSecrets(connection.store_client(VAULT)) if names else None
    return [f"{name}-staged/{version}" for name in names if store for version in store.staged(name)]


def states(
    catalog: Catalog,
    read: Versions,
    values: Mapping[str, str],
    tries: list[previous_values.Try],
    connection: AwsConnection,
) -> dict[str, Any]:
    """State and words by credential."""
    result = previous_values.states(catalog, read.now, values, read.before, read.journal)
    for item in tries:
        if item.by == previous_values.BY_AWS:
            result[item.credential] = try_previous_keys.at_aws(access_key_preconditions.store(connection), item)
    return result
