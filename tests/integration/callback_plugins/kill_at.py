# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A callback for tests that kills the whole run, by SIGKILL, at the start of its task number KILL_AT.

With KILL_AT=0 it only counts: the names of the tasks go to the file KILL_LOG, one a line.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: kill_at
type: aggregate
short_description: kills the run at a task
description: For tests.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kill_at"

    def __init__(self) -> None:
        super().__init__()
        self._started = 0

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._started += 1
        with open(os.environ["KILL_LOG"], "a", encoding="utf-8") as log:
            log.write(f"{task.get_name().rpartition(' : ')[2]}\n")
        if self._started == int(os.environ["KILL_AT"]):
            os.killpg(0, signal.SIGKILL)
