# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import confirmation_prompt
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction


class ActionModule(ControllerAction):
    """Asks once at the terminal."""

    options = {
        "question": {"type": "str", "required": True},
        "answer": {"type": "str", "default": "yes"},
        "variable": {"type": "str"},
        "remedy": {"type": "str", "default": "confirm it in a variable instead"},
    }

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        del task_vars
        if not self._task.check_mode:
            confirmation_prompt.require(
                args["question"],
                variable=args["variable"],
                remedy=args["remedy"],
                loader=self._loader,
                templar=self._templar,
                expected=args["answer"],
            )
        return {"changed": False}
