# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files for people: whole or not at all, and for their owner only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports.files import folder, ready, write_text


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
    assert os.listdir(tmp_path) == ["leak.md"], "no other file remains"


def test_text_that_cannot_be_encoded_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "leak.md", "\ud800")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["reports.d", "2026.11", "reports", "site.md"])
def test_a_folder_may_have_a_dot(tmp_path: Path, name: str) -> None:
    if name.endswith(".md"):
        (tmp_path / name).mkdir()
    assert folder(str(tmp_path / name)) == tmp_path / name


@pytest.mark.parametrize("name", ["leak.md", "leak.html", "verify.json", "verify.sarif"])
def test_a_name_that_only_a_file_would_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(RotationError, match=f"{name}: is a file; give a folder$"):
        folder(str(tmp_path / name))


def test_a_folder_is_made_ready(tmp_path: Path) -> None:
    assert ready(str(tmp_path / "a" / "b.d"), make=True)
    assert os.listdir(tmp_path / "a" / "b.d") == []
    assert not ready(str(tmp_path / "a" / "b.d"), make=True), "this node existed"


def test_it_is_looked_at_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not ready(str(tmp_path / "a" / "b.d"), make=False)
    monkeypatch.chdir(tmp_path)
    assert not ready("post-mortems", make=False)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("make", [True, False])
@pytest.mark.parametrize("below", ["", "below", "below/it"])
def test_a_folder_that_cannot_be(tmp_path: Path, *, below: str, make: bool) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(RotationError, match=r"taken.*: cannot be written: (Not a directory|File exists)$"):
        ready(str(tmp_path / "taken" / below), make=make)


def test_a_folder_of_the_system() -> None:
    """Not even root writes there, though a look says that it could."""
    with pytest.raises(RotationError, match=r"^/proc/1: cannot be written: "):
        ready("/proc/1", make=True)


def test_a_name_too_long_for_a_file(tmp_path: Path) -> None:
    with pytest.raises(RotationError, match=r"cannot be written: File name too long$"):
        ready(str(tmp_path / ("x" * 300)), make=False)
