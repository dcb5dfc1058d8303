# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Several files on a host: all are the new ones, or all are the old ones again."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file, credentials
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import main as env_file_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import mark as env_file_mark
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import stray_copies
from tests import state
from tests.unit.plugins.modules.test_env_file_killed import Killed, killed_at

Run = Callable[..., dict[str, Any]]
ONE, TWO = {"KEY": "canary-one"}, {"KEY": "canary-two"}
PEM = "-----BEGIN-----\ncanary-%s\n-----END-----\n"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
SYSTEMD_CREDS = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("systemd-creds"), reason="needs root and systemd-creds"
)


def files(generation: str, *names: str, **over: Any) -> dict[str, Any]:
    """Arguments for these files of one generation."""
    declared = [{"path": name, "settings": [name.upper()], "mode": "0640", **over} for name in names]
    return {"files": declared, "file_contents": dict.fromkeys(names, PEM % generation)}


def held(path: str) -> dict[str, str]:
    """Content of each file in the directory; the mark and its like left out."""
    folder = Path(path).parent
    names = sorted(name for name in os.listdir(folder) if not name.startswith(".env."))
    return {name: (folder / name).read_text() for name in names}


def all_of(values: dict[str, str], generation: str, *names: str) -> dict[str, str]:
    return {".env": dotenv.to_dotenv(values), **dict.fromkeys(names, PEM % generation)}


@pytest.fixture
def healthy(run: Run) -> None:
    run(ONE, snapshot="s-1", journal=1, **files("one", "a", "b"))
    run(state="healthy", snapshot="s-1")


def test_all_files_are_written_and_nothing_is_done_twice(run: Run, path: str) -> None:
    first = run(ONE, **files("one", "a", "b"))
    folder = os.path.dirname(path)
    assert first["files"] == [f"{folder}/a", f"{folder}/b"]
    assert held(path) == all_of(ONE, "one", "a", "b")
    assert stat.S_IMODE(os.stat(f"{folder}/a").st_mode) == 0o640
    run(state="healthy")
    second = run(ONE, **files("one", "a", "b"))
    assert (second["changed"], second["restart_needed"], second["files"]) == (False, False, [])


def test_another_content_of_one_file_needs_a_restart_and_another_mode_does_not(
    run: Run, path: str, healthy: None
) -> None:
    os.chmod(os.path.join(os.path.dirname(path), "a"), 0o600)
    result = run(ONE, snapshot="s-1", journal=1, **files("one", "a", "b"))
    assert (result["changed"], result["restart_needed"]) == (True, False)
    other = files("one", "a", "b")
    other["file_contents"]["b"] = PEM % "two"
    assert run(ONE, snapshot="s-2", journal=1, **other)["restart_needed"] is True


def test_check_mode_and_diff_show_names_and_change_nothing(run: Run, path: str, healthy: None) -> None:
    before = held(path)
    result = run(
        TWO,
        snapshot="s-2",
        journal=2,
        **files("two", "a"),
        _ansible_check_mode=True,
        _ansible_diff=True,
        fingerprint_key="key-of-this-run",
    )
    folder = os.path.dirname(path)
    assert f"{folder}/a (A) mode 0640 fingerprint " in result["diff"]["after"]
    assert f"{folder}/b mode 0640" in result["diff"]["before"]
    assert f"{folder}/b" not in result["diff"]["after"]
    assert held(path) == before


def test_all_files_go_back_together(run: Run, path: str, healthy: None) -> None:
    run(TWO, snapshot="s-2", journal=2, **files("two", "a", "c"))
    assert held(path) == all_of(TWO, "two", "a", "c"), "what is declared no longer is gone"
    assert run(state="restored", snapshot="s-2")["restored"] is True
    assert held(path) == all_of(ONE, "one", "a", "b")
    assert run(ONE, snapshot="s-1", journal=2, **files("one", "a", "b"))["restart_needed"] is True


def test_without_files_there_is_one_backup_again_in_time(run: Run, path: str, healthy: None) -> None:
    run(TWO, snapshot="s-2", journal=2, files=[])
    assert held(path) == all_of(TWO, "")
    run(state="healthy", snapshot="s-2")
    run(ONE, snapshot="s-3", journal=3, files=[])
    run(state="restored", snapshot="s-3")
    assert held(path) == all_of(TWO, "")


