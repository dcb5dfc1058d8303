# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.module_utils import (
    _envfile,
    _errors,
    _health,
    _services,
    _systemd,
)
from ansible_collections.watchparty.secrets.plugins.modules import env_services
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _lean
from ansible_collections.watchparty.secrets.plugins.plugin_utils._registered import registered

USES = (_errors, _envfile, _health, _systemd, _services)


class ActionModule(ActionBase):
    """One execution on the host, from standard input; no value is sent."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        if "snapshot_id" in self._task.args:
            raise AnsibleActionFail("env_services sets snapshot_id itself; give snapshot")
        params = _lean.validated(env_services.ARGUMENT_SPEC, self._task.args)
        params["snapshot_id"] = registered(params["snapshot"], task_vars, having="snapshot_id", kind=str)["snapshot_id"]
        return {**result, **_lean.execute(self, env_services, USES, args=params, task_vars=task_vars or {})}
