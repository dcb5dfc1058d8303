# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Optional

from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import announcer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.backends import AuditBody, body_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.log import (
    AuditLog,
    attempted,
    recorded_and_announced,
)

OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["recorded", "verified", "rebuilt"], "required": True},
    "record": {"type": "dict"},
    "head": {"type": "dict"},
    "path": {"type": "path"},
    "changelog": {"type": "path"},
}


class ActionModule(ControllerAction):
    options = {**aws_argument_spec(), **OPTIONS}
    conditions = {"required_if": [("state", "recorded", ["record"]), ("state", "rebuilt", ["path"])]}

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        answer = attempted(lambda: self._answer(args), required=True)
        if not self._task.diff:
            answer.pop("diff", None)
        return answer

    def _answer(self, args: Mapping[str, Any]) -> dict[str, Any]:
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        connection = AwsConnection("watchparty.secrets.audit_log", args)
        log = AuditLog(
            catalog,
            _body(catalog, connection, args),
            head=audit_chain.head_of(args["head"]),
            path=args["path"],
            changelog=args["changelog"],
            environ=os.environ,
        )
        write = not self._task.check_mode
        if args["state"] == "recorded" and write:
            log.require_place()
            announcer_ = announcer.announcer_of(catalog, connection.announcing_client)
            answer = recorded_and_announced(log, args["record"], announcer_, required=True)
            return {**answer, "warnings": answer.pop("unannounced")}
        if args["state"] == "recorded":
            return log.recorded(args["record"], write=False)
        return log.rebuilt(write=write) if args["state"] == "rebuilt" else log.verified()


def _body(catalog: Catalog, connection: AwsConnection, args: Mapping[str, Any]) -> Optional[AuditBody]:
    suit(connection, catalog, check_account=bool(catalog.audit_log))
    if not catalog.audit_log:
        return None
    connection.require_aws_sdk()
    return body_of(catalog, connection.store_client)
