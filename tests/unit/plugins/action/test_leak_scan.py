# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is asked for is checked before anything is read; a report is written only outside check mode."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.action.leak_scan import ActionModule
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import gitleaks, live_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import request as scan_request
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import NotChecked

DEFAULTS = {name: option.get("default") for name, option in scan_request.OPTIONS.items()}
VALUE = "Yt3-canary-of-the-action-9"
CATALOG = {"application": "app", "settings": {"TOKEN": {"group": "core"}}}


def ask(*, check: bool = False, **args: Any) -> dict[str, Any]:
    action = ActionModule.__new__(ActionModule)
    action._task = SimpleNamespace(check_mode=check)
    return action.result({**DEFAULTS, "patterns": "none", "catalog": CATALOG, "environment": "test", **args}, {})


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection:
        region = "eu-west-3"

        def __init__(self, *_: Any) -> None:
            pass

        def require_aws_sdk(self) -> None:
            pass

        def store_client(self, _service: str) -> None:
            return None

    monkeypatch.setattr(scan_request, "AwsConnection", Connection)
    monkeypatch.setattr(
        live_values, "read", lambda *_: ([_leak_scan_live("TOKEN", VALUE), _leak_scan_live("OFF", "True")], [])
    )


def _leak_scan_live(name: str, value: str) -> Any:
    from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live

    return Live(name, "current", value)


@pytest.mark.usefixtures("stores")
def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(f"a\n{VALUE}\n")
    out = tmp_path / "out.json"
    planned = ask(check=True, paths=[str(tmp_path)], json_file=str(out))
    assert not out.exists()
    answer = ask(paths=[str(tmp_path)], json_file=str(out), sarif_file=str(tmp_path / "out.sarif"))
    assert answer["changed"] is False
    assert [(finding["rule"], finding["line"]) for finding in answer["findings"]] == [("TOKEN", 2)]
    assert answer["findings"] == planned["findings"]
    assert answer["left_out_names"] == {"shorter than 8 characters": ["OFF (current)"]}
    assert json.loads(out.read_text())["findings"] == answer["findings"]
    assert VALUE not in json.dumps(answer) + out.read_text() + (tmp_path / "out.sarif").read_text()


@pytest.mark.usefixtures("stores")
def test_a_stream_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="is a directory; give it as one of paths"):
        ask(streams=[str(tmp_path)])
    with pytest.raises(ScanError, match=r"nowhere: cannot be read: No such file"):
        ask(streams=[str(tmp_path / "nowhere")])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "nothing to scan was named"),
        ({"paths": ["/x"], "history": False, "tree": False}, "scan_history=false and scan_tree=false leave nothing"),
        ({"paths": ["/x"], "catalog": None, "known_values": "required"}, "needs the catalog and the environment"),
        ({"paths": ["/x"], "environment": None}, "nothing to scan for: no live values"),
        (
            {"paths": ["/x"], "patterns": "required"},
            "needs gitleaks, which is not installed",
        ),
        ({"paths": ["/x"], "baseline": "/nowhere"}, "baseline /nowhere: cannot be read"),
    ],
)
def test_bad_input(monkeypatch: pytest.MonkeyPatch, args: dict[str, Any], message: str) -> None:
    monkeypatch.setattr(gitleaks, "installed", lambda: None)
    with pytest.raises(ScanError, match=message):
        ask(**args)


def test_a_baseline_that_is_no_yaml(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text("a: [")
    with pytest.raises(ScanError, match=r"b\.yml: is not valid YAML"):
        ask(paths=["/x"], baseline=str(tmp_path / "b.yml"))


@pytest.mark.usefixtures("stores")
def test_without_gitleaks_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gitleaks, "installed", lambda: None)
    answer = ask(paths=[str(tmp_path)], patterns="auto")
    assert answer["complete"] is False
    assert answer["not_checked"][0]["what"] == "unknown secrets"
    assert "install gitleaks" in answer["text"][0]


@pytest.mark.usefixtures("stores")
def test_without_a_search_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says once that it is slower, and only where it looks for values."""
    warnings: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _self, message: warnings.append(message))
    (tmp_path / "log").write_text(f"a\n{VALUE}\n")
    with_a_library = ask(paths=[str(tmp_path)])
    assert warnings == []
    for name in ("hyperscan", "ahocorasick_rs"):
        monkeypatch.setitem(sys.modules, name, None)
    assert ask(paths=[str(tmp_path)]) == with_a_library
    assert len(warnings) == 1
    assert "pip install hyperscan" in warnings[0]
    with pytest.raises(ScanError):
        ask(paths=[str(tmp_path)], known_values="none")
    assert len(warnings) == 1


@pytest.mark.usefixtures("stores")
@pytest.mark.parametrize("known_values", ["auto", "required"])
@pytest.mark.parametrize(
    ("values", "unread", "reason"),
    [
        ([], [], "they are empty"),
        ([_leak_scan_live("OFF", "True")], [], r"OFF \(current\) is shorter than 8 characters"),
        ([], [NotChecked("values", "current version", "secret app/test/core: missing")], "secret app/test/core"),
    ],
)
def test_a_scan_for_nothing_is_not_clean(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    known_values: str,
    values: list[Any],
    unread: list[NotChecked],
    reason: str,
) -> None:
    monkeypatch.setattr(live_values, "read", lambda *_: (values, unread))
    with pytest.raises(ScanError, match=f"the stores of test hold no value to search for.*{reason}.*scan_values=none"):
        ask(paths=[str(tmp_path)], known_values=known_values)


@pytest.mark.usefixtures("stores")
def test_required_patterns_that_could_not_be_looked_for_fail_the_task(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After the report, which has what was found."""
    program = tmp_path / "bin" / "gitleaks"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(gitleaks, "installed", lambda: str(program))
    (tmp_path / "log").write_text(VALUE)
    out = tmp_path / "out.json"
    answer = ask(paths=[str(tmp_path / "log")], patterns="required", json_file=str(out))
    assert answer["failed"] is True
    assert answer["msg"].startswith("gitleaks ended with 3 on ")
    assert [finding["rule"] for finding in json.loads(out.read_text())["findings"]] == ["TOKEN"]
