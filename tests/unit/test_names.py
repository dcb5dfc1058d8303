# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values are named by their type or role."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from sandbox.process import REPOSITORY

SAY_NOTHING = {"every", "found", "here", "it", "more", "one", "said", "there", "thing", "things", "told", "what"}
FILES = sorted(path for folder in ("plugins", "scripts") for path in (REPOSITORY / folder).rglob("*.py"))


def unclear(tree: ast.AST) -> Iterator[str]:
    """Parameters and local names; fields of classes have their class to explain them."""
    fields: set[ast.AST] = set()
    for node in ast.walk(tree):  # a class comes before its fields
        if isinstance(node, ast.ClassDef):
            fields.update(item.target for item in node.body if isinstance(item, ast.AnnAssign))
        elif isinstance(node, ast.arg) and node.arg in SAY_NOTHING:
            yield f"{node.lineno}: {node.arg}"
        elif (
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Store)
            and node.id in SAY_NOTHING
            and node not in fields
        ):
            yield f"{node.lineno}: {node.id}"


@pytest.mark.parametrize("folder", ["plugins", "scripts"])
def test_names_of_values(folder: str) -> None:
    results = [
        f"{path.relative_to(REPOSITORY)}:{line}"
        for path in FILES
        if path.is_relative_to(REPOSITORY / folder)
        for line in unclear(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert results == [], "name the type or the role of the value"


def test_an_unclear_name_is_seen() -> None:
    source = "class A:\n    what: int\n\ndef f(there):\n    found = [one for one in there]\n    name = found\n"
    assert sorted(unclear(ast.parse(source))) == ["4: there", "5: found", "5: one"]
