# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import prompt as _prompt
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import seal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import prompt_text

PATIENT = 1.0
"""Seconds for the next line of an answer that may have several, so that none stays unread."""
TRIES = 5
"""Attempts for a value before the run gives up, and loses the earlier answers."""


class _Unusable(Exception):
    """An answer that cannot be the value. Its message follows the name."""


class ActionModule(ControllerAction):
    """Asks at the terminal, without an echo. The result hides the answers."""

    options = {
        "names": {"type": "list", "elements": "str", "required": True},
        "catalog": {"type": "dict"},
        "environment": {"type": "str"},
        "remedy": {"type": "str", "default": "give the values in a file instead"},
        "pages": {"type": "dict", "default": {}},
        "optional": {"type": "bool", "default": False},
        "question": {"type": "str", "default": "New value of"},
        "lines": {"type": "bool", "default": False},
    }
    conditions = {"required_together": [("catalog", "environment")]}

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        if not args["names"] or self._task.check_mode:
            return {"changed": False, "answered": []}
        catalog = catalog_parser.parse(args["catalog"], args["environment"]) if args["catalog"] else None
        answers = {}
        for name in args["names"]:
            question = prompt_text.question(catalog, name) if catalog else None
            try:
                answer = self._answer(name, question, args)
            except AnsibleActionFail:
                if not args["optional"]:
                    raise
                continue
            if answer:
                answers[name] = answer
        hidden = seal.sealed(answers=answers)
        return {"changed": False, "_ansible_no_log": True, **hidden, "answered": list(answers)}

    def _answer(self, name: str, question: Optional[prompt_text.ValuePrompt], args: Mapping[str, Any]) -> str:
        """Asks until an answer can be the value. An empty answer leaves out an optional value."""
        page = args["pages"].get(name)
        lines = args["lines"] or bool(question and question.several_lines)
        prompt = " ".join(filter(None, (args["question"], name, page and f"(from {page})")))
        prompt += " (you can paste several lines; Enter ends the answer): " if lines else ": "
        prompt = "\n".join(filter(None, (question.about if question else "", prompt)))
        otherwise = "Enter leaves it out" if args["optional"] else "Ctrl-C ends the run"
        unusable = ""
        for _try in range(TRIES):
            again = unusable and f"{name}: {unusable}. Answer again; {otherwise}.\n"
            try:
                return self._ask(again + prompt, question, lines=lines, optional=args["optional"])
            except _Unusable as refusal:
                unusable = str(refusal)
            except AnsibleError as error:
                raise AnsibleActionFail(f"{name}: cannot be asked for ({error}); {args['remedy']}") from None
        message = f"{name}: {unusable}; {args['remedy']}"
        if args["optional"]:
            Display().warning(message)
        raise AnsibleActionFail(message)

    @staticmethod
    def _ask(prompt: str, question: Optional[prompt_text.ValuePrompt], *, lines: bool, optional: bool) -> str:
        answer = _prompt.ask(prompt, private=True, quiet=PATIENT if lines else _prompt.QUIET)
        try:
            # Text from a log may have any bytes. It is searched for, and never stored.
            text = answer.decode(errors="strict" if question or not lines else "replace")
        except UnicodeDecodeError:
            raise _Unusable("the answer is not UTF-8 text") from None
        if not text and optional:
            return ""
        if not text:
            raise _Unusable("the answer was empty")
        if "\n" in text and not lines:
            remedy = "; to give a value of several lines, set its type to json or pem in the catalog, or use a file"
            raise _Unusable(f"the answer had several lines, and all of them were discarded{remedy if question else ''}")
        problem = question.problem_of(text) if question else None
        if problem:
            raise _Unusable(problem)
        return text
