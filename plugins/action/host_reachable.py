# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import time
from typing import Any, Optional

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.modules import host_reachable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import remote_program

PAUSE = 2.0
"""Seconds between attempts."""


class ActionModule(ActionBase):
    TRANSFERS_FILES = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = remote_program.validated(host_reachable.ARGUMENT_SPEC, self._task.args)
        end = time.monotonic() + args["seconds"]
        while True:
            try:
                answer = remote_program.execute(self, host_reachable, args=args, task_vars=task_vars or {})
                return {**result, **answer}
            except AnsibleConnectionFailure as error:
                if not args["seconds"]:
                    raise
                if time.monotonic() + PAUSE > end:
                    return {**result, "failed": True, "msg": str(error)}
            time.sleep(PAUSE)
