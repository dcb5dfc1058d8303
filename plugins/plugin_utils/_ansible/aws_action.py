# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What actions share that ask AWS from the controller: options, a connection, and errors as failures in our words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.access_propagation import access_wait
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.paths import with_full_paths


class AwsAction(ActionBase):
    """Runs on the controller, in process; nothing is sent to a host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    name = ""
    options: Mapping[str, Any] = {}
    """Those that several actions have."""
    extra_options: Mapping[str, Any] = {}
    waits_for_grants = False
    """Whether it comes after grants of its own playbook, so that a denied call is repeated for a while."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        spec = {**aws_argument_spec(), **self.options, **self.extra_options}
        _validated, args = self.validate_argument_spec(argument_spec=spec)
        try:
            args = with_full_paths(args, spec)
            connection = AwsConnection(self.name, args, wait=access_wait() if self.waits_for_grants else None)
            connection.require_aws_sdk()
            return {**result, **self.asked(connection, args)}
        except SecretsError as error:
            return {**result, "failed": True, "msg": str(error), "error_type": type(error).__name__}

    def asked(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        """The result. Raises SecretsError."""
        raise NotImplementedError
