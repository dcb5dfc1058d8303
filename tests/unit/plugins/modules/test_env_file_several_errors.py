# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Several files on a host of which some cannot be written, restored or removed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import backup
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import main as env_file_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import mark as env_file_mark
from tests.unit.plugins.modules.test_env_file_killed import Killed, killed_at
from tests.unit.plugins.modules.test_env_file_several import AS_ROOT, ONE, TWO, all_of, files, held

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def healthy(run: Run) -> None:
    run(ONE, snapshot="s-1", journal=1, **files("one", "a", "b"))
    run(state="healthy", snapshot="s-1")


def failing(name: str, numbers: Collection[int]) -> Callable[..., Any]:
    """The function of os, of which these calls fail."""
    real, calls = getattr(os, name), iter(range(1, 1000))

    def call(*args: Any, **kwargs: Any) -> Any:
        if next(calls) in numbers:
            raise OSError(errno.EIO, "Input/output error")
        return real(*args, **kwargs)

    return call


def kill(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, **args: Any) -> None:
    with killed_at(monkeypatch, owner, name, after=True), patch_module_args(args), pytest.raises((Killed, SystemExit)):
        env_file_main.main()


def accepted_and_killed(monkeypatch: pytest.MonkeyPatch, path: str, *names: str) -> None:
    new = {"path": path, "snapshot_id": "s-2", "journal": 2, "content": dotenv.to_dotenv(TWO), **files("two", *names)}
    kill(monkeypatch, env_file_mark.Mark, "accept", **new)


def test_a_file_that_a_killed_deploy_had_yet_to_replace_is_still_removed_with_the_catalog(
    run: Run, path: str, healthy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted_and_killed(monkeypatch, path, "a", "b")
    run(TWO, snapshot="s-3", journal=3, **files("two", "a"))
    assert held(path) == all_of(TWO, "two", "a")


def test_a_file_of_a_deploy_that_failed_is_still_removed_with_the_catalog(
    run: Run, path: str, healthy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", failing("rename", {2}))
        assert run(TWO, snapshot="s-2", journal=2, **files("two", "a", "b"))["failed"] is True
    run(TWO, snapshot="s-3", journal=3, **files("two", "a"))
    assert held(path) == all_of(TWO, "two", "a")


def test_a_file_of_two_killed_deploys_was_not_here_before(run: Run, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the first one stays; a rollback must not bring it back."""
    run(ONE, snapshot="s-1", **files("one", "a"))
    accepted_and_killed(monkeypatch, path)
    run(TWO, snapshot="s-3", journal=3, **files("two", "a"))
    run(state="restored", snapshot="s-3")
    assert held(path) == {}


def test_a_rollback_after_a_kill_while_the_files_were_recorded_keeps_all_of_them(
    run: Run, path: str, healthy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(TWO, snapshot="s-2", journal=2, **files("two", "a", "c"))
    kill(monkeypatch, backup, "save", path=path, state="healthy", snapshot_id="s-2")
    assert run(state="restored", snapshot="s-2")["restored"] is True
    assert held(path) == all_of(TWO, "two", "a", "c")
    run(ONE, snapshot="s-3", journal=3, **files("one", "a"))
    assert held(path) == all_of(ONE, "one", "a")


def test_a_rollback_knows_the_files_of_a_first_deploy_that_was_killed_while_they_were_recorded(
    run: Run, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(ONE, snapshot="s-1", **files("one", "a", "c"))
    kill(monkeypatch, backup, "save", path=path, state="healthy", snapshot_id="s-1")
    run(TWO, snapshot="s-2", journal=2, **files("two", "a"))
    run(state="restored", snapshot="s-2")
    assert held(path) == all_of(ONE, "one", "a", "c")
    run(TWO, snapshot="s-3", journal=3, **files("two"))
    assert held(path) == all_of(TWO, "")


@pytest.mark.parametrize("nth", range(6, 9))
def test_a_directory_that_cannot_be_synced_leaves_all_old_files(
    run: Run, path: str, healthy: None, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", failing("fsync", {nth}))
        failed = run(TWO, snapshot="s-2", journal=2, **files("two", "a", "c"))
    assert "Input/output error" in failed["msg"]
    assert "restart_needed" not in failed
    assert held(path) == all_of(ONE, "one", "a", "b")


@pytest.mark.parametrize("numbers", [{4, 5}, {4, 6}])
def test_a_file_that_cannot_be_undone_is_named_and_leads_to_a_rollback(
    run: Run, path: str, monkeypatch: pytest.MonkeyPatch, numbers: set[int]
) -> None:
    names = ("a", "b", "c")
    run(ONE, snapshot="s-1", journal=1, **files("one", *names))
    run(state="healthy", snapshot="s-1")
    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", failing("rename", numbers))
        failed = run(TWO, snapshot="s-2", journal=2, **files("two", *names))
    left = f"{os.path.dirname(path)}/{'a' if 5 in numbers else 'b'}"
    assert f"A file could not be restored: {left}: " in failed["msg"]
    assert (failed["changed"], failed["restart_needed"]) == (True, True)
    changed = [name for name, text in held(path).items() if "canary-two" in text]
    assert changed == [os.path.basename(left)]
    assert run(state="restored", snapshot="s-2")["restored"] is True
    assert held(path) == all_of(ONE, "one", *names)


def test_a_file_that_cannot_be_restored_keeps_no_other_from_it(run: Run, path: str, healthy: None) -> None:
    run(TWO, snapshot="s-2", journal=2, **files("two", "a", "b", "c"))
    file = Path(path).parent / "a"
    file.unlink()
    file.mkdir()
    assert "a: is not a regular file" in run(state="restored", snapshot="s-2")["msg"]
    file.rmdir()
    assert held(path) == {**all_of(ONE, "one", "b"), **all_of(TWO, "two", "c"), ".env": dotenv.to_dotenv(ONE)}
    assert run(state="restored", snapshot="s-2")["restored"] is True
    assert held(path) == all_of(ONE, "one", "a", "b")


def test_a_rollback_keeps_the_mode_that_the_catalog_wants_last(run: Run, path: str, healthy: None) -> None:
    """Whether it was corrected since, or somebody had changed the file's before it was healthy."""
    file = Path(path).parent / "a"
    run(ONE, snapshot="s-1", journal=1, **files("one", "a", "b", mode="0600"))
    run(TWO, snapshot="s-2", journal=2, **files("two"))
    run(state="restored", snapshot="s-2")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o666)
    run(state="healthy", snapshot="s-1")
    run(TWO, snapshot="s-2", journal=2, **files("two", "a"))
    run(state="restored", snapshot="s-2")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@AS_ROOT
def test_a_rollback_keeps_the_owner_that_the_catalog_wants_last(run: Run, path: str) -> None:
    file = Path(path).parent / "a"
    run(ONE, snapshot="s-1", journal=1, **files("one", "a", owner="12345"))
    run(state="healthy", snapshot="s-1")
    run(ONE, snapshot="s-1", journal=1, **files("one", "a", owner="0"))
    run(TWO, snapshot="s-2", journal=2, **files("two", "a", owner="0"))
    run(state="restored", snapshot="s-2")
    assert file.stat().st_uid == 0
