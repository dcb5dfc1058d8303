# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import traceback
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase
from botocore.client import BaseClient

DOCUMENTATION = r"""
name: bench_calls
type: aggregate
short_description: Writes which function of this collection made each AWS call
description:
  - One JSON line a call, with its process and the functions that led to it, into the file that E(BENCH_CALLS) names.
"""

OURS = "plugins/"
KEPT = 12
"""Limit of functions of a cause."""


class CallbackModule(CallbackBase):
    """A callback made before Ansible forks, so that each task's process inherits it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "bench_calls"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._task = ""
        call = BaseClient._make_api_call

        def written(client: Any, operation: str, request: dict[str, Any]) -> Any:
            target = request.get("SecretId") or request.get("Name") or request.get("Names") or request.get("Path")
            line = {
                "operation": operation,
                "target": target or request.get("Key") or "",
                "process": os.getpid(),
                "task": self._task,
                "cause": cause(),
            }
            with open(os.environ["BENCH_CALLS"], "a", encoding="utf-8") as handle:
                handle.write(json.dumps(line) + "\n")
            return call(client, operation, request)

        BaseClient._make_api_call = written

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._task = task.get_name()


def cause() -> list[str]:
    """The collection's functions in the call stack, the innermost last."""
    frames = [
        frame_summary
        for frame_summary in traceback.extract_stack()
        if OURS in frame_summary.filename and "watchparty" in frame_summary.filename
    ]
    return [f"{Path(frame_summary.filename).stem}.{frame_summary.name}" for frame_summary in frames][-KEPT:]
