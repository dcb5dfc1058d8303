# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_action import AwsAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.account_region import AccountRegion
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.mirror_function import MirrorDeployment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.values_action import require_region


class ActionModule(AwsAction):
    """Runs on the controller, in process."""

    name = "watchparty.secrets.mirror_function"
    options = {
        "catalog": {"type": "dict", "required": True},
        "environment": {"type": "str", "required": True},
    }
    waits_for_grants = True

    def asked(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        if catalog.mirror is None or catalog.mirror.function is None:
            return {"changed": False, "plan": []}
        suit(connection, catalog)
        require_region(connection.region, catalog)
        account, partition = aws_errors.identity(connection.store_client("sts"))
        place = AccountRegion(account, str(connection.region), partition)
        steps = MirrorDeployment(catalog, args["catalog"], place, connection.store_client).missing()
        for step in () if self._task.check_mode else steps:
            step.act()
        return {"changed": bool(steps), "plan": [step.message for step in steps]}
