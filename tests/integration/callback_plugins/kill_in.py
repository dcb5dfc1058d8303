# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A callback for tests that kills the whole run, by SIGKILL, at the first task, or act of the engine, named KILL_IN."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from runpy import run_path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: kill_in
type: aggregate
short_description: kills the run in a task
description: For tests.
"""


ENGINE_ACTS = Path(__file__).resolve().parents[1] / "engine_acts.py"
"""Beside this folder, where Ansible's loader of callbacks does not look."""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kill_in"

    def __init__(self) -> None:
        super().__init__()
        self._main = os.getpgrp()
        self._at = os.environ.get("KILL_IN")  # Ansible loads every callback of the folder
        if self._at:
            run_path(str(ENGINE_ACTS))["before_each"](self._kill)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._kill(task.get_name().rpartition(" : ")[2])

    def _kill(self, name: str) -> None:
        if name != self._at:
            return
        if os.getpgrp() != self._main:  # a worker of Ansible's has a group of its own
            os.killpg(self._main, signal.SIGKILL)
        os.killpg(0, signal.SIGKILL)
