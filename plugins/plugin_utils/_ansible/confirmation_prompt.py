# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks an operator at the terminal. Without one the run ends, where ansible.builtin.pause would continue."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import prompt
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.extra_variables import extra_variable

YES = "yes"


def require(question: str, *, variable: str, loader: Any, templar: Any) -> None:
    """Raises AnsibleActionFail unless the operator confirms, at the terminal or by that extra variable.

    An inventory's variable holds for every run, so it confirms none.
    """
    if extra_variable(variable, loader=loader, templar=templar) == YES:
        return
    try:
        answer = prompt.ask(f"{question} Type {YES} to continue: ", private=False)
    except AnsibleError as error:
        remedy = f"confirm on the command line: -e {variable}={YES}"
        raise AnsibleActionFail(f"no confirmation can be asked for ({error}); {remedy}") from None
    if answer.decode(errors="replace").strip() != YES:
        raise AnsibleActionFail(
            f"not confirmed; nothing was changed. To continue, run the same command again and type {YES}"
        )
