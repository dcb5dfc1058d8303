# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.module_utils._core import redaction
from ansible_collections.watchparty.secrets.plugins.modules import env_copies
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import remote_program, transport_guard
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.registered_results import registered

TRY_SECONDS = 5
"""Seconds for an address that never answers."""


class ActionModule(ActionBase):
    """Takes the name of a registered result, and sends its values on standard input."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = dict(self._task.args)
        remote_program.refuse_internal(args, ("values",), module="env_copies", give="leaked")
        params = remote_program.validated(env_copies.ARGUMENT_SPEC, args)
        dead = registered(params["leaked"], task_vars, having="dead")["dead"] if params["leaked"] else {}
        transport_guard.require(self._connection, self._task)
        values = {str(name): [str(text) for text in texts] for name, texts in dead.items()}
        masked = [text for texts in values.values() for text in texts]
        try:
            answer = remote_program.execute(
                self,
                env_copies,
                args={**params, "values": values},
                task_vars=task_vars or {},
                seconds=params["seconds"] + TRY_SECONDS * len(params["health"]),
            )
        except AnsibleActionFail as error:
            raise AnsibleActionFail(redaction.scrub(str(error), masked)) from None
        clean: dict[str, Any] = redaction.scrub(answer, masked)
        return {**result, **clean}
