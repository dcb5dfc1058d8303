# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.watchparty.secrets.plugins.filter.paths import FilterModule

full_path = FilterModule().filters()["full_path"]


def test_a_path_starts_where_the_command_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", "/elsewhere")
    monkeypatch.setenv("HOME", "/home/ops")
    monkeypatch.setenv("REPORTS", "/srv/reports")
    assert full_path("ages.json") == f"{tmp_path}/ages.json"
    assert full_path("./a/../.env") == f"{tmp_path}/.env"
    assert full_path("/srv/.env") == "/srv/.env"
    assert full_path("~/.env") == "/home/ops/.env"
    assert full_path("$REPORTS/x") == "/srv/reports/x"


@pytest.mark.parametrize("value", ["", None, 7, ["a"]])
def test_what_is_no_path(value: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="full_path needs the path of a file or folder"):
        full_path(value)


def test_the_folder_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(AnsibleFilterError, match=r"^ages\.json: the folder in which .* no longer exists"):
        full_path("ages.json")
    assert full_path("/srv/.env") == "/srv/.env"
