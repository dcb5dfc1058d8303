# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The commands list and validate."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import counted
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.environment_reader import Environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment_file import read_file
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment_summary import report
from ansible_collections.watchparty.secrets.scripts.commands import inventories, output

INSTEAD = {"AWS_SECRETS_MANAGER_SECRET_ID": "secret_ids", "AWS_SSM_PARAM_PATH": "ssm_path"}
"""Variables that name stores to validate instead of the catalog's."""


def _of_stores(args: argparse.Namespace, **instead: Any) -> Environment:
    # The AWS libraries take half of a command's time, and a file needs none of them.
    from ansible_collections.watchparty.secrets.scripts.commands.environments import Reader

    return Reader(args).read(**instead)


def _of_file(args: argparse.Namespace) -> Environment:
    document = inventories.opened(args.inventory).document(args.environment)
    return read_file(catalog_parser.parse(document, args.environment), args.file)


def list_settings(args: argparse.Namespace) -> int:
    environment = _of_stores(args)
    answer = report(environment)
    output.show(args, answer=_listing(answer), lines=_lines(answer))
    return _exit_code(environment)


def _exit_code(environment: Environment) -> int:
    if environment.contents.denials:
        return 3
    return 1 if environment.resolution.problems or environment.resolution.undeliverable else 0


def _listing(answer: Mapping[str, Any]) -> dict[str, Any]:
    names = ("application", "environment", "absent", "unknown", "problems", "notes")
    return {**{name: answer[name] for name in names}, "settings": answer["origins"]}


def _lines(answer: Mapping[str, Any]) -> Iterator[str]:
    rows = [(origin["setting"], place(origin), output.short(origin["version"])) for origin in answer["origins"]]
    yield from output.table(("setting", "source", "version"), rows)
    yield from _remarks(answer)


def place(origin: Mapping[str, Any]) -> str:
    return str(Place(origin["source"], origin["name"], origin["key"]) if origin["name"] else origin["source"])


def _remarks(answer: Mapping[str, Any]) -> Iterator[str]:
    for heading, names in (("optional and absent", answer["absent"]), ("not in the catalog", answer["unknown"])):
        if names:
            yield f"{heading}: {', '.join(names)}"
    yield from answer["notes"]
    for problem in answer["problems"]:
        yield f"problem: {problem}"


def _places() -> dict[str, Any]:
    options = {option: os.environ[variable] for variable, option in INSTEAD.items() if os.environ.get(variable)}
    if "secret_ids" in options:
        return {**options, "secret_ids": [name.strip() for name in options["secret_ids"].split(",") if name.strip()]}
    return options


def validate(args: argparse.Namespace) -> int:
    environment = _of_file(args) if args.file else _of_stores(args, **_places())
    answer = report(environment)
    where = args.file or f"the stores of {args.environment}"
    lines = [f"{counted(len(answer['names']), 'setting')} with a value in {where}", *answer["summary"]]
    output.show(args, answer=_listing(answer), lines=[*lines, *_remarks(answer)])
    return _exit_code(environment)
