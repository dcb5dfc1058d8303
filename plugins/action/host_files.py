# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.modules import host_files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import remote_program


class ActionModule(ActionBase):
    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = remote_program.validated(host_files.ARGUMENT_SPEC, self._task.args)
        return {**result, **remote_program.execute(self, host_files, args=args, task_vars=task_vars or {})}
