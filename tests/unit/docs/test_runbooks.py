# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A runbook that decides by message quotes messages that the code prints, and starts with commands."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
BY_SITUATION = [page for page in RUNBOOKS if page.name not in ("README.md", "by-hand.md")]
EXAMPLE = re.compile(r"…|\bweb\d\b|\bapp_hosts\b|s3://|\b\d+\b|\b20\S+Z\b")
"""What stands for a name in a quoted message."""


def rows(page: Path) -> list[str]:
    """First cells of tables whose first column is "message"."""
    results, inside = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[0] == "message":
            inside = True
        elif inside and not cells[0].startswith("---"):
            results.append(cells[0])
    return results


QUOTED = [
    (page.name, message) for page in BY_SITUATION for cell in rows(page) for message in re.findall(r"`(.+?)`", cell)
]


@cache
def printed() -> str:
    """The text of all messages, with … for what is filled in."""
    plugins = (text for path in (ROOT / "plugins").rglob("*.py") for text in _literals(path))
    books = (path.read_text(encoding="utf-8") for folder in ("roles", "playbooks") for path in _yaml(ROOT / folder))
    return "\n".join(" ".join(text.split()) for text in (*plugins, *books))


def _yaml(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.yml") if "collections" not in path.parts]


def _literals(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    plain = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [*plain, *(_with_names(node) for node in joined)]


def _with_names(node: ast.JoinedStr) -> str:
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)


@pytest.mark.parametrize(("page", "message"), QUOTED)
def test_a_quoted_message_is_printed_by_the_code(page: str, message: str) -> None:
    parts = [part.strip(" .:,;()`") for part in EXAMPLE.split(message)]
    missing = [part for part in parts if len(part) > 3 and part not in printed()]
    assert missing == [], f"{page} quotes {message!r}, and nothing prints {missing}"


@pytest.mark.parametrize("page", BY_SITUATION, ids=lambda page: page.name)
def test_it_starts_with_commands_and_ends_with_what_to_do_otherwise(page: Path) -> None:
    headings = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Commands"
    assert any(heading.startswith("Decide by message") for heading in headings)
    assert headings[-1] == "If it fails"


def test_messages_are_found() -> None:
    assert len(QUOTED) > 40


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is missing: the open step is not tested")
@pytest.mark.parametrize(
    ("last", "expected"),
    [
        ([], "open: none "),
        ([("r-2", "set")], "open: r-2 set"),
        ([("r-2", "deploy"), ("leak-1", "closed")], "open: r-2 deploy"),
        ([("r-2", "abort"), ("r-2", "aborted"), ("by-hand", "closed")], "open: none "),
    ],
)
def test_by_hand_finds_the_rotation_that_is_open(tmp_path: Path, last: list[tuple[str, str]], expected: str) -> None:
    page = (ROOT / "docs" / "runbooks" / "by-hand.md").read_text(encoding="utf-8")
    block = page.partition("## Find the open step\n```bash\n")[2].partition("```")[0]
    steps = [("r-1", "set"), ("r-1", "closed"), *last]
    entries = [
        {"number": number, "at": "", "rotation": rotation, "step": step, "who": ""}
        for number, (rotation, step) in enumerate(steps)
    ]
    (tmp_path / "journal.json").write_text(json.dumps(entries), encoding="utf-8")
    command = ["bash", "-ec", f"entries() {{ :; }}\n{block}"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == expected
