# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status page in a real browser: drawn, in light and dark, without a word of complaint or a request."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.test_postmortem_page import BROWSER, ODD, SCHEMES, opened
from tests.unit.plugins.plugin_utils._ansible.reports.test_status_page import RECORDS, page, report, row

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no browser is installed")]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_is_drawn_and_asks_for_nothing(tmp_path: Path, scheme: str) -> None:
    records = [{**RECORDS[0], "notes": [ODD]}, *RECORDS[1:]]
    seen = opened(tmp_path, page(report(row(ODD, 100, 90), row("cache", 5, 90)), records), scheme)
    assert (seen.console, seen.requests) == ([], [])
    assert seen.dom.count('class="age ') == 2
    assert "<script" not in seen.dom
    assert "<img" not in seen.dom
    assert seen.ground == SCHEMES[scheme][1]
