# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Workflows and ``.env`` files that cost more than their size, or that hide from what looks at them."""

from __future__ import annotations

import hashlib
import os
import time
from datetime import date
from pathlib import Path

import pytest
import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    DotenvError,
    HostError,
    ProvisionError,
    RotationError,
    ScanError,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import operator_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import supplied_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import baseline as scan_baseline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import request as scan_request
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Bounds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.git import Repository
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_repository, zizmor
from tests.hostile.repository_lab import put, repository
from tests.unit.plugins.plugin_utils._scan.scan_world import git
from tests.unit.plugins.plugin_utils._verify.verify_facts import catalog

SIZE = 400_000
SECONDS = 10
"""Of the processor, so that a busy machine fails nothing. The code before took minutes to hours."""
FOLDER = ".github/workflows"
TARGET = """on: pull_request_target
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: echo "${{ github.event.pull_request.title }}"
"""


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return repository(tmp_path / "repository")


def added(where: Path, name: str, text: str) -> None:
    (where / name).parent.mkdir(parents=True, exist_ok=True)
    (where / name).write_text(text)
    git(where, "add", "-f", name)


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "a" * SIZE,
        "a: '" + "a://" * (SIZE // 4) + "'",
        "run: '" + "${{" * (SIZE // 3) + "'",
        "on: issue_comment\na: '" + "${{" * (SIZE // 3) + "'",
        "run: '" + "PASSWORD=" * (SIZE // 9) + "'",
        "run: '${{ secrets.A }}${{ " + "a" * (SIZE - 40) + "}}'",
        "run: 'curl " + "://${{ secrets.A }}?" * (SIZE // 20) + "'",
        "run: '" + "A=1 " * (SIZE // 4) + "'",
        "run: 'cat " + "<<<a " * (SIZE // 5) + "'",
    ],
    ids=["word", "urls", "run", "trigger", "passwords", "expression", "addresses", "assignments", "here-strings"],
)
def test_a_long_line_is_read_once(where: Path, text: str) -> None:
    added(where, f"{FOLDER}/long.yml", text)
    start = time.process_time()
    collect_repository.workflows(str(where))
    assert time.process_time() - start < SECONDS


def test_a_text_that_is_repeated_by_name(where: Path) -> None:
    """Each name is a copy of the whole text: here 20 GB of 1 MB."""
    added(where, f"{FOLDER}/repeats.yml", f"a: &a {'A ' * 450_000}\nb: [{', '.join(['*a'] * 20_000)}]\n")
    assert collect_repository.workflows(str(where))["unread"] == {f"{FOLDER}/repeats.yml": "repeats too much text"}


def test_findings_name_few_variables(where: Path) -> None:
    """Each line that prints the environment named every variable: 17 GB of 1 MB."""
    variables = "".join(f"  A{at}: ${{{{ secrets.A }}}}\n" for at in range(1000))
    added(where, f"{FOLDER}/names.yml", f"env:\n{variables}jobs: {{a: {{steps: [{{run: env}}]}}}}\n")
    findings = collect_repository.workflows(str(where))["findings"]
    (result,) = (finding for finding in findings if finding["file"] == f"{FOLDER}/names.yml")
    assert result["message"] == "prints the variables, A0, A1, A10, A100, A101 and 995 more among them"


def test_more_findings_than_a_person_reads(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect_repository, "FINDINGS", 2)
    added(where, f"{FOLDER}/many.yml", "a:\n" + "- uses: docker://x/y:1\n" * 9)
    workflows = collect_repository.workflows(str(where))
    assert len(workflows["findings"]) == 2
    assert workflows["unread"] == {f"{FOLDER}/many.yml": "has more findings than are listed; fix those first"}


def test_workflows_end_in_time(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of reading; the start of git may take longer on a busy machine."""

    class HastyCheckout(collect_repository.Checkout):
        def __init__(self, opened: Repository, root: str, bounds: Bounds) -> None:
            assert bounds.seconds == collect_repository.SECONDS
            super().__init__(opened, root, Bounds(seconds=0.2).started())

    monkeypatch.setattr(collect_repository, "Checkout", HastyCheckout)
    for at in range(20):
        added(where, f"{FOLDER}/{at}.yml", "- a\n" * 10_000)
    with pytest.raises(HostError, match=r"more than 0\.2 s"):
        collect_repository.workflows(str(where))


@pytest.mark.parametrize(
    ("value", "findings"),
    [
        ("x" + " " * SIZE + "y", [("API_KEY", 1, "is not a placeholder")]),
        ("x" + " \t" * SIZE + "y", [("API_KEY", 1, "is not a placeholder")]),
        ("<" * SIZE, []),
    ],
    ids=["spaces", "tabs", "placeholders"],
)
def test_an_env_file_with_a_long_line(where: Path, value: str, findings: list[tuple[str, int, str]]) -> None:
    added(where, ".env.example", f"API_KEY={value}\n")
    start = time.process_time()
    env_files = collect_repository.gather(str(where), catalog(), frozenset())["env_files"]
    assert env_files.get(".env.example", []) == findings
    assert time.process_time() - start < SECONDS


def test_an_env_file_of_many_lines() -> None:
    start = time.process_time()
    assert dotenv.from_dotenv("A=1\n" * SIZE) == {"A": "1"}
    assert time.process_time() - start < 2 * SECONDS
    with pytest.raises(DotenvError, match="line 4 is neither"):
        dotenv.from_dotenv("A=1\n\nB='1\n?\n".replace("'", ""))


def test_a_baseline_that_repeats_itself() -> None:
    """A text made of its values would have 10^8 of them."""
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{chr(ord(name) - 1)}'] * 10)}]\n" for name in "bcdefgh"
    )
    entries = "accepted:\n- {fingerprint: *h, reason: x, expires: 2030-01-01}\n"
    entries += f"- {{fingerprint: '{'0' * 24}', reason: x, expires: *h}}\n- *h\n- {{x: *h}}\n"
    start = time.process_time()
    baseline = scan_baseline.parse(yaml.safe_load(bomb + entries), date(2026, 1, 1))
    assert time.process_time() - start < 1
    assert len(baseline.problems) == 4
    assert sum(map(len, baseline.problems)) < 1000


class TestZizmor:
    """It sees each tracked workflow, and nothing else of the machine."""

    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        if zizmor.installed() is None:
            pytest.skip("zizmor is not installed")

    @staticmethod
    def paths(where: Path) -> set[str]:
        return {finding["path"] for finding in collect_repository.zizmor(str(where))["findings"]}

    def test_a_workflow_that_git_ignores(self, where: Path) -> None:
        """Git ignores no file that is tracked; zizmor did not look at it."""
        added(where, f"{FOLDER}/hidden.yml", TARGET)
        added(where, ".gitignore", f"{FOLDER}/hidden.yml\n")
        assert f"{FOLDER}/hidden.yml" in self.paths(where)

    def test_the_repositorys_configuration_counts_and_is_named(self, where: Path) -> None:
        added(where, f"{FOLDER}/hidden.yml", TARGET)
        before = collect_repository.zizmor(str(where))
        added(where, ".github/zizmor.yml", "rules:\n  dangerous-triggers: {disable: true}\n")
        after = collect_repository.zizmor(str(where))
        assert len(after["findings"]) == len(before["findings"]) - 1
        assert (before["config"], after["config"]) == ("", ".github/zizmor.yml")

    def test_a_configuration_above_does_not_count(self, where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As in a folder for temporary files, where every account may write."""
        monkeypatch.setattr("tempfile.tempdir", str(where.parent))
        added(where, f"{FOLDER}/hidden.yml", TARGET)
        before = self.paths(where)
        (where.parent / "zizmor.yml").write_text("rules:\n  dangerous-triggers: {disable: true}\n")
        assert self.paths(where) == before

    def test_links_and_pipes_are_not_followed(self, where: Path, tmp_path: Path) -> None:
        (tmp_path / "outside.yml").write_text(TARGET)
        (where / FOLDER / "link.yml").symlink_to(tmp_path / "outside.yml")
        git(where, "add", f"{FOLDER}/link.yml")
        added(where, f"{FOLDER}/pipe.yml", TARGET)
        (where / FOLDER / "pipe.yml").unlink()
        os.mkfifo(where / FOLDER / "pipe.yml")
        result = collect_repository.zizmor(str(where))
        assert not {f"{FOLDER}/link.yml", f"{FOLDER}/pipe.yml"} & {finding["path"] for finding in result["findings"]}
        assert result["not_checked"] == [
            f"{FOLDER}/{name}.yml: is not a regular file in the checkout" for name in ("link", "pipe")
        ]

    def test_paths_in_the_index_lead_nowhere(self, where: Path, tmp_path: Path) -> None:
        """The index names what it likes; git refuses such a name only when it writes one."""
        blob = put(where, "blob", TARGET.encode())
        index = where / ".git" / "index"
        git(where, "update-index", "--add", "--cacheinfo", f"100644,{blob},.-/.-/action.yml")
        index.write_bytes(_renamed(index.read_bytes(), b".-/.-/", b"../../"))
        assert not [path for path in self.paths(where) if ".." in path]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["repository"]


def _renamed(index: bytes, old: bytes, new: bytes) -> bytes:
    """An index with another name of the same length, and its digest."""
    body = index[:-20].replace(old, new)
    return body + hashlib.sha1(body).digest()


@pytest.mark.parametrize("text", ["accepted:\n- {expires: 2026-02-30}\n", "[" * 3000], ids=["day", "nested"])
def test_a_file_that_yaml_stumbles_over(tmp_path: Path, text: str) -> None:
    """YAML itself raises ValueError for a day that is not there, and RecursionError."""
    file = tmp_path / "file.yml"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(ScanError, match="is not valid YAML"):
        scan_request.baseline(str(file))
    with pytest.raises(ProvisionError, match="is not valid YAML"):
        operator_values.of_yaml(file, None)
    with pytest.raises(RotationError, match="is not valid YAML"):
        supplied_values.read_values(file)
