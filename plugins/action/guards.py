# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import copy
from typing import Any, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Runs on the controller, before any read."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={
                "environment": {"type": "str", "required": True},
                "hosts": {"type": "list", "elements": "str", "required": True},
            }
        )
        hostvars = (task_vars or {})["hostvars"]
        wrong = [
            f"{host} declares {found or 'none'}"
            for host in args["hosts"]
            if (found := self._declared(hostvars, host)) != args["environment"]
        ]
        if wrong:
            raise AnsibleActionFail(
                f"Nothing was read: app_environment is {args['environment']}, but {'; '.join(wrong)}. "
                "Set app_environment for the host in the inventory, or leave the host out with --limit"
            )
        return {**result, "changed": False, "hosts": args["hosts"]}

    def _declared(self, hostvars: Any, host: str) -> Optional[str]:
        """What the inventory says of the host; an extra variable of the same name would hide it."""
        manager = copy.copy(hostvars._variable_manager)
        manager._extra_vars = {}
        found = manager.get_vars(host=hostvars._inventory.get_host(host), include_hostvars=False).get("app_environment")
        return str(self._templar.template(found)) if found is not None else None
