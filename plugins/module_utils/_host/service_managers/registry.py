# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The manager of each declared service. Standard library only; Python 3.8."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Type

from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.command import CommandManager
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.compose import ComposeManager
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.interface import ServiceManager
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.runit import RunitManager
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.supervisor import (
    SupervisorManager,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.systemd import SystemdManager

MANAGERS: Dict[str, Type[ServiceManager]] = {
    "systemd": SystemdManager,
    "compose": ComposeManager,
    "supervisor": SupervisorManager,
    "runit": RunitManager,
    "command": CommandManager,
}


def managers(units: Sequence[str], declared: Sequence[Mapping[str, Any]]) -> List[ServiceManager]:
    """Of these units of systemd, and of the catalog's other services."""
    own: List[ServiceManager] = [SystemdManager({"units": units})] if units else []
    return own + [MANAGERS[entry["manager"]](entry) for entry in declared]
