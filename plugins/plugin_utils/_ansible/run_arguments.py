# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Completes the commands in messages with a run's inventory and environment, for pasting."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from functools import partial

from ansible import constants, context
from ansible.parsing.dataloader import DataLoader
from ansible.utils.vars import load_extra_vars

COMMAND = re.compile(
    r"(?<!\w)'[^'\n]*'|\"[^\"\n]*\""
    r"|(?<![\w./-])ansible-playbook (watchparty\.secrets\.\w+)(?=(.*?)(?:ansible-playbook|$))",
    re.MULTILINE,
)
"""Includes the text up to the next command. Quoted text stays: it is a word of another command, which somebody else may
have chosen."""
ENVIRONMENT = re.compile(r"[a-z0-9][a-z0-9_-]*")
VARIABLE = "app_environment"


def completed(text: str) -> str:
    """Adds this playbook run's inventory and environment. No other variable of the run is shown."""
    environment = str(load_extra_vars(DataLoader()).get(VARIABLE, ""))
    return completed_with(text, context.CLIARGS.get("inventory") or (), environment)


def completed_with(text: str, inventory: Iterable[str], environment: str) -> str:
    """Adds the inventory and the environment to each command of the collection."""
    option = f" -e {VARIABLE}={environment}" if ENVIRONMENT.fullmatch(environment) else ""
    return COMMAND.sub(partial(_completed, inventory=_options(list(inventory)), environment=option), text)


def _completed(match: re.Match[str], *, inventory: str, environment: str) -> str:
    name, rest = match.groups()
    if name is None:
        return match[0]
    before = "" if re.search(r" (-i|--inventory)\b", rest) else inventory
    after = "" if f" {VARIABLE}=" in rest else environment
    return f"ansible-playbook{before} {name}{after}"


def _options(sources: list[str]) -> str:
    """Empty if Ansible's configuration names the inventory."""
    if sources == list(constants.DEFAULT_HOST_LIST):
        return ""
    return "".join(f" -i {shlex.quote(_relative(source))}" for source in sources)


def _relative(source: str) -> str:
    """Relative to the current folder, if the inventory is in it."""
    path = os.path.relpath(source) if os.path.isabs(source) else source
    return source if path.startswith("..") else path
