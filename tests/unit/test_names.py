# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values are named by their type or role."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from sandbox.process import REPOSITORY

SAY_NOTHING = {"every", "found", "here", "it", "more", "one", "said", "there", "thing", "things", "told", "what"}
PARTICIPLES = {
    *("asked", "begun", "brought", "done", "given", "gone", "got", "held", "kept", "left", "lost", "made", "put"),
    *("shown", "sought", "spared", "taken"),
}
"""What happened to a value, by verbs that every program has. A word of the domain, such as revoked, may be a name."""
PAIRS = {"left": {"right", "rights"}}
"""Participles that are nouns beside these names."""
FOLDERS = ("plugins", "scripts")
Function = ast.FunctionDef | ast.AsyncFunctionDef


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


def participles(tree: ast.AST) -> Iterator[str]:
    """Those of functions. What is true or false may be one: it is a statement."""
    for function in (node for node in ast.walk(tree) if isinstance(node, Function)):
        nodes = list(ast.walk(function))
        names = {
            node.id: node.lineno for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        parameters = [node for node in nodes if isinstance(node, ast.arg)]
        names |= {node.arg: node.lineno for node in parameters}
        statements = {node.arg for node in parameters if node.annotation and "bool" in ast.unparse(node.annotation)}
        for name in names.keys() & PARTICIPLES - statements:
            if not PAIRS.get(name, set()) & names.keys():
                yield f"{names[name]}: {name}"


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("rule", [unclear, participles])
def test_names_of_values(folder: str, rule: object) -> None:
    results = [
        f"{path.relative_to(REPOSITORY)}:{line}"
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
        for line in rule(ast.parse(path.read_text(encoding="utf-8")))  # type: ignore[operator]
    ]
    assert results == [], "name the type or the role of the value"


def test_an_unclear_name_is_seen() -> None:
    source = "class A:\n    what: int\n\ndef f(there):\n    found = [one for one in there]\n    name = found\n"
    assert sorted(unclear(ast.parse(source))) == ["4: there", "5: found", "5: one"]


def test_a_participle_is_seen() -> None:
    source = "def f(held, made: bool):\n    for left, right in held: kept = left\n\ndef g():\n    left = revoked = 1"
    assert sorted(participles(ast.parse(source))) == ["1: held", "2: kept", "5: left"]
