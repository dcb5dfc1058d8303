# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible.utils.display import Display
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.baseline_store import (
    BaselineStore,
    baseline_of,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import process_identity
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.registered_results import registered
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import (
    host_baselines,
    previous_values_results,
    record_baseline,
)

OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "info": {"type": "str", "required": True},
    "servers": {"type": "dict", "required": True},
    "hosts": {"type": "dict", "default": {}},
    "accept": {"type": "list", "elements": "str", "default": []},
    "reason": {"type": "str", "default": ""},
}
NO_JOURNAL = (
    "the catalog names no journal, and the baseline is stored beside the journal; set journal: {s3: bucket/prefix} in "
    "the catalog, then run ansible-playbook watchparty.secrets.provision"
)
OTHER = "another run recorded a baseline meanwhile; run the same command again"


class ActionModule(ControllerAction):
    options = {**aws_argument_spec(), **OPTIONS}

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        if args["accept"] and not args["reason"].strip():
            raise SecretsError("baseline_accept: the reason is missing; give it by -e baseline_reason='…'")
        info = registered(args["info"], task_vars, having="parts")
        unread = info.get("absent", {}).get("servers")
        if unread:
            raise SecretsError(f"nothing was recorded: {unread}")
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        store = self._store(catalog, args)
        baseline, version = store.read()
        present = baseline or ServerBaseline(catalog.application, catalog.environment, info["baseline_key"])
        if present.key != info["baseline_key"]:
            raise SecretsError(OTHER)
        expected = info["parts"].get("servers") or {}
        silence = previous_values_results.why_silent(args["servers"]) or "no host could query it"
        readings, problems = record_baseline.readings_of(expected, args["servers"].get("inspected") or {}, silence)
        readings, unread, further = record_baseline.with_accounts(readings, info["parts"], info.get("absent", {}))
        hosts, unread_of_hosts, host_problems = host_baselines.readings_of(args["hosts"])
        readings.update(hosts)
        at, reason = timestamps.stamp(datetime.now(UTC)), args["reason"].strip()
        operator = record_baseline.Operator(process_identity.me(), at, frozenset(args["accept"]), reason)
        own = {place: expected.get(place, {}).get("own", {}) for place in readings}
        recording = record_baseline.recorded(present, readings, own, operator)
        changed = recording.baseline != present
        if changed and not self._task.check_mode:
            store.replace(recording.baseline, version)
        recording.messages += [*unread, *unread_of_hosts]
        return {
            "changed": changed,
            **_outcome(recording, [*problems, *further, *host_problems], bool(expected or readings)),
        }

    @staticmethod
    def _store(catalog: Catalog, args: Mapping[str, Any]) -> BaselineStore:
        connection = AwsConnection("watchparty.secrets.server_baseline", args)
        suit(connection, catalog)
        store = baseline_of(catalog, connection.store_client)
        if store is None:
            raise SecretsError(NO_JOURNAL)
        return store


def _outcome(recording: record_baseline.Recording, problems: list[str], has_servers: bool) -> dict[str, Any]:
    open_items = [
        {"id": item.id, "place": item.place, "message": item.message, "undo": item.undo} for item in recording.left
    ]
    for line in recording.messages:
        Display().display(line)
    for item in recording.left:
        Display().display(f"{item.id}  {item.place}: {item.finding}")
    message = "; ".join(
        [
            *([] if has_servers else ["there is nothing to record"]),
            *([f"not recorded: {'; '.join(problems)}"] if problems else []),
            *(
                [f"{len(open_items)} difference{' is' if len(open_items) == 1 else 's are'} left. {ACCEPT}"]
                if open_items
                else []
            ),
        ]
    )
    return {"messages": recording.messages, "left": open_items, **({"failed": True, "msg": message} if message else {})}


ACCEPT = "Accept those that are yours by -e baseline_accept=ID,ID -e baseline_reason='…', and remove the others"