def test_a_file_that_was_here_before_comes_back(run: Run, path: str) -> None:
    """Also where .env had been deployed before, and where there was no .env."""
    file = Path(path).parent / "a"
    file.write_text("by hand")
    run(ONE, snapshot="s-1", **files("one", "a"))
    assert run(state="restored", snapshot="s-1")["restored"] is False
    assert held(path) == {"a": "by hand"}
    run(ONE, snapshot="s-2")
    run(state="healthy", snapshot="s-2")
    run(TWO, snapshot="s-3", **files("two", "a", "b"))
    run(state="restored", snapshot="s-3")
    assert held(path) == {".env": dotenv.to_dotenv(ONE), "a": "by hand"}
    assert run(ONE, snapshot="s-2")["restart_needed"] is True


def test_a_file_that_somebody_changed_is_neither_settled_nor_removed(run: Run, path: str, healthy: None) -> None:
    file = Path(path).parent / "b"
    file.write_text("by hand")
    assert run(state="healthy", snapshot="s-1", _ansible_check_mode=True)["changed"] is True
    assert "another run wrote it" in run(state="healthy", snapshot="s-1")["msg"]
    answer = run(ONE, snapshot="s-2", journal=2, **files("one", "a"))
    assert file.read_text() == "by hand"
    assert f"{file}: is no longer in files of the catalog" in str(answer["warnings"])


def test_a_backup_shows_no_value_to_others(run: Run, path: str, healthy: None) -> None:
    backup = Path(f"{state.backup(path)}.files")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert set(json.loads(backup.read_text())) == {path, *(str(Path(path).parent / name) for name in "ab")}
    assert not state.backup(path).exists()


def test_without_the_last_healthy_files_nothing_is_removed(run: Run, path: str, healthy: None) -> None:
    """A leak response removed them, and a file by hand was kept since."""
    os.unlink(f"{state.backup(path)}.files")
    (Path(path).parent / "c").write_text("by hand")
    run(TWO, snapshot="s-2", journal=2, **files("two", "a", "b", "c"))
    assert "the last verified file is missing" in run(state="restored", snapshot="s-2")["msg"]
    assert held(path) == all_of(TWO, "two", "a", "b", "c")


def test_a_broken_backup_is_named(run: Run, path: str, healthy: None) -> None:
    Path(f"{state.backup(path)}.files").write_text('{"x": 1}')
    assert "healthy.files: cannot be read" in run(TWO, snapshot="s-2", journal=2, **files("two", "a"))["msg"]
    assert held(path) == all_of(ONE, "one", "a", "b")


MARK = env_file_mark.Mark
KILLS = [
    *((atomic_file, "write", nth, after) for nth in range(1, 6) for after in (False, True)),
    *((os, "rename", nth, False) for nth in range(1, 6)),
    *((os, "open", nth, False) for nth in range(2, 60, 7)),
    (atomic_file, "remove", 1, False),
    (atomic_file, "remove", 1, True),
    (MARK, "keep", 1, True),
    (MARK, "accept", 1, False),
    (MARK, "accept", 1, True),
]


@pytest.mark.parametrize(("owner", "name", "nth", "after"), KILLS)
def test_killed_between_two_files_the_next_run_mends_it(
    run: Run, path: str, healthy: None, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, nth: int, after: bool
) -> None:
    new = {"path": path, "snapshot_id": "s-2", "journal": 2, "content": dotenv.to_dotenv(TWO), **files("two", "a", "c")}
    with (
        killed_at(monkeypatch, owner, name, nth=nth, after=after),
        patch_module_args(new),
        pytest.raises((Killed, SystemExit)),
    ):
        env_file_main.main()
    assert run(TWO, snapshot="s-2", journal=2, **files("two", "a", "c"))["restart_needed"] is True
    assert held(path) == all_of(TWO, "two", "a", "c")
    run(state="restored", snapshot="s-2")
    assert held(path) == all_of(ONE, "one", "a", "b")


@pytest.mark.parametrize(("owner", "name", "nth", "after"), [kill for kill in KILLS if kill[0] is not MARK])
def test_killed_on_the_way_back_the_same_command_goes_on(
    run: Run, path: str, healthy: None, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, nth: int, after: bool
) -> None:
    run(TWO, snapshot="s-2", journal=2, **files("two", "a", "c"))
    back = {"path": path, "state": "restored", "snapshot_id": "s-2"}
    with (
        killed_at(monkeypatch, owner, name, nth=nth, after=after),
        patch_module_args(back),
        pytest.raises((Killed, SystemExit)),
    ):
        env_file_main.main()
    for values, generation in ((ONE, "one"), (TWO, "two")):
        names = ("a", "b") if generation == "one" else ("a", "c")
        check = run(values, snapshot="s-9", journal=2, **files(generation, *names), _ansible_check_mode=True)
        assert check["restart_needed"] is True
    run(state="restored", snapshot="s-2")
    assert held(path) == all_of(ONE, "one", "a", "b")


