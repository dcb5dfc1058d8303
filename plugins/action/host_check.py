# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_files
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_services import of_services
from ansible_collections.watchparty.secrets.plugins.modules import host_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import (
    inventory_request,
    remote_program,
    transport_guard,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.inventory_environment import host_names
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.registered_results import registered
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import env_drift

SET_HERE = ("fingerprint_key", "sensitive", "patterns", "files", "inventory_key", "inventory_known")


class ActionModule(ActionBase):
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = dict(self._task.args)
        remote_program.refuse_internal(args, SET_HERE, module="host_check", give="info")
        info = _info(args, task_vars or {})
        known: Mapping[str, Any] = info.get("expected", {})
        args |= {"fingerprint_key": known.get("key")}
        args |= {name: known.get(name, []) for name in ("sensitive", "patterns")}
        files = [catalog_files.output_file(data) for data in known.get("files", ())]
        args["files"] = [file.data for file in catalog_files.of_host(files, host_names(task_vars or {}))]
        args |= inventory_request.options(
            info.get("host_baseline", {}), remote_program.host_of(self, task_vars or {}), remote_program.user_of(self)
        )
        if "readers" in known:
            args.setdefault("readers", known["readers"])
        transport_guard.require(self._connection, self._task)
        params = remote_program.validated(host_check.ARGUMENT_SPEC, args)
        params["managed"] = of_services(params["managed"], params["services"])
        seconds = len(params["health"]) * params["timeout"]
        answer = remote_program.execute(self, host_check, args=params, task_vars=task_vars or {}, seconds=seconds)
        return {**result, **env_drift.judge(known, answer, params["managed"])}


def _info(args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fingerprints of the stores' values, and input for the host's baseline. Raises AnsibleActionFail."""
    name = args.get("info")
    return registered(name, task_vars, having="expected") if name is not None else {}
