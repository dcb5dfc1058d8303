# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import static_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.static_keys_store import StaticKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_action import AwsAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection

OPTIONS: dict[str, Any] = {
    "users": {"type": "list", "elements": "str", "required": True},
    "role": {"type": "str", "required": True},
    "within_days": {"type": "int", "default": 7},
    "idle_days": {"type": "int", "default": 1},
    "after_days": {"type": "int", "default": 7},
}


class ActionModule(AwsAction):
    """Runs on the controller, in process. Key ids are not secret, and secret keys are never read."""

    name = "watchparty.secrets.iam_static_keys"
    extra_options = OPTIONS

    def perform(self, connection: AwsConnection, args: Mapping[str, Any]) -> dict[str, Any]:
        return self._answer(connection, args, datetime.now(UTC))

    def _answer(self, connection: AwsConnection, args: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        client = connection.store_client("iam")
        access = AccessKeys(client, acting=client, sts=lambda _login: connection.store_client("sts"))
        store = StaticKeys(client, access)
        evidence = store.evidence(args["role"])
        static_keys.require_fresh(evidence, now, within_days=args["within_days"])
        keys = [key for user in dict.fromkeys(args["users"]) for key in store.of(user)]
        after, idle = args["after_days"], args["idle_days"]
        steps = static_keys.plan(keys, evidence, now, after_days=after, idle_days=idle, own=access.caller())
        acts = [step for step in steps if step.act != static_keys.WAIT]
        if not self._task.check_mode:
            for step in acts:
                store.apply(step, now)
        results = [
            {"user": key_step.key.user, "key": key_step.key.id, "act": key_step.act, "why": key_step.why}
            for key_step in steps
        ]
        used = timestamps.stamp(evidence.used) if evidence.used else ""
        return {"changed": bool(acts), "role": evidence.role, "role_used": used, "steps": results}
