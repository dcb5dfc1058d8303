# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which commits hold an old value, on any branch, and that git starts nothing that the repository names."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import encrypted_history, git


class Repository:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "deploy" / "production.env.enc"
        self.file.parent.mkdir(parents=True, exist_ok=True)

    def made(self) -> Repository:
        self.git("init", "-q", "-b", "main")
        return self

    def git(self, *arguments: str) -> str:
        own = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", "-C", str(self.root), *own, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, **lines: str) -> str:
        self.file.write_text("".join(f"{name}={line}\n" for name, line in lines.items()))
        self.git("add", ".")
        self.git("commit", "-q", "-m", "x")
        return self.git("rev-parse", "HEAD")

    def found(self, *names: str) -> list[tuple[str, list[str]]]:
        old = encrypted_history.old_values(str(self.file), names)
        assert old.notes == []
        return [(one["commit"], one["settings"]) for one in old.commits]

    def clone(self, root: Path, *arguments: str) -> Repository:
        self.git("config", "uploadpack.allowFilter", "true")
        subprocess.run(["git", "clone", "-q", *arguments, f"file://{self.root}", str(root)], check=True)
        return Repository(root)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "checkout").made()


def test_every_commit_with_an_old_line_is_listed(repository: Repository) -> None:
    first = repository.commit(TOKEN="old", OTHER="a")
    second = repository.commit(TOKEN="old", OTHER="b")
    repository.git("checkout", "-q", "-b", "side")
    side = repository.commit(TOKEN="older", OTHER="b")
    repository.git("checkout", "-q", "main")
    repository.commit(TOKEN="new", OTHER="b")
    assert {commit for commit, _names in repository.found("TOKEN")} == {first, second, side}
    assert repository.found("OTHER") == [(first, ["OTHER"])]
    assert repository.found("TOKEN", "OTHER")[-1] == (first, ["OTHER", "TOKEN"])
    assert repository.found("NEVER") == []


def test_a_commit_whose_file_is_not_written_yet_counts(repository: Repository) -> None:
    last = repository.commit(TOKEN="old")
    repository.file.write_text("TOKEN=new\n")
    assert repository.found("TOKEN") == [(last, ["TOKEN"])]
    repository.git("rm", "-q", "--cached", "deploy/production.env.enc")
    repository.git("commit", "-q", "-m", "gone")
    assert repository.found("TOKEN") == [(last, ["TOKEN"])]


def test_outside_of_a_repository_there_is_none(tmp_path: Path) -> None:
    file = tmp_path / "x.env.enc"
    file.write_text("TOKEN=new\n")
    assert encrypted_history.old_values(str(file), ["TOKEN"]) == encrypted_history.OldValues([], [])


def test_no_program_of_the_repository_runs(repository: Repository, tmp_path: Path) -> None:
    repository.commit(TOKEN="old")
    canary = tmp_path / "canary"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {canary}\n")
    program.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "gpg.program", "diff.external", "core.sshCommand", "alias.log"):
        repository.git("config", name, str(program))
    repository.git("config", "log.showSignature", "true")
    (repository.root / ".gitattributes").write_text("* diff=x filter=x\n")
    for name in ("diff.x.textconv", "filter.x.smudge", "filter.x.clean"):
        repository.git("config", name, str(program))
    repository.file.write_text("TOKEN=new\n")
    assert len(repository.found("TOKEN")) == 1
    assert not canary.exists()


def test_a_merge_that_kept_the_other_side_hides_nothing(repository: Repository) -> None:
    first = repository.commit(TOKEN="old")
    repository.git("checkout", "-q", "-b", "side")
    side = repository.commit(TOKEN="only-on-the-side")
    repository.git("checkout", "-q", "main")
    last = repository.commit(TOKEN="main")
    repository.git("merge", "-q", "-s", "ours", "-m", "x", "side")
    merge = repository.git("rev-parse", "HEAD")
    repository.git("branch", "-q", "-D", "side")
    repository.file.write_text("TOKEN=new\n")
    assert {commit for commit, _names in repository.found("TOKEN")} == {first, side, last, merge}


