# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every command with its arguments."""

from __future__ import annotations

import argparse
from typing import Any

from ansible_collections.watchparty.secrets.scripts.commands.arguments import (
    Argument,
    Command,
    argument,
    environment_name,
    moment,
    switch,
)

EXIT_CODES = {
    0: "Good.",
    1: "Invalid, different or failed. The message says what.",
    2: "Wrong usage, or a program is missing on this machine.",
    3: "No access: no credentials, denied, the wrong account, or AWS cannot be reached.",
}
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
COMMON = (ENVIRONMENT, INVENTORY, PRINT, JSON)
"""Of most commands; the reference describes them once."""
OPTIONS_OF_ANSIBLE, PROGRAM = "ANSIBLE-OPTION", "COMMAND"
REST = {
    OPTIONS_OF_ANSIBLE: "Options of ansible-playbook, such as -f 20 or -e NAME=VALUE.",
    PROGRAM: "The command and its arguments.",
}
"""What may follow ``--``."""


NAME = argument("name", description="Name of the setting.", metavar="NAME")


def several(name: str, metavar: str, description: str, count: str = "*") -> Argument:
    return argument(name, description=description, nargs=count, metavar=metavar)


def reader(name: str, summary: str, function: str, *arguments: Argument) -> Command:
    return Command(name, summary, function, (ENVIRONMENT, *arguments, INVENTORY, JSON))


def front(name: str, summary: str, *arguments: Argument, function: str = "") -> Command:
    given = (ENVIRONMENT, *arguments, INVENTORY, PRINT, JSON)
    return Command(name, summary, f"fronts:{function or name}", given, OPTIONS_OF_ANSIBLE)


COMMANDS = (
    reader("list", "List the settings with their sources and versions.", "listing:list_settings"),
    reader("validate", "Check that every setting is present and well-formed.", "listing:validate", FILE),
    Command(
        "diff",
        "Show which settings differ between two environments, two moments, or a host and the stores. Exit code 1: they "
        "differ.",
        "comparison:diff",
        (
            ENVIRONMENT,
            argument("other", description="The other environment.", nargs="?", type=environment_name, metavar="OTHER"),
            argument(
                "--at",
                description="Compare with this moment: a time in UTC, or an age such as 30m, 12h or 2d. Twice: compare "
                "two moments.",
                action="append",
                type=moment,
                metavar="TIME",
            ),
            argument(
                "--host",
                description="Compare the .env of this host with the stores, by a deploy in check mode.",
                metavar="HOST",
            ),
            INVENTORY,
            PRINT,
            JSON,
        ),
        OPTIONS_OF_ANSIBLE,
    ),
    reader("history", "List the versions of a setting: dates, who wrote them, from where.", "versions:history", NAME),
    reader(
        "who",
        "List who read a setting, from CloudTrail.",
        "versions:who",
        NAME,
        argument(
            "--since", description="Only reads since this moment (as for diff --at).", type=moment, metavar="TIME"
        ),
        argument("--seconds", description="Time limit. Default: %(default)s.", type=int, default=20, metavar="N"),
    ),
    Command(
        "get",
        "Show the value of a setting on this terminal. The audit log records it first.",
        "values:get",
        (ENVIRONMENT, NAME, switch("--reveal", "Show the value."), INVENTORY),
    ),
    Command(
        "exec",
        "Run one command with the environment's settings as environment variables. Writes no file.",
        "values:execute",
        (ENVIRONMENT, switch("--keep-aws", "Leave your own AWS credentials in the command's environment."), INVENTORY),
        PROGRAM,
    ),
    front(
        "set",
        "Ask for new values of settings and write them to their stores.",
        several("names", "NAME", "Names of the settings.", "+"),
        switch("--deploy", "Deploy afterwards."),
        argument("--value-file", description="Take the value from this file of mode 0600.", metavar="FILE"),
        argument("--values-file", description="Take several values from this YAML file of mode 0600.", metavar="FILE"),
        switch("--force", "Set a value that a rotation should replace."),
        CHECK,
        function="set_settings",
    ),
    front(
        "undo",
        "Go back to the previous values of settings, and deploy. A host that is unhealthy with them keeps its .env.",
        several("names", "NAME", "Names of the settings.", "+"),
        CHECK,
    ),
    front("deploy", "Write .env on the hosts, restart the services and check their health.", CHECK, LIMIT),
    front(
        "rotate",
        "Rotate the credentials that are due, or these credentials now.",
        several("credentials", "CREDENTIAL", "Credentials to rotate now. Default: all that are due."),
        switch("--abort", "Roll the open rotation back."),
        CHECK,
        LIMIT,
    ),
    front(
        "leak",
        "Contain a leak: replace these credentials and every credential that they reveal.",
        several(
            "credentials", "CREDENTIAL", "Leaked credentials. Without a name, the playbook asks for the leaked text."
        ),
        argument("--value-file", description="File of mode 0600 with the leaked text.", metavar="FILE"),
        switch("--check", "Drill: show the blast radius and the plan, and change nothing."),
    ),
    front("ages", "Show the age of every credential, what is due and what is open."),
    front(
        "verify",
        "Run the checks and write a report.",
        several("checks", "CHECK", "Ids or names of checks. Default: all."),
        argument("--repository", description="Also check this repository.", metavar="PATH"),
        LIMIT,
    ),
    front(
        "scan",
        "Search repositories for values in use.",
        several("repositories", "PATH", "Repositories. Default: this folder."),
    ),
    reader(
        "doctor",
        "Check credentials, region, account, stores, hosts and versions, and name what is missing.",
        "doctor:doctor",
    ),
    Command(
        "completion",
        "Print the completion script of a shell.",
        "completion:completion",
        (argument("shell", description="Name of the shell.", choices=("bash", "zsh")),),
    ),
)
COMPLETE = Command("complete", "", "completion:complete", rest="WORD")
"""Called by the completion scripts; no list of commands shows it."""


def parser() -> argparse.ArgumentParser:
    main = argparse.ArgumentParser(prog="secrets", description="The daily commands of watchparty.secrets.")
    commands = main.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in (*COMMANDS, COMPLETE):
        shown: dict[str, Any] = {"help": command.summary} if command.summary else {}
        sub = commands.add_parser(command.name, description=command.summary, **shown)
        for item in command.arguments:
            sub.add_argument(*item.flags, help=item.description, **item.form)
        rest = f" [-- {command.rest} …]" if command.rest else ""
        sub.usage = sub.format_usage().removeprefix("usage: ").rstrip() + rest
        sub.set_defaults(function=command.function)
    return main


def parsed(argv: list[str]) -> argparse.Namespace:
    """The arguments; ``rest`` is what follows ``--``. Ends with exit code 2 on wrong usage."""
    at = argv.index("--") if "--" in argv else len(argv)
    main = parser()
    args = main.parse_args(argv[:at], argparse.Namespace(rest=argv[at + 1 :]))
    if args.rest and args.command not in {command.name for command in (*COMMANDS, COMPLETE) if command.rest}:
        main.error(f"{args.command} takes nothing after --")
    return args
