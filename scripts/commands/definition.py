# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every command with its arguments. Imports neither Ansible nor the stores: fronts and completion must be quick."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EXIT_CODES = {
    0: "Good.",
    1: "Invalid, different or failed. The message says what.",
    2: "Wrong usage, or a program is missing on this machine.",
    3: "No access: no credentials, denied, the wrong account, or AWS cannot be reached.",
}
ENVIRONMENT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def environment_name(text: str) -> str:
    if not ENVIRONMENT_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an environment's name")
    return text


@dataclass(frozen=True)
class Argument:
    """One argument as argparse takes it."""

    flags: tuple[str, ...]
    description: str
    form: Mapping[str, Any] = field(default_factory=dict)


def argument(*flags: str, description: str, **form: Any) -> Argument:
    return Argument(flags, description, form)


def switch(flag: str, description: str) -> Argument:
    return Argument((flag,), description, {"action": "store_true"})


@dataclass(frozen=True)
class Command:
    """One command."""

    name: str
    summary: str
    function: str
    """FILE:NAME of the function that runs it, imported only then."""
    arguments: tuple[Argument, ...] = ()
    rest: str = ""
    """What may follow ``--``."""


ENVIRONMENT = argument(
    "environment",
    description="Name of the environment, such as production.",
    type=environment_name,
    metavar="ENVIRONMENT",
)
INVENTORY = argument(
    "-i",
    "--inventory",
    description="Inventory with the catalog in its group_vars. Default: Ansible's setting (ANSIBLE_INVENTORY, "
    "ansible.cfg), then ./inventory, ./inventory.yml, ./hosts.yml.",
    metavar="PATH",
)
JSON = switch("--json", "Print JSON.")
FILE = argument("--file", description="Check this file instead of the stores. Needs no AWS.", metavar="FILE")
PRINT = switch("--print", "Print the ansible-playbook command instead of running it.")
CHECK = switch("--check", "Show what would change, and change nothing.")
LIMIT = argument("--limit", description="Only these hosts, as an Ansible pattern.", metavar="HOSTS")
OPTIONS_OF_ANSIBLE = "ANSIBLE-OPTION"


def credentials(meaning: str) -> Argument:
    return argument("credentials", description=meaning, nargs="*", metavar="CREDENTIAL")


def reader(name: str, summary: str, function: str, *arguments: Argument) -> Command:
    return Command(name, summary, function, (ENVIRONMENT, *arguments, INVENTORY, JSON))


def front(name: str, summary: str, *arguments: Argument) -> Command:
    return Command(
        name, summary, f"fronts:{name}", (ENVIRONMENT, *arguments, INVENTORY, PRINT, JSON), OPTIONS_OF_ANSIBLE
    )


COMMANDS = (
    reader("list", "List the settings with their sources and versions.", "environments:list_settings"),
    reader("validate", "Check that every setting is present and well-formed.", "environments:validate", FILE),
    front("deploy", "Write .env on the hosts, restart the services and check their health.", CHECK, LIMIT),
)


def parser() -> argparse.ArgumentParser:
    main = argparse.ArgumentParser(prog="secrets", description="The daily commands of watchparty.secrets.")
    commands = main.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        rest = f" [-- {command.rest} …]" if command.rest else ""
        sub = commands.add_parser(command.name, help=command.summary, description=command.summary)
        for item in command.arguments:
            sub.add_argument(*item.flags, help=item.description, **item.form)
        sub.usage = sub.format_usage().removeprefix("usage: ").rstrip() + rest
    return main


def parsed(argv: list[str]) -> argparse.Namespace:
    """The arguments; ``rest`` is what follows ``--``. Ends with exit code 2 on wrong usage."""
    own, _, rest = _split(argv)
    main = parser()
    args = main.parse_args(own)
    command = next(item for item in COMMANDS if item.name == args.command)
    if rest and not command.rest:
        main.error(f"{command.name} takes nothing after --")
    return argparse.Namespace(**vars(args), function=command.function, rest=rest)


def _split(argv: list[str]) -> tuple[list[str], bool, list[str]]:
    at = argv.index("--") if "--" in argv else len(argv)
    return argv[:at], at < len(argv), argv[at + 1 :]
