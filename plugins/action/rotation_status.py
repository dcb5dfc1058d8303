# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.registered_results import registered
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import metrics

OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "info": {"type": "str", "required": True},
}


class ActionModule(ActionBase):
    """Runs on the controller. What it tells holds names, dates and counts."""

    TRANSFERS_FILES = False
    _requires_connection = False
    name = "watchparty.secrets.rotation_status"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(argument_spec={**aws_argument_spec(), **OPTIONS})
        try:
            return {**result, **self._answer(args, task_vars or {})}
        except SecretsError as error:
            return {**result, "failed": True, "msg": str(error), "error_type": type(error).__name__}

    def _answer(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        report = registered(args["info"], task_vars, having="credentials", kind=list)
        connection = AwsConnection(self.name, args)
        suit(connection, catalog, check_account=False)
        return self._measured(catalog, report, connection)

    def _measured(self, catalog: Catalog, report: Mapping[str, Any], connection: AwsConnection) -> dict[str, Any]:
        found = metrics.metrics(report) if catalog.alerts else []
        if found and not self._task.check_mode:
            connection.require_aws_sdk()
            metrics.put(connection.store_client("cloudwatch"), catalog, found)
        return {"changed": False, "metrics": [str(one) for one in found]}
