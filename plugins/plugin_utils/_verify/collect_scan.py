# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results of a repository scan: places and messages, never a value."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core import honeytokens
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import baseline as scan_baseline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import gitleaks, live_values, planted
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import matchers as scan_matchers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan as scan_scan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import Bounds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Needles, needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_progress import show_on_stderr
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import Finding, ScanReport
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.sources import GitSource
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.cached_stores import CachedStores

Baseline = scan_baseline.Baseline


def live(
    path: str,
    catalog: Catalog,
    stores: CachedStores,
    baseline: Baseline | None,
    bounds: Bounds = Bounds(),  # noqa: B008
) -> dict[str, Any]:
    """Scans the whole history and the working tree for live values. Raises SecretsError."""
    root = _root(path)
    values, unread = live_values.read(catalog, *stores)
    looked_for = needles_for(values)
    if not looked_for.needles:
        raise ScanError("the stores hold no value to scan for")
    slower = scan_matchers.slower()
    if slower:
        Display().warning(slower)
    report = scan_scan.scan(
        [GitSource(root)], looked_for, unread=unread, baseline=baseline, bounds=bounds, show=show_on_stderr
    )
    report = planted.expected(report, honeytokens.planted(catalog))
    return {**_as_data(report), "values": report.values, "left_out": dict(report.left_out), "objects": report.objects}


def unknown(
    path: str,
    baseline: Baseline | None,
    known_findings: Collection[tuple[str, int]],
    bounds: Bounds = Bounds(),  # noqa: B008
) -> dict[str, Any]:
    """Secrets that gitleaks reports, without ``known_findings``. Raises ScanError if gitleaks is not installed."""
    root = _root(path)
    if gitleaks.installed() is None:
        raise ScanError(f"gitleaks is not installed on the controller; {gitleaks.REMEDY}")
    engines = [gitleaks.Gitleaks(root, how) for how in (gitleaks.HISTORY, gitleaks.STAGED)]
    report = scan_scan.scan([], Needles(), engines=engines, engine=gitleaks.NAME, baseline=baseline, bounds=bounds)
    result = _as_data(report)
    result["findings"] = [
        finding for finding in result["findings"] if (finding["path"], finding["line"]) not in known_findings
    ]
    return result


def _root(path: str) -> str:
    root = Path(path).expanduser()
    if not root.is_dir():
        raise ScanError(f"repository {root}: is not a directory on the controller; give the path of a checkout")
    return str(root)


def _as_data(report: ScanReport) -> dict[str, Any]:
    return {
        "findings": [_finding(finding) for finding in report.findings],
        "accepted": len(report.accepted),
        "accepted_places": [(finding.path, finding.line) for finding in report.accepted],
        "not_checked": [
            *(_passed(not_checked.what, not_checked.reason) for not_checked in report.not_checked),
            *report.problems,
        ],
    }


def _passed(place: str, reason: str) -> str:
    return f"{place}: {reason}" if place else reason


def _finding(finding: Finding) -> dict[str, Any]:
    if finding.commit:
        name = finding.author.partition(" <")[0]
        where = f"in commit {finding.commit[:12]}" + (f" by {name}" if name else "")
    else:
        where = f"in {finding.reach}" if finding.reach else ""
    stage = f"{finding.stage} value, {finding.form}" if finding.stage else finding.form
    message = " ".join(part for part in (f"{finding.rule} ({stage})", where) if part)
    # An editor cannot open git's own files, messages and names.
    return {
        "path": finding.path,
        "line": finding.line,
        "message": message,
        "setting": finding.rule if finding.stage else "",
        "opens": not finding.path.startswith("("),
    }
