# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Provisioning of secrets in the store that a name belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import (
    OUTSIDE_AWS,
    SECRETS_MANAGER,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import registry
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.provisioning_interfaces import (
    ExistingEntry,
    SecretMaking,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secret_stores import ByName
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.aws_stores import MakingSecrets


class MakingByName(ByName[SecretMaking], SecretMaking):
    def merge(self, name: str, content: str, *, version: str, instead_of: str | None) -> None:
        self.of(name).merge(name, content, version=version, instead_of=instead_of)

    def _kept(self, name: str) -> ExistingEntry:
        return self.of(name)._kept(name)

    def _update(self, name: str, description: str | None, key: str | None) -> None:
        self.of(name)._update(name, description, key)

    def _tag(self, name: str, tags: Mapping[str, str]) -> None:
        self.of(name)._tag(name, tags)

    def _replicate(self, name: str, regions: tuple[str, ...]) -> None:
        self.of(name)._replicate(name, regions)

    def _schedule_deletion(self, name: str, days: int) -> None:
        self.of(name)._schedule_deletion(name, days)

    def _restore(self, name: str) -> None:
        self.of(name)._restore(name)


def making_stores(client: Callable[[str], Any]) -> SecretMaking:
    outside: dict[str, Callable[[], Any]] = {name: partial(registry.OPEN[name], client) for name in OUTSIDE_AWS}
    return MakingByName({SECRETS_MANAGER: lambda: MakingSecrets(client("secretsmanager")), **outside})
