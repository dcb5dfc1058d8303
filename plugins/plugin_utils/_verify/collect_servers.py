# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What servers are asked and compared with: the stores' logins, and the baseline."""

from __future__ import annotations

import secrets
from dataclasses import replace

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.baseline_store import baseline_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import server_logins
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.cached_stores import Once
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.previous_values import Versions


def asked(
    catalog: Catalog, connection: AwsConnection, stores: Once, read: Versions, *, records: bool
) -> server_logins.Servers:
    """One that ``records`` a baseline asks each server for all that exists, with a new key where no baseline exists."""
    try:
        baseline, problem = _recorded(catalog, connection), ""
    except SecretsError as error:
        if records:
            raise
        baseline, problem = None, one_line(error)
    if records and baseline is None:
        baseline = ServerBaseline(catalog.application, catalog.environment, secrets.token_hex(32))
    further = set(credential_graph.every_secret(catalog)) - set(read.now.readings)
    read = replace(read, now=read.now | stores.secrets.read(sorted(further)))
    return server_logins.asked(catalog, read, baseline, problem, records=records)


def _recorded(catalog: Catalog, connection: AwsConnection) -> ServerBaseline | None:
    store = baseline_of(catalog, connection.store_client)
    return store.read()[0] if store else None
