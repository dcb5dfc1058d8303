# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When the status page is written: where it says something else than the one that is there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import rotation_status
from tests.unit.plugins.action.local_action import run_action
from tests.unit.plugins.plugin_utils._ansible.reports.test_status_page import NOW, report, row

CATALOG: dict[str, Any] = {"application": "shop", "settings": {"A": {"value": "x"}}}


def test_the_page_is_written_when_it_says_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, now = tmp_path / "status.html", NOW

    class Clock:
        @staticmethod
        def now(_zone: object) -> Any:
            return now

    monkeypatch.setattr(rotation_status, "datetime", Clock)

    def is_changed(age: int, *, check: bool = False) -> bool:
        variables = {"ages": report(row("cache", age, 90))}
        given: dict[str, Any] = {"catalog": CATALOG, "environment": "test", "info": "ages", "page": str(path)}
        result = run_action(rotation_status.ActionModule, check=check, variables=variables, **given)
        assert not result.get("failed"), result
        return bool(result["changed"])

    assert (is_changed(5, check=True), path.exists()) == (True, False)
    assert (is_changed(5), is_changed(5, check=True)) == (True, False)
    first, now = path.read_bytes(), now + timedelta(hours=3)
    assert (is_changed(5), path.read_bytes()) == (False, first)
    assert (is_changed(6, check=True), path.read_bytes()) == (True, first)
    path.chmod(0o644)
    assert (is_changed(5), path.stat().st_mode & 0o777) == (True, 0o600)
    assert path.read_bytes() != first
    assert (is_changed(6), is_changed(6)) == (True, False)
