# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results that an earlier play registered. A task names them instead of holding their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import seal


def registered(
    name: str, task_vars: Mapping[str, Any] | None, *, having: str, kind: type = Mapping
) -> Mapping[str, Any]:
    """The result registered as *name*, opened. It must hold *having*, of a *kind*. Raises AnsibleActionFail."""
    result = (task_vars or {}).get(name)
    answer = seal.opened(result) if isinstance(result, Mapping) else {}
    if not isinstance(answer.get(having), kind):
        raise AnsibleActionFail(
            f"The variable {name} has no result with {having}. The first play registers it, and --start-at-task or "
            "--skip-tags skips that play: start the playbook from its beginning"
        )
    return answer


def answers(name: str, task_vars: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answers that ask_secret registered as *name*. Empty if it did not run or ask."""
    result = task_vars.get(name)
    answer = seal.opened(result).get("answers") if isinstance(result, Mapping) else None
    return answer if isinstance(answer, Mapping) else {}
