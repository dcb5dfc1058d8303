# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Honeytokens that lie in a repository on purpose: there they are expected, and everywhere else they leaked. Pure."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.watchparty.secrets.plugins.module_utils._core import honeytokens
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import ScanReport

REASON = "a honeytoken that was planted here, as the catalog says"


def expected(report: ScanReport, catalog: Catalog) -> ScanReport:
    """The report with what was planted among the accepted findings."""
    planted = honeytokens.planted(catalog)
    paths = {
        finding.path: {name for name, places in planted.items() if finding.path in places}
        for finding in report.findings
    }
    decoys = [finding for finding in report.findings if {finding.rule, *finding.also} <= paths[finding.path]]
    return replace(
        report,
        findings=tuple(finding for finding in report.findings if finding not in decoys),
        accepted=(*report.accepted, *decoys),
        reasons={**report.reasons, **{finding.fingerprint: REASON for finding in decoys}},
    )
