# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.module_utils import (
    _copies,
    _envfile,
    _errors,
    _forms,
    _health,
    _redact,
    _safe_files,
)
from ansible_collections.watchparty.secrets.plugins.modules import env_copies
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _guard, _lean
from ansible_collections.watchparty.secrets.plugins.plugin_utils._registered import registered

USES = (_errors, _safe_files, _envfile, _forms, _copies, _health)
TRY_SECONDS = 5
"""What one address may take that never answers."""


class ActionModule(ActionBase):
    """Takes the name of what was registered, and hands the values over on standard input."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = dict(self._task.args)
        if "values" in args:
            raise AnsibleActionFail("env_copies sets values itself; give leaked")
        params = _lean.validated(env_copies.ARGUMENT_SPEC, args)
        dead = registered(params["leaked"], task_vars, having="dead")["dead"] if params["leaked"] else {}
        _guard.require(self._connection, self._task)
        values = {str(name): [str(one) for one in texts] for name, texts in dead.items()}
        masked = [one for texts in values.values() for one in texts]
        try:
            answer = _lean.execute(
                self,
                env_copies,
                USES,
                args={**params, "values": values},
                task_vars=task_vars or {},
                seconds=params["seconds"] + TRY_SECONDS * len(params["health"]),
            )
        except AnsibleActionFail as error:
            raise AnsibleActionFail(_redact.scrub(str(error), masked)) from None
        clean: dict[str, Any] = _redact.scrub(answer, masked)
        return {**result, **clean}
