# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.private_file import (
    read_private,
    read_private_text,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"canary\xff")
    path.chmod(0o600)
    return path


def test_its_content(file: Path) -> None:
    assert read_private(file, "a token") == b"canary\xff"
    with pytest.raises(NoAccess, match=r"file: is not text in UTF-8; "):
        read_private_text(file, "a token")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622, 0o777])
def test_one_that_others_may_read_or_write(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(NoAccess, match="mode 0600, since it holds a token") as caught:
        read_private(file, "a token")
    assert "canary" not in str(caught.value)
    assert read_private(file, "a token", unless=lambda content: content.startswith(b"canary"))


def test_a_link_a_folder_and_a_pipe_are_refused_at_once(file: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(file)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("link", "folder", "pipe"):
        with pytest.raises(NoAccess, match="must be a regular file of yours"):
            read_private(tmp_path / name, "a token")
    with pytest.raises(NoAccess, match="none: cannot be read: No such file or directory"):
        read_private(tmp_path / "none", "a token")
