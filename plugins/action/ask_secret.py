# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from typing import Any, Optional

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.plugin_utils import _seal, _terminal

PATIENT = 1.0
"""Seconds for the next line of what may have several: to end too early would leave some of it unread."""


class _Refused(AnsibleActionFail):
    """An answer that cannot be the value, which whoever gave it must know of."""


class ActionModule(ActionBase):
    """Asks at the terminal, without an echo; the answers are hidden in the result."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={
                "names": {"type": "list", "elements": "str", "required": True},
                "remedy": {"type": "str", "default": "give the values in a file instead"},
                "pages": {"type": "dict", "default": {}},
                "optional": {"type": "bool", "default": False},
                "question": {"type": "str", "default": "New value of"},
                "lines": {"type": "bool", "default": False},
            }
        )
        if not args["names"] or self._task.check_mode:
            return {**result, "changed": False, "answered": []}
        answers = {}
        for name in args["names"]:
            page = args["pages"].get(name)
            question = " ".join(filter(None, (args["question"], name, page and f"(from {page})")))
            try:
                answers[name] = self._ask(name, question, args["remedy"], lines=args["lines"])
            except _Refused as refusal:
                if not args["optional"]:
                    raise
                Display().warning(str(refusal))
            except AnsibleActionFail:
                if not args["optional"]:
                    raise
        hidden = _seal.sealed(answers=answers)
        return {**result, "changed": False, "_ansible_no_log": True, **hidden, "answered": list(answers)}

    def _ask(self, name: str, question: str, remedy: str, *, lines: bool) -> str:
        try:
            if lines:
                told = f"{question} (several lines at once are fine, Enter ends): "
                text = _terminal.ask(told, private=True, quiet=PATIENT).decode(errors="replace")
            else:
                text = _terminal.ask(f"{question}: ", private=True).decode()
        except UnicodeDecodeError:
            raise _Refused(f"{name}: the answer is no UTF-8; {remedy}") from None
        except AnsibleError as error:
            raise AnsibleActionFail(f"{name}: cannot be asked for ({error}); {remedy}") from None
        if not text:
            raise AnsibleActionFail(f"{name}: the answer was empty; {remedy}")
        if "\n" in text and not lines:
            raise _Refused(f"{name}: several lines came at once, and nothing of them is kept; {remedy}")
        return text
