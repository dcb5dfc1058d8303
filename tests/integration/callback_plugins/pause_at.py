# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A callback for tests that holds a run at the start of tasks with the names in PAUSE_AT (a JSON list).

At each it makes the file ``PAUSE_DIRECTORY/<n>``, with the task's name in it, and waits until that is gone.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: pause_at
type: aggregate
short_description: holds the run at tasks
description: For tests.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "pause_at"

    def __init__(self) -> None:
        super().__init__()
        self._held = 0
        self._names = json.loads(os.environ["PAUSE_AT"])
        self._directory = Path(os.environ["PAUSE_DIRECTORY"])

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        name = task.get_name().rpartition(" : ")[2]
        if name not in self._names:
            return
        self._held += 1
        file = self._directory / str(self._held)
        beside = file.with_suffix(".new")
        beside.write_text(name)
        beside.rename(file)
        while file.exists():
            time.sleep(0.05)
