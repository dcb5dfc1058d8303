# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    catalog_parser,
    kind_names,
    redaction,
    server_addresses,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Purge
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import purge_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import (
    environment,
    remote_program,
    transport_guard,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.registered_results import registered
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_action import not_reached

NAME = "watchparty.secrets.valkey_purge"
KINDS = ["cache", "sessions"]
SECONDS = 600
"""Seconds for millions of keys."""
OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "snapshot": {"type": "str"},
    "entries": {"type": "list", "elements": "str"},
    "kinds": {"type": "list", "elements": "str", "choices": KINDS, "default": KINDS},
    "batch": {"type": "int", "default": 500},
    "python": {"type": "str"},
}


class ActionModule(ActionBase):
    """Finds the URLs on the controller and sends them on standard input, never in the task's arguments."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec({**aws_argument_spec(), **OPTIONS})
        transport_guard.require(self._connection, self._task)
        masked: list[str] = []
        try:
            params = self._params(args, task_vars or {}, masked)
            if not params["chosen"]:
                message = "the catalog has no entry of this kind under purge"
                return {**result, "changed": False, "count": 0, "milliseconds": 0, "purged": [], "msg": message}
            valid = remote_program.validated(purge_main.ARGUMENT_SPEC, params)
            answer = remote_program.execute(
                self,
                purge_main,
                args=valid,
                task_vars=task_vars or {},
                packages=True,
                private=True,
                python=args["python"],
                seconds=SECONDS,
            )
        except AnsibleConnectionFailure as error:
            return {**result, **not_reached(self, task_vars, error)}
        except (SecretsError, AnsibleActionFail) as error:
            message = redaction.scrub(str(error), masked)
            return {**result, "failed": True, "msg": message, "error_type": type(error).__name__}
        clean: dict[str, Any] = redaction.scrub(answer, masked)
        return {**result, **clean}

    def _params(self, args: dict[str, Any], task_vars: Mapping[str, Any], masked: list[str]) -> dict[str, Any]:
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        chosen = _chosen(catalog, args["entries"], args["kinds"])
        if not chosen:
            return {"chosen": []}
        values, sensitivity = self._values(args, task_vars)
        masked += redaction.maskable(values, sensitivity)
        other_purges = [purge for purge in catalog.purge.values() if purge.kind == "sessions" and purge not in chosen]
        # Remaining sessions matter only if the application has the setting.
        other_purges = [purge for purge in other_purges if values.get(purge.setting)]
        brokers = [name for name, setting in catalog.settings.items() if setting.broker and values.get(name)]
        for purge in chosen:
            if not values.get(purge.setting):
                raise NotFound(
                    f"purge.{purge.name}: {purge.setting} has no value in {catalog.environment}; store "
                    f"it: ansible-playbook watchparty.secrets.set -e set_names={purge.setting}"
                )
        needed = {purge.setting for purge in (*chosen, *other_purges)} | set(brokers)
        return {
            "chosen": [_as_data(purge) for purge in chosen],
            "spared_sessions": [_as_data(purge) for purge in other_purges],
            "brokers": brokers,
            "urls": {name: values[name] for name in sorted(needed)},
            "nodes": {name: server_addresses.of_setting(catalog, name, kind_names.VALKEY) for name in sorted(needed)},
            "batch": args["batch"],
        }

    def _values(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> tuple[dict[str, str], Mapping[str, str]]:
        name = args["snapshot"]
        if name is None:
            connection = AwsConnection(NAME, args)
            connection.require_aws_sdk()
            request = environment.ReadRequest(
                document=args["catalog"], environment=args["environment"], journal="optional"
            )
            read = environment.read(request, connection)
            levels = {name: setting.sensitivity for name, setting in read.catalog.settings.items()}
            return dict(read.resolution.values), levels
        values = registered(name, task_vars, having="settings")
        return {str(key): value for key, value in values["settings"].items()}, values.get("sensitivity", {})


def _chosen(catalog: Catalog, names: list[str] | None, kinds: list[str]) -> list[Purge]:
    unknown = [name for name in names or () if name not in catalog.purge]
    if unknown:
        entries = ", ".join(catalog.purge) or "none"
        raise NotFound(f"{', '.join(unknown)}: is not an entry of purge in the catalog; its entries: {entries}")
    return [purge for name, purge in catalog.purge.items() if (names is None or name in names) and purge.kind in kinds]


def _as_data(entry: Purge) -> dict[str, Any]:
    return {"name": entry.name, "kind": entry.kind, "setting": entry.setting, "keys": list(entry.keys)}
