# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which variables the playbooks and roles read, by their templates."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, meta

from sandbox.process import REPOSITORY

PLAYBOOKS = tuple(sorted((REPOSITORY / "playbooks").glob("*.yml")))
EXPRESSIONS = {"when", "until", "failed_when", "changed_when", "that", "break_when"}
"""Keywords whose text is an expression without braces."""
EXTRA = re.compile(r"lookup\(\s*'watchparty\.secrets\.extra_variable',\s*'([a-z_]+)'")


class _Known(dict[str, Any]):
    """Every name of a filter or test: Jinja refuses to parse one that it does not know."""

    def __contains__(self, name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        return lambda value, *_more, **_options: value

    def get(self, name: str, default: Any = None) -> Any:
        return self[name]


def sources() -> Iterator[Path]:
    folders = (REPOSITORY / "playbooks", REPOSITORY / "roles")
    for path in sorted(path for folder in folders for path in folder.rglob("*.yml")):
        if "ansible_collections" not in path.parts and "argument_specs" not in path.stem:
            yield path


def read_by_templates() -> dict[str, set[str]]:
    """The files that read a variable, by the variable's name."""
    environment = Environment(autoescape=False)
    environment.filters, environment.tests = _Known(), _Known()
    readers: dict[str, set[str]] = defaultdict(set)
    for path in sources():
        for text in _templates(yaml.safe_load(path.read_text(encoding="utf-8")), ""):
            for name in meta.find_undeclared_variables(environment.parse(text)):
                readers[name].add(str(path.relative_to(REPOSITORY)))
    return readers


def read_from_the_command_line() -> set[str]:
    """Names of extra variables: by the lookup, or by the option of the module that asks for a confirmation."""
    texts = [path.read_text(encoding="utf-8") for path in sources()]
    confirmations = {name for text in texts for name in re.findall(r"^    variable: ([a-z_]+)$", text, re.MULTILINE)}
    return confirmations | {name for text in texts for name in EXTRA.findall(text)}


def _templates(node: Any, keyword: str) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _templates(key, "")
            yield from _templates(value, str(key))
    elif isinstance(node, list):
        for item in node:
            yield from _templates(item, keyword)
    elif isinstance(node, str):
        if keyword in EXPRESSIONS:
            yield "{{ %s }}" % node
        elif "{{" in node or "{%" in node:
            yield node
