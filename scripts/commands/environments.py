# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands that read an environment once: list and validate."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment import (
    Environment,
    ReadRequest,
    read,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment_summary import report
from ansible_collections.watchparty.secrets.scripts.commands import inventories, output

NAME = "watchparty.secrets.command"


def aws_options() -> dict[str, Any]:
    """The options of amazon.aws, from the variables that its plugins read."""
    options: dict[str, Any] = ArgumentSpecValidator(aws_argument_spec()).validate({}).validated_parameters
    return options


def connected() -> AwsConnection:
    connection = AwsConnection(NAME, aws_options())
    connection.require_aws_sdk()
    return connection


class Reader:
    """The inventory of a command, parsed once, and its environments."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args

    @cached_property
    def inventory(self) -> inventories.Inventory:
        return inventories.opened(self._args.inventory)

    def document(self, environment: str = "") -> Any:
        return self.inventory.document(environment or self._args.environment)

    def read(self, environment: str = "") -> Environment:
        """The one read. Each environment may be in a region of its own. Raises SecretsError."""
        environment = environment or self._args.environment
        file = getattr(self._args, "file", None)
        request = ReadRequest(
            document=self.document(environment), environment=environment, journal="optional", file=file
        )
        return read(request, connected())

    def catalog(self) -> tuple[Catalog, AwsConnection]:
        """The catalog and a connection that suits it; nothing is read. Raises SecretsError."""
        catalog = catalog_parser.parse(self.document(), self._args.environment)
        connection = connected()
        suit(connection, catalog)
        return catalog, connection


def list_settings(args: argparse.Namespace) -> int:
    answer = report(Reader(args).read())
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
    answer = report(Reader(args).read())
    where = args.file or f"the stores of {args.environment}"
    lines = [f"{len(answer['names'])} settings have a value in {where}", *answer["summary"]]
    output.show(as_json=args.json, answer=_listing(answer), lines=[*lines, *_remarks(answer)])
    return 1 if answer["problems"] else 0
