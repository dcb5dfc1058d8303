# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one environment holds, to compare it with another: fingerprints under one run's key."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import VersionedStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment import Environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import shared_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.cached_stores import ReadOnce


def fingerprints(read: Environment, secrets: ReadOnce | VersionedStore, key: str) -> dict[str, str]:
    """Of settings, and of credentials that stand in secrets alone, such as an administrator's. Raises SecretsError."""
    names = set(credential_graph.every_secret(read.catalog)) - set(read.contents.readings)
    apart = secrets.read(sorted(names))
    if apart.denials:
        raise SecretsError("; ".join(apart.denials))
    passwords = shared_values.passwords(read.catalog, read.contents | apart)
    sensitivity = {**read.resolution.sensitivity, **dict.fromkeys(passwords, "high")}
    return shared_values.fingerprints({**read.resolution.values, **passwords}, sensitivity, key)
