# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""GitHub's validator, the SARIF Multitool, on what verify and scan write."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import sarif as scan_sarif
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import (
    LIVE,
    PATTERN,
    Finding,
    NotChecked,
    ScanReport,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import sarif as verify_sarif
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import table as verify_table
from tests.unit.plugins.plugin_utils._verify.verify_facts import facts, found

INSTALLED = Path(__file__).resolve().parents[2] / "build" / "node" / "node_modules" / "@microsoft"
"""Of ``requirements/node.txt``, which scripts/bootstrap.sh installs where npm is."""
PROGRAM = shutil.which("sarif", path=str(INSTALLED)) or next(
    (str(path) for path in INSTALLED.glob("sarif-multitool-*/Sarif.Multitool")), None
)
ODD = "-a b/ü%20#?:\\€[x](y)'\"*.txt"
PATHS = (ODD, f"/srv/{ODD}", "/absolute/.env", "C:x", "a//b/../c", "(name of a)", "caf\\xe9 ?[31m.txt", "~/x", " ")


def scanned() -> ScanReport:
    findings = [
        Finding("/srv/shop", kind, "RULE", path=path, line=line, sensitivity=sensitivity, commit="f" * 40)
        for path in PATHS
        for kind, line, sensitivity in ((LIVE, 7, "high"), (PATTERN, 0, "medium"))
    ]
    accepted = (replace(findings[0], offset=9),)
    return ScanReport(
        findings=tuple(findings),
        accepted=accepted,
        reasons={accepted[0].fingerprint: f"rotated {ODD}"},
        not_checked=(NotChecked("/srv/shop", ODD, "a shallow clone"),),
        problems=("entry 1 has no reason",),
    )


def in_workflows() -> dict[str, Any]:
    entries = [{"kind": "echo", "file": path, "line": 7, "message": "prints"} for path in PATHS]
    given = facts(workflows={"files": list(PATHS), "findings": entries, "unread": {ODD: "is a pipe"}})
    return verify_table.data(given, verify_check.run_checks(verify_check.chosen(["WPS503"]), given), [])


LOGS = {
    "scan": scan_sarif.log(scanned()),
    "scan-without-findings": scan_sarif.log(ScanReport(())),
    "verify": verify_sarif.log(found()),
    "verify-odd": verify_sarif.log(found(f"<script>{ODD}")),
    "verify-workflows": verify_sarif.log(in_workflows()),
}


def problems(logs: dict[str, Any], directory: Path) -> list[str]:
    """Errors and warnings, by SARIF's own rules and GitHub's."""
    for name, log in logs.items():
        (directory / f"{name}.sarif").write_text(json.dumps(log), encoding="utf-8")
    if PROGRAM:
        os.chmod(PROGRAM, 0o755)  # npm may not run the script that does it
    command = [str(PROGRAM), "validate", "*.sarif", "--rule-kind", "Sarif;Gh", "--output", "report.json"]
    offline = {**os.environ, "https_proxy": "http://127.0.0.1:9"}  # else it asks each URL of a rule
    run = subprocess.run(command, cwd=directory, env=offline, capture_output=True, text=True, timeout=60, check=False)
    assert f"{len(logs)} files scanned" in run.stdout
    (report,) = json.loads((directory / "report.json").read_text(encoding="utf-8"))["runs"]
    return [f"{item['ruleId']} {item['message']['arguments']}" for item in report.get("results", ())]


@pytest.fixture(autouse=True)
def validator() -> None:
    if PROGRAM is None:
        pytest.skip("GitHub's validator did not run: npm install --prefix build/node @microsoft/sarif-multitool")


def test_the_reports_are_valid(tmp_path: Path) -> None:
    assert problems(LOGS, tmp_path) == []


def test_the_validator_knows_what_github_refuses(tmp_path: Path) -> None:
    log = json.loads(json.dumps(LOGS["scan"]))
    log["runs"][0]["results"][0]["locations"] = []
    assert any(problem.startswith("GH") for problem in problems({"wrong": log}, tmp_path))
