# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page of scripts/secrets for write_reference.py, from the definition of its commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.scripts.commands import definition, schemas
from ansible_collections.watchparty.secrets.scripts.commands.arguments import Argument, Command

INTRODUCTION = (
    "`scripts/secrets COMMAND ENVIRONMENT …`. [Daily commands](../how-to/daily-commands.md) shows them in use.\n"
    "The sources are `scripts/commands/definition.py` and `scripts/commands/schemas.py`; "
    "[command.schema.json](../command.schema.json) is the same for programs."
)
WITHOUT_JSON = (
    "`exec` and `completion` have no `--json`: their output belongs to the command that `exec` runs, and to the shell."
)


def sections(keys: Callable[[Mapping[str, Any]], str]) -> Iterator[str]:
    """The page's sections. ``keys`` writes the properties of a schema."""
    codes = "".join(f"- `{code}`: {meaning}\n" for code, meaning in definition.EXIT_CODES.items())
    yield f"## Exit codes\n\n{codes}\n`exec` returns the exit code of its command.\n"
    rest = "".join(f"- `-- {name} …`: {text}\n" for name, text in definition.REST.items())
    yield f"## Common arguments\n\n{_arguments(definition.COMMON)}{rest}\n{WITHOUT_JSON}\n"
    yield from (_command(command, schemas.ANSWERS.get(command.name, "run")) for command in definition.COMMANDS)
    yield "## Answers\n"
    yield from (f"### {name}\n\n{keys(schema)}" for name, schema in schemas.DEFINITIONS.items())


def _command(command: Command, answer: str) -> str:
    words = [_word(item) for item in command.arguments if not item.flags[0].startswith("-")]
    rest = [f"[-- {command.rest} …]"] if command.rest else []
    parts = [
        f"## secrets {command.name}\n",
        "    " + " ".join(["secrets", command.name, *words, *rest]) + "\n",
        f"{command.summary}\n",
        _arguments(item for item in command.arguments if item not in definition.COMMON),
        f"`--json` prints [{answer}](#{answer}).\n" if definition.JSON in command.arguments else "",
    ]
    return "\n".join(part for part in parts if part)


def _word(item: Argument) -> str:
    """A positional argument in a usage line."""
    name, count = str(item.form.get("metavar") or item.flags[0]), item.form.get("nargs", "")
    name += " …" if count in ("*", "+") else ""
    return f"[{name}]" if count in ("*", "?") else name


def _arguments(arguments: Iterable[Argument]) -> str:
    return "".join(f"- `{_usage(item)}`: {_described(item)}\n" for item in arguments)


def _usage(item: Argument) -> str:
    metavar = str(item.form.get("metavar", ""))
    return ", ".join(item.flags) + f" {metavar}".rstrip() if item.flags[0].startswith("-") else metavar or item.flags[0]


def _described(item: Argument) -> str:
    return item.description % {"default": item.form.get("default")}
