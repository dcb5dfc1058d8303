# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Creation of secrets in Vault."""

from __future__ import annotations

import json
from typing import Mapping, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.interfaces import Form
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.provisioning_interfaces import (
    ExistingEntry,
    SecretMaking,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.vault_secrets import (
    VERSION,
    VaultSecrets,
    path_of,
)

DESCRIPTION = "Description"
"""The key of the description in custom metadata. Each tag has a key of its own."""


class MakingVault(SecretMaking, VaultSecrets):
    """A KV engine. Custom metadata holds descriptions and tags. Keys, replicas and policies belong to the server."""

    def merge(self, name: str, content: str, *, version: str, instead_of: Optional[str]) -> None:
        """Writes the content, unless another version than ``instead_of`` is current. Stages nothing."""
        number = self._base(name, self._metadata(name), instead_of) if instead_of else 0
        self._patch(name, {f"{VERSION}{self._write(path_of(name), name, content, number)}": version})

    def _kept(self, name: str) -> ExistingEntry:
        metadata = self._metadata(name)
        tags = {key: value for key, value in metadata["custom_metadata"].items() if not key.startswith("watchparty-")}
        return ExistingEntry(
            name, Form(tags.pop(DESCRIPTION, ""), tags=tags), deleted=bool(metadata["gone"].get(metadata["current"]))
        )

    def _create(self, name: str, content: str, version: str, form: Form) -> None:
        super()._create(name, content, version, form)
        self._patch(name, {**form.tags, DESCRIPTION: form.description})

    def _update(self, name: str, description: Optional[str], key: Optional[str]) -> None:
        if description is not None:
            self._patch(name, {DESCRIPTION: description})

    def _tag(self, name: str, tags: Mapping[str, str]) -> None:
        self._patch(name, tags)

    def _replicate(self, name: str, regions: Tuple[str, ...]) -> None:
        raise StoreError(
            f"secret {name}: Vault cannot replicate a single secret; remove the secret's replicas from the catalog"
        )

    def _schedule_deletion(self, name: str, days: int) -> None:
        self._soft("delete", name)

    def _restore(self, name: str) -> None:
        self._soft("undelete", name)

    def _soft(self, act: str, name: str) -> None:
        body = json.dumps({"versions": [self._metadata(name)["current"]]})
        self._client.write("post", self._client.secret(act, path_of(name)), f"the {act} of secret {name}", body)
