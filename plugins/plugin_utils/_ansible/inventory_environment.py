# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inventory's data on a host: environment, name and groups."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any


def host_names(task_vars: Mapping[str, Any]) -> set[str]:
    """Names of this host in the catalog: its own and its groups'."""
    return {str(task_vars.get("inventory_hostname")), *task_vars.get("group_names", ())}


def environment_of(host: str, hostvars: Any, templar: Any) -> str | None:
    """The inventory's value for the host, which an extra variable of the same name would hide."""
    manager = copy.copy(hostvars._variable_manager)
    manager._extra_vars = {}
    environment = manager.get_vars(host=hostvars._inventory.get_host(host), include_hostvars=False).get(
        "app_environment"
    )
    return str(templar.template(environment)) if environment is not None else None
