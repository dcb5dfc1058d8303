# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares one environment's values with the others', by fingerprints under one run's key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import VersionedStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secret_stores import secret_stores
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment import Environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import shared_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.cached_stores import ReadOnce


def fingerprints(read: Environment, secrets: ReadOnce | VersionedStore, key: str) -> dict[str, str]:
    """Fingerprints of settings, and of credentials that only secrets hold, as administrators'. Raises SecretsError."""
    names = set(credential_graph.every_secret(read.catalog)) - set(read.contents.readings)
    apart = secrets.read(sorted(names))
    if apart.denials:
        raise SecretsError("; ".join(apart.denials))
    passwords = shared_values.passwords(read.catalog, read.contents | apart)
    sensitivity = {**read.resolution.sensitivity, **dict.fromkeys(passwords, "high")}
    return shared_values.fingerprints({**read.resolution.values, **passwords}, sensitivity, key)


def compare_environments(
    document: Mapping[str, Any],
    catalog: Catalog,
    connection: AwsConnection,
    own: Mapping[str, str],
    read: Callable[[str, AwsConnection], Environment],
    key: str,
) -> dict[str, Any]:
    """``own`` are this environment's fingerprints; ``read`` reads another environment."""
    others: dict[str, Any] = {}
    unread: dict[str, str] = {}
    for name in sorted(document.get("environments") or {}):
        if name == catalog.environment:
            continue
        try:
            others[name] = _other(catalog_parser.parse(document, name), catalog, connection, read, key)
        except SecretsError as error:
            unread[name] = one_line(error)
    return shared_values.as_data(catalog, own, others, unread)


def _other(
    other: Catalog,
    catalog: Catalog,
    connection: AwsConnection,
    read: Callable[[str, AwsConnection], Environment],
    key: str,
) -> dict[str, str]:
    account = other.expected_account_id
    if account and catalog.expected_account_id and account != catalog.expected_account_id:
        raise SecretsError(
            f"its AWS account is {account}, and a run reads one account; compare the values by hand, or accept "
            "this result (-e verify_baseline=FILE)"
        )
    # Another connection, since the other environment may use another Vault server.
    connection = connection.in_region(other.region or connection.region)
    environment = read(other.environment, connection)
    failures = environment.contents.failures.values()
    denied = [str(failure) for failure in failures if failure.reason == "denied"]
    if denied:
        raise SecretsError("; ".join(denied))
    if not environment.resolution.values:
        raise SecretsError("the stores hold no values of this environment")
    return fingerprints(environment, secret_stores(connection.store_client), key)
