# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.plugin_utils._declared import environment_of


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
                "undeclared": {"type": "bool", "default": False},
            }
        )
        hostvars = (task_vars or {})["hostvars"]
        hosts, accepted = args["hosts"], [args["environment"]]
        if args["undeclared"]:
            # A controller that the inventory does not name has the variables of all hosts, and none of its own.
            hosts, accepted = [host for host in hosts if host in hostvars._inventory.hosts], [args["environment"], None]
        wrong = [
            f"{host} declares {found or 'none'}"
            for host in hosts
            if (found := environment_of(host, hostvars, self._templar)) not in accepted
        ]
        if wrong:
            whole = ", or all of them with -e app_hosts=localhost" if args["undeclared"] else ""
            raise AnsibleActionFail(
                f"Nothing was read: app_environment is {args['environment']}, but {'; '.join(wrong)}. "
                f"Set app_environment for the host in the inventory, or leave the host out with --limit{whole}"
            )
        return {**result, "changed": False, "hosts": hosts}
