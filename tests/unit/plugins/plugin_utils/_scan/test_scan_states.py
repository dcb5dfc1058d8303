# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is not here is reported apart from what is clean."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import baseline as scan_baseline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import git_bundle
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan as scan_scan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live, needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import ScanReport
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.sources import (
    DirectorySource,
    GitSource,
    StagedSource,
)
from tests.unit.plugins.plugin_utils._scan.scan_world import git

VALUE = "Zq8-canary-77-of-the-states"
SOUGHT = needles_for([Live("TOKEN", "current", VALUE)])


def scanned(*sources: scan_scan.Source) -> ScanReport:
    return scan_scan.scan(sources, SOUGHT)


def reasons(report: ScanReport) -> list[str]:
    return [
        " ".join(part for part in (not_checked.what, not_checked.reason) if part) for not_checked in report.not_checked
    ]


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    where = tmp_path / "origin"
    where.mkdir()
    git(where, "init", "-q", "-b", "main")
    git(where, "config", "uploadpack.allowFilter", "true")
    (where / "old.txt").write_text(VALUE)
    git(where, "add", "-A")
    git(where, "commit", "-q", "-m", "one")
    (where / "old.txt").unlink()
    (where / "folder").mkdir()
    (where / "folder" / "new.txt").write_text("clean\n")
    git(where, "add", "-A")
    git(where, "commit", "-q", "-m", "two")
    return where


def clone(origin: Path, *arguments: str) -> Path:
    where = origin.parent / "clone"
    git(origin.parent, "clone", "-q", *arguments, f"file://{origin}", str(where))
    return where


def test_a_baseline_knows_a_finding_by_the_fingerprint_that_is_reported(tmp_path: Path) -> None:
    """Also where a file is called like the value, which is masked: no fingerprint is made of a value."""
    (tmp_path / f"{VALUE}.txt").write_text(VALUE)
    source = DirectorySource(str(tmp_path))
    (finding,) = scanned(source).findings
    assert VALUE not in finding.path
    entry = scan_baseline.AcceptedFinding(finding.fingerprint, "known")
    again = scan_scan.scan([source], SOUGHT, baseline=scan_baseline.Baseline((entry,)))
    assert (again.findings, [finding.fingerprint for finding in again.accepted]) == ((), [finding.fingerprint])


def test_a_whole_clone(origin: Path) -> None:
    report = scanned(GitSource(str(clone(origin))))
    assert report.complete
    assert [(finding.path, finding.reach) for finding in report.findings] == [("old.txt", "a branch")]


def test_from_a_folder_within(origin: Path) -> None:
    (origin / "here.txt").write_text(VALUE)
    report = scanned(GitSource(str(origin / "folder")))
    assert [finding.path for finding in report.findings] == ["old.txt", "here.txt"]


def test_a_shallow_clone(origin: Path) -> None:
    report = scanned(GitSource(str(clone(origin, "--depth", "1"))))
    assert report.clean
    assert not report.complete
    assert reasons(report) == [
        "a shallow clone: the history before 1 commits is missing. Run git fetch --unshallow, then scan again"
    ]


@pytest.mark.parametrize("what", ["blob:none", "tree:0"])
def test_a_partial_clone_fetches_nothing(origin: Path, what: str) -> None:
    where = clone(origin, f"--filter={what}")
    before = git(where, "count-objects", "-v")
    report = scanned(GitSource(str(where)))
    assert git(where, "count-objects", "-v") == before
    assert report.clean
    assert [reason.partition(":")[0] for reason in reasons(report)] == ["a partial clone"]
    assert "git fetch --refetch --no-filter" in reasons(report)[0]


def test_a_hit_whose_history_is_not_here(origin: Path) -> None:
    (origin / "folder" / "new.txt").write_text(VALUE + "\n")
    git(origin, "commit", "-q", "-a", "-m", "three")
    where = clone(origin, "--filter=tree:0")
    report = scanned(GitSource(str(where)))
    assert [finding.rule for finding in report.findings] == ["TOKEN"]
    assert any(reason.startswith("commits of findings") for reason in reasons(report))


def test_a_submodule(origin: Path) -> None:
    git(origin, "submodule", "add", "-q", f"file://{origin}", "vendored")
    git(origin, "commit", "-q", "-m", "submodule")
    assert "submodule vendored: is a repository of its own; scan it by its own path" in reasons(
        scanned(GitSource(str(origin)))
    )


