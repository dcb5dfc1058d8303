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
    filled,
    moment,
    switch,
)

EXIT_CODES = {
    0: "Success.",
    1: "The settings are invalid or differ, or the run failed. The message has the reason.",
    2: "Wrong usage, or a program is missing on this machine.",
    3: "No access: no AWS credentials, access denied, wrong account, or AWS cannot be reached.",
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
    description="Path of the inventory with the catalog in its group_vars. Default: Ansible's setting "
    "(ANSIBLE_INVENTORY, ansible.cfg), then ./inventory, ./inventory.yml, ./hosts.yml.",
    metavar="PATH",
)
JSON = switch("--json", "Print the result as JSON.")
FILE = argument("--file", description="Check this .env instead of the stores. Needs no AWS.", metavar="FILE")
PRINT = switch("--print", "Print the ansible-playbook command instead of running it.")
CHECK = switch("--check", "Show what would change, and change nothing.")
LIMIT = argument(
    "--limit", description="Run only on these hosts, given as an Ansible pattern.", metavar="HOSTS", type=filled
)
COMMON = (ENVIRONMENT, INVENTORY, PRINT, JSON)
"""Arguments of most commands. The reference describes them once."""
OPTIONS_OF_ANSIBLE, PROGRAM = "ANSIBLE-OPTION", "COMMAND"
REST = {
    OPTIONS_OF_ANSIBLE: "Options of ansible-playbook, such as -f 20 or -e NAME=VALUE.",
    PROGRAM: "The program to run, with its arguments.",
}
"""Descriptions of the words after ``--``."""


NAME = argument("name", description="Name of the setting.", metavar="NAME")


def several(name: str, metavar: str, description: str, count: str = "*") -> Argument:
    return argument(name, description=description, nargs=count, metavar=metavar, type=filled)


def reader(name: str, summary: str, function: str, *arguments: Argument) -> Command:
    return Command(name, summary, function, (ENVIRONMENT, *arguments, INVENTORY, JSON))


def front(name: str, summary: str, *arguments: Argument, function: str = "") -> Command:
    all_arguments = (ENVIRONMENT, *arguments, INVENTORY, PRINT, JSON)
    return Command(name, summary, f"fronts:{function or name}", all_arguments, OPTIONS_OF_ANSIBLE)


