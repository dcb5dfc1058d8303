# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_services import of_services
from ansible_collections.watchparty.secrets.plugins.modules import host_evidence
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import inventory_request, remote_program


class ActionModule(ActionBase):
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = remote_program.validated(host_evidence.ARGUMENT_SPEC, self._task.args)
        args["managed"] = of_services(args["managed"], args["services"])
        user = remote_program.user_of(self)
        args["known_keys"] = [{**key, "account": key["account"] or user or ""} for key in args["known_keys"]]
        host = remote_program.host_of(self, task_vars or {})
        args |= inventory_request.options(args.pop("baseline"), host, user)
        return {**result, **self._gather(args, task_vars or {})}

    def _gather(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        seconds = max(args["seconds"], args["look_seconds"])
        return remote_program.execute(self, host_evidence, args=args, task_vars=task_vars, seconds=seconds)
