# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import shlex
import tempfile
from pathlib import Path
from typing import Any, Optional

from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.module_utils._host import trusted_imports
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import (
    host_answer,
    interpreter,
    program_bundle,
    remote_program,
)

ENTRY = "_host.pull.cli"
_CHECK = """
for path in sys.argv[1:]:
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    check(path, own_accounts(), set())
"""


class ActionModule(ActionBase):
    """Makes the program on the controller. ansible.builtin.copy brings it to the host."""

    TRANSFERS_FILES = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validated, args = self.validate_argument_spec(
            argument_spec={
                "dest": {"type": "str", "required": True},
                "python": {"type": "str"},
                "owner": {"type": "str"},
                "group": {"type": "str"},
                "mode": {"type": "str", "default": "0644"},
            }
        )
        problem = self._untrusted(str(args["dest"]), args.pop("python"), task_vars or {})
        if problem:
            return {**result, "failed": True, "msg": problem}
        handle, source = tempfile.mkstemp(prefix="host-fetcher-", suffix=".pyz")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(program_bundle.zipped(ENTRY))
            return {**result, **self._copied(source, args, task_vars or {})}
        finally:
            os.unlink(source)

    def _untrusted(self, dest: str, python: str | None, task_vars: dict[str, Any]) -> str:
        """The problem if another account may change the program's place or interpreter, which the host runs at every
        boot."""
        program = shlex.quote(python) if python else remote_program.interpreter(self, task_vars)
        code = Path(str(trusted_imports.__file__)).read_text(encoding="utf-8") + _CHECK
        command = interpreter.command(program, "-I", "-S", "-c", code, os.path.dirname(dest), private=True)
        answer = self._low_level_execute_command(command)
        if answer["rc"] == 0:
            return ""
        message = host_answer.printable(str(answer["stderr"]).strip())[-host_answer.LONGEST_LINE :]
        if not message.startswith(interpreter.UNTRUSTED):
            return f"{python or 'the interpreter'} could not check {dest}: {message}"
        return (
            f"{message[len(interpreter.UNTRUSTED) :]}: another account may change it, so that account could run "
            "programs as root here. Give a path and an interpreter that belong to root (app_host_fetch_root, "
            "app_host_fetch_python)"
        )

    def _copied(self, source: str, args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        task = self._task.copy()
        task.args = {"src": source, **{name: value for name, value in args.items() if value is not None}}
        # The content is hundreds of kilobytes of code, which no diff should show.
        task.diff = False
        action = self._shared_loader_obj.action_loader.get(
            "ansible.builtin.copy",
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        answer: dict[str, Any] = action.run(task_vars=task_vars)
        keys = ("failed", "msg", "changed", "dest", "checksum", "mode", "owner", "group", "unreachable")
        return {name: answer[name] for name in keys if name in answer}
