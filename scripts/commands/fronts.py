# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands that run a playbook."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import constants

from ansible_collections.watchparty.secrets.scripts.commands import inventory_source
from ansible_collections.watchparty.secrets.scripts.commands.usage_error import UsageError

CALLBACK = "ANSIBLE_STDOUT_CALLBACK"
CONSOLE = inventory_source.ROOT / "plugins" / "callback" / "console.py"
RESULT_FILE, RESULT_PATH = "watchparty.secrets.result_file", "WATCHPARTY_SECRETS_RESULT_FILE"
NO_OUTCOME: dict[str, Any] = {"hosts": {}, "errors": [], "messages": [], "results": {}}
"""The outcome of a run that did not reach its end."""
PLAIN = re.compile(r"[\w./,:@%+-]+")
STANDARD_ERROR = 2
WRONG_OPTIONS = 5
"""The exit code of ansible-playbook for wrong options."""


def provision(args: argparse.Namespace) -> int:
    return run(args, "provision", _given({"provision_values_file": args.values_file}))


def deploy(args: argparse.Namespace) -> int:
    return run(args, "deploy", {})


def set_settings(args: argparse.Namespace) -> int:
    variables = {"set_value_file": args.value_file, "set_values_file": args.values_file}
    chosen = {"set_deploy": args.deploy, "set_force": args.force}
    return run(args, "set", {"set_names": ",".join(args.names), **_given(variables), **_switches(chosen)})


def undo(args: argparse.Namespace) -> int:
    return run(args, "set", {"set_names": ",".join(args.names), **_switches({"set_undo": True, "set_deploy": True})})


def rotate(args: argparse.Namespace) -> int:
    """Rotates named credentials now, even if they are not due."""
    named = {"rotation_credentials": ",".join(args.credentials), "rotation_force": "true"} if args.credentials else {}
    return run(args, "rotate", {**named, **_switches({"rotation_abort": args.abort})})


def rotated_elsewhere(args: argparse.Namespace) -> int:
    names = ",".join(args.credentials)
    variables = {
        "rotation_elsewhere": names,
        "rotation_elsewhere_at": args.at,
        "rotation_elsewhere_reason": args.reason,
    }
    return run(args, "rotation_elsewhere", variables)


def leak(args: argparse.Namespace) -> int:
    variables = {"leak_credentials": ",".join(args.credentials), "leak_value_file": args.value_file}
    return run(args, "leak_response", _given(variables))


def ages(args: argparse.Namespace) -> int:
    return run(args, "rotation_report", {})


def verify(args: argparse.Namespace) -> int:
    variables = {"verify_only": ",".join(args.checks), "verify_repository": args.repository}
    return run(args, "verify", _given(variables))


def scan(args: argparse.Namespace) -> int:
    return run(args, "scan", {"scan_repositories": ",".join(args.repositories or ["."])})


def _given(variables: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if value}


def _switches(variables: Mapping[str, bool]) -> dict[str, str]:
    return {name: "true" for name, value in variables.items() if value}


def run(args: argparse.Namespace, playbook: str, variables: Mapping[str, str], *, compares: bool = False) -> int:
    """Runs a playbook. ``compares``: the exit code is 1 also if a host would change."""
    command = command_of(args, playbook, variables)
    if args.print:
        print(shlex.join(command))
        return 0
    code, outcome = _with_outcome([_program(), *command[1:]], stdout=STANDARD_ERROR if args.json else None)
    if args.json:
        print(json.dumps({"command": command, "exit_code": code, "ok": code == 0, **outcome}, indent=2))
    if code == 0 and compares and {*outcome["hosts"].values()} != {"ok"}:
        return 1
    return {0: 0, WRONG_OPTIONS: 2}.get(code, 1)


def _with_outcome(program: list[str], stdout: int | None) -> tuple[int, dict[str, Any]]:
    """The exit code, and the outcome of the callback ``result_file``. With --json, standard output is for the
    answer."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "outcome.json")
        enabled = ",".join([*constants.config.get_config_value("CALLBACKS_ENABLED"), RESULT_FILE])
        environment = {**_environment(), "ANSIBLE_CALLBACKS_ENABLED": enabled, RESULT_PATH: str(file)}
        code = _exit_code(program, env=environment, stdout=stdout)
        outcome = json.loads(file.read_text(encoding="utf-8")) if file.exists() else NO_OUTCOME
    verification = outcome["results"].get("verification", {})
    for path in verification.get("files", []):
        if path.endswith(".json"):
            verification["report"] = json.loads(Path(path).read_text(encoding="utf-8"))
    return code, outcome


def _exit_code(command: list[str], **options: Any) -> int:
    """Runs the command. Ctrl-C reaches both processes: Ansible ends its run itself, and is waited for. SIGTERM is
    passed on."""
    started: list[subprocess.Popen[bytes]] = []

    def passed_on(*_signal: Any) -> None:
        for process in started:
            process.terminate()

    handlers: dict[int, Any] = {signal.SIGINT: lambda *_signal: None, signal.SIGTERM: passed_on}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        started.append(subprocess.Popen(command, **options))
        return started[0].wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def command_of(args: argparse.Namespace, playbook: str, variables: Mapping[str, str]) -> list[str]:
    command = ["ansible-playbook"]
    for path in inventory_source.paths(args.inventory):
        command += ["-i", path]
    command.append(str(inventory_source.ROOT / "playbooks" / f"{playbook}.yml"))
    for name, value in {"app_environment": args.environment, **variables}.items():
        command += ["-e", f"{name}={value}" if PLAIN.fullmatch(value) else json.dumps({name: value})]
    if getattr(args, "limit", None):
        command += ["--limit", args.limit]
    if getattr(args, "check", False):
        # provision shows whole policies as a diff, and names each change without it
        command += ["--check"] if playbook == "provision" else ["--check", "--diff"]
    return [*command, *args.rest]


def _program() -> str:
    beside = Path(sys.executable).with_name("ansible-playbook")
    program = str(beside) if beside.exists() else shutil.which("ansible-playbook")
    if not program:
        raise UsageError("ansible-playbook was not found; run python3 -m pip install ansible-core")
    return program


def _environment() -> dict[str, str]:
    """The environment with the collection's output, unless the operator chose another."""
    chosen = constants.config.get_config_value_and_origin("DEFAULT_STDOUT_CALLBACK")[1] != "default"
    ours = {} if chosen or not CONSOLE.exists() else {CALLBACK: "watchparty.secrets.console"}
    return {**os.environ, **ours}
