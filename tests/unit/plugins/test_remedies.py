# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What errors and pages tell people to run is there: with a variable that nothing reads, a playbook just runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
BOOKS = [path for folder in ("playbooks", "roles") for path in (ROOT / folder).rglob("*.yml") if path.is_file()]
PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))


def text_of(path: Path) -> str:
    """With the parts of a long message joined."""
    return re.sub(r'"\n *f?"(?!"")', "", path.read_text(encoding="utf-8"))


def named_in(pattern: str, files: list[Path]) -> dict[str, str]:
    """What matches, and one of the files that it stands in."""
    return {name: path.name for path in files for name in re.findall(pattern, text_of(path))}


CODE = "\n".join(
    line
    for path in BOOKS
    for line in path.read_text(encoding="utf-8").splitlines()
    if not line.lstrip().startswith("#")
)
VARIABLES = named_in(r"-e (\w+)=", [*PLUGINS, *BOOKS, *PAGES])
PLAYBOOKS = named_in(r"\bwatchparty\.secrets\.([a-z_]+)\b", [*PLUGINS, *BOOKS, *PAGES])
NAMES = {
    *(path.stem for folder in ("playbooks", "plugins") for path in (ROOT / folder).rglob("*.*")),
    *(path.name for path in (ROOT / "roles").iterdir()),
    *yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"],
    # Rulebooks, the collection's own packages, and filters that share a file.
    *(path.stem for path in (ROOT / "extensions").rglob("*.*")),
    *(
        "plugins",
        "playbooks",
        "from_dotenv",
        "to_dotenv",
        "env_example",
        "catalog_services",
        "deploy_outcome",
        "deploy_services",
        "github_workflow",
        "input_errors",
    ),
}
BARE = re.compile(r"(?<![\w/.\\-])(%s)\.yml\b" % "|".join(path.stem for path in (ROOT / "playbooks").glob("*.yml")))
FILES = re.compile(r"tasks_from|_tasks: |import_playbook: |workflow|default: deploy|`check\.yml`")
"""Lines that name a file: tasks of a role or a kind, a playbook beside the one that imports it, GitHub's workflows."""


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_is_read_by_a_playbook_a_role_or_a_plugin(name: str) -> None:
    read_by_a_plugin = re.compile(rf'^[A-Z_]+ = "{name}"$', re.MULTILINE)
    search = re.search(rf"(?<![-\w]){name}(?![\w.=])", CODE) or any(
        read_by_a_plugin.search(text_of(path)) for path in PLUGINS
    )
    assert search, f"{VARIABLES[name]} tells of -e {name}="


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_full_name_is_there(name: str) -> None:
    assert name in NAMES, f"{PLAYBOOKS[name]} names watchparty.secrets.{name}"


def test_an_installed_collection_finds_each_playbook() -> None:
    """ansible-playbook finds a playbook of a collection by its full name only."""
    lines = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in [*PLUGINS, *BOOKS, *PAGES]
        for line in path.read_text(encoding="utf-8").splitlines()
        if BARE.search(line) and not FILES.search(line)
    ]
    assert lines == []


def test_something_is_reported() -> None:
    assert {"leak_credentials", "rotation_resume"} <= set(VARIABLES)
    assert {"rotate", "rotation_report"} <= set(PLAYBOOKS)