@pytest.mark.parametrize("name", ["rename", "write", "fsync"])
@pytest.mark.parametrize("nth", range(1, 5))
def test_if_one_file_cannot_be_written_all_are_the_old_ones(
    run: Run, path: str, healthy: None, monkeypatch: pytest.MonkeyPatch, name: str, nth: int
) -> None:
    real, calls = getattr(os, name), iter(range(1, 1000))

    def full(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == nth:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(os, name, full)
        failed = run(TWO, snapshot="s-2", journal=2, **files("two", "a", "c"))
    assert "the disk is full" in failed["msg"]
    assert held(path) == all_of(ONE, "one", "a", "b")
    again = run(ONE, snapshot="s-3", journal=2, **files("one", "a", "b"))
    assert again["restart_needed"] is (nth > 1), "the first write is the mark's"


@pytest.mark.parametrize("over", [{}, {"merge": True}, {"merge": True, "files": []}], ids=["env", "merge", "both"])
def test_a_run_that_knows_no_files_of_a_catalog_removes_none(
    run: Run, path: str, healthy: None, over: dict[str, Any]
) -> None:
    before = held(path)
    message = run(TWO, snapshot="inline", journal=1, **over)["msg"]
    assert f"an earlier deploy also wrote {os.path.dirname(path)}/a, which is not in this run's catalog" in message
    assert held(path) == before


def test_files_need_a_mark(run: Run) -> None:
    assert "files of the catalog need merge=false and mark=true" in run(ONE, mark=False, **files("one", "a"))["msg"]


@SYSTEMD_CREDS
def test_a_systemd_credential_is_encrypted_and_stays_as_it_is(run: Run, path: str) -> None:
    args = files("one", "db", credential="database")
    run(ONE, snapshot="s-1", **args)
    file = Path(path).parent / "db"
    encrypted = file.read_bytes()
    assert b"canary" not in encrypted
    assert credentials.decrypted("database", encrypted) == (PEM % "one").encode()
    assert credentials.decrypted("another", encrypted) is None
    run(state="healthy", snapshot="s-1")
    again = run(ONE, snapshot="s-1", **args)
    assert (again["changed"], again["restart_needed"], file.read_bytes()) == (False, False, encrypted)
    assert (
        run(TWO, snapshot="s-2", **files("two", "db", credential="database"), _ansible_check_mode=True)["changed"]
        is True
    )
    run(TWO, snapshot="s-2", **files("two", "db", credential="database"))
    assert credentials.decrypted("database", file.read_bytes()) == (PEM % "two").encode()
    run(state="restored", snapshot="s-2")
    assert file.read_bytes() == encrypted
    kept = [place.read_bytes() for place in state.directory(path).iterdir()]
    assert not any(b"-----BEGIN" in content for content in kept)


@AS_ROOT
def test_a_host_without_systemd_creds_is_told_before_the_first_write(
    run: Run, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "PROGRAM", "no-such-systemd-creds")
    assert "this host has no no-such-systemd-creds" in run(ONE, **files("one", "db", credential="db"))["msg"]
    assert not Path(path).exists()


@pytest.mark.parametrize(
    "over", [{}, pytest.param({"credential": "db"}, marks=SYSTEMD_CREDS)], ids=["value", "credential"]
)
def test_a_revoked_value_is_found_in_every_file_and_removed_from_the_backup(
    run: Run, path: str, over: dict[str, Any]
) -> None:
    """The values of a leak response."""
    folder = os.path.dirname(path)
    run(ONE, snapshot="s-1", **files("one", "a", **over))
    run(state="healthy", snapshot="s-1")
    dead = {"tls": [PEM % "one"]}
    result = stray_copies.scrub(path, dead)
    assert result.remaining[0] == f"{folder}/a itself holds a revoked value of tls: deploy to this host"
    assert "healthy.files holds a revoked value of tls, and the next deploy replaces it" in result.remaining[1]
    run(ONE, snapshot="s-2", **files("two", "a", **over))
    removed = stray_copies.scrub(path, dead)
    assert removed.remaining == []
    assert "healthy.files, which held a revoked value of tls" in removed.removed[0]
    assert stray_copies.scrub(path, dead) == stray_copies.RemovalResult([], [])
