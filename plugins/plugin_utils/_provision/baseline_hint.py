# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hint at the end of provisioning if no baseline was recorded.

Provisioning itself records none: all that exists by then would count as expected, even an attacker's login.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.baseline_store import baseline_of

SECONDS = 5.0


def hint(catalog: Catalog, client: Callable[[str], Any], inventories: Sequence[str]) -> str:
    """A hint with the command that records a baseline. Empty if a baseline exists or cannot be read."""
    try:
        store = baseline_of(catalog, client)
        if store is None or store.read()[0]:
            return ""
    except SecretsError:
        return ""
    options = [part for inventory in inventories for part in ("-i", inventory)]
    command = [
        "ansible-playbook",
        *options,
        "watchparty.secrets.baseline",
        "-e",
        f"app_environment={catalog.environment}",
    ]
    return f"no baseline was recorded. After the first deploy, record it: {shlex.join(command)}"
