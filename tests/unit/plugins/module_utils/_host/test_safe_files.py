# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A path is walked once, by handles, and only links that no other account can make are followed."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="not root: no other account's directory was walked")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "real" / "inner" / "file").write_text("here")
    return tmp_path


def folder_of(path: Path) -> str:
    with safe_files.place(str(path)) as at:
        assert at.path == f"{at.folder}/{at.name}"
        assert at.components[0].path == "/"
        return at.folder


def open_handles() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("real", "link/inner/file"),
        ("./real", "link/inner/file"),
        ("real/inner/..", "link/inner/file"),
        ("{base}/real", "link/inner/file"),
        ("real/inner", "link/file"),
        ("{base}/real/../real/inner/", "link/file"),
    ],
)
def test_ones_own_links_are_followed(base: Path, target: str, path: str) -> None:
    (base / "link").symlink_to(target.format(base=base))
    before = open_handles()
    assert folder_of(base / path) == str(base / "real" / "inner")
    assert open_handles() == before


def test_links_in_a_circle(base: Path) -> None:
    (base / "a").symlink_to("b")
    (base / "b").symlink_to("a")
    before = open_handles()
    with pytest.raises(HostError, match="is a symbolic link"):
        folder_of(base / "a" / "file")
    assert open_handles() == before


def test_more_parents_than_there_are(base: Path) -> None:
    (base / "link").symlink_to("../" * 50 + str(base / "real")[1:])
    assert folder_of(base / "link" / "file") == str(base / "real")


@as_root
@pytest.mark.parametrize("how", ["owner", "directory", "writable"])
def test_links_of_others_are_not(base: Path, how: str) -> None:
    (base / "link").symlink_to("real")
    if how == "owner":
        os.chown(base / "link", 12345, 12345, follow_symlinks=False)
    elif how == "directory":
        os.chown(base, 12345, 12345)
    else:
        base.chmod(0o1777)
    with pytest.raises(HostError, match=f"{base}/link is a symbolic link; give the path that it points to"):
        folder_of(base / "link" / "file")


def test_what_is_no_directory_or_not_there(base: Path) -> None:
    with pytest.raises(HostError, match="real/inner/file is not a directory"):
        folder_of(base / "real" / "inner" / "file" / "x")
    with pytest.raises(safe_files.NoDirectory, match=r"the directory .*/none does not exist; create it first"):
        folder_of(base / "none" / "x")


def test_what_may_not_be_entered(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refuses(path: Any, *additions: Any, **others: Any) -> int:
        if path == "inner":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, *additions, **others)

    monkeypatch.setattr(os, "open", refuses)
    with pytest.raises(HostError, match="inner cannot be opened; use become"):
        folder_of(base / "real" / "inner" / "file")


def test_a_place_stays_where_it_was_opened(base: Path) -> None:
    with safe_files.place(str(base / "real" / "inner" / "file")) as at:
        (base / "real").rename(base / "moved")
        (base / "real").mkdir()
        with os.fdopen(safe_files.opened(at)) as stream:
            assert stream.read() == "here"
        assert safe_files.listed(at) == ["file"]
        safe_files.sync(at)
        assert safe_files.status(at.sibling("none")) is None


@pytest.mark.parametrize("kind", ["pipe", "directory", "socket", "link"])
def test_only_a_regular_file_is_opened(base: Path, kind: str) -> None:
    path = base / "it"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.relpath(path))
    else:
        path.symlink_to("real/inner/file")
    message = "is a symbolic link" if kind == "link" else "is not a regular file"
    before = open_handles()
    with safe_files.place(str(path)) as at, pytest.raises(HostError, match=message):
        safe_files.opened(at)
    assert open_handles() == before


@pytest.mark.parametrize(("code", "message"), [(errno.EACCES, "use become"), (errno.EIO, "cannot be read")])
def test_a_file_that_cannot_be_opened(base: Path, monkeypatch: pytest.MonkeyPatch, code: int, message: str) -> None:
    with safe_files.place(str(base / "real" / "inner" / "file")) as at:

        def fails(*_args: Any, **_more: Any) -> int:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(os, "open", fails)
        with pytest.raises(HostError, match=message):
            safe_files.opened(at)


def test_an_unguarded_place_follows_what_its_owner_made(base: Path) -> None:
    (base / "link").symlink_to("real/inner")
    with safe_files.unguarded(str(base / "link" / "file")) as at:
        assert safe_files.status(at) is not None


def test_without_root_owners_are_the_kernels_matter(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base.chmod(0o777)
    with safe_files.place(str(base / "x")) as at:
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        safe_files.require_owners(at, 12345)
        shown = list(safe_files.replaceable(at))
    assert {entry["path"] for entry in shown} >= {str(base)}


def test_an_account_without_a_name() -> None:
    assert safe_files.account(0) == "root"
    assert safe_files.account(4_000_000) == "uid 4000000"
