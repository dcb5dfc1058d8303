# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a module of ours on the host with a small runtime instead of AnsibleModule's, from standard input."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.module_utils import _lean_runtime

# The first line that the host's Python reads; it must be valid in any Python 3.
_BOOT = (
    "import sys,json;"
    "sys.version_info>=(3,8) or sys.exit('needs Python 3.8 or newer, this is '+sys.version.split()[0]);"
    "d=json.loads(sys.stdin.buffer.read().decode());s={'__name__':'runtime'};"
    "exec(compile(d.pop('runtime'),'runtime','exec'),s);s['start'](**d)"
)


def validated(spec: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by the module's own spec; paths stay as given, for the host to expand."""
    kept = {name: {**option, "type": "str"} if option["type"] == "path" else option for name, option in spec.items()}
    result = ArgumentSpecValidator(kept).validate(dict(args))
    if result.error_messages:
        raise AnsibleActionFail("; ".join(result.error_messages))
    parameters: dict[str, Any] = result.validated_parameters
    return parameters


def execute(
    action: ActionBase,
    module: ModuleType,
    uses: Sequence[ModuleType],
    *,
    args: Mapping[str, Any],
    task_vars: Mapping[str, Any],
    packages: bool = False,
    python: str | None = None,
) -> dict[str, Any]:
    """Run ``module``, which imports only ``uses`` and the standard library; ``uses`` stand in the order of imports.

    With ``packages`` it may import what is installed for the interpreter as well; ``python`` names another interpreter.
    """
    document = {
        "runtime": _source(_lean_runtime),
        "sources": {one.__name__: _source(one) for one in (*uses, module)},
        "main": module.__name__,
        "params": dict(args),
        "check_mode": bool(action._task.check_mode),
        "diff": bool(action._task.diff),
    }
    program = shlex.quote(python) if python else _python(action, task_vars)
    command = f"{program} {'-I' if packages else '-I -S'} -c {shlex.quote(_BOOT)}"
    answer = action._low_level_execute_command(command, in_data=json.dumps(document).encode("ascii"))
    return _parsed(answer)


def _source(module: ModuleType) -> str:
    return Path(str(module.__file__)).read_text(encoding="utf-8")


def _python(action: ActionBase, task_vars: Mapping[str, Any]) -> str:
    """The configured interpreter, the one that was discovered before, or the host's ``python3``."""
    delegate = action._task.delegate_to
    use = task_vars["ansible_delegated_vars"][delegate] if delegate else task_vars
    configured = constants.config.get_config_value("INTERPRETER_PYTHON", variables=use)
    configured = str(action._templar.template(configured)).strip()
    if configured and not configured.startswith("auto"):
        return configured
    return str(use.get("ansible_facts", {}).get("discovered_interpreter_python") or "python3")


def _parsed(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What the module said on its last line; a login script or sudo may have spoken before it."""
    last = str(answer.get("stdout", "")).strip().rpartition("\n")[2]
    try:
        result = json.loads(last)
    except ValueError:
        result = None
    if not isinstance(result, dict):
        words = str(answer.get("stderr", "")).strip() or str(answer.get("stdout", "")).strip() or "no answer"
        problem = f"The module did not run on the host (exit code {answer.get('rc')}): {words.splitlines()[-1]}"
        return {"failed": True, "msg": f"{problem}. It needs Python 3.8 or newer; set ansible_python_interpreter"}
    return result
