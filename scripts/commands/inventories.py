# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory of a command, and the catalog in it, read in this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible import constants
from ansible.inventory.host import Host
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.manager import VariableManager

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.scripts.commands import inventory_source

GROUP = "app_hosts"
ADDRESS = ("ansible_connection", "ansible_host", "ansible_port", "ansible_ssh_common_args", "ansible_ssh_extra_args")
"""Variables that tell how a host is reached. Passwords are not looked up."""


@dataclass(frozen=True)
class Inventory:
    loader: DataLoader
    manager: InventoryManager
    variables: VariableManager

    @property
    def paths(self) -> list[str]:
        return [str(path) for path in self.manager._sources]

    @property
    def sources(self) -> str:
        return ", ".join(self.paths)

    def _hosts(self) -> list[Host]:
        hosts: list[Host] = self.manager.get_hosts(GROUP) if GROUP in self.manager.groups else []
        return hosts

    def _declared(self, host: Host) -> Any:
        raw = self.variables.get_vars(host=host, include_hostvars=False)
        return Templar(loader=self.loader, variables=raw).template(raw.get("app_environment"))

    def hosts_of(self, environment: str) -> Iterator[Host]:
        """The application's hosts that declare this environment, or none."""
        return (host for host in self._hosts() if self._declared(host) in (environment, None))

    def environments(self) -> set[str]:
        return {str(name) for name in map(self._declared, self._hosts()) if name}

    def connection_of(self, host: Host) -> dict[str, Any]:
        """Variables with which Ansible connects to a host."""
        raw = self.variables.get_vars(host=host, include_hostvars=False)
        wanted = {name: raw[name] for name in ADDRESS if name in raw}
        result: dict[str, Any] = Templar(loader=self.loader, variables=raw).template(wanted)
        return result

    def document(self, environment: str) -> Any:
        """The catalog of the environment's first host. Raises SecretsError without one."""
        hosts = (*self._hosts()[:1], self.manager.localhost)
        host = next(self.hosts_of(environment), hosts[0])
        known = self.variables.get_vars(host=host, include_hostvars=False) | {"app_environment": environment}
        if "secrets_catalog" not in known:
            raise SecretsError(
                f"the inventory {self.sources} has no secrets_catalog; add it to group_vars/all, or give -i INVENTORY"
            )
        return Templar(loader=self.loader, variables=known).template(known["secrets_catalog"])


def opened(inventory: str | None) -> Inventory:
    loader = DataLoader()
    loader.set_basedir(str(Path.cwd()))
    _unlock(loader)
    manager = InventoryManager(loader=loader, sources=inventory_source.paths(inventory))
    return Inventory(loader, manager, VariableManager(loader=loader, inventory=manager))


def _unlock(loader: DataLoader) -> None:
    """Reads encrypted group_vars with the password file of Ansible's setting."""
    if constants.DEFAULT_VAULT_PASSWORD_FILE or constants.DEFAULT_VAULT_IDENTITY_LIST:
        from ansible.cli import CLI  # takes as long as the rest of the command

        identities = list(constants.DEFAULT_VAULT_IDENTITY_LIST)
        loader.set_vault_secrets(CLI.setup_vault_secrets(loader, vault_ids=identities, auto_prompt=False))
