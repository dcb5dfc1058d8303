# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Output of a command: text for people, or JSON."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.scripts.commands.usage_error import UsageError

SHORT = 8
"""Characters of a version id in text. JSON has all of them."""


def show(args: argparse.Namespace, *, answer: Mapping[str, Any], lines: Iterable[str]) -> None:
    if args.json:
        print(json.dumps(answer, indent=2))
        return
    text = "\n".join(lines)
    if not answer.get("value"):  # a revealed value stays as it is
        text = completed(args, text)
    print(printable(text))


def completed(args: argparse.Namespace, text: str) -> str:
    """The text, with this command's inventory and environment in commands of the collection, for pasting."""
    from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import run_arguments  # imports Ansible
    from ansible_collections.watchparty.secrets.scripts.commands import inventory_source

    options, paths = vars(args), list[str]()
    with contextlib.suppress(UsageError):
        paths = inventory_source.paths(options.get("inventory"))
    # A message of diff may be about either environment.
    environment = "" if options.get("other") else options.get("environment", "")
    return run_arguments.completed_with(text, paths, environment)


def printable(text: str) -> str:
    """Replaces unprintable characters: names come from stores, and must not control the terminal."""
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)


def short(version: str) -> str:
    return version if version.isdigit() else version[:SHORT]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[at]) for row in (heads, *rows)) for at in range(len(heads))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (heads, *rows)
    ]
