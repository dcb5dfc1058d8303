# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A callback for tests that holds a run at the start of tasks, or before acts of the engine, named in PAUSE_AT.

That is a JSON list. At each it makes the file ``PAUSE_DIRECTORY/<n>``, with the name in it, and waits until that is
gone.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from runpy import run_path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: pause_at
type: aggregate
short_description: holds the run at tasks
description: For tests.
"""


ENGINE_ACTS = Path(__file__).resolve().parents[1] / "engine_acts.py"
"""Beside this folder, where Ansible's loader of callbacks does not look."""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "pause_at"

    def __init__(self) -> None:
        super().__init__()
        self._names = json.loads(os.environ.get("PAUSE_AT", "[]"))
        if self._names:  # Ansible loads every callback of the folder
            self._directory = Path(os.environ["PAUSE_DIRECTORY"])
            self._count = self._directory / "count"
            self._count.write_text("0")
            run_path(str(ENGINE_ACTS))["before_each"](self._hold)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._hold(task.get_name().rpartition(" : ")[2])

    def _hold(self, name: str) -> None:
        if name not in self._names:
            return
        held = int(self._count.read_text()) + 1  # in a file, since workers are processes of their own
        self._count.write_text(str(held))
        file = self._directory / str(held)
        beside = file.with_suffix(".new")
        beside.write_text(name)
        beside.rename(file)
        while file.exists():
            time.sleep(0.05)
