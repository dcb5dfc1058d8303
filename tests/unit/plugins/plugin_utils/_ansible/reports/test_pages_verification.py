# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A verification as a page: it loads nothing, runs its own script alone, and escapes what others chose."""

from __future__ import annotations

import base64
import hashlib
import html
import re

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import pages
from tests.unit.plugins.plugin_utils._verify.test_table import ODD, REPORT, healthy
from tests.unit.plugins.plugin_utils._verify.verify_facts import found


def test_the_page_needs_no_network_and_runs_its_own_script_alone() -> None:
    page = pages.verification(REPORT)
    assert re.findall(r'(?:src|href)="(?!#|https://github\.com/watchparty/secrets/)', page) == []
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert html.unescape(policy) == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_the_page_escapes_names() -> None:
    page = pages.verification(found(ODD))
    assert page.count("<script>") == 1
    assert "&lt;script&gt;x&lt;/script&gt;" in page


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"pass": 1, "fail": 0, "not_checked": 0}, "All 1 check pass"),
        ({"pass": 2, "fail": 0, "not_checked": 0}, "All 2 checks pass"),
        ({"pass": 1, "fail": 0, "not_checked": 1}, "Nothing fails; 1 check could not be made"),
        ({"pass": 1, "fail": 1, "not_checked": 1}, "1 of 3 checks fails"),
        ({"pass": 1, "fail": 2, "not_checked": 1}, "2 of 4 checks fail"),
    ],
)
def test_the_verdict(counts: dict[str, int], message: str) -> None:
    assert f"<b>{message}</b>" in pages.verification({**healthy(), "counts": {**counts, "not_applicable": 0}})


def test_without_ages_hosts_or_credentials_the_page_says_so() -> None:
    bare = {**healthy(), "ages": [], "hosts": {}, "graph": {"credentials": [], "edges": [], "declared": []}}
    page = pages.verification(bare)
    for message in ("The journal was not read", "No host was asked", "The catalog names no credentials"):
        assert message in page


def test_every_class_of_the_page_has_a_style() -> None:
    page = pages.verification(REPORT)
    style = page[page.index("<style>") : page.index("</style>")]
    used = {name for names in re.findall(r'class="([^"]*)"', page) for name in names.split()}
    unstyled = {"arrow", "name", "area", "low", "medium", "high", "graph", "leaked"}
    messages = {"age", "unknown", "12", "44", "80", "3", "days"}  # a credential's state, of which only "due" is drawn
    assert {item for item in used - unstyled - messages if f".{item}" not in style} == set()
