# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands that read an environment once: list and validate."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment import (
    Environment,
    ReadRequest,
    read,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment_summary import report
from ansible_collections.watchparty.secrets.scripts.commands import connections, inventories, output


def environment_of(args: argparse.Namespace, name: str | None = None) -> Environment:
    """The one read of it. Raises SecretsError."""
    environment = name or args.environment
    document = inventories.opened(args.inventory).document(environment)
    request = ReadRequest(
        document=document, environment=environment, journal="optional", file=getattr(args, "file", None)
    )
    return read(request, connections.connection())


def list_settings(args: argparse.Namespace) -> int:
    answer = report(environment_of(args))
    output.show(as_json=args.json, answer=_listing(answer), lines=_lines(answer))
    return 1 if answer["problems"] else 0


def _listing(answer: Mapping[str, Any]) -> dict[str, Any]:
    names = ("application", "environment", "absent", "unknown", "problems", "notes")
    return {**{name: answer[name] for name in names}, "settings": answer["origins"]}


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    rows = [(origin["setting"], place_of(origin), output.short(origin["version"])) for origin in answer["origins"]]
    yield from output.table(("setting", "source", "version"), rows)
    yield from _remarks(answer)


def place_of(origin: Mapping[str, Any]) -> str:
    if not origin["name"]:
        return str(origin["source"])
    return f"{origin['source']} {origin['name']}" + (f" {origin['key']}" if origin["key"] else "")


def _remarks(answer: Mapping[str, Any]) -> Iterator[str]:
    wrong = {problem.partition(":")[0] for problem in answer["problems"]}
    optional = [name for name in answer["absent"] if name not in wrong]
    for heading, names in (("optional and absent", optional), ("not in the catalog", answer["unknown"])):
        if names:
            yield f"{heading}: {', '.join(names)}"
    yield from answer["notes"]
    for problem in answer["problems"]:
        yield f"problem: {problem}"


def validate(args: argparse.Namespace) -> int:
    answer = report(environment_of(args))
    where = args.file or f"the stores of {args.environment}"
    lines = [f"{len(answer['names'])} settings have a value in {where}", *answer["summary"]]
    output.show(as_json=args.json, answer=_listing(answer), lines=[*lines, *_remarks(answer)])
    return 1 if answer["problems"] else 0
