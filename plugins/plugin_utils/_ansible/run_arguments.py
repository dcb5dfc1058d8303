# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Completes the commands in messages with this run's inventory and environment, for pasting."""

from __future__ import annotations

import os
import re
import shlex
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
    """Adds the inventory and the environment to each command of the collection."""
    return COMMAND.sub(partial(_completed, inventory=_inventory(), environment=_environment()), text)


def _completed(match: re.Match[str], *, inventory: str, environment: str) -> str:
    name, rest = match.groups()
    if name is None:
        return match[0]
    before = "" if re.search(r" (-i|--inventory)\b", rest) else inventory
    after = "" if f" {VARIABLE}=" in rest else environment
    return f"ansible-playbook{before} {name}{after}"


def _inventory() -> str:
    """Empty if Ansible's configuration names the inventory."""
    sources = list(context.CLIARGS.get("inventory") or ())
    if sources == list(constants.DEFAULT_HOST_LIST):
        return ""
    return "".join(f" -i {shlex.quote(_relative(source))}" for source in sources)


def _relative(source: str) -> str:
    """Relative to the current folder, if the inventory is in it."""
    path = os.path.relpath(source) if os.path.isabs(source) else source
    return source if path.startswith("..") else path


def _environment() -> str:
    """Empty unless an extra variable names it. No other variable of the run is shown."""
    value = str(load_extra_vars(DataLoader()).get(VARIABLE, ""))
    return f" -e {VARIABLE}={value}" if ENVIRONMENT.fullmatch(value) else ""
