# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What env_snapshot and env_info share: their options, and the read."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _reading
from ansible_collections.watchparty.secrets.plugins.plugin_utils._aws import AwsConnection

CHOICES = ["error", "warn", "skip"]
OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "secret_ids": {"type": "list", "elements": "str", "default": []},
    "ssm_path": {"type": "str"},
    "journal": {"type": "str", "choices": ["required", "optional", "ignored"], "default": "required"},
    "on_missing": {"type": "str", "choices": CHOICES, "default": "warn"},
    "on_denied": {"type": "str", "choices": CHOICES, "default": "error"},
}


class SnapshotAction(ActionBase):
    """Runs on the controller, in process; nothing is sent to a host."""

    TRANSFERS_FILES = False
    _requires_connection = False
    name = ""
    extra_options: dict[str, Any] = {}

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={**aws_argument_spec(), **OPTIONS, **self.extra_options}
        )
        request = _reading.Request(
            document=args["catalog"],
            environment=args["environment"],
            secret_ids=tuple(args["secret_ids"]),
            ssm_path=args["ssm_path"],
            journal=args["journal"],
            on_missing=args["on_missing"],
            on_denied=args["on_denied"],
            file=args.get("file"),
        )
        try:
            connection = AwsConnection(self.name, args)
            connection.require_aws_sdk()
            environment = _reading.read(request, connection)
            return {**result, "changed": False, **self.answer(environment)}
        except SecretsError as error:
            return {**result, "failed": True, "msg": str(error), "error_type": type(error).__name__}

    def answer(self, environment: _reading.Environment) -> dict[str, Any]:
        raise NotImplementedError
