# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module on a directory of its own: what it writes and what it reports."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import mark as env_file_mark
from tests import state

Run = Callable[..., dict[str, Any]]
ONE = {"KEY": "canary-one", "PORT": "1"}
TWO = {"KEY": "canary-two", "HOST": "h"}


def content(path: str) -> dict[str, str] | None:
    file = Path(path)
    return dotenv.from_dotenv(file.read_text()) if file.exists() else None


def mode_of(path: str) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


def test_the_first_run_writes_and_the_second_changes_nothing(run: Run, path: str) -> None:
    first = run(ONE)
    assert first["changed"] is True
    assert first["restart_needed"] is True
    assert first["changes"] == {"added": ["KEY", "PORT"], "changed": [], "removed": []}
    assert content(path) == ONE
    assert mode_of(path) == 0o600
    second = run(ONE)
    assert second["changed"] is False
    assert second["changes"] == {"added": [], "changed": [], "removed": []}
    assert second["restart_needed"] is True, "it was never healthy"


def test_a_healthy_file_needs_no_restart(run: Run) -> None:
    run(ONE)
    assert run(state="healthy")["changed"] is True
    assert run(state="healthy")["changed"] is False
    assert run(ONE)["restart_needed"] is False


def test_changes_are_reported_by_name(run: Run) -> None:
    run(ONE)
    assert run(TWO)["changes"] == {"added": ["HOST"], "changed": ["KEY"], "removed": ["PORT"]}


def test_check_mode_reports_the_same_and_touches_nothing(run: Run, path: str) -> None:
    checked = run(ONE, _ansible_check_mode=True)
    assert os.listdir(os.path.dirname(path)) == []
    done = run(ONE)
    for key in ("changed", "changes", "restart_needed", "mode"):
        assert checked[key] == done[key]
    assert run(state="healthy", _ansible_check_mode=True)["changed"] is True
    assert run(ONE)["restart_needed"] is True
    assert run(state="restored", _ansible_check_mode=True)["changed"] is True
    assert content(path) == ONE


def test_the_diff_holds_names_and_fingerprints_of_this_run_only(run: Run, path: str) -> None:
    run(ONE)
    diffs = [
        run({**ONE, "PORT": "2"}, _ansible_diff=True, _ansible_check_mode=True, fingerprint_key=k)["diff"] for k in "xy"
    ]
    before, after = diffs[0]["before"].splitlines(), diffs[0]["after"].splitlines()
    assert [line.split()[0] for line in before] == ["mode", "KEY", "PORT"]
    assert before[:2] == after[:2]
    assert before[2] != after[2]
    assert diffs[0]["after"] != diffs[1]["after"], "another run's key gives another fingerprint"
    assert "diff" not in run(ONE, _ansible_diff=True, fingerprint_key="x")


def test_the_diff_of_a_new_file_has_nothing_before(run: Run, path: str) -> None:
    diff = run(ONE, _ansible_diff=True, fingerprint_key="x")["diff"]
    assert diff["before"] == ""
    assert diff["after"].startswith("mode 0600\nKEY fingerprint ")


def test_a_drifted_mode_is_mended_without_a_restart(run: Run, path: str) -> None:
    run(ONE)
    run(state="healthy")
    os.chmod(path, 0o644)
    mended = run(ONE)
    assert mended["changed"] is True
    assert mended["restart_needed"] is False
    assert mode_of(path) == 0o600
    assert run(ONE, mode="0640")["changed"] is True
    assert mode_of(path) == 0o640
    assert mode_of(str(state.mark(path))) == mode_of(str(state.backup(path))) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="changing an owner takes root")
def test_owner_and_group_are_kept_set_and_mended(run: Run, path: str) -> None:
    run(ONE)
    os.chown(path, 12, 34)
    assert run(ONE)["changed"] is False
    run(TWO)
    assert (os.stat(path).st_uid, os.stat(path).st_gid) == (12, 34)
    nobody = pwd.getpwnam("nobody")
    assert run(TWO, owner="nobody")["changed"] is True
    assert (os.stat(path).st_uid, os.stat(path).st_gid) == (nobody.pw_uid, nobody.pw_gid)
    group = grp.getgrgid(0).gr_name
    run(TWO, owner="56", group=group)
    assert (os.stat(path).st_uid, os.stat(path).st_gid) == (56, 0)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"owner": "no-such-user"}, "owner no-such-user does not exist"),
        ({"group": "no-such-group"}, "group no-such-group does not exist"),
        ({"mode": "rw"}, "mode rw is not octal"),
        ({"mode": "0999"}, "mode 0999 is not octal"),
        ({"mode": "-600"}, "mode -600 is not octal"),
        ({"mode": "100600"}, "mode 100600 is not octal"),
    ],
)
def test_a_wrong_option_is_named_and_nothing_is_written(
    run: Run, path: str, extra: dict[str, str], message: str
) -> None:
    failed = run(ONE, **extra)
    assert failed["failed"] is True
    assert message in failed["msg"]
    assert os.listdir(os.path.dirname(path)) == []


