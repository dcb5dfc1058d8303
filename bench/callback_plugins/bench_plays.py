# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: bench_plays
type: aggregate
short_description: Writes when each play began and how long it took
description:
  - One JSON line a play, with its seconds and those of its tasks, into the file that E(BENCH_PLAYS) names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "bench_plays"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._marks: list[tuple[float, str, str]] = []

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._mark("play", play.get_name())

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._mark("task", task.get_name())

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._mark("end", "")
        plays: list[dict[str, Any]] = []
        for (begin, kind, name), (end, _, _) in zip(self._marks, self._marks[1:], strict=False):
            if kind == "play":
                plays.append({"play": name, "seconds": 0.0, "tasks": []})
            else:
                plays[-1]["tasks"].append([name, round(end - begin, 3)])
            plays[-1]["seconds"] += end - begin
        with open(os.environ["BENCH_PLAYS"], "w", encoding="utf-8") as handle:
            for play in plays:
                handle.write(json.dumps(play) + "\n")

    def _mark(self, kind: str, name: str) -> None:
        self._marks.append((time.monotonic(), kind, name))
