# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values of single settings that telling others needs, such as the address of a webhook, read when they are used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import Holdings
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import registry


@dataclass(frozen=True)
class SettingValues:
    """The stores behind a catalog's settings."""

    catalog: Catalog
    client: Callable[[str], Any] = field(repr=False)

    def value(self, name: str) -> str:
        """Raises SecretsError where it cannot be read."""
        setting = self.catalog.settings[name]
        place = setting.place
        if place is None:
            raise NotFound(f"setting {name} is in no store")
        contents = registry.current(self.catalog, [place], {place.store: registry.OPEN[place.store](self.client)})
        value = Holdings(contents).value(place, setting)
        if not value:
            reason = next((str(failure) for failure in contents.failures.values()), "it has no value")
            raise NotFound(f"setting {name} cannot be read: {reason}")
        return value
