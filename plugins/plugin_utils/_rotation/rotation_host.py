# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs this collection's server modules on the rotation host, in the calling task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import INTERFERED, RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import remote_program, transport_guard
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import server_action
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import (
    Answer,
    Interfered,
    NotReached,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_action import ServerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_actions.auth_token import (
    AuthTokenAction,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_actions.external_value import (
    ExternalValueAction,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_actions.postgresql_login import (
    PostgresqlLoginAction,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_actions.valkey_user import (
    ValkeyUserAction,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

ACTIONS: Mapping[str, type[ServerAction]] = {
    action.name.rpartition(".")[2]: action
    for action in (AuthTokenAction, ExternalValueAction, PostgresqlLoginAction, ValkeyUserAction)
}


class RotationHost:
    """Uses the connection of the calling task, which is delegated to that host."""

    def __init__(
        self, action: ActionBase, setting: RotationSetup, common: Mapping[str, Any], task_vars: Mapping[str, Any]
    ) -> None:
        self._action, self._setting, self._task_vars = action, setting, task_vars
        self._common = {name: value for name, value in common.items() if value is not None}
        """Options of every module: the catalog, the environment, and the interpreter."""

    def run(self, module: str, **options: Any) -> Answer:
        act = self._module(module)
        act._task.args = {**self._options, **options}
        return _judged(act.run(task_vars=dict(self._task_vars)))

    def run_each(self, module: str, acts: Sequence[Mapping[str, Any]]) -> list[Answer | RotationError]:
        answers = self._module(module).many(
            self._setting, [{**self._options, **act} for act in acts], dict(self._task_vars)
        )
        results: list[Answer | RotationError] = []
        for answer in answers:
            try:
                results.append(_judged(dict(answer)))
            except NotReached:
                raise
            except RotationError as error:
                results.append(error)
        return results

    @property
    def _options(self) -> dict[str, Any]:
        return {**self._common, "run": self._setting.rotator.me.run}

    def _module(self, module: str) -> ServerAction:
        """The module's action on the calling task's host."""
        caller = self._action
        task = caller._task.copy(exclude_parent=True, exclude_tasks=True)
        task._parent = caller._task._parent
        act = ACTIONS[module](
            task,
            caller._connection,
            caller._play_context,
            caller._loader,
            caller._templar,
            caller._shared_loader_obj,
        )
        act.setting = self._setting
        return act

    def execute(
        self, program: ModuleType, *, args: Mapping[str, Any], seconds: float, packages: bool = False
    ) -> Answer:
        transport_guard.require(self._action._connection, self._action._task)
        try:
            answer = remote_program.execute(
                self._action,
                program,
                args=remote_program.validated(program.ARGUMENT_SPEC, args),
                task_vars=self._task_vars,
                packages=packages,
                private=True,
                python=self._common.get("python"),
                seconds=seconds + remote_program.ANSWER_SECONDS,
            )
        except AnsibleConnectionFailure as error:
            answer = server_action.not_reached(self._action, self._task_vars, error)
        return _judged(answer)


def _judged(answer: dict[str, Any]) -> Answer:
    """The program's answer. Raises RotationError, or NotReached."""
    message = " ".join(str(answer.get("msg") or "failed").split())
    if answer.get("not_reached"):
        raise NotReached(message)
    if answer.get("failed"):
        raise (Interfered if answer.get("reason") == INTERFERED else RotationError)(message)
    for warning in answer.pop("warnings", None) or ():
        Display().warning(str(warning))
    return answer
