# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a verification's table and files go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible import constants
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.action import verify_report

FOUND: dict[str, Any] = {
    "application": "shop",
    "environment": "test",
    "at": "2026-11-28T10:00:00Z",
    "counts": {"pass": 0, "fail": 0, "not_checked": 0},
    "checks": [],
    "ages": [],
    "hosts": {},
    "graph": {"declared": [], "credentials": [], "edges": []},
}


def test_a_report_of_some_checks_leaves_the_full_one(tmp_path: Path) -> None:
    full = verify_report.written(FOUND, str(tmp_path), partial=False)
    before = {path: Path(path).read_bytes() for path in full}
    some = verify_report.written({**FOUND, "environment": "other"}, str(tmp_path), partial=True)
    assert {Path(path).name for path in some} == {"partial.json", "partial.sarif", "partial.html"}
    assert {path: Path(path).read_bytes() for path in full} == before


@pytest.mark.parametrize(
    ("callback", "to_stderr"),
    [
        ("default", False),
        ("ansible.builtin.default", False),
        ("json", True),
        ("ansible.posix.jsonl", True),
        ("example.own.junit", True),
    ],
)
def test_the_output_of_another_callback_stays_its_own(
    monkeypatch: pytest.MonkeyPatch, callback: str, to_stderr: bool
) -> None:
    lines: list[tuple[str, bool]] = []
    monkeypatch.setattr(constants.config, "get_config_value", lambda name: {"DEFAULT_STDOUT_CALLBACK": callback}[name])
    monkeypatch.setattr(Display, "display", lambda _self, text, color=None, stderr=False: lines.append((text, stderr)))
    verify_report.show(FOUND, ["/srv/report/verify.json"])
    assert {stderr for _text, stderr in lines} == {to_stderr}
    assert lines[-1][0] == "report: /srv/report/verify.json"
