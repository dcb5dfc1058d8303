# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a verification makes of findings in workflows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from tests import planted
from tests.unit.plugins.plugin_utils._verify import verify_facts

CHECKS = verify_check.chosen(["WPS501", "WPS502", "WPS503", "WPS504", "WPS509"])


@cache
def _catalog() -> Catalog:
    return verify_facts.catalog()


def judged(findings: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """The findings, each of which fails its check and so the run."""
    workflows = {"files": ["f.yml"], "findings": findings, "unread": {}}
    found = planted.found(verify_check.run(CHECKS, verify_facts.facts(document=_catalog(), workflows=workflows)))
    assert {*found} == {planted.KINDS[finding["kind"]] for finding in findings}
    return findings
