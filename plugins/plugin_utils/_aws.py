# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The adapter through which in-process plugins use amazon.aws's connection options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible_collections.amazon.aws.plugins.plugin_utils.base import AWSPluginBase

from ansible_collections.watchparty.secrets.plugins.module_utils._stores.aws import CLIENT_CONFIG


class AwsConnection(AWSPluginBase):
    """Makes clients from options named as in amazon.aws."""

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self.ansible_name = name
        self._options = dict(options)

    def get_options(self) -> dict[str, Any]:
        return self._options

    def _do_fail(self, message: str) -> Any:
        raise AnsibleActionFail(message)

    def store_client(self, service: str) -> Any:
        """A client with our retries; what the user gives in aws_config wins."""
        config = {**CLIENT_CONFIG, **(self._options.get("aws_config") or {})}
        self._options["aws_config"] = config
        return self.client(service)
