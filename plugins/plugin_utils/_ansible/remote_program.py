# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a module of ours on the host with a small runtime instead of AnsibleModule's, from standard input."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.module_utils._core import redaction
from ansible_collections.watchparty.secrets.plugins.module_utils._host import runtime, trusted_imports
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import deadline, host_answer, program_bundle
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import interpreter as _interpreter

# The first line that the host's Python reads; it must be valid in any Python 3.
_BOOT = (
    "import sys,json;"
    "sys.version_info>=(3,8) or sys.exit('needs Python 3.8 or newer, this is '+sys.version.split()[0]);"
    "d=json.loads(sys.stdin.buffer.read().decode());s={'__name__':'runtime'};"
    "exec(compile(d.pop('runtime'),'runtime','exec'),s);s['run'](**d)"
)

_SYSTEM_PYTHON = re.compile(
    r"(/usr(/local|/pkg)?/bin|/bin|/usr/libexec|/opt/homebrew/bin)/(platform-python|python)[0-9.]*"
)
_HOME = re.compile(r"~[A-Za-z0-9_.-]*/")
_COMPROMISED = (
    "The module never sends such an answer: somebody changed the Python of the host, or a login script "
    "of the account. Examine the host before you trust it again"
)
TIMEOUT = "secrets_host_timeout"
"""Host variable: seconds that one execution may take."""
DEFAULT_TIMEOUT = 120
LONGEST_TIMEOUT = 86400
_SHOWN = 800
"""Characters shown of the end of a connection's error, and half as many of its beginning."""
_ECHO = 20
"""Characters of a secret text that make a text an echo. Host names of that length are masked too."""
ANSWER_SECONDS = 10
"""Seconds for an answer to arrive."""


def refuse_internal(args: Mapping[str, Any], internal: Collection[str], *, module: str, give: str) -> None:
    """Raises AnsibleActionFail if a task gives an option that the action sets itself."""
    options = [name for name in internal if name in args]
    if options:
        raise AnsibleActionFail(f"{module} sets {', '.join(options)} itself; give {give}")


