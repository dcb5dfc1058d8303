# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a scan tells a verification, and every reason for which it tells nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ScanError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import live_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import NotChecked
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_scan
from tests.integration.verify_lab import commit, git, make_repository
from tests.unit.plugins.plugin_utils._verify.test_collect_facts import CATALOG

VALUE = "canary-9f8e7d6c5b4a3928-live"
STORES: Any = (None, None)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    values = [Live("TOKEN", "current", VALUE, "secretsmanager:app/test/core#TOKEN")]
    monkeypatch.setattr(live_values, "read", lambda *_stores: (values, []))
    path = tmp_path / "checkout"
    path.mkdir()
    make_repository(path)
    return path


def live(path: Path) -> dict[str, Any]:
    result = collect_scan.live(str(path), catalog_parser.parse(CATALOG, "test"), STORES, None)
    assert "canary" not in json.dumps(result)
    return result


def test_nothing_and_then_a_value_in_history_and_in_the_tree(checkout: Path) -> None:
    result = live(checkout)
    assert (
        result["findings"],
        result["not_checked"],
        result["values"],
    ) == ([], [], 1)
    assert result["objects"] > 3
    (checkout / "settings.py").write_text(f"TOKEN = '{VALUE}'\n")
    git(checkout, "add", "--all")
    commit(checkout, "With")
    git(checkout, "rm", "--quiet", "settings.py")
    commit(checkout, "Without")
    (checkout / "notes.txt").write_text(f"\n{VALUE}\n")
    answer = {finding["path"]: (finding["line"], finding["opens"]) for finding in live(checkout)["findings"]}
    assert answer == {"settings.py": (1, True), "notes.txt": (2, True)}


def test_gits_own_files_have_no_place_in_the_code(checkout: Path) -> None:
    git(checkout, "config", "remote.origin.url", f"https://x:{VALUE}@git.example.com/app.git")
    (item,) = live(checkout)["findings"]
    assert item["opens"] is False
    assert "config" in item["path"]


def test_a_shallow_clone_is_not_checked(checkout: Path, tmp_path: Path) -> None:
    commit_more = checkout / "more.txt"
    commit_more.write_text("more\n")
    git(checkout, "add", "--all")
    commit(checkout, "More")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{checkout}", "shallow")
    (message,) = live(tmp_path / "shallow")["not_checked"]
    assert message.startswith("a shallow clone: ")


def test_what_could_not_be_read_is_not_checked(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = Live("TOKEN", "current", VALUE, "p")
    denied = NotChecked("values", "previous version", "secret app/test/core: denied")
    monkeypatch.setattr(live_values, "read", lambda *_stores: ([value], [denied]))
    assert live(checkout)["not_checked"] == ["previous version: secret app/test/core: denied"]


def test_without_a_search_library_it_says_so_and_finds_the_same(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _self, message: warnings.append(message))
    (checkout / "notes.txt").write_text(f"{VALUE}\n")
    fast = live(checkout)
    assert warnings == []
    for name in ("hyperscan", "ahocorasick_rs"):
        monkeypatch.setitem(sys.modules, name, None)
    assert live(checkout) == fast
    assert fast["findings"]
    assert len(warnings) == 1
    assert "pip install hyperscan" in warnings[0]


def test_without_values_or_a_repository(checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="is not a directory on the controller"):
        live(tmp_path / "nowhere")
    with pytest.raises(ScanError):
        live(tmp_path)  # a directory without a repository
    monkeypatch.setattr(live_values, "read", lambda *_stores: ([], []))
    with pytest.raises(ScanError, match="hold no value to scan for"):
        live(checkout)


BY = {"Commit": "0123456789abcdef", "Author": "Ada", "Email": "a@b", "Date": "2026-11-25T10:00:00Z"}
REPORT = [
    {"RuleID": "private-key", "File": "a.pem", "StartLine": 3, **BY},
    {"RuleID": "generic-api-key", "File": "b.py", "StartLine": 1, **BY},
]
GITLEAKS = f"#!/bin/sh\ncase \"$*\" in *--staged*) echo '[]';; *) echo '{json.dumps(REPORT)}';; esac\n"


def test_what_gitleaks_says_without_what_is_reported_already(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "gitleaks"
    program.write_text(GITLEAKS)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    result = collect_scan.unknown(str(checkout), None, {("b.py", 1)})
    (item,) = result["findings"]
    assert (item["path"], item["line"]) == ("a.pem", 3)
    assert item["message"] == "gitleaks:private-key (looks like a secret) in commit 0123456789ab by Ada"
    program.write_text("#!/bin/sh\nexit 3\n")
    result = collect_scan.unknown(str(checkout), None, ())
    assert result["findings"] == []
    assert all("gitleaks ended with 3" in message for message in result["not_checked"])


def test_without_gitleaks(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))
    with pytest.raises(ScanError, match="gitleaks is not installed on the controller"):
        collect_scan.unknown(str(checkout), None, ())
