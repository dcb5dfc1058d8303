# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file.atomic_file import Ownership
from ansible_collections.watchparty.secrets.plugins.module_utils._host.safe_files import OpenPath
from tests import state

PRIVATE = Ownership(None, None, 0o600)
OLD, NEW = b"A='old'\n", b"A='canary-new'\n"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / ".env")


@pytest.fixture
def at(path: str) -> Iterator[OpenPath]:
    with safe_files.place(path) as place:
        yield place


def names(path: str) -> set[str]:
    return set(os.listdir(os.path.dirname(path)))


def mode_of(path: str) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


def put(path: str, content: bytes, mode: int = 0o600) -> None:
    Path(path).write_bytes(content)
    os.chmod(path, mode)


def failing(code: int) -> Any:
    def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return fail


def test_present_is_none_without_a_file(at: OpenPath, path: str) -> None:
    assert atomic_file.present(at) is None


def test_present_holds_content_owner_and_mode(at: OpenPath, path: str) -> None:
    put(path, OLD, 0o640)
    present = atomic_file.present(at)
    assert present == atomic_file.Present(OLD, os.geteuid(), os.getegid(), 0o640)


def test_content_is_in_no_repr(at: OpenPath, path: str) -> None:
    put(path, NEW)
    assert "canary" not in repr(atomic_file.present(at))


def test_present_refuses_a_symbolic_link_even_a_dangling_one(at: OpenPath, path: str, tmp_path: Path) -> None:
    os.symlink(tmp_path / "elsewhere", path)
    with pytest.raises(HostError, match="symbolic link"):
        atomic_file.present(at)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_present_refuses_what_is_no_regular_file(at: OpenPath, path: str, make: Any) -> None:
    make(path)
    with pytest.raises(HostError, match="not a regular file"):
        atomic_file.present(at)


