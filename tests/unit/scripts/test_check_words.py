# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Words to avoid are found in prose, across lines and joined literals, and not in code."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "check_words.py"
WORDS = {"is none": "does not exist", "let in": "authorized", "not let in": "refused", "pending_task": "pending task"}

_spec = importlib.util.spec_from_file_location("check_words", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
check_words = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(check_words)


def problems(folder: Path, name: str, text: str, *exempt: str) -> list[str]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return check_words.problems([path], WORDS, exempt, root=folder)


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("page.md", "# Title\n\nA host that Is\nnone of ours.\n", 3),
        ("page.md", "```\nis none\n```\nIt is none.\n", 4),
        ("a.py", '"""Docstring.\n\nThere is none.\n"""\n', 3),
        ("a.py", 'raise ValueError(\n    f"{host} is "\n    "none"\n)\n', 2),
        ("a.py", "x = 1\n# there is none\n", 2),
        ("tasks.yml", "- name: Say that\n  # there is\n  # none\n", 2),
    ],
)
def test_a_word_is_named_with_its_line(tmp_path: Path, name: str, text: str, line: int) -> None:
    assert problems(tmp_path, name, text) == [f'{name}:{line}: "is none": write "does not exist"']


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.md", "`it is none`\n\n  ```bash\n  is none\n  ```\n"),
        ("a.py", "found = 1 if found is None else 2\n"),
        ("page.md", "This nonetheless is nonexistent.\n"),
        ("a.py", 'CODE = "if found is None:"\n'),
        ("a.py", 'found = entry["pending_task"]\n'),
        ("a.py", 'DOC = """\noptions:\n  pending_task:\n    description: See RV(pending_task).\n"""\n'),
        ("tasks.yml", "pending_task: '{{ act.pending_task }}'\n"),
        ("page.j2", "{% if seconds is none %}no{% endif %}\n"),
    ],
)
def test_code_and_other_words_are_left_alone(tmp_path: Path, name: str, text: str) -> None:
    assert problems(tmp_path, name, text) == []


def test_the_longest_word_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path, "a.md", "It is not let in.\n") == ['a.md:1: "not let in": write "refused"']


@pytest.mark.parametrize("entry", ["docs/", "docs/a.md"])
def test_an_exempt_path_may_be_unclean(tmp_path: Path, entry: str) -> None:
    assert problems(tmp_path, "docs/a.md", "There is none.\n", entry) == []


@pytest.mark.parametrize("entry", ["docs/", "docs/a.md", "doc"])
def test_an_exempt_path_that_is_clean_is_named(tmp_path: Path, entry: str) -> None:
    stale = f"{entry}: is clean or gone; take it off scripts/words-exempt.txt"
    assert problems(tmp_path, "docs/a.md", "It does not exist.\n", entry) == [stale]


def test_the_projects_own_list_is_read(tmp_path: Path) -> None:
    message = check_words.read_words(SCRIPT.with_name("words.txt"))
    assert message["is none"] == "does not exist"
    assert all(message.values())
