# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A scanned repository's configuration, attributes and hooks name programs; none of them runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import gitleaks
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan as scan_scan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.gitleaks import Gitleaks
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live, Needles, needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.sources import GitSource, StagedSource
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_repository, zizmor
from tests.hostile.repository_lab import ATTACKS, SCRIPT, VALUE, Attack, Lair
from tests.hostile.repository_lab import repository as made
from tests.unit.plugins.plugin_utils._verify.verify_facts import catalog

SOUGHT = needles_for([Live("TOKEN", "current", VALUE)])


def repository(path: Path) -> None:
    report = scan_scan.scan([GitSource(str(path))], SOUGHT)
    assert {finding.path for finding in report.findings} >= {"old.txt", "staged.txt"}


def staged(path: Path) -> None:
    report = scan_scan.scan([StagedSource(str(path))], SOUGHT)
    assert [finding.path for finding in report.findings] == ["staged.txt"]


def history_by_gitleaks(path: Path) -> None:
    lost = not _has(path, "HEAD:lost.txt")
    report = scan_scan.scan([], Needles(), engines=[Gitleaks(str(path), gitleaks.HISTORY)], engine="gitleaks")
    assert lost or "old.txt" in {finding.path for finding in report.findings}


def staged_by_gitleaks(path: Path) -> None:
    report = scan_scan.scan([], Needles(), engines=[Gitleaks(str(path), gitleaks.STAGED)], engine="gitleaks")
    assert [finding.path for finding in report.findings] == ["staged.txt"]


def hook(path: Path) -> None:
    done = subprocess.run([str(SCRIPT)], cwd=path, env={"PATH": os.environ["PATH"]}, capture_output=True, check=False)
    assert done.returncode == 1, "what is staged is a secret"
    assert b"staged.txt" in done.stderr


def verified(path: Path) -> None:
    assert ".env" in collect_repository.gather(str(path), catalog(), frozenset())["env_files"]
    assert collect_repository.workflows(str(path))["findings"]
    if zizmor.installed():
        collect_repository.zizmor(str(path))


WAYS: dict[str, Callable[[Path], None]] = {
    "a scan": repository,
    "a scan of what is staged": staged,
    "a verification": verified,
}
WITH_GITLEAKS: dict[str, Callable[[Path], None]] = {
    "gitleaks over the history": history_by_gitleaks,
    "gitleaks over what is staged": staged_by_gitleaks,
    "scan-staged.sh": hook,
}
if shutil.which("gitleaks"):
    WAYS |= WITH_GITLEAKS


def _has(path: Path, name: str) -> bool:
    ask = ["git", "-c", "core.fsmonitor=false", "cat-file", "-e", name]
    environment = {**os.environ, "GIT_NO_LAZY_FETCH": "1"}
    return subprocess.run(ask, cwd=path, env=environment, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("pattern"))


@pytest.fixture
def lair(tmp_path: Path, pattern: Path) -> Lair:
    return Lair(tmp_path, pattern)


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
def test_no_program_runs(lair: Lair, attack: Attack) -> None:
    lair.prepared(attack)
    ran, failed = [], []
    for name, way in WAYS.items():
        try:
            way(lair.repository)
        except (AssertionError, SecretsError) as error:
            failed.append(f"{name}: {error}")
        if lair.mark.exists():
            ran.append(name)
            lair.mark.unlink()
    assert ran == []
    assert failed == [], "nothing else may suffer"
    assert lair.seen_to_run(attack), "the attack did not run"
