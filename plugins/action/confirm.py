# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import confirmation_prompt


class ActionModule(ActionBase):
    """Asks once at the terminal."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={
                "question": {"type": "str", "required": True},
                "answer": {"type": "str", "default": "yes"},
                "variable": {"type": "str"},
                "remedy": {"type": "str", "default": "confirm it in a variable instead"},
            }
        )
        if not self._task.check_mode:
            confirmation_prompt.require(
                args["question"],
                variable=args["variable"],
                remedy=args["remedy"],
                loader=self._loader,
                templar=self._templar,
                expected=args["answer"],
            )
        return {**result, "changed": False}