def test_a_folder_that_was_not_there_is_no_missing_file(repository: Repository) -> None:
    first = repository.commit(TOKEN="old")
    repository.git("mv", "deploy", "elsewhere")
    repository.git("commit", "-q", "-m", "moved")
    repository.file.parent.mkdir()
    repository.commit(TOKEN="new")
    assert repository.found("TOKEN") == [(first, ["TOKEN"])]


def notes(repository: Repository, *names: str) -> str:
    return "\n".join(encrypted_history.old_values(str(repository.file), names or ["TOKEN"]).notes)


def test_a_repository_that_is_refused_is_not_taken_for_none(repository: Repository, tmp_path: Path) -> None:
    repository.commit(TOKEN="old")
    (repository.root / ".git").rename(tmp_path / "elsewhere")
    (repository.root / ".git").write_text(f"gitdir: {tmp_path / 'elsewhere'}\n")
    refused = notes(repository)
    assert "commits that hold old values could not be listed: " in refused
    assert "does not lead back to" in refused
    assert refused.endswith("list them by hand: git log --all --full-history -- FILE")


def test_a_broken_repository_says_what_it_could_not_search(repository: Repository) -> None:
    first = repository.commit(TOKEN="old")
    repository.commit(TOKEN="new")
    blob = repository.git("rev-parse", f"{first}:deploy/production.env.enc")
    broken = repository.root / ".git" / "objects" / blob[:2] / blob[2:]
    broken.chmod(0o644)
    broken.write_bytes(b"broken")
    assert f"damaged or larger than 8 MiB: {first[:12]}" in notes(repository)


def test_a_file_too_large_is_named(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "LARGE", 1 << 20)
    first = repository.commit(TOKEN="x" * (5 << 20))
    repository.commit(TOKEN="new")
    assert f"larger than 1 MiB: {first[:12]}" in notes(repository)


def test_odd_names_are_no_patterns(repository: Repository) -> None:
    repository.file = repository.file.with_name(":(glob)* \u00e9.env.enc")
    first = repository.commit(TOKEN="old")
    repository.commit(TOKEN="new")
    assert repository.found("TOKEN") == [(first, ["TOKEN"])]


def test_a_folder_may_be_a_link(repository: Repository, tmp_path: Path) -> None:
    first = repository.commit(TOKEN="old")
    repository.commit(TOKEN="new")
    (tmp_path / "link").symlink_to(repository.file.parent)
    repository.file = tmp_path / "link" / repository.file.name
    assert repository.found("TOKEN") == [(first, ["TOKEN"])]


def test_a_shallow_clone_says_what_it_lacks(repository: Repository, tmp_path: Path) -> None:
    repository.commit(TOKEN="old")
    repository.commit(TOKEN="new")
    clone = repository.clone(tmp_path / "clone", "--depth", "1")
    assert "this clone is shallow, so older commits were not searched" in notes(clone)


def test_a_partial_clone_names_what_it_could_not_search(repository: Repository, tmp_path: Path) -> None:
    first = repository.commit(TOKEN="old")
    repository.commit(TOKEN="new")
    clone = repository.clone(tmp_path / "clone", "--filter=blob:none")
    lacking = "1 commits could not be searched for old values, because their files are missing, damaged or larger than"
    assert f"{lacking} 8 MiB: {first[:12]}; search a full clone" in notes(clone)


def test_a_list_that_is_cut_says_so(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encrypted_history, "MOST_COMMITS", 2)
    repository.commit(TOKEN="oldest")
    repository.commit(TOKEN="old")
    assert notes(repository) == ""
    last = repository.commit(TOKEN="new")
    repository.file.write_text("TOKEN=newer\n")
    found = encrypted_history.old_values(str(repository.file), ["TOKEN"])
    assert len(found.commits) == 2
    assert found.commits[0]["commit"] == last
    assert found.notes == ["only the newest 2 commits of the file were searched for old values"]


def test_git_that_is_missing_is_a_note_and_nothing_without_names(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is written already: what comes after may not look like a write that failed."""
    repository.commit(TOKEN="old")
    monkeypatch.setenv("PATH", "/nowhere")
    assert "could not be listed: git: cannot be started" in notes(repository)
    assert encrypted_history.old_values(str(repository.file), []) == encrypted_history.OldValues([], [])
