# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What lies in a repository where a scan would wait, leave it or stumble; all else is found all the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError, ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import gitleaks, scan_report
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import request as scan_request
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import sarif as scan_sarif
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan as scan_scan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Bounds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.gitleaks import Gitleaks
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live, Needles, needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import ScanReport
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.sources import (
    DirectorySource,
    GitSource,
    StagedSource,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_repository
from tests.hostile.repository_lab import VALUE, committed, measured, put, repository, scanned, tree
from tests.unit.plugins.plugin_utils._scan.scan_world import git
from tests.unit.plugins.plugin_utils._verify.verify_facts import catalog

SOUGHT = needles_for([Live("TOKEN", "current", VALUE)])
SOON = Bounds(idle=5, seconds=60)


def scan(*sources: scan_scan.Source) -> ScanReport:
    return scan_scan.scan(sources, SOUGHT, bounds=SOON)


def paths(report: ScanReport) -> set[str]:
    return {finding.path for finding in report.findings}


def reasons(report: ScanReport) -> list[str]:
    return [
        " ".join(part for part in (not_checked.what, not_checked.reason) if part) for not_checked in report.not_checked
    ]


@pytest.fixture
def where(tmp_path: Path) -> Path:
    return repository(tmp_path / "repository")


@pytest.mark.parametrize(
    "name",
    [
        *("info/exclude", "config", "packed-refs", "shallow", "index", "HEAD", "logs/HEAD", "refs/heads/other"),
        *("objects/info/alternates", "objects/info/commit-graph", "objects/pack/pack-1.idx", "description"),
        *("../.gitignore", "../.gitattributes", "../.gitleaks.toml", "../.github/workflows/b.yml", "../.env"),
    ],
)
def test_a_pipe_in_place_of_a_file(where: Path, name: str) -> None:
    """Nothing waits for a writer that never comes."""
    path = where / ".git" / name
    path.unlink(missing_ok=True)
    if name == "objects/pack/pack-1.idx":
        path.with_suffix(".pack").write_bytes(b"PACK")
    os.mkfifo(path)
    script = f"""
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_repository as _repository
from tests.unit.plugins.plugin_utils._verify.verify_facts import catalog
answer = as_data(_scan.scan([GitSource(sys.argv[1])], SOUGHT))
if {name!r} not in ("index", "HEAD"):
    _scan.scan([StagedSource(sys.argv[1])], SOUGHT)
_repository.gather(sys.argv[1], catalog(), frozenset())
_repository.workflows(sys.argv[1])
"""
    result = measured(script, str(where))
    assert "old.txt" in {finding["path"] for finding in result["findings"]}


def test_a_pipe_in_place_of_an_object(where: Path) -> None:
    blob = put(where, "blob", b"lost")
    path = where / ".git" / "objects" / blob[:2] / blob[2:]
    path.unlink()
    os.mkfifo(path)
    result = scanned(where)
    assert "old.txt" in {finding["path"] for finding in result["findings"]}


def test_names_that_are_not_utf8(where: Path, tmp_path: Path) -> None:
    """In the history, in the working tree, in a directory and of one; in every report."""
    name = os.fsencode(where) + b"/caf\xe9 \x1b[31m.txt"
    with open(name, "wb") as handle:
        handle.write(VALUE.encode())
    git(where, "add", "-A")
    git(where, "commit", "-q", "-m", "one")
    with open(name, "ab") as handle:
        handle.write(b" more")
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/d\xe9")
    shutil.copytree(where, odd)
    report = scan(GitSource(str(where)), DirectorySource(odd))
    assert {finding.path for finding in report.findings if "caf" in finding.path} == {"caf\\xe9 ?[31m.txt"}
    request: Any = type("Request", (), {"json_file": str(tmp_path / "a.json"), "sarif_file": str(tmp_path / "a.sarif")})
    scan_request.write(report, request)
    texts = [(tmp_path / "a.json").read_text("utf-8"), (tmp_path / "a.sarif").read_text("utf-8")]
    texts += [*scan_report.lines(report), json.dumps(scan_sarif.log(report))]
    assert json.loads(texts[0])["findings"]
    assert all("\x1b" not in text for text in texts)
    assert "caf" in str(collect_repository.gather(str(where), catalog(), frozenset()) and report.data())


def test_an_author_who_is_a_link(where: Path) -> None:
    """A viewer of SARIF makes a link of such a text."""
    (where / "signed.txt").write_text(VALUE + " signed")
    git(where, "add", "-A")
    git(where, "commit", "-q", "-m", "one", "--author", "[see](https://example.com) <x@y>")
    report = scan(GitSource(str(where)))
    assert any("[see](https" in finding.author for finding in report.findings)
    assert all("](" not in item["message"]["text"] for item in scan_sarif.log(report)["runs"][0]["results"])


def test_names_in_the_index_lead_nowhere(where: Path, tmp_path: Path) -> None:
    """Neither upwards nor through a link."""
    (tmp_path / "outside.txt").write_text(VALUE)
    (tmp_path / "outside.env").write_text("SECRET_KEY=0123456789abcdefghij\n")
    (where / "link.txt").symlink_to(tmp_path / "outside.txt")
    (where / "linked").symlink_to(tmp_path)
    blob = put(where, "blob", b"other")
    given = b"".join(
        b"100644 %s\t%s\0" % (blob.encode(), name) for name in (b"linked/outside.txt", b"linked/outside.env")
    )
    git(where, "update-index", "-z", "--index-info", given=given)
    report = scan(GitSource(str(where)))
    assert paths(report) == {"old.txt"}
    assert collect_repository.gather(str(where), catalog(), frozenset())["env_files"]["linked/outside.env"] == []


def test_a_link_in_place_of_git(where: Path, tmp_path: Path) -> None:
    """What .git leads to is another's repository unless that leads back."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / ".git").write_text(f"gitdir: {where / '.git'}\n")
    with pytest.raises(ScanError, match=r"\.git leads to \S+, but this repository does not lead back to \S+; scan"):
        scan(GitSource(str(mine)))
    (mine / ".git").unlink()
    (mine / ".git").symlink_to(where / ".git")
    with pytest.raises(ScanError, match="does not lead back"):
        scan(GitSource(str(mine)))
    with pytest.raises(HostError, match="does not lead back"):
        collect_repository.workflows(str(mine))


def test_a_working_tree_elsewhere(where: Path) -> None:
    """core.worktree=/ makes a scan of a repository none of the machine."""
    git(where, "config", "core.worktree", "/")
    report = scan(GitSource(str(where)))
    assert paths(report) == {"old.txt"}
    assert "core.worktree names another working tree; scan this directory: -e scan_paths=DIRECTORY" in reasons(report)


def test_legitimate_places(where: Path, tmp_path: Path) -> None:
    """A linked working tree, a submodule, a bare repository, and one of SHA-256 are scanned as before."""
    git(where, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    (tmp_path / "linked" / "new.txt").write_text(VALUE)
    assert paths(scan(GitSource(str(tmp_path / "linked")))) == {"old.txt", "new.txt"}
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q", "-b", "main")
    git(outer, "submodule", "add", "-q", f"file://{where}", "module")
    (outer / "module" / "new.txt").write_text(VALUE)
    assert paths(scan(GitSource(str(outer / "module")))) == {"old.txt", "new.txt"}
    assert any(
        "submodule module: is a repository of its own" in reason for reason in reasons(scan(GitSource(str(outer))))
    )
    git(tmp_path, "clone", "-q", "--bare", str(where), "bare.git")
    assert paths(scan(GitSource(str(tmp_path / "bare.git")))) == {"old.txt"}
    other = tmp_path / "sha256"
    other.mkdir()
    git(other, "init", "-q", "--object-format=sha256", "-b", "main")
    (other / "old.txt").write_text(VALUE)
    git(other, "add", "-A")
    git(other, "commit", "-q", "-m", "one")
    (finding,) = scan(GitSource(str(other))).findings
    assert (finding.path, finding.reach, len(finding.blob)) == ("old.txt", "a branch", 64)
    (other / "new.txt").write_text(VALUE + "2")
    git(other, "add", "-A")
    assert paths(scan(StagedSource(str(other)))) == {"new.txt"}


def test_a_repository_of_another_account(where: Path) -> None:
    """git refuses it, for what its configuration could do; we do not read that."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files away: repositories of others were not tested")
    subprocess.run(["chown", "-R", "nobody", str(where)], check=True)
    assert paths(scan(GitSource(str(where)))) == {"old.txt"}


