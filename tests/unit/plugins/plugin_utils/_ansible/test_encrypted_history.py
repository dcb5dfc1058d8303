# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which commits hold an old value, on any branch, and that git starts nothing that the repository names."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import EncryptedEnvError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import encrypted_history


class Repository:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "deploy" / "production.env.enc"
        self.file.parent.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

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
        return [(one["commit"], one["settings"]) for one in encrypted_history.commits(str(self.file), names)]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "checkout")


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
    assert encrypted_history.commits(str(file), ["TOKEN"]) == []


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


def test_git_that_is_missing_is_named(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit(TOKEN="old")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(EncryptedEnvError, match=r"git could not be asked .* list them by hand"):
        repository.found("TOKEN")
