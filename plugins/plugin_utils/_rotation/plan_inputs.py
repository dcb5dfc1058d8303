# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs of a rotation's plan."""

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
"""Prefix of aliases of AWS's own keys."""


@dataclass(frozen=True)
class PlanInputs:
    catalog: Catalog
    journal: Journal
    contents: Contents
    kinds: Mapping[str, Kind]
    now: datetime
    descriptions: Mapping[str, Description] = field(default_factory=dict)
    supplied: Mapping[str, Login] = field(default_factory=dict, repr=False)
    against: Mapping[str, str] = field(default_factory=dict)
    """Blockers from servers and providers, by credential."""
    mirrors: bool = False
    """Whether values can be synced to GitHub."""
    leak: bool = False
    """Whether a leak is the reason for the plan."""
    former: Mapping[str, Contents] = field(default_factory=dict, repr=False)
    """Contents of versions that pending tasks name, by task: due tasks, or in a leak its revocations."""
    parameters_key: str | None = None
    """KMS key of the parameters, if no secret shows the environment's key."""
    stored: Mapping[str, str] = field(default_factory=dict)
    """Earliest date of a stored value, by credential without a rotation in the journal."""

    def key(self, secrets: Collection[str]) -> str | None:
        """The environment's key if in use; else a key of these secrets, which hold the same values."""
        own_key = self.catalog.aws.kms_key if self.catalog.aws else ""
        keys = {
            name: description.key
            for name, description in self.descriptions.items()
            if description.key and AWS_OWN not in description.key
        }
        if any(is_key(key, own_key) for key in (*keys.values(), self.parameters_key)):
            return own_key
        return next((keys[name] for name in sorted(secrets) if name in keys), None)
