# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Base of env_snapshot and env_info."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import environment as _environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.access_propagation import access_wait
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_action import AwsAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection

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


class SnapshotAction(AwsAction):
    options = {**aws_argument_spec(), **OPTIONS}

    def perform(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        return {"changed": False, **self.answer(_environment.read(request_of(args), connection, access_wait()))}

    def answer(self, environment: _environment.Environment) -> dict[str, Any]:
        raise NotImplementedError


def request_of(args: Mapping[str, Any]) -> _environment.ReadRequest:
    return _environment.ReadRequest(
        document=args["catalog"],
        environment=args["environment"],
        secret_ids=tuple(args["secret_ids"]),
        ssm_path=args["ssm_path"],
        journal=args["journal"],
        on_missing=args["on_missing"],
        on_denied=args["on_denied"],
        rotation=args.get("rotation"),
        file=args.get("file"),
    )
