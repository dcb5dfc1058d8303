# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mistakes in workflows once more, as files of a git repository that the verification reads."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_repository
from sandbox.process import REPOSITORY
from tests import planted
from tests.unit.plugins.plugin_utils._github import (
    test_planted_calls,
    test_planted_scripts,
    test_planted_sinks,
    test_planted_tasks,
    test_planted_workflows,
)
from tests.unit.plugins.plugin_utils._github.workflow_checks import judged
from tests.unit.plugins.plugin_utils._scan.scan_world import git

pytestmark = pytest.mark.long
JOB = test_planted_workflows.JOB
STEPS = dict([*test_planted_workflows.MISTAKES, *test_planted_sinks.SCRIPTS])
SCRIPTS = {
    **dict.fromkeys(test_planted_scripts.PRINT, "echo"),
    **dict.fromkeys(test_planted_scripts.STATIC_KEYS, "static-key"),
}
CALLED: dict[str, dict[str, str]] = {**test_planted_calls.MISTAKES, **test_planted_calls.STATIC_KEYS}
TASKS = {name: files for name, (files, _message) in test_planted_tasks.MISTAKES.items()}
ECHO = "WPS503"
EXAMPLES = {path.name: path.read_text(encoding="utf-8") for path in (REPOSITORY / "examples" / "github").glob("*.yml")}


def findings(path: Path, files: Mapping[str, str]) -> list[dict[str, Any]]:
    """What a verification finds in these workflows of a repository, and that it read every file."""
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text, encoding="utf-8")
    git(path, "init", "-q")
    git(path, "add", "-A")
    read = collect_repository.workflows(str(path))
    assert read["unread"] == {}
    found: list[dict[str, Any]] = read["findings"]
    return found


def found_in_each(path: Path, texts: Collection[str]) -> list[str]:
    """The kind of what is found in each workflow of one repository."""
    names = {f".github/workflows/{number}.yml": text for number, text in enumerate(texts)}
    found = findings(path, names)
    by_file = [judged([finding for finding in found if finding["file"] == name]) for name in names]
    return ["/".join({finding["kind"] for finding in own}) for own in by_file]


@planted.mistakes(test_planted_workflows.STEPS, planted.REPOSITORY_FILES, rows=STEPS)
def test_steps(tmp_path: Path) -> None:
    texts = [f"{JOB}    - run: |\n        {script}\n" for script in STEPS]
    assert found_in_each(tmp_path, texts) == [*STEPS.values()]


@planted.mistakes(test_planted_scripts.SCRIPTS, planted.REPOSITORY_FILES, rows=SCRIPTS)
def test_scripts(tmp_path: Path) -> None:
    texts = [test_planted_scripts.JOB + textwrap.indent(script, " " * 8) + "\n" for script in SCRIPTS]
    assert found_in_each(tmp_path, texts) == [*SCRIPTS.values()]


@planted.mistakes(
    test_planted_calls.CALLED,
    planted.REPOSITORY_FILES,
    rows={name: "WPS501" if name in test_planted_calls.STATIC_KEYS else ECHO for name in CALLED},
)
def test_called_files(tmp_path: Path) -> None:
    for name, files in CALLED.items():
        assert judged(findings(tmp_path / name, files)), name


@planted.mistakes(test_planted_tasks.TASKS, planted.REPOSITORY_FILES, rows=dict.fromkeys(TASKS, ECHO))
def test_tasks(tmp_path: Path) -> None:
    for name, files in TASKS.items():
        assert judged(findings(tmp_path / name, files)), name


@planted.variations(
    "Workflows of the examples", planted.REPOSITORY_FILES, rows=[f"examples/github/{name}" for name in sorted(EXAMPLES)]
)
def test_examples(tmp_path: Path) -> None:
    assert judged(findings(tmp_path, {f".github/workflows/{name}": text for name, text in EXAMPLES.items()})) == []