def bundle(origin: Path, *arguments: str) -> Path:
    where = origin.parent / "kept"
    where.mkdir(exist_ok=True)
    git(origin, "bundle", "create", "-q", str(where / "shop.bundle"), *arguments)
    return where


@pytest.mark.parametrize("form", ["sha1", "sha256"])
def test_a_bundle_is_opened(origin: Path, form: str) -> None:
    if form == "sha256":
        shutil.rmtree(origin / ".git")
        git(origin, "init", "-q", "-b", "main", "--object-format=sha256")
        (origin / "old.txt").write_text(VALUE)
        git(origin, "add", "-A")
        git(origin, "commit", "-q", "-m", "one")
    git(origin, "branch", f"by-{VALUE}")
    report = scanned(DirectorySource(str(bundle(origin, "--all"))))
    assert report.complete
    content, name = report.findings
    assert (content.path, content.inside, content.line) == ("shop.bundle", "old.txt", 1)
    assert (name.path, name.inside.partition(" ")[0]) == ("shop.bundle", "(name")
    assert content.commit


def test_a_bundle_that_cannot_be_opened_is_named(origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = bundle(origin, "main~1..main")
    why = "shop.bundle packed as a git bundle, which cannot be opened: "
    source = DirectorySource(str(where))
    assert reasons(scanned(source)) == [
        (
            f"{why}it continues another repository's history; fetch the bundle in a clone of that "
            "repository, then scan the clone: "
            "-e scan_repositories=CLONE"
        )
    ]
    bundle(origin, "main")
    whole = (where / "shop.bundle").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(git_bundle, "LARGEST", 10)
        assert [reason.partition(";")[0] for reason in reasons(scanned(source))] == [f"{why}it is larger than 0 MiB"]
    (where / "shop.bundle").write_bytes(whole[:-30])
    (reason,) = reasons(scanned(source))
    assert reason.startswith(why)
    for lines in (git_bundle.LINES + 1, 1):
        (where / "shop.bundle").write_bytes(git_bundle.STARTS[0] + b"x\n" * lines)
        assert reasons(scanned(source)) == [f"{why}its header does not end"]
    monkeypatch.setattr(git_bundle, "LARGEST_HEADER", 50)
    (where / "shop.bundle").write_bytes(whole)
    assert reasons(scanned(source)) == [f"{why}its header does not end"]


def test_a_bundle_names_no_file_and_no_program(tmp_path: Path) -> None:
    """Names of references are only written where git reads them as such."""
    lines = [b"0" * 40 + name for name in (b" refs/../../x", b" refs/heads/a\tb", b" HEAD", b" ../../config")]
    (tmp_path / "a.bundle").write_bytes(git_bundle.STARTS[0] + b"\n".join(lines) + b"\n\nPACK")
    report = scanned(DirectorySource(str(tmp_path)))
    assert not report.complete
    assert [path.name for path in tmp_path.iterdir()] == ["a.bundle"]


def test_alternates(origin: Path) -> None:
    where = origin.parent / "shared"
    git(origin.parent, "clone", "-q", "--shared", str(origin), str(where))
    report = scanned(GitSource(str(where)))
    assert report.complete
    assert [finding.path for finding in report.findings] == ["old.txt"]
    shutil.move(str(origin), str(origin) + "-gone")
    messages = reasons(scanned(GitSource(str(where), tree=False)))
    assert any("objects borrowed from" in message and "restore this directory" in message for message in messages)


def test_an_object_is_broken(origin: Path) -> None:
    blob = git(origin, "rev-parse", "HEAD:folder/new.txt")
    path = origin / ".git" / "objects" / blob[:2] / blob[2:]
    path.chmod(0o600)
    path.write_bytes(b"broken")
    report = scanned(GitSource(str(origin), tree=False))
    assert reasons(report) == ["1 objects are missing or broken; list them by git fsck, and clone again"]


def test_a_pack_is_broken(origin: Path) -> None:
    git(origin, "gc", "-q")
    (pack,) = (origin / ".git" / "objects" / "pack").glob("*.pack")
    pack.chmod(0o600)
    content = bytearray(pack.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40] = b"\0" * 40
    pack.write_bytes(content)
    report = scanned(GitSource(str(origin), tree=False))
    assert not report.complete
    assert any("git fsck" in reason for reason in reasons(report))


def test_pointers_of_lfs(origin: Path) -> None:
    (origin / "large.bin").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 1\n")
    git(origin, "add", "-A")
    assert reasons(scanned(GitSource(str(origin)))) == [
        "1 files are pointers of git-lfs; run git lfs fetch --all, then scan the directory .git/lfs"
    ]


def test_ignored_files_only_when_asked(origin: Path) -> None:
    (origin / ".gitignore").write_text(".env\n")
    (origin / ".env").write_text(f"TOKEN={VALUE}\n")
    assert ".env" not in [finding.path for finding in scanned(GitSource(str(origin))).findings]
    assert ".env" in [finding.path for finding in scanned(GitSource(str(origin), ignored=True)).findings]


def test_the_working_tree_alone(origin: Path) -> None:
    (origin / "folder" / "new.txt").write_text(f"changed\n{VALUE}\n")
    report = scanned(GitSource(str(origin), history=False))
    assert [(finding.path, finding.line, finding.reach) for finding in report.findings] == [
        ("folder/new.txt", 2, "the working tree")
    ]


def test_a_repository_without_commits(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "new.txt").write_text(VALUE)
    assert [finding.path for finding in scanned(GitSource(str(tmp_path))).findings] == ["new.txt"]
    git(tmp_path, "add", "-A")
    (finding,) = scanned(StagedSource(str(tmp_path))).findings
    assert (finding.path, finding.reach) == ("new.txt", "the index only")


def test_what_is_staged_is_what_differs(origin: Path) -> None:
    (origin / "staged.txt").write_text(VALUE + "1")
    (origin / "not-staged.txt").write_text(VALUE)
    git(origin, "add", "staged.txt")
    assert [finding.path for finding in scanned(StagedSource(str(origin))).findings] == ["staged.txt"]


def test_a_directory(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log.1").write_text(f"x\n{VALUE}\n" * 120)
    (tmp_path / "link").symlink_to(tmp_path / "a" / "log.1")
    os.mkfifo(tmp_path / "pipe")
    report = scanned(DirectorySource(str(tmp_path)))
    assert {finding.path for finding in report.findings} == {"a/log.1"}
    assert len(report.findings) == scan_scan.EACH
    assert sum(finding.times for finding in report.findings) == 120
    assert report.complete
    single = scanned(DirectorySource(str(tmp_path / "a" / "log.1")))
    assert {finding.path for finding in single.findings} == {"log.1"}


def test_a_repository_in_a_directory(origin: Path) -> None:
    reason = ".git is a history; scan its repository: -e scan_repositories=PATH"
    assert reasons(scanned(DirectorySource(str(origin)))) == [reason]
    assert reasons(scanned(DirectorySource(str(origin.parent)))) == [f"origin/{reason}"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "closed").write_text("x")
    (tmp_path / "closed").chmod(0)
    assert reasons(scanned(DirectorySource(str(tmp_path)))) == ["closed cannot be read: Permission denied"]


def test_what_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"not a git repository"):
        scanned(GitSource(str(tmp_path)))
    with pytest.raises(ScanError, match=r"nowhere: does not exist; give a file or a directory by -e scan_paths"):
        scanned(DirectorySource(str(tmp_path / "nowhere")))


@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged"])
def test_a_file_that_git_is_told_not_to_look_at(origin: Path, flag: str) -> None:
    git(origin, "update-index", flag, "folder/new.txt")
    (origin / "folder" / "new.txt").write_text(VALUE)
    assert "folder/new.txt" in {finding.path for finding in scanned(GitSource(str(origin))).findings}


def test_names_of_branches_and_tags(origin: Path) -> None:
    """Loose and packed ones; the name is masked, since it holds the value."""
    git(origin, "branch", f"try/{VALUE}")
    git(origin, "pack-refs", "--all")
    git(origin, "tag", f"v-{VALUE}")
    paths = {finding.path for finding in scanned(GitSource(str(origin))).findings}
    assert {"(name of refs/heads/try/********)", "(name of refs/tags/v-********)"} <= paths


def test_other_working_trees(origin: Path) -> None:
    other = origin.parent / "other"
    git(origin, "worktree", "add", "-q", str(other))
    (other / "folder" / "new.txt").write_text(VALUE)
    expected = {("old.txt", "a branch"), (f"(working tree {other}) folder/new.txt", "the working tree")}
    assert {(finding.path, finding.reach) for finding in scanned(GitSource(str(origin))).findings} == expected
    (origin / "here.txt").write_text(VALUE)
    paths = {finding.path for finding in scanned(GitSource(str(other))).findings}
    assert {"folder/new.txt", f"(working tree {origin}) here.txt"} <= paths


def test_a_directory_that_does_not_lead_back_is_no_working_tree(origin: Path) -> None:
    other = origin.parent / "other"
    git(origin, "worktree", "add", "-q", str(other))
    (other / ".git").write_text("gitdir: /nowhere\n")
    (other / "stolen.txt").write_text(VALUE)
    assert {finding.path for finding in scanned(GitSource(str(origin))).findings} == {"old.txt"}


def test_names_that_are_in_no_object(origin: Path) -> None:
    other = origin.parent / "other"
    git(origin, "worktree", "add", "-q", "--detach", str(other))
    git(other, "update-ref", f"refs/worktree/{VALUE}", "HEAD")
    (origin / ".git" / "refs" / "heads" / f"{VALUE}.lock").touch()
    (origin / f"{VALUE}.txt").touch()
    (origin / ".git" / "worktrees" / "other" / "COMMIT_EDITMSG").write_text(VALUE)
    paths = {finding.path for finding in scanned(GitSource(str(origin))).findings}
    assert paths >= {
        "(name of ********.txt)",
        "(git's own files) (name of refs/heads/********.lock)",
        "(git's own files) (name of worktrees/other/refs/worktree/********)",
        "(git's own files) worktrees/other/COMMIT_EDITMSG",
    }


def test_what_a_submodule_was(origin: Path) -> None:
    git(origin, "submodule", "add", "-q", f"file://{origin}", "vendored")
    git(origin, "rm", "-q", "-f", "vendored")
    assert reasons(scanned(GitSource(str(origin)))) == [
        ".git/modules/vendored: belongs to a submodule that was moved or removed; scan it by this path"
    ]


def test_a_clone_of_one_branch(origin: Path) -> None:
    (reason,) = reasons(scanned(GitSource(str(clone(origin, "--single-branch")))))
    assert reason.startswith(
        "some branches or tags are missing, because the configuration of a remote leaves them out. "
    )


def test_packs_of_another_name(origin: Path) -> None:
    git(origin, "gc", "-q")
    for path in (origin / ".git" / "objects" / "pack").glob("pack-*"):
        path.rename(path.with_name(f"old-{path.name}"))
    assert [finding.path for finding in scanned(GitSource(str(origin), tree=False)).findings] == ["old.txt"]


@pytest.mark.parametrize("file", ["config", "config.worktree"])
def test_a_working_tree_that_is_elsewhere(origin: Path, file: str) -> None:
    with (origin / ".git" / file).open("a") as handle:
        handle.write("[core] worktree = ../../elsewhere\n")
    assert reasons(scanned(GitSource(str(origin), tree=False))) == [
        "core.worktree names another working tree; scan this directory: -e scan_paths=DIRECTORY"
    ]


def test_of_commits_of_one_second_the_parent_is_older(origin: Path) -> None:
    """Their ids are random, so that of ten the first is the smallest by luck once in ten."""
    now = "2026-04-01T12:00:00+00:00"
    stamp = {"GIT_AUTHOR_DATE": now, "GIT_COMMITTER_DATE": now}
    tree = git(origin, "rev-parse", "HEAD^{tree}")
    blob = git(origin, "hash-object", "-w", "--stdin", given=f"again {VALUE}".encode())
    held = git(origin, "mktree", given=f"100644 blob {blob}\tagain.txt\n".encode())
    commits: list[str] = []
    for at in range(20):
        parent = ["-p", commits[-1]] if commits else []
        arguments = ["commit-tree", *parent, "-m", str(at), held if at % 2 == 0 else tree]
        commits.append(git(origin, *arguments, environment=stamp))
    git(origin, "branch", "again", commits[-1])
    (commit,) = (finding.commit for finding in scanned(GitSource(str(origin))).findings if finding.path == "again.txt")
    assert commit == commits[0]
