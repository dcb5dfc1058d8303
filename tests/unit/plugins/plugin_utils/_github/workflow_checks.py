# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a verification makes of findings in workflows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests import planted
from tests.unit.plugins.plugin_utils._verify import verify_facts


def judged(findings: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """The findings, each of which makes its check and so the run fail."""
    workflows = {"files": ["f.yml"], "findings": findings, "unread": {}}
    failed = verify_facts.judged("WPS501", "WPS502", "WPS503", "WPS504", "WPS509", workflows=workflows)
    assert {*failed} == {planted.KINDS[finding["kind"]] for finding in findings}
    return findings
