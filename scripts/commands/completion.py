# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command completion, and the answers for its scripts. Names come from the inventory; no store is read."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence

from ansible_collections.watchparty.secrets.scripts.commands import definition
from ansible_collections.watchparty.secrets.scripts.commands.arguments import Argument, Command

SAFE = re.compile(r"[\w.-]+")
"""Names that a shell does not interpret. Others are not offered."""
KINDS = {
    "environment": "environments",
    "other": "environments",
    "name": "settings",
    "names": "settings",
    "credentials": "credentials",
    "--host": "hosts",
    "--limit": "hosts",
}
"""Names that an argument completes to. For other arguments, the shell offers files."""
BASH = """\
_secrets() {
  local IFS=$'\\n' word=${COMP_WORDS[COMP_CWORD]}
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(IFS=' ' compgen -W '@COMMANDS@' -- "$word"))
  else
    COMPREPLY=($("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  fi
}
complete -o default -F _secrets secrets
"""
ZSH = """\
_secrets() {
  local -a candidates
  if ((CURRENT == 2)); then
    candidates=(@COMMANDS@)
  else
    candidates=(${(f)"$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
  fi
  compadd -a candidates || _files
}
compdef _secrets secrets
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH}


def completion(args: argparse.Namespace) -> int:
    names = " ".join(command.name for command in definition.COMMANDS)
    print(SCRIPTS[args.shell].replace("@COMMANDS@", names), end="")
    return 0


def needs_inventory(args: argparse.Namespace) -> bool:
    """Whether this process reads the inventory. Commands that run a playbook leave that to Ansible."""
    if args.command == "complete":
        return _kind(args.rest) is not None
    return args.function.partition(":")[0] not in ("completion", "fronts")


def complete(args: argparse.Namespace) -> int:
    """Prints the candidates. ``rest`` has the words after the program's name; the last is completed."""
    name, *words = args.rest
    command = _command(name)
    if command and words:
        print("\n".join(sorted(word for word in _candidates(command, words) if word.startswith(words[-1]))))
    return 0


def _command(name: str) -> Command | None:
    return next((item for item in definition.COMMANDS if item.name == name), None)


def _kind(rest: Sequence[str]) -> str | None:
    """The kind of names that the last word completes to."""
    command = _command(rest[0]) if len(rest) > 1 else None
    argument = _at(command, rest[1:]) if command and not rest[-1].startswith("-") else None
    return KINDS.get(argument.flags[0]) if argument else None


def _candidates(command: Command, words: Sequence[str]) -> Iterable[str]:
    if words[-1].startswith("-"):
        return [flag for item in command.arguments for flag in item.flags if flag.startswith("--")]
    kind = _kind([command.name, *words])
    if kind:
        return filter(SAFE.fullmatch, _names(kind, words))
    argument = _at(command, words)
    return map(str, argument.form.get("choices", ())) if argument else []


def _at(command: Command, words: Sequence[str]) -> Argument | None:
    """The argument of the last word."""
    options = {flag: item for item in command.arguments for flag in item.flags if flag.startswith("-")}
    valued = {flag for flag, item in options.items() if item.form.get("action") != "store_true"}
    before = ["", *words[:-1]]
    if before[-1] in valued:
        return options[before[-1]]
    position = sum(
        not word.startswith("-") and ahead not in valued for ahead, word in zip(before, words[:-1], strict=False)
    )
    positional = [item for item in command.arguments if item.flags[0] not in options]
    if position >= len(positional):
        return positional[-1] if positional and positional[-1].form.get("nargs") in ("*", "+") else None
    return positional[position]


def _names(kind: str, words: Sequence[str]) -> Iterable[str]:
    from ansible_collections.watchparty.secrets.scripts.commands import inventories  # imports Ansible

    inventory_path = next((words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-i", "--inventory")), None)
    inventory = inventories.opened(inventory_path)
    if kind == "environments":
        return inventory.environments()
    environment = words[0]
    if kind == "hosts":
        return (host.name for host in inventory.hosts_of(environment))
    entries = inventory.document(environment).get(kind, {})
    return map(str, entries)