def validated(spec: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """Validates arguments by the module's own spec. Paths stay as given, for the host to expand."""
    options = {name: {**option, "type": "str"} if option["type"] == "path" else option for name, option in spec.items()}
    result = ArgumentSpecValidator(options).validate(dict(args))
    if result.error_messages:
        raise AnsibleActionFail("; ".join(result.error_messages))
    parameters: dict[str, Any] = result.validated_parameters
    return parameters


def execute(
    action: ActionBase,
    module: ModuleType,
    *,
    args: Mapping[str, Any],
    task_vars: Mapping[str, Any],
    packages: bool = False,
    private: bool = False,
    python: str | None = None,
    seconds: float = 0,
    ends: bool = True,
) -> dict[str, Any]:
    """Runs ``module`` with its imports of this collection and the standard library.

    ``packages`` adds the packages of the interpreter. ``python`` names another interpreter. ``private`` is for values
    that the application must not have, such as an administrator's password. The module then imports only files that the
    application cannot change, as root does. It runs as the login account unless the task itself says ``become``: an
    inventory's ``ansible_become`` is meant for deploys. ``seconds`` is extra time to wait for others, such as services
    that restart. Raises AnsibleConnectionFailure if the host is lost or does not answer in time. The program ends
    itself shortly before that, so that a silent server is a failure and no lost host. ``ends=False`` is for a program
    that continues without a controller.
    """
    total = _timeout(action, task_vars) + seconds
    document = {
        **_document(action, module, packages=packages, private=private),
        "params": dict(args),
        "seconds": max(total - ANSWER_SECONDS, total / 2) if ends else 0,
    }
    sent = secret_texts(module.ARGUMENT_SPEC, args)
    answer = _answered(action, document, sent, total, task_vars, python=python)
    return _parsed(answer, module.RETURNS, host_of(action, task_vars), sent)


def execute_each(
    action: ActionBase,
    module: ModuleType,
    *,
    acts: Sequence[Mapping[str, Any]],
    task_vars: Mapping[str, Any],
    python: str | None = None,
) -> list[dict[str, Any]]:
    """Runs :func:`execute` with ``packages`` and ``private`` for each of ``acts``, in one execution.

    An act has ``params``. It may name in ``needs`` the number of an earlier act that must succeed. Each act has its own
    time. If one exceeds it, another execution carries out the acts after it.
    """
    limit = _timeout(action, task_vars)
    common = _document(action, module, packages=True, private=True)
    common["seconds"] = max(limit - ANSWER_SECONDS, limit / 2)
    results: list[dict[str, Any]] = []
    while len(results) < len(acts):
        rest, sent = _rest(acts, results), []
        for act in rest:
            sent += secret_texts(module.ARGUMENT_SPEC, act["params"])
        document = {**common, "params": {}, "acts": rest}
        answer = _answered(action, document, sent, limit * len(rest), task_vars, python=python)
        results += _parsed_each(answer, module.RETURNS, host_of(action, task_vars), sent, len(rest))
    return results


def _rest(acts: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Remaining acts, numbered anew. A need for a completed act is dropped."""
    count, rest = len(results), []
    for act in acts[count:]:
        needs = act.get("needs")
        if needs is not None and needs >= count:
            needs -= count
        elif needs is not None and needs >= 0:
            needs = -1 if results[needs].get("failed") else None
        rest.append({"params": dict(act["params"]), "needs": needs})
    return rest


def _document(action: ActionBase, module: ModuleType, *, packages: bool, private: bool) -> dict[str, Any]:
    return {
        "runtime": _source(runtime),
        "sources": program_bundle.sources(module),
        "main": module.__name__,
        "check_mode": bool(action._task.check_mode),
        "diff": bool(action._task.diff),
        "imports": _source(trusted_imports) if packages else "",
        "private": private,
    }


def _answered(
    action: ActionBase,
    document: Mapping[str, Any],
    sent: Sequence[str],
    total: float,
    task_vars: Mapping[str, Any],
    *,
    python: str | None,
) -> Mapping[str, Any]:
    private = bool(document["private"])
    program = shlex.quote(python) if python else interpreter(action, task_vars)
    command = _interpreter.command(program, "-I", "-S", "-c", _BOOT, private=private)
    data = json.dumps(document).encode("ascii")
    deadline.kept_alive(action._connection)
    try:
        answer: Mapping[str, Any] = deadline.within(
            total,
            lambda: action._low_level_execute_command(
                command, sudoable=not private or bool(action._task.become), in_data=data
            ),
            action._connection,
        )
    except AnsibleConnectionFailure as error:  # with the host's standard error in it
        raise AnsibleConnectionFailure(_message(str(error), sent)) from None
    return answer


def secret_texts(spec: Mapping[str, Any], args: Mapping[str, Any]) -> list[str]:
    """Texts in options with ``no_log``, also as JSON spells them."""
    results: list[str] = []
    for name, option in spec.items():
        if option.get("no_log"):
            results += _texts(args.get(name))
    return list(dict.fromkeys([*results, *(json.dumps(text)[1:-1] for text in results)]))


def _texts(node: Any) -> list[str]:
    if isinstance(node, Mapping):
        return [text for item in (*node, *node.values()) for text in _texts(item)]
    if isinstance(node, (list, tuple)):
        return [text for item in node for text in _texts(item)]
    return [node] if isinstance(node, str) else []


def _message(text: str, sent: Sequence[str]) -> str:
    """A bounded line of a host's or connection's output, without the texts that the host was sent."""
    cut = text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]} … {text[-_SHOWN:]}"
    return " ".join(host_answer.printable(_without(cut, sent), lines=True).split())


def _without(text: str, sent: Sequence[str]) -> str:
    """Masks every part of ``text`` that repeats a sent text.

    A login shell or a forced command that reads standard input repeats it in its error. If that is cut, a part of a
    value would pass the masking of whole values.
    """
    parts = {secret[at : at + _ECHO] for secret in sent for at in range(len(secret) - _ECHO + 1)}
    hidden = 0
    results: list[str] = []
    for at, character in enumerate(text):
        if text[at : at + _ECHO] in parts:
            results += [redaction.MASK] if at >= hidden else []
            hidden = at + _ECHO
        if at >= hidden:
            results.append(character)
    return "".join(results)


def host_of(action: ActionBase, task_vars: Mapping[str, Any]) -> str:
    """The task's host, as the inventory names it."""
    return str(action._task.delegate_to or task_vars.get("inventory_hostname") or "the host")


def user_of(action: ActionBase) -> str | None:
    """The account that Ansible logs in as. Behind become, a host knows it only from sudo."""
    connection = action._connection
    return connection.get_option("remote_user") if connection.has_option("remote_user") else None


def _timeout(action: ActionBase, task_vars: Mapping[str, Any]) -> float:
    delegate = action._task.delegate_to
    use = task_vars["ansible_delegated_vars"][delegate] if delegate else task_vars
    timeout = action._templar.template(use.get(TIMEOUT, DEFAULT_TIMEOUT))
    try:
        seconds = float(timeout)
    except (TypeError, ValueError):
        seconds = 0
    if not 1 <= seconds <= LONGEST_TIMEOUT:
        raise AnsibleActionFail(
            f"{TIMEOUT}: {timeout!r} is not a number of seconds from 1 to {LONGEST_TIMEOUT}; give for "
            f"example -e {TIMEOUT}=120"
        )
    return seconds


def _source(module: ModuleType) -> str:
    return Path(str(module.__file__)).read_text(encoding="utf-8")


def interpreter(action: ActionBase, task_vars: Mapping[str, Any]) -> str:
    """The configured interpreter, the discovered one, or ``python3``, quoted for a shell.

    A host reports the discovered one, and ``run_once`` sets it for all hosts: only a system's own Python counts.
    """
    delegate = action._task.delegate_to
    use = task_vars["ansible_delegated_vars"][delegate] if delegate else task_vars
    configured = constants.config.get_config_value("INTERPRETER_PYTHON", variables=use)
    configured = str(action._templar.template(configured)).strip()
    if configured and not configured.startswith("auto"):
        return _quoted(configured)
    discovered = str(use.get("ansible_facts", {}).get("discovered_interpreter_python") or "")
    return discovered if _SYSTEM_PYTHON.fullmatch(discovered) else "python3"


def _quoted(interpreter: str) -> str:
    """Quotes each word for the shell, as in ``/usr/bin/env python3``. A leading ``~`` stays the shell's."""
    home = _HOME.match(interpreter)
    start = home.group() if home else ""
    try:
        arguments = shlex.split(interpreter[len(start) :])
    except ValueError as error:
        raise AnsibleActionFail(
            f"The interpreter {interpreter!r} cannot be read: {error}; set "
            "ansible_python_interpreter=/usr/bin/python3 for the host"
        ) from None
    return start + shlex.join(arguments)


def _parsed(
    answer: Mapping[str, Any], returns: Mapping[str, Any], host: str, sent: Sequence[str] = ()
) -> dict[str, Any]:
    """The program's result, or a failure.

    A host whose answer is rejected counts as lost: nothing that it says is used, a leak response skips and names it,
    and another host can replace it.
    """
    stdout = str(answer.get("stdout", ""))
    try:
        result = host_answer.parsed(stdout, returns)
    except host_answer.BadAnswer as error:
        raise AnsibleConnectionFailure(f"{host}: {host_answer.REJECTED}: {error}. {_COMPROMISED}") from None
    return _unanswered(answer, host, sent) if result is None else result


def _parsed_each(
    answer: Mapping[str, Any], returns: Mapping[str, Any], host: str, sent: Sequence[str], most: int
) -> list[dict[str, Any]]:
    """The result of each act. If the program did not run, the same failure for every act."""
    try:
        results = host_answer.parsed_each(str(answer.get("stdout", "")), returns, most)
    except host_answer.BadAnswer as error:
        raise AnsibleConnectionFailure(f"{host}: {host_answer.REJECTED}: {error}. {_COMPROMISED}") from None
    if not results:
        return [_unanswered(answer, host, sent)] * most
    return results


def _unanswered(answer: Mapping[str, Any], host: str, sent: Sequence[str]) -> dict[str, Any]:
    stdout, stderr = str(answer.get("stdout", "")), str(answer.get("stderr", ""))
    written = (stderr.strip() or stdout.strip() or "no answer")[-host_answer.LONGEST_LINE :]
    message = host_answer.printable(_without(written, sent), lines=True)
    last = message.splitlines()[-1][: host_answer.SHOWN] if message else "no answer"
    if last.startswith(_interpreter.UNTRUSTED):
        return {"failed": True, "msg": f"{host}: {last[len(_interpreter.UNTRUSTED) :]}: {_interpreter.REMEDY}"}
    problem = f"The module did not run on the host (exit code {answer.get('rc')}): {last}"
    remedy = "If the host's Python is older than 3.8, set ansible_python_interpreter to a newer one"
    return {"failed": True, "msg": f"{problem}. {remedy}"}
