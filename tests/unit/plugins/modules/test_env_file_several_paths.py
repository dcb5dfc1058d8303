# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Paths of several files on a host: which are refused, and what lies there before the first deploy."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file, credentials
from tests import state
from tests.unit.plugins.modules.test_env_file_several import AS_ROOT, ONE, PEM, TWO, files, held

Run = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("name", [".env", ".env.lock", ".env.mark", ".env.healthy", ".env.healthy.files"])
def test_a_file_may_not_be_env_itself(run: Run, path: str, name: str) -> None:
    result = run(ONE, **files("one", name))
    assert "is .env or belongs to it" in result["msg"]
    assert held(path) == {}


def test_two_spellings_of_one_path_are_refused(run: Run, path: str) -> None:
    absolute = f"{os.path.dirname(path)}/a"
    both = files("one", "a", absolute)
    assert f"a and {absolute} are the same file on this host" in run(ONE, **both)["msg"]
    assert held(path) == {}


@AS_ROOT
def test_a_file_that_another_account_made_where_any_account_may_is_refused(run: Run, path: str) -> None:
    shared = Path(path).parent / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    planted = shared / "a"
    planted.touch()
    os.chown(planted, 12345, 12345)
    message = f"{planted}: belongs to uid 12345, and any account can make files in {shared}; remove it, or set owner"
    assert message in run(ONE, **files("one", str(planted)))["msg"]
    assert planted.read_text() == ""
    assert run(ONE, **files("one", str(planted), owner="0"))["changed"] is True
    assert planted.stat().st_uid == 0
    assert run(ONE, snapshot="s-2", **files("one", str(planted)))["changed"] is False, "root's own"


@AS_ROOT
def test_an_env_that_another_account_made_where_any_account_may_is_refused(run: Run, path: str) -> None:
    file = Path(path)
    file.touch()
    os.chown(file, 12345, 12345)
    file.parent.chmod(0o1777)
    assert "belongs to uid 12345, and any account can make files" in run(ONE)["msg"]
    assert file.read_text() == ""


@AS_ROOT
def test_a_backup_of_an_ordinary_account_is_removed_by_root(run: Run, path: str) -> None:
    backup = Path(f"{path}.healthy.files")
    backup.write_text("canary")
    run(ONE, **files("one", "a"))
    assert not backup.exists()


def test_a_file_that_only_looks_temporary_stays(run: Run, path: str) -> None:
    folder = Path(path).parent
    (folder / "a.tmp-of-mine").touch()
    (folder / "a.tmp-0123456789abcdef").touch()
    run(TWO, snapshot="s-2", **files("two", "a", "b"))
    assert sorted(held(path)) == [".env", "a", "a.tmp-of-mine", "b"]


@AS_ROOT
def test_what_was_in_memory_before_reaches_no_disk(run: Run, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(path).parent / "memory"
    folder.mkdir()
    (folder / "a").write_text("canary by hand")
    monkeypatch.setattr(atomic_file, "VOLATILE", (f"{folder}/",))
    monkeypatch.setattr(credentials, "content", lambda _name, value, _present, **_more: value)
    run(ONE, **files("one", "memory/a", credential="db"))
    assert (folder / "a").read_text() == PEM % "one"
    assert not Path(f"{state.backup(path)}.files").exists()


def test_what_is_no_file_is_refused_before_the_first_write(run: Run, path: str) -> None:
    folder = Path(path).parent
    (folder / "a").mkdir()
    (folder / "target").write_text("other")
    (folder / "b").symlink_to(folder / "target")
    assert "is not a regular file" in run(ONE, **files("one", "c", "a"))["msg"]
    assert "is a symbolic link" in run(ONE, **files("one", "c", "b"))["msg"]
    assert "no-such" in run(ONE, **files("one", "c", "no-such/a"))["msg"]
    assert sorted(os.listdir(folder)) == ["a", "b", "target"] or not (folder / ".env").exists()
    assert not (folder / "c").exists()
    assert (folder / "target").read_text() == "other"


@AS_ROOT
def test_a_directory_of_another_account_is_refused(run: Run, path: str) -> None:
    folder = Path(path).parent / "theirs"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    assert "belongs to uid 12345" in run(ONE, **files("one", "theirs/a"))["msg"]
    assert not Path(path).exists()
    os.chmod(folder.parent, 0o777)
    assert "other accounts may write" in run(ONE, **files("one", "a"))["msg"]


@AS_ROOT
def test_a_rollback_follows_no_link_that_was_put_there_since(run: Run, path: str) -> None:
    folder = Path(path).parent / "sub"
    folder.mkdir()
    run(ONE, snapshot="s-1", **files("one", "sub/a"))
    run(state="healthy", snapshot="s-1")
    run(TWO, snapshot="s-2", **files("two", "sub/a"))
    folder.rename(folder.parent / "moved")
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    os.chown(folder.parent, 12345, 12345)
    folder.symlink_to(elsewhere)
    os.lchown(folder, 12345, 12345)
    assert run(state="restored", snapshot="s-2", owner="12345")["failed"] is True
    assert os.listdir(elsewhere) == []


@AS_ROOT
def test_a_file_in_memory_is_not_copied_to_the_disk(run: Run, path: str) -> None:
    assert "is in memory, but" in run(ONE, **files("one", "/dev/shm/never-written"))["msg"]
    assert not Path(path).exists()
