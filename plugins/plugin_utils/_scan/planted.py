# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Honeytokens in a repository. Matches at the paths that the catalog names are expected, all others are leaks. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import ScanReport

REASON = "a honeytoken that was planted here, as the catalog says"


def expected(report: ScanReport, planted: Mapping[str, Collection[str]]) -> ScanReport:
    """The report, with expected honeytokens moved to the accepted findings. ``planted`` are their paths, by setting."""
    paths = {
        finding.path: {name for name, places in planted.items() if finding.path in places}
        for finding in report.findings
    }
    expected_findings = [finding for finding in report.findings if {finding.rule, *finding.also} <= paths[finding.path]]
    return replace(
        report,
        findings=tuple(finding for finding in report.findings if finding not in expected_findings),
        accepted=(*report.accepted, *expected_findings),
        reasons={**report.reasons, **{finding.fingerprint: REASON for finding in expected_findings}},
    )
