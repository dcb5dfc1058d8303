# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.plugin_utils import _terminal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._extra_variables import extra_variable


class ActionModule(ActionBase):
    """Asks once at the terminal; without one it fails, where ansible.builtin.pause would go on."""

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
        if self._task.check_mode or self._is_confirmed(args):
            return {**result, "changed": False}
        try:
            said = _terminal.ask(f"{args['question']} Type {args['answer']} to go on: ", private=False)
        except AnsibleError as error:
            raise AnsibleActionFail(f"no confirmation can be asked for ({error}); {args['remedy']}") from None
        if said.decode(errors="replace").strip() != args["answer"]:
            raise AnsibleActionFail("not confirmed; nothing was changed")
        return {**result, "changed": False}

    def _is_confirmed(self, args: Mapping[str, Any]) -> bool:
        """Whether the command line confirms. What an inventory says holds for every run, so it confirms none."""
        name = args["variable"]
        return bool(name) and extra_variable(name, loader=self._loader, templar=self._templar) == args["answer"]
