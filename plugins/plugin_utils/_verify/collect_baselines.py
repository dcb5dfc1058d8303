# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The baseline, its request to hosts, and comparisons with the AWS account and GitHub."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.baseline_store import baseline_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import inventory_request
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import baseline_rows

Inventory = Mapping[str, Any]


@dataclass(frozen=True)
class BaselineRun:
    """The recorded baseline. ``problem`` says why it cannot be read."""

    recorded: ServerBaseline | None
    problem: str = ""
    is_recording: bool = False

    @classmethod
    def of(cls, catalog: Catalog, client: Callable[[str], Any], *, records: bool) -> BaselineRun:
        """Reads the baseline. A run that ``records`` raises SecretsError if that fails; it makes a missing one."""
        try:
            store = baseline_of(catalog, client)
            recorded = store.read()[0] if store else None
        except SecretsError as error:
            if records:
                raise
            return cls(None, one_line(error))
        if records and recorded is None:
            recorded = ServerBaseline(catalog.application, catalog.environment, secrets.token_hex(32))
        return cls(recorded, is_recording=records)

    def asked_hosts(self, known_keys: Callable[[], Sequence[Mapping[str, str]]]) -> dict[str, str]:
        """Encrypted request to hosts. Empty if no host is compared. ``known_keys`` reads the catalog's keys."""
        hosts = None if self.is_recording else inventory_request.recorded_hosts(self.recorded)
        if self.recorded is None or hosts == []:
            return {}
        return inventory_request.request(self.recorded.key, hosts, known_keys())

    def judged(self, place: str, read: Callable[[], Inventory], noun: str) -> dict[str, Any]:
        """Rows of a check; the result of ``read`` instead, if the run records. Reads only to record or compare."""
        source = self.recorded.sources.get(place) if self.recorded else None
        if self.is_recording:
            return {"place": place, "inventory": read()}
        if source is None:
            return {"place": place, "rows": [baseline_rows.unrecorded(place, self.problem)]}
        return {"place": place, "rows": list(baseline_rows.differences(place, source, read(), noun))}