def test_reftables(tmp_path: Path) -> None:
    made = subprocess.run(
        ["git", "init", "-q", "--ref-format=reftable", str(tmp_path / "r")], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("this git knows no reftables: they were not tested")
    (tmp_path / "r" / "old.txt").write_text(VALUE)
    git(tmp_path / "r", "add", "-A")
    git(tmp_path / "r", "commit", "-q", "-m", "one")
    (finding,) = scan(GitSource(str(tmp_path / "r"))).findings
    assert (finding.path, finding.reach) == ("old.txt", "a branch")


def test_files_that_others_convert_are_not_reported_twice(where: Path) -> None:
    """Line ends as git stores them; and what differs is found in what a filter would have hidden."""
    (where / ".gitattributes").write_text("*.txt text eol=crlf\n*.bin filter=lfs\n")
    (where / "old.txt").write_bytes((where / "old.txt").read_bytes().replace(b"\n", b"\r\n"))
    assert [(finding.path, finding.reach) for finding in scan(GitSource(str(where))).findings] == [
        ("old.txt", "a branch")
    ]
    (where / "a.bin").write_text(VALUE)
    assert paths(scan(GitSource(str(where)))) == {"old.txt", "a.bin"}


def test_what_is_ignored(where: Path) -> None:
    """As git has it: patterns of every level, negated ones, what is in the index all the same."""
    (where / "build" / "deep").mkdir(parents=True)
    for name in ("build/a.txt", "build/deep/kept.txt", "b.log", "keep.log", ":odd.log", "sub.log"):
        (where / name).write_text(VALUE)
    git(where, "add", "-f", "build/deep/kept.txt")
    (where / "build" / "deep" / "kept.txt").write_text(f"more {VALUE}")
    (where / ".gitignore").write_text("build/\n*.log\n!keep.log\n")
    (where / ".git" / "info" / "exclude").write_text("excluded.txt\n")
    (where / "excluded.txt").write_text(VALUE)
    (where / "sub").mkdir()
    (where / "sub" / ".gitignore").write_text("!*.log\n")
    (where / "sub" / "c.log").write_text(VALUE)
    results = {finding.path for finding in scan(GitSource(str(where))).findings if finding.reach == "the working tree"}
    asked = ["ls-files", "-z", "-o", "-m", "--exclude-standard"]
    expected = {name for name in git(where, *asked).split("\0") if name}
    assert results == expected - {".gitignore", "sub/.gitignore"} == {"build/deep/kept.txt", "keep.log", "sub/c.log"}


def test_another_repository_within(where: Path) -> None:
    repository(where / "inner")
    git(where, "clone", "-q", "--bare", str(where), str(where / "bare"))
    messages = reasons(scan(GitSource(str(where))))
    assert "inner/ is a repository of its own; scan it by its own path" in messages
    assert "bare/ looks like a repository; scan it by its own path" in messages


def test_one_that_is_broken_hides_no_other(where: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(where, broken)
    (broken / ".git" / "HEAD").unlink()
    corrupt = tmp_path / "corrupt"
    shutil.copytree(where, corrupt)
    (corrupt / ".git" / "index").write_bytes(b"DIRC" + b"\xff" * 500)
    third = repository(tmp_path / "third")
    report = scan(*(GitSource(str(path)) for path in (where, broken, corrupt, third)), StagedSource(str(corrupt)))
    sources = {finding.source for finding in report.findings}
    assert sources == {str(where), str(corrupt), str(third)}
    assert [not_checked.source for not_checked in report.not_checked] == [str(broken), str(corrupt), str(corrupt)]
    with pytest.raises(ScanError, match="nowhere: is not a directory"):
        scan(GitSource(str(where)), GitSource(str(tmp_path / "nowhere")))


def test_what_git_ends_at_hides_no_other(where: Path) -> None:
    """Each object that git dies of is named, and the rest is looked at."""
    names = [put(where, "blob", b"x" * 9_000_000 + b"%d" % at) for at in range(3)]
    for name in names:
        path = where / ".git" / "objects" / name[:2] / name[2:]
        path.write_bytes(path.read_bytes()[:-200])
    report = scan(GitSource(str(where)))
    assert paths(report) == {"old.txt"}
    assert {reason.partition(" git")[0] for reason in reasons(report)} == {f"object {name[:12]}" for name in names}


def test_more_findings_than_a_person_reads(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_scan, "FINDINGS", 5)
    for at in range(9):
        (where / f"{at}.txt").write_text(VALUE)
    report = scan(GitSource(str(where)))
    assert len(report.findings) == 5
    assert reasons(report) == ["5 more findings are not listed; fix the first 5, then scan again"]


@pytest.mark.skipif(not gitleaks.installed(), reason="no gitleaks: what it is given is not tested")
def test_what_the_repository_tells_gitleaks(where: Path) -> None:
    """Its rules count, as the page says; what they are called reaches no terminal as it is."""
    rule = "[[rules]]\nid = \"odd\\u001b[31m\"\ndescription = \"x\"\nregex = '''canary-of-a-hostile'''\n"
    (where / ".gitleaks.toml").write_text(f'title = "x"\n{rule}')
    report = scan_scan.scan([], Needles(), engines=[Gitleaks(str(where), gitleaks.HISTORY)], engine="gitleaks")
    assert {finding.rule for finding in report.findings} == {"gitleaks:odd?[31m"}


@pytest.mark.skipif(not gitleaks.installed(), reason="no gitleaks: what it is given is not tested")
def test_gitleaks_waits_for_nothing(where: Path) -> None:
    git(where, "config", "diff.orderFile", str(where / "order"))
    os.mkfifo(where / "order")
    os.mkfifo(where / ".gitleaksignore")
    report = scan_scan.scan([], Needles(), engines=[Gitleaks(str(where), gitleaks.HISTORY)], bounds=SOON)
    assert [(finding.path, finding.line) for finding in report.findings] == [("old.txt", 2)]


def test_a_required_engine_that_fails(where: Path, tmp_path: Path) -> None:
    """What was found is in the report, and the task fails."""
    program = tmp_path / "gitleaks"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    engine = Gitleaks(str(where), gitleaks.HISTORY, required=True, program=str(program))
    report = scan_scan.scan([GitSource(str(where))], SOUGHT, engines=[engine])
    assert paths(report) == {"old.txt"}
    assert [failure.partition(" on ")[0] for failure in report.failures] == ["gitleaks ended with 3"]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{chr(ord(name) - 1)}'] * 10)}]\n" for name in "bcdefghi"
)
DEEP = "a: " + "{a: " * 150 + "1" + "}" * 150


@pytest.mark.parametrize(
    "text", [BOMB, "a: &a [*a]\n", "[" * 3000, DEEP], ids=["repeats", "itself", "nested", "nested deep"]
)
def test_a_workflow_that_repeats_itself(where: Path, text: str) -> None:
    (where / ".github" / "workflows" / "bomb.yml").write_text(text)
    git(where, "add", "-A")
    workflows = collect_repository.workflows(str(where))
    assert list(workflows["unread"]) == [".github/workflows/bomb.yml"]
    assert [finding["file"] for finding in workflows["findings"]] == [".github/workflows/a.yml"]
    with pytest.raises(yaml.YAMLError):
        collect_repository.parsed(text)


def test_more_workflows_than_are_read(where: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect_repository, "FILES", 0)
    with pytest.raises(HostError, match="more than 0 such files; nothing was read"):
        collect_repository.workflows(str(where))


def test_paths_that_no_file_has(where: Path) -> None:
    """They are only names here."""
    blob = put(where, "blob", VALUE.encode() + b"odd")
    committed(where, put(where, "tree", tree(("100644", "../../outside", blob))), "odd")
    assert "../../outside" in paths(scan(GitSource(str(where))))
