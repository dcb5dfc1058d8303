# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What gitleaks finds, without what it found; and the hook that runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import gitleaks
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan as scan_scan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.gitleaks import FILES, HISTORY, STAGED, Gitleaks
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live, Needles, needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import ScanReport
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.sources import GitSource
from tests.unit.plugins.plugin_utils._scan.scan_world import git

TOKEN = "ghp_" + "b7K2m9Q4x1" * 3 + "Lp8Rt5"
HOOK = Path(__file__).parents[5] / "scripts" / "scan-staged.sh"
needs_gitleaks = pytest.mark.skipif(not gitleaks.installed(), reason="no gitleaks: what it finds is not tested")


@pytest.fixture
def where(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "ci.yml").write_text(f"one: two\ntoken: {TOKEN}\n")
    git(tmp_path, "add", "-A")
    return tmp_path


def scanned(where: Path, how: str, wanted: Needles | None = None) -> ScanReport:
    sources = [GitSource(str(where))] if wanted else []
    return scan_scan.scan(sources, wanted or Needles(), engines=[Gitleaks(str(where), how)], engine="gitleaks")


@needs_gitleaks
@pytest.mark.parametrize("how", [HISTORY, STAGED, FILES])
def test_its_findings(where: Path, how: str) -> None:
    if how == HISTORY:
        git(where, "commit", "-q", "-m", f"message with {TOKEN}")
    report = scanned(where, how)
    (finding,) = report.findings
    assert (finding.rule, finding.path, finding.line) == ("gitleaks:github-pat", "ci.yml", 2)
    assert (finding.author == "A Writer <writer@example.com>") == bool(finding.commit) == (how == HISTORY)
    assert TOKEN not in repr(report) + str(report.data())


@needs_gitleaks
def test_what_is_known_is_reported_once(where: Path) -> None:
    git(where, "commit", "-q", "-m", "one")
    report = scanned(where, HISTORY, needles_for([Live("GITHUB_TOKEN", "current", TOKEN)]))
    assert [(finding.rule, finding.line) for finding in report.findings] == [("GITHUB_TOKEN", 2)]


def program(tmp_path: Path, script: str) -> str:
    path = tmp_path / "program"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    "script", ["echo canary >&2; exit 3", "echo canary", "echo '{}'"], ids=["fails", "no JSON", "no list"]
)
def test_it_fails(tmp_path: Path, script: str) -> None:
    git(tmp_path, "init", "-q")
    made = program(tmp_path, script)
    message = r"^gitleaks ended with \d on \S+; run gitleaks on it by hand to see why$"
    with pytest.raises(ScanError, match=message):
        scan_scan.scan([], Needles(), engines=[Gitleaks(str(tmp_path), HISTORY, required=True, program=made)])
    report = scan_scan.scan([], Needles(), engines=[Gitleaks(str(tmp_path), HISTORY, program=made)], engine="gitleaks")
    assert report.engine == ""
    assert [not_checked.what for not_checked in report.not_checked] == ["unknown secrets"]
    assert "canary" not in repr(report)


def test_it_cannot_be_started(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(ScanError, match="cannot be started: No such file"):
        scan_scan.scan([], Needles(), engines=[Gitleaks(str(tmp_path), HISTORY, required=True, program="/nowhere")])


def hook(where: Path, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(HOOK)], cwd=where, env={"PATH": path}, capture_output=True, text=True, check=False)


@needs_gitleaks
def test_the_hook(where: Path) -> None:
    refused = hook(where)
    assert refused.returncode == 1
    assert "github-pat" in refused.stderr
    assert "looks like a secret" in refused.stderr
    assert TOKEN not in refused.stderr + refused.stdout
    git(where, "rm", "-q", "--cached", "ci.yml")
    assert hook(where).returncode == 0


def test_the_hook_without_gitleaks_lets_nothing_through(where: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("git", "bash", "env"):
        (folder / name).symlink_to(str(shutil.which(name)))
    refused = hook(where, str(folder))
    assert refused.returncode == 1
    assert "gitleaks is not installed" in refused.stderr
