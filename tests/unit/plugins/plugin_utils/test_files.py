# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files for people: whole or not at all, and for their owner only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._files import write_text


def test_into_a_folder_that_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "leak.md"
    write_text(path, "café\n")
    assert path.read_text(encoding="utf-8") == "café\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["leak.md"]


def test_in_place_of_a_former_one(tmp_path: Path) -> None:
    path = tmp_path / "leak.md"
    path.write_text("former")
    path.chmod(0o644)
    write_text(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(RotationError, match=r"leak\.md: cannot be written: (Not a directory|File exists)$"):
        write_text(tmp_path / "taken" / "leak.md", "x")


def test_the_file_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "leak.md").mkdir()
    with pytest.raises(RotationError, match=r"leak\.md: cannot be written: Is a directory$"):
        write_text(tmp_path / "leak.md", "x")
    assert os.listdir(tmp_path) == ["leak.md"], "nothing is left behind"


def test_text_that_cannot_be_encoded_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "leak.md", "\ud800")
    assert os.listdir(tmp_path) == []
