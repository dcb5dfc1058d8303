# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What errors and pages tell people to run is there: with a variable that nothing reads, a playbook just runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BOOKS = [path for folder in ("playbooks", "roles") for path in (ROOT / folder).rglob("*.yml") if path.is_file()]
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))


def told(pattern: str, files: list[Path]) -> dict[str, str]:
    """What matches, and one of the files that it stands in."""
    return {name: path.name for path in files for name in re.findall(pattern, path.read_text(encoding="utf-8"))}


CODE = "\n".join(
    line
    for path in BOOKS
    for line in path.read_text(encoding="utf-8").splitlines()
    if not line.lstrip().startswith("#")
)
VARIABLES = told(r"-e (\w+)=", [*PLUGINS, *BOOKS, *PAGES])
PLAYBOOKS = told(r"\b(?!secrets_catalog)([a-z_]+)\.yml\b", PLUGINS)


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_is_read_by_a_playbook_or_a_role(name: str) -> None:
    assert re.search(rf"(?<![-\w]){name}(?![\w.=])", CODE), f"{VARIABLES[name]} tells of -e {name}="


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_playbook_is_there(name: str) -> None:
    assert any(path.stem == name for path in BOOKS), f"{PLAYBOOKS[name]} tells of {name}.yml"


def test_something_is_told() -> None:
    assert {"leaked", "rotation_resume"} <= set(VARIABLES)
    assert {"rotate", "rotation_report"} <= set(PLAYBOOKS)