def test_a_symbolic_link_is_refused_and_its_target_left(run: Run, path: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("A='b'\n")
    os.symlink(target, path)
    assert "symbolic link" in run(ONE)["msg"]
    assert target.read_text() == "A='b'\n"
    assert sorted(os.listdir(tmp_path)) == [".env", "target"]


def test_a_directory_is_refused(run: Run, path: str) -> None:
    os.mkdir(path)
    assert "not a regular file" in run(ONE)["msg"]


def test_a_mark_that_is_a_link_is_refused(run: Run, path: str, tmp_path: Path) -> None:
    run(ONE)
    state.mark(path).unlink()
    os.symlink(tmp_path / "elsewhere", state.mark(path))
    assert f"{state.mark(path)}: is a symbolic link" in run(TWO)["msg"]
    assert content(path) == ONE


def test_a_missing_directory_is_named(run: Run, tmp_path: Path) -> None:
    failed = run(ONE, path=str(tmp_path / "srv" / ".env"))
    assert f"the directory {tmp_path}/srv does not exist" in failed["msg"]


def test_a_foreign_file_is_refused(run: Run, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run(ONE)
    monkeypatch.setattr(os, "geteuid", lambda: os.lstat(path).st_uid + 1)
    assert "use become" in run(TWO)["msg"]
    monkeypatch.undo()
    assert content(path) == ONE


def test_a_full_disk_leaves_the_old_file_and_no_temporary(run: Run, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run(ONE)
    run(state="healthy")
    before = sorted(os.listdir(os.path.dirname(path)))

    def full(_handle: int, _content: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(atomic_file.os, "write", full)
        failed = run(TWO, snapshot="s-2")
    assert "the disk is full" in failed["msg"]
    assert content(path) == ONE
    assert sorted(os.listdir(os.path.dirname(path))) == before
    assert run(ONE)["restart_needed"] is False


@pytest.mark.parametrize("check", [True, False])
def test_a_unit_that_is_masked_while_it_runs(
    run: Run, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    """The answer has no restart_needed, so that nothing is rolled back."""
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nprintf 'Id=web.service\\nActiveState=active\\nLoadState=masked\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    services = {"units": ["web.service"]}
    failed = run(ONE, services=services, _ansible_check_mode=check)
    assert "web.service is masked. Install" in failed["msg"]
    assert "restart_needed" not in failed
    assert not os.path.exists(path)
    run(ONE, snapshot="s-1")
    run(state="healthy", snapshot="s-1")
    assert "failed" not in run(ONE, services=services, _ansible_check_mode=True), "nothing would be restarted"


def test_an_older_journal_is_refused_in_check_mode_too(run: Run, path: str) -> None:
    run(TWO, snapshot="s-2", journal=9)
    for check in (True, False):
        failed = run(ONE, journal=8, _ansible_check_mode=check)
        assert "journal (number 9" in failed["msg"]
    assert content(path) == TWO
    assert "failed" not in run(ONE, snapshot="s-3", journal=9)


def test_recording_without_a_file_or_after_another_run_fails(run: Run, path: str) -> None:
    assert "no longer exists; deploy again" in run(state="healthy")["msg"]
    run(ONE, snapshot="s-1")
    run(TWO, snapshot="s-2")
    assert "another run wrote it" in run(state="healthy", snapshot="s-1")["msg"]
    Path(path).write_text("edited by hand\n")
    assert "deploy again" in run(state="healthy", snapshot="s-2")["msg"]


def test_going_back_restores_the_last_healthy_file(run: Run, path: str) -> None:
    run(ONE, snapshot="s-1")
    run(state="healthy", snapshot="s-1")
    run(TWO, snapshot="s-2")
    back = run(state="restored", snapshot="s-2")
    assert back["changed"] is True
    assert back["restored"] is True
    assert content(path) == ONE
    # Nobody has healthy the services on it since.
    assert run(ONE, snapshot="s-1")["restart_needed"] is True
    run(state="healthy", snapshot="s-1")
    assert run(ONE, snapshot="s-1")["restart_needed"] is False


def test_services_that_may_run_on_another_file_are_restarted_on_the_healthy_one(run: Run, path: str) -> None:
    """The second deploy was killed before its proof, and perhaps after its restart; then the first snapshot returns."""
    run(ONE, snapshot="s-1")
    run(state="healthy", snapshot="s-1")
    run(TWO, snapshot="s-2")
    assert run(ONE, snapshot="s-1")["restart_needed"] is True
    assert run(ONE, snapshot="s-1")["restart_needed"] is True, "killed once more, before the restart"
    assert run(state="healthy", snapshot="s-1")["changed"] is True
    assert run(ONE, snapshot="s-1")["restart_needed"] is False


def test_an_edited_file_needs_a_restart(run: Run, path: str) -> None:
    """Its services may have been started on it by hand."""
    run(ONE, snapshot="s-1")
    run(state="healthy", snapshot="s-1")
    Path(path).write_text("A='by hand'\n", encoding="utf-8")
    assert run(ONE, snapshot="s-1")["restart_needed"] is True
    assert run(ONE, snapshot="s-1")["restart_needed"] is True
    assert run(state="restored")["changed"] is False


def test_an_unverified_file_never_becomes_the_way_back(run: Run, path: str) -> None:
    run(ONE, snapshot="s-1")
    run(state="healthy", snapshot="s-1")
    run(TWO, snapshot="s-2")
    run({"KEY": "canary-three"}, snapshot="s-3")
    run(state="restored", snapshot="s-3")
    assert content(path) == ONE


def test_going_back_with_nothing_before_removes_the_file(run: Run, path: str) -> None:
    run(ONE)
    back = run(state="restored")
    assert back["changed"] is True
    assert back["restored"] is False
    assert content(path) is None
    assert run(ONE)["restart_needed"] is True


def test_a_first_file_that_failed_is_not_what_a_second_run_goes_back_to(run: Run, path: str) -> None:
    run(ONE, snapshot="s-1")
    run(TWO, snapshot="s-2")
    run(state="restored", snapshot="s-2")
    assert content(path) is None


@pytest.mark.parametrize("same", [True, False])
def test_a_file_from_before_the_first_deploy_comes_back(run: Run, path: str, same: bool) -> None:
    by_hand = dotenv.to_dotenv(ONE)
    Path(path).write_text(by_hand)
    run(ONE if same else TWO)
    assert run(state="restored")["restored"] is True
    assert Path(path).read_text() == by_hand


def test_without_mark_nothing_but_the_file_is_written(run: Run, path: str) -> None:
    result = run(ONE, mark=False)
    assert result["restart_needed"] is False
    assert os.listdir(os.path.dirname(path)) == [".env"]


def test_merge_keeps_other_lines_and_replaces_ours(run: Run, path: str) -> None:
    Path(path).write_text("# mine\nOTHER=kept\nKEY=old\n")
    result = run(ONE, merge=True, mark=False)
    assert Path(path).read_text() == "# mine\nOTHER=kept\nKEY='canary-one'\nPORT='1'\n"
    assert result["changes"] == {"added": ["PORT"], "changed": ["KEY"], "removed": []}
    assert run(ONE, merge=True, mark=False)["changed"] is False


def test_merge_refuses_a_file_that_is_no_text(run: Run, path: str) -> None:
    Path(path).write_bytes(b"A=\xff\n")
    assert "is not UTF-8" in run(ONE, merge=True)["msg"]
    assert Path(path).read_bytes() == b"A=\xff\n"


def test_a_file_that_cannot_be_parsed_is_replaced_and_counts_as_empty(run: Run, path: str) -> None:
    Path(path).write_bytes(b"\xff nonsense\n")
    assert run(ONE)["changes"]["added"] == ["KEY", "PORT"]
    assert content(path) == ONE


def test_a_delivery_is_healthy_and_rolled_back_by_its_name(run: Run, path: str) -> None:
    """Another run wrote other bytes and these again since: its services were not started by whoever is late."""
    late = run(ONE)["delivery"]
    run(TWO, snapshot="s-2")
    now = run(ONE)["delivery"]
    assert "another run wrote it; deploy again" in run(state="healthy", delivery=late)["msg"]
    assert "nothing was restored" in run(state="restored", delivery=late)["msg"]
    assert content(path) == ONE
    assert run(state="healthy", delivery=now)["healthy"] is True
    assert "delivery" not in run(ONE, mark=False)
    assert "delivery" not in run(TWO, _ansible_check_mode=True)


def test_what_another_run_recorded_as_healthy_is_not_rolled_back(run: Run, path: str) -> None:
    """Both delivered the same bytes; the late one met the restart of the other, and its health check failed."""
    late = run(ONE)["delivery"]
    assert run(ONE, snapshot="s-2", assume_healthy=True)["healthy"] is True
    assert (
        "nothing was restored, because another run has verified this file since"
        in run(state="restored", delivery=late)["msg"]
    )
    assert content(path) == ONE


def test_a_proof_at_once_that_fails_tells_what_was_written(
    run: Run, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(TWO, assume_healthy=True)

    def refused(*_args: Any) -> None:
        raise HostError("the disk is full")

    monkeypatch.setattr(env_file_mark.Mark, "record_healthy", refused)
    answer = run(ONE, snapshot="s-2", assume_healthy=True)
    assert (answer["failed"], answer["restart_needed"], answer["healthy"]) == (True, True, False)
    monkeypatch.undo()
    assert run(state="restored", delivery=answer["delivery"], snapshot="s-2")["restored"] is True
    assert content(path) == TWO


def test_a_file_that_another_run_wrote_since_is_not_rolled_back(path: str, run: Run) -> None:
    run(ONE, snapshot="s-1", journal=1)
    run(state="healthy", snapshot="s-1")
    run(TWO, snapshot="s-2", journal=2)
    refused = run(state="restored", snapshot="s-late")
    assert refused["failed"] is True
    assert "another run has written snapshot s-2" in refused["msg"]
    assert content(path) == TWO