def test_present_names_a_missing_directory(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing" / ".env")
    refused = pytest.raises(HostError, match=r"directory .*/missing does not exist; create it")
    with refused, atomic_file.open_file(missing):
        pytest.fail("held")


def test_present_refuses_a_foreign_owner(at: OpenPath, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(path, OLD)
    owner = os.lstat(path).st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 4711)
    with pytest.raises(HostError, match=rf"owned by uid {owner} and this is uid {owner + 4711}; use become"):
        atomic_file.present(at)


def test_present_says_when_the_file_cannot_be_looked_at(
    at: OpenPath, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "lstat", failing(errno.EACCES))
    with pytest.raises(HostError, match="use become"):
        atomic_file.present(at)


def test_present_says_when_the_file_cannot_be_read(at: OpenPath, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(path, OLD)
    monkeypatch.setattr(os, "open", failing(errno.EIO))
    with pytest.raises(HostError, match="cannot be read"):
        atomic_file.present(at)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Ownership(None, None, 0o600), False),
        (Ownership(None, None, 0o640), True),
        (Ownership(7, None, 0o600), False),
        (Ownership(8, None, 0o600), True),
        (Ownership(None, 9, 0o600), False),
        (Ownership(None, 10, 0o600), True),
    ],
)
def test_drifted(wanted: Ownership, expected: bool) -> None:
    assert atomic_file.drifted(atomic_file.Present(OLD, 7, 9, 0o600), wanted) is expected


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400])
def test_write_sets_content_and_mode_and_leaves_nothing_else(at: OpenPath, path: str, mode: int) -> None:
    atomic_file.write(at, NEW, Ownership(None, None, mode))
    assert Path(path).read_bytes() == NEW
    assert mode_of(path) == mode
    assert names(path) == {".env"}


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_every_byte_is_written_into_a_0600_file(
    at: OpenPath, path: str, monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    seen: list[int] = []
    real = os.write

    def slowly(handle: int, content: Any) -> int:
        seen.append(stat.S_IMODE(os.fstat(handle).st_mode))
        return real(handle, bytes(content)[:3])

    monkeypatch.setattr(os, "write", slowly)
    before = os.umask(umask)
    try:
        atomic_file.write(at, NEW, Ownership(None, None, 0o644))
    finally:
        os.umask(before)
    assert set(seen) == {0o600}
    assert len(seen) > 1
    assert Path(path).read_bytes() == NEW
    assert mode_of(path) == 0o644


def test_the_owner_is_set_before_the_first_byte(at: OpenPath, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[Any] = []
    real = os.write

    def write(handle: int, content: Any) -> int:
        order.append("write")
        return real(handle, content)

    monkeypatch.setattr(os, "fchown", lambda _handle, uid, gid: order.append((uid, gid)))
    monkeypatch.setattr(os, "write", write)
    atomic_file.write(at, NEW, Ownership(1234, None, 0o600))
    assert order == [(1234, -1), "write"]


@pytest.mark.parametrize(
    ("call", "code", "message"),
    [
        ("write", errno.ENOSPC, "disk is full"),
        ("write", errno.EDQUOT, "disk is full"),
        ("fsync", errno.ENOSPC, "disk is full"),
        ("open", errno.EACCES, "use become"),
        ("open", errno.EROFS, "read-only"),
        ("fchown", errno.EPERM, "correct owner and group"),
        ("fchmod", errno.EIO, "cannot be written"),
        ("rename", errno.EIO, "cannot be written"),
    ],
)
def test_a_failure_leaves_the_old_file_and_no_temporary(
    at: OpenPath, path: str, monkeypatch: pytest.MonkeyPatch, call: str, code: int, message: str
) -> None:
    put(path, OLD, 0o640)
    monkeypatch.setattr(os, call, failing(code))
    with pytest.raises(HostError, match=message) as raised:
        atomic_file.write(at, NEW, Ownership(os.getuid(), None, 0o600))
    monkeypatch.undo()
    assert "the old file is in place" in str(raised.value)
    assert "canary" not in str(raised.value)
    assert Path(path).read_bytes() == OLD
    assert mode_of(path) == 0o640
    assert names(path) == {".env"}


def test_a_disk_that_fills_up_half_way_leaves_the_old_file(
    at: OpenPath, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(path, OLD)
    real, calls = os.write, iter(range(9))

    def fills_up(handle: int, content: Any) -> int:
        if next(calls):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(handle, bytes(content)[:4])

    monkeypatch.setattr(os, "write", fills_up)
    with pytest.raises(HostError, match="disk is full"):
        atomic_file.write(at, NEW, PRIVATE)
    assert Path(path).read_bytes() == OLD
    assert names(path) == {".env"}


def test_a_read_only_file_system_is_named_though_cleaning_up_fails_too(
    at: OpenPath, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "open", failing(errno.EROFS))
    monkeypatch.setattr(os, "unlink", failing(errno.EROFS))
    with pytest.raises(HostError, match="read-only"):
        atomic_file.write(at, NEW, PRIVATE)


def test_what_does_not_read_back_is_not_put_in_place(at: OpenPath, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(path, OLD)
    monkeypatch.setattr(atomic_file, "_read_back", lambda _handle, _size: b"something else")
    with pytest.raises(HostError, match="the disk returned other content"):
        atomic_file.write(at, NEW, PRIVATE)
    assert Path(path).read_bytes() == OLD
    assert names(path) == {".env"}


def test_sweep_removes_the_leftovers_of_all_three_files_and_nothing_else(at: OpenPath, path: str) -> None:
    kept = {".env", ".env.mark", ".env.healthy", ".env.local", "x.env.tmp-1"}
    for name in kept | {f"{name}.tmp-0123456789abcdef" for name in (".env", ".env.mark", ".env.healthy")}:
        put(os.path.join(os.path.dirname(path), name), OLD)
    atomic_file.remove_temporary(at, "", atomic_file.MARK, atomic_file.BACKUP)
    assert names(path) == kept


@pytest.mark.parametrize("call", ["listdir", "unlink"])
def test_sweep_says_what_it_could_not_do(at: OpenPath, path: str, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    put(path + ".tmp-0123456789abcdef", OLD)
    monkeypatch.setattr(os, call, failing(errno.EACCES))
    with pytest.raises(HostError, match=r"temporary files .* use become"):
        atomic_file.remove_temporary(at)


@pytest.mark.parametrize(("code", "goes_on"), [(errno.ENOLCK, True), (errno.EOPNOTSUPP, True), (errno.EIO, False)])
def test_a_lock_that_cannot_be_had(
    at: OpenPath, path: str, monkeypatch: pytest.MonkeyPatch, code: int, goes_on: bool
) -> None:
    """Some file systems have none; anything else would let two runs write at once."""
    monkeypatch.setattr(atomic_file.fcntl, "flock", failing(code))
    refused = (
        contextlib.nullcontext() if goes_on else pytest.raises(HostError, match="cannot be locked against other runs")
    )
    with refused, atomic_file.lock(at):
        pass


def test_a_second_run_waits_for_the_first_and_then_says_so(
    at: OpenPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic_file, "PATIENCE", 1)
    with (
        atomic_file.lock(at),
        pytest.raises(HostError, match="another process has held its lock"),
        atomic_file.lock(at),
    ):
        pytest.fail("two runs at once")
    with atomic_file.lock(at):
        pass


# --- where the state is -----------------------------------------------------------------------------------------------

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="not root: root's state was not looked at")


@pytest.mark.parametrize(
    ("path", "state"),
    [
        ("/srv/shop/.env", "/var/lib/watchparty-secrets/srv-shop-.env"),
        ("/srv/a-b/c d.é", "/var/lib/watchparty-secrets/srv-a\\x2db-c\\x20d.\\xc3\\xa9"),
        ("/.env", "/var/lib/watchparty-secrets/\\x2eenv"),
        ("/run/shop/env", "/run/watchparty-secrets/run-shop-env"),
        ("/dev/shm/env", "/run/watchparty-secrets/dev-shm-env"),
    ],
)
def test_the_state_is_named_as_systemd_escape_does(path: str, state: str) -> None:
    assert atomic_file.state_of(path) == state
    program = shutil.which("systemd-escape")
    if program:
        message = subprocess.run([program, "--path", path], capture_output=True, text=True, check=True).stdout.strip()
        assert message == os.path.basename(state)


def test_the_state_of_a_long_path_has_a_short_name() -> None:
    names = {os.path.basename(atomic_file.state_of("/" + "-" * 90 + end)) for end in "ab"}
    assert {len(name) for name in names} == {64}


@as_root
def test_roots_state_is_private_and_made_only_to_write(path: str) -> None:
    place = state.directory(path)
    for way in ({"look": True}, {"write": False}):
        with atomic_file.open_file(path, **way) as env:
            assert env.mark is None
    assert not place.exists()
    with atomic_file.open_file(path) as env:
        assert env.mark is not None
        assert env.mark.path == str(place / "mark")
    assert [mode_of(str(item)) for item in (place, place.parent)] == [0o700, 0o755]


@as_root
@pytest.mark.parametrize("owner", [0, 12345])
def test_the_state_of_another_accounts_deploy_is_removed(path: str, owner: int) -> None:
    for name in (".mark", ".healthy", ".healthy.files"):
        put(path + name, OLD)
        os.chown(path + name, owner, owner)
    with atomic_file.open_file(path, look=True) as env:
        assert (env.mark, env.backup) == (None, None)
    with atomic_file.open_file(path) as env:
        assert (atomic_file.present(env.mark), atomic_file.present(env.backup)) == (None, None)
    assert names(path) == set()
    os.mkdir(path + ".mark")
    with atomic_file.open_file(path):
        assert names(path) == {".env.mark"}


@as_root
@pytest.mark.parametrize("name", ["watchparty-secrets", "state"])
def test_a_state_that_is_not_roots_is_refused(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(atomic_file, "STATE", str(tmp_path / "watchparty-secrets"))
    with atomic_file.open_file(path):
        pass
    place = state.directory(path)
    os.chown(place if name == "state" else place.parent, 12345, 12345)
    refused = pytest.raises(HostError, match=r"belongs to uid 12345, but must belong to root; correct its owner$")
    with refused, atomic_file.open_file(path):
        pytest.fail("held")


@as_root
def test_without_root_the_state_lies_beside_and_roots_is_respected(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with atomic_file.open_file(path):
        pass
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with (
        pytest.raises(HostError, match=r"an earlier deploy wrote this file as root .* use become"),
        atomic_file.open_file(path),
    ):
        pytest.fail("held")
    state.directory(path).rmdir()
    with atomic_file.open_file(path) as env:
        assert env.mark is not None
        assert env.mark.path == path + ".mark"
        assert env.own_names == {".env", ".env.lock", ".env.mark", ".env.healthy", ".env.healthy.files"}
    assert mode_of(path + ".lock") == 0o600


def test_a_directory_for_the_state_that_cannot_be_made(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(atomic_file.os, "mkdir", failing(errno.EROFS))
    with pytest.raises(HostError, match="read-only"), atomic_file.open_file(path):
        pytest.fail("held")


def test_a_place_that_is_not_held_for_writing_is_a_defect() -> None:
    with pytest.raises(HostError, match="please report it"):
        atomic_file.for_writing(None)
