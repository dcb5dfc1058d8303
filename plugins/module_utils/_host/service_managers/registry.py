# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Chooses the manager of each service."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Type

from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import ServiceManager
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.systemd import SystemdManager


def managers(units: Sequence[str], declared: Sequence[Mapping[str, Any]]) -> List[ServiceManager]:
    """Managers of systemd units and of the catalog's other services."""
    own: List[ServiceManager] = [SystemdManager({"units": units})] if units else []
    if not declared:
        return own  # every host pays for an import, and most services are units
    by_name = classes()
    return own + [by_name[entry["manager"]](entry) for entry in declared]


def classes() -> Dict[str, Type[ServiceManager]]:
    """Classes by the catalog's name."""
    from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers import (
        command,
        compose,
        runit,
        supervisor,
    )

    return {
        "systemd": SystemdManager,
        "compose": compose.ComposeManager,
        "supervisor": supervisor.SupervisorManager,
        "runit": runit.RunitManager,
        "command": command.CommandManager,
    }
