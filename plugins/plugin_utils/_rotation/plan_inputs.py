# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rotation is planned from, as it was read before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents, Description
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.provisioning_interfaces import is_key
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind

AWS_OWN = "alias/aws/"
"""How aliases of AWS's own keys begin."""


@dataclass(frozen=True)
class PlanInputs:
    """Everything that was read before a plan is made."""

    catalog: Catalog
    journal: Journal
    contents: Contents
    kinds: Mapping[str, Kind]
    now: datetime
    descriptions: Mapping[str, Description] = field(default_factory=dict)
    supplied: Mapping[str, Login] = field(default_factory=dict, repr=False)
    """New values that the operator gives."""
    against: Mapping[str, str] = field(default_factory=dict)
    """What its server or its provider has against rotating a credential."""
    mirrors: bool = False
    """Whether GitHub can be sent to."""
    leak: bool = False
    """Whether it is planned because of a leak."""
    former: Mapping[str, Contents] = field(default_factory=dict, repr=False)
    """By pending task that is due, or in a leak by each, the contents of the versions that it names."""
    parameters_key: str | None = None
    """The key of the parameters, where no secret tells the environment's."""
    stored: Mapping[str, str] = field(default_factory=dict)
    """By credential without a rotation in the journal, since when its value can be in the stores."""

    def key(self, secrets: Collection[str]) -> str | None:
        """The environment's key if it is in use; else the one of these secrets, which hold the same values."""
        own_key = self.catalog.aws.kms_key if self.catalog.aws else ""
        keys = {
            name: description.key
            for name, description in self.descriptions.items()
            if description.key and AWS_OWN not in description.key
        }
        if any(is_key(key, own_key) for key in (*keys.values(), self.parameters_key)):
            return own_key
        return next((keys[name] for name in sorted(secrets) if name in keys), None)
