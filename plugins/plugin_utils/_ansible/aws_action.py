# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Base of actions that call AWS from the controller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.access_propagation import access_wait
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction


class AwsAction(ControllerAction):
    name = ""
    options = aws_argument_spec()
    waits_for_grants = False
    """Whether denied calls are repeated for a while, because the same playbook makes grants before."""

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        del task_vars
        connection = AwsConnection(self.name, args, wait=access_wait() if self.waits_for_grants else None)
        connection.require_aws_sdk()
        return self.perform(connection, args)

    def perform(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        """The result. Raises SecretsError."""
        raise NotImplementedError
