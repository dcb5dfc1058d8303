# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the command of a finding: each must run as it is pasted."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import botocore.session
import jmespath
from botocore import xform_name

from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, Row
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import extra_variables
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check_helpers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import CheckResult

PLAYBOOKS = Path(__file__).parents[5] / "playbooks"
VARIABLES = {"app_environment", "aws_access_purge_policies"}.union(*extra_variables.KNOWN.values())
OPTIONS = {"-e", "--limit", "--tags", "--diff", "--check", "-v"}
PROGRAMS = {"gh", "mysql", "psql", "rabbitmqctl", "valkey-cli", "curl", "printf", "${EDITOR:-vi}"}
SERVICES = {"s3api": "s3"}
GLOBAL = {"query", "output"}
DUE_OR_PENDING = {"WPS701", "WPS801", "WPS802"}
"""Checks whose rotation is due, or only revokes."""


def commands(results: Iterable[CheckResult]) -> Iterator[tuple[str, str]]:
    """The id of each failed check, with the command of each of its findings."""
    for result in results:
        yield from (
            (result.check.id, result.check.command_for(outcome, "production"))
            for outcome in result.worst_first
            if outcome.status == FAIL
        )


def flaws(results: Iterable[CheckResult], *, hostile: bool = False) -> list[str]:
    """A hostile name leaves the check's sentence to a person, and has the command that verifies again."""
    problems = []
    for check, command in commands(results):
        problems += [f"{check}: {command}: {flaw}" for flaw in _flaws(command)]
        if "secrets.verify " in command and not hostile:
            problems.append(f"{check} has no command")
        if "secrets.rotate " in command and "rotation_force" not in command and check not in DUE_OR_PENDING:
            problems.append(f"{check}: {command}: skips a credential that is not due")
    return problems


def of_rows(check: str, rows: Iterable[Row]) -> list[str]:
    """Of rows that become findings of this check."""
    (item,) = verify_check.chosen([check])
    return flaws([CheckResult(item, tuple(check_helpers.outcomes(rows)))])


def run_aws(command: str, client: Callable[[str], Any]) -> str:
    """As the AWS CLI does, and a shell for a command in a command."""
    assert [*_flaws(command)] == []
    command = re.sub(r"\$\((.*)\)", lambda inner: run_aws(inner[1], client), command)
    _aws, service, operation, *rest = shlex.split(command)
    name = next(name for name in _model(service).operation_names if xform_name(name, "-") == operation)
    shape = _model(service).operation_model(name).input_shape
    members = {f"--{xform_name(member, '-')}": member for member in shape.members}
    given = dict(zip(rest[::2], rest[1::2], strict=True))
    query = given.pop("--query", "@")
    given.pop("--output", None)
    options = {members[option]: text for option, text in given.items()}
    answer = getattr(client(SERVICES.get(service, service)), xform_name(name))(**options)
    return str(jmespath.search(query, answer))


def _flaws(command: str) -> Iterator[str]:
    words = shlex.split(command)
    if not command.isprintable():
        yield "is not printable"
    for part in (re.sub(r"\$\(.*\)", "", command), *re.findall(r"\$\((.*)\)", command)):
        if re.search(r"[*?[]", re.sub(r"'[^']*'|\"[^\"]*\"", "", part)):
            yield "has a pattern of files, which stops zsh if no file matches it"
    if words[0] == "ansible-playbook":
        yield from _of_playbook(words)
    elif words[0] == "ansible":
        module = words[words.index("-m") + 1]
        if not importlib.util.find_spec(module.replace("ansible.builtin", "ansible.modules")):
            yield f"no module {module}"
        shlex.split(words[words.index("-a") + 1])
    elif words[0] == "aws":
        yield from _of_aws(words[1], words[2], [word[2:] for word in words[3:] if word.startswith("--")])
    elif words[0] not in PROGRAMS:
        yield f"what is {words[0]}?"


def _of_playbook(words: Sequence[str]) -> Iterator[str]:
    name = words[1].rpartition(".")[2]
    if not (PLAYBOOKS / f"{name}.yml").is_file():
        yield f"no playbook {name}"
    yield from (f"no option {word}" for word in words[2:] if word.startswith("-") and word not in OPTIONS)
    for option, text in pairwise(words):
        variable, _, value = text.partition("=")
        if option == "-e" and (variable not in VARIABLES or not value):
            yield f"no variable {text}"


@cache
def _model(service: str) -> botocore.model.ServiceModel:
    return botocore.session.get_session().get_service_model(SERVICES.get(service, service))


def _of_aws(service: str, operation: str, options: Sequence[str]) -> Iterator[str]:
    named = {xform_name(name, "-"): name for name in _model(service).operation_names}
    if operation not in named:
        yield f"no operation {operation}"
        return
    shape = _model(service).operation_model(named[operation]).input_shape
    members = {xform_name(name, "-") for name in shape.members}
    yield from (f"no option {option}" for option in options if option not in members | GLOBAL)
