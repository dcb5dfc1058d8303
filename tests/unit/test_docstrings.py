# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Docstrings name their subject first: a noun, or the verb of what a function does."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from sandbox.process import REPOSITORY

OPENERS = {
    *("what", "who", "whom", "whose", "which", "how", "why", "where", "when", "those", "that", "these", "such"),
    *("of", "by", "as", "in", "for", "with", "without", "at", "after", "before", "from", "on", "also", "its", "so"),
    *("it", "they", "there", "here", "now", "everything", "something", "anything", "nothing", "nobody", "somebody"),
}
"""A sentence that begins with one of these names its subject late, or never."""
FOLDERS = ("plugins", "scripts", "sandbox", "bench")


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of each; those of values, which stand below them, count too."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.lineno, value.value.strip()


def late_subjects(tree: ast.AST) -> list[str]:
    first_words = ((line, (text.split() or [""])[0].strip(",.:;").lower()) for line, text in docstrings(tree))
    return [f"{line}: {word}" for line, word in sorted(first_words) if word in OPENERS]


@pytest.mark.parametrize("folder", FOLDERS)
def test_docstrings_begin_with_their_subject(folder: str) -> None:
    results = [
        f"{path.relative_to(REPOSITORY)}:{line}"
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
        for line in late_subjects(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert results == [], "begin with a noun or a verb, or delete a docstring that only repeats the name"


def test_a_late_subject_is_seen() -> None:
    source = '"""The module."""\nA = 1\n"""What it is."""\ndef f():\n    """Reads a file."""\n    """By name."""'
    assert late_subjects(ast.parse(source)) == ["3: what", "6: by"]
