# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results that the role's tasks registered, on each host or once for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.health_addresses import health_urls
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.host_results import is_verified

PREFIX = "leak_respond__"
SKIPPED = {"skipped": True}


class Results:
    """``variables`` are the task's, with Ansible's hostvars."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._hosts: Mapping[str, Any] = variables.get("hostvars") or {}

    def once(self, name: str) -> Mapping[str, Any]:
        return _mapping(self._variables.get(f"{PREFIX}{name}"))

    def of_each(self, name: str, hosts: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Results by host. Empty if the task did not run there."""
        return {host: _mapping(self.variable(host, f"{PREFIX}{name}")) for host in hosts}

    def variable(self, host: str, name: str, default: Any = None) -> Any:
        if host not in self._hosts:
            return default
        return self._hosts[host].get(name, default)

    def is_verified(self, host: str) -> bool:
        """Whether the host came back with the current values."""
        came_back, verification = (
            _mapping(self.variable(host, f"secret_rotate_{name}")) for name in ("came_back", "verification")
        )
        return "reachable" in came_back and is_verified(verification)

    def evicted(self, host: str) -> list[tuple[str, str]]:
        """Fingerprint and file of keys that the last wave removed along with a leaked one."""
        acts = _mapping(self.variable(host, "secret_rotate__acts")).get("results") or ()
        return [(name, str(act.get("file"))) for act in acts for name in act.get("evicted") or ()]

    def health_urls(self, services: Mapping[str, Any], host: str) -> list[str]:
        names = self.variable(host, "env_deploy_services")
        return health_urls(services, names, self.variable(host, "env_deploy_health_url"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
