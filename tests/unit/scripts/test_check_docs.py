# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A broken link, a long cell and a page that the index does not name are problems."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import check_docs


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(check_docs, "ROOT", tmp_path)
    return tmp_path


def written(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_links(root: Path) -> None:
    written(root, "b.md", "# Two words\n")
    page = written(root, "a.md", "[1](b.md#two-words) [2](b.md#three) [3](c.md) [4](https://example.com)\n")
    assert check_docs.problems(page) == [
        "a.md: b.md#three: there is no such heading",
        "a.md: c.md: there is no such file",
    ]


def test_a_function_of_a_program(root: Path) -> None:
    written(root, "plugins/a.py", "class A:\n    def b(self): ...\n")
    page = written(root, "docs/a.md", "`A` and `b` in `plugins/a.py`; `c` in `plugins/a.py`, `d` in `plugins/b.py`\n")
    assert check_docs.lost_names(page) == ["docs/a.md: plugins/a.py: defines no c"]


def test_a_path_of_the_repository(root: Path) -> None:
    written(root, "plugins/a.py", "")
    page = written(root, "docs/a.md", "`plugins/a.py` `plugins/b.py` `other/c.py`\n")
    assert check_docs.lost_paths(page) == ["docs/a.md: plugins/b.py: there is no such file"]


@pytest.mark.parametrize(
    "cell",
    [
        "One sentence. Another one.",
        "a word",
        "`a. B. C.` is code. It counts once.",
        "[" + "x" * 90 + "](" + "y" * 190 + ")",
    ],
)
def test_a_short_cell(root: Path, cell: str) -> None:
    assert check_docs.long_cells(written(root, "a.md", f"| head | head |\n|---|---|\n| {cell} | b |\n")) == []


@pytest.mark.parametrize("cell", ["One. Two. Three.", "x " * 101])
def test_a_long_cell(root: Path, cell: str) -> None:
    (problem,) = check_docs.long_cells(written(root, "a.md", f"| head | head |\n|---|---|\n| {cell} | b |\n"))
    assert problem.startswith("a.md: a long cell: ")


def test_a_page_that_no_index_names(root: Path) -> None:
    index = written(root, "docs/README.md", "[a](a.md) [tutorials](tutorials/README.md)\n")
    tutorials = written(root, "docs/tutorials/README.md", "[b](b.md)\n")
    pages = [written(root, f"docs/{name}.md", "") for name in ("a", "tutorials/b", "c")]
    assert check_docs.unlisted([index, tutorials, *pages], index) == ["docs/README.md does not lead to docs/c.md"]
