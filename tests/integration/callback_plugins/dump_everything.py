# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A callback for tests that writes down what callbacks can reach, to the file DUMP_FILE.

That is what they are given with every event, the private fields in which Ansible keeps the unmasked results, and in the
end the variables of every host.
"""

from __future__ import annotations

import os
from typing import Any

from ansible.executor.task_result import CallbackTaskResult, TaskResult
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: dump_everything
type: aggregate
short_description: dumps every event
description: For tests.
"""
SEEN = ("result", "_result", "task", "_task", "task_fields", "_task_fields", "exception", "args", "vars", "host")


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "dump_everything"

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play

    def v2_playbook_on_stats(self, stats: Any) -> None:
        variables = self._play.get_variable_manager()
        with open(os.environ["DUMP_FILE"], "a", encoding="utf-8") as dump:
            for host in variables._inventory.get_hosts():
                dump.write(f"=== variables of {host}\n{variables.get_vars(play=self._play, host=host)!r}\n")

    def v2_on_any(self, *args: Any, **kwargs: Any) -> None:
        with open(os.environ["DUMP_FILE"], "a", encoding="utf-8") as dump:
            for thing in [*args, *kwargs.values()]:
                dump.write(f"=== {type(thing).__name__}\n")
                for text in self._faces(thing):
                    dump.write(text + "\n")

    def _faces(self, thing: Any) -> list[str]:
        faces = [repr(thing)]
        if isinstance(thing, (TaskResult, CallbackTaskResult)):
            for name, value in vars(thing).items():
                faces.append(f"{name}: {value.as_result_dict() if hasattr(value, 'as_result_dict') else value!r}")
        for name in SEEN:
            value = getattr(thing, name, None)
            faces.append(f"{name}: {value!r}")
            if name in ("task", "_task") and value is not None:
                faces += [f"{name}.args: {value.args!r}", f"{name}.vars: {value.vars!r}", repr(value.dump_attrs())]
        return faces