COMMANDS = (
    reader("list", "List the settings, with the source and version of each value.", "listing:list_settings"),
    reader(
        "validate",
        "Check that every required setting has a value, and that every value is well-formed.",
        "listing:validate",
        FILE,
    ),
    Command(
        "diff",
        "Show which settings differ between two environments, two times, or a host and the stores. Exit code 1: they "
        "differ, or with --host: a deploy would change the host. With --host, the JSON is that of the run.",
        "comparison:diff",
        (
            ENVIRONMENT,
            argument(
                "other", description="Name of the other environment.", nargs="?", type=environment_name, metavar="OTHER"
            ),
            argument(
                "--at",
                description="Compare with the values at this time: a time in UTC, or an age such as 30m, 12h or 2d. "
                "Given twice: compare the values at the two times.",
                action="append",
                type=moment,
                metavar="TIME",
            ),
            argument(
                "--host",
                description="Compare the .env of this host with the stores. This runs a deploy in check mode.",
                type=filled,
                metavar="HOST",
            ),
            INVENTORY,
            PRINT,
            JSON,
        ),
        OPTIONS_OF_ANSIBLE,
    ),
    reader(
        "history",
        "List the versions of a setting: when, by whom and from which address each was written.",
        "versions:history",
        NAME,
    ),
    reader(
        "who",
        "List who read a setting, from CloudTrail.",
        "versions:who",
        NAME,
        argument(
            "--since",
            description="List only reads since this time, in the format of diff --at.",
            type=moment,
            metavar="TIME",
        ),
        argument(
            "--seconds",
            description="Seconds that the search may take. Default: %(default)s.",
            type=int,
            default=20,
            metavar="N",
        ),
    ),
    reader(
        "get",
        "Show the source, version and date of a setting's value, or with --reveal the value.",
        "values:get",
        NAME,
        switch("--reveal", "Show the value, on a terminal only. Writes a record into the audit log first."),
    ),
    Command(
        "exec",
        "Run one command with the environment's settings as environment variables. Writes no file.",
        "values:execute",
        (ENVIRONMENT, switch("--keep-aws", "Give the command your own AWS credentials too."), INVENTORY),
        PROGRAM,
    ),
    front(
        "provision",
        "Create the missing key, roles, secrets and parameters. Asks for values, or reads them from a file.",
        argument("--values-file", description="Read values by name from this YAML file of mode 0600.", metavar="FILE"),
        CHECK,
    ),
    front(
        "set",
        "Write new values of settings into the stores. Asks for the values, or reads them from a file.",
        several("names", "NAME", "Names of the settings.", "+"),
        switch("--deploy", "Deploy after the values are written."),
        argument(
            "--value-file", description="Read the value of the one setting from this file of mode 0600.", metavar="FILE"
        ),
        argument("--values-file", description="Read values by name from this YAML file of mode 0600.", metavar="FILE"),
        switch("--force", "Write the value even if a rotation should replace it."),
        CHECK,
        function="set_settings",
    ),
    front(
        "undo",
        "Write the previous values of settings, and deploy. A host that is unhealthy with them is rolled back.",
        several("names", "NAME", "Names of the settings.", "+"),
        CHECK,
    ),
    front("deploy", "Write .env on the hosts, restart the services and check their health.", CHECK, LIMIT),
    front(
        "rotate",
        "Rotate the credentials that are due. With names, rotate these credentials now.",
        several("credentials", "CREDENTIAL", "Credentials to rotate now. Default: all that are due."),
        switch("--abort", "Abort the open rotation and roll it back."),
        CHECK,
        LIMIT,
    ),
    front(
        "rotated-elsewhere",
        "Record that credentials were rotated elsewhere, such as at their provider. Their age counts from that time.",
        several("credentials", "CREDENTIAL", "Credentials that were rotated.", "+"),
        argument(
            "--at",
            description="When: a time in UTC, or an age as in diff --at.",
            type=moment,
            required=True,
            metavar="TIME",
        ),
        argument(
            "--reason", description="Where and why, for the audit log.", type=filled, required=True, metavar="TEXT"
        ),
        CHECK,
        function="rotated_elsewhere",
    ),
    front(
        "leak",
        "Contain a leak: replace these credentials and every credential that they reveal.",
        several(
            "credentials",
            "CREDENTIAL",
            "Names of leaked credentials, host:NAME, github, secret:NAME or all. Without names, the playbook asks for "
            "the leaked text.",
        ),
        argument("--value-file", description="Read the leaked text from this file of mode 0600.", metavar="FILE"),
        switch("--check", "Drill: show the blast radius and the plan, and change nothing."),
    ),
    front("ages", "Show the age of every credential, due credentials and open work."),
    front(
        "verify",
        "Run the checks of an environment and write a report.",
        several("checks", "CHECK", "Ids or names of checks. Default: all checks."),
        argument(
            "--repository", description="Also check this checkout of the application's repository.", metavar="PATH"
        ),
        LIMIT,
    ),
    front(
        "scan",
        "Search repositories for values in the stores.",
        several("repositories", "PATH", "Paths of repositories. Default: the current folder."),
    ),
    reader(
        "doctor",
        "Check AWS credentials, region, account, stores, hosts and versions. Shows the remedy of each problem.",
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
"""The command of the completion scripts, which no list of commands shows."""


def parser() -> argparse.ArgumentParser:
    main = argparse.ArgumentParser(prog="secrets", description="The daily commands of watchparty.secrets.")
    commands = main.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in (*COMMANDS, COMPLETE):
        options: dict[str, Any] = {"help": command.summary} if command.summary else {}
        sub = commands.add_parser(command.name, description=command.summary, **options)
        for item in command.arguments:
            sub.add_argument(*item.flags, help=item.description, **item.form)
        rest = f" [-- {command.rest} …]" if command.rest else ""
        sub.usage = sub.format_usage().removeprefix("usage: ").rstrip() + rest
        sub.set_defaults(function=command.function)
    return main


def parsed(argv: list[str]) -> argparse.Namespace:
    """Parsed arguments; ``rest`` has the words after ``--``. Exits with code 2 on wrong usage."""
    at = argv.index("--") if "--" in argv else len(argv)
    main = parser()
    args = main.parse_args(argv[:at], argparse.Namespace(rest=argv[at + 1 :]))
    if args.rest and args.command not in {command.name for command in (*COMMANDS, COMPLETE) if command.rest}:
        main.error(f"{args.command} takes nothing after --")
    return args
