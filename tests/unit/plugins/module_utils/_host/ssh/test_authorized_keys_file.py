# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file on its host: safe to change, in one step, by nobody with more rights than its owner has."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.accounts import HostAccount
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import authorized_keys_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh.authorized_keys import blob_of
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh.authorized_keys_file import KeyChange
from tests.unit.plugins.module_utils._host.ssh.test_authorized_keys import NEW, OLD, OTHER

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="not root: no other account's file was changed")
OLD_BLOB, NEW_BLOB = blob_of(OLD), blob_of(NEW)


@pytest.fixture
def account(tmp_path: Path) -> HostAccount:
    (tmp_path / ".ssh").mkdir(mode=0o700)
    return HostAccount("me", os.geteuid(), os.getegid(), str(tmp_path))


@pytest.fixture
def file(account: HostAccount) -> Path:
    path = Path(account.home) / ".ssh" / "authorized_keys"
    path.write_text(f"# mine\nno-pty {OLD} ci\n{OTHER}\n")
    path.chmod(0o600)
    return path


class TestWhere:
    @pytest.mark.parametrize(
        ("pattern", "path"),
        [
            (None, "/home/me/.ssh/authorized_keys"),
            ("keys", "/home/me/keys"),
            ("~/keys", "/home/me/keys"),
            ("%h/a%%b", "/home/me/a%b"),
            ("/etc/ssh/keys/%u", "/etc/ssh/keys/me"),
        ],
    )
    def test_as_sshd_says(self, pattern: str | None, path: str) -> None:
        assert authorized_keys_file.path_of(HostAccount("me", 1, 1, "/home/me"), pattern) == path

    def test_whose(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SUDO_UID", raising=False)
        assert authorized_keys_file.account_of(None).uid == os.getuid()
        monkeypatch.setenv("SUDO_UID", "0")
        assert authorized_keys_file.account_of(None) == authorized_keys_file.account_of("root")

    def test_nobody_of_that_name(self) -> None:
        with pytest.raises(HostError, match=r"this host has no account no-such-account; correct options\.user"):
            authorized_keys_file.account_of("no-such-account")


class TestChange:
    def test_added_and_taken_away(self, account: HostAccount, file: Path) -> None:
        before, path = file.read_bytes(), str(file)
        assert authorized_keys_file.read_keys(account, path, OLD_BLOB, NEW_BLOB) == KeyChange(old=True, new=False)
        assert authorized_keys_file.add(account, path, OLD_BLOB, f"{NEW} x", check=False)
        assert authorized_keys_file.read_keys(account, path, OLD_BLOB, NEW_BLOB) == KeyChange(old=True, new=True)
        assert not authorized_keys_file.add(account, path, OLD_BLOB, f"{NEW} x", check=False)
        assert authorized_keys_file.remove(account, path, NEW_BLOB, None, check=False)
        assert not authorized_keys_file.remove(account, path, NEW_BLOB, None, check=False)
        assert file.read_bytes() == before
        assert sorted(os.listdir(file.parent)) == ["authorized_keys"]

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
    def test_the_mode_stays(self, account: HostAccount, file: Path, mode: int) -> None:
        file.chmod(mode)
        authorized_keys_file.add(account, str(file), OLD_BLOB, NEW, check=False)
        assert file.stat().st_mode & 0o777 == mode

    def test_check_mode(self, account: HostAccount, file: Path) -> None:
        before = file.read_bytes()
        assert authorized_keys_file.add(account, str(file), OLD_BLOB, NEW, check=True)
        assert authorized_keys_file.remove(account, str(file), OLD_BLOB, None, check=True)
        assert file.read_bytes() == before

    def test_nobody_is_locked_out(self, account: HostAccount, file: Path) -> None:
        before = file.read_bytes()
        with pytest.raises(HostError, match="does not authorize the rotation's other key, so no key was removed"):
            authorized_keys_file.remove(account, str(file), OLD_BLOB, NEW_BLOB, check=False)
        assert file.read_bytes() == before

    def test_no_file_or_no_folder_is_not_made(self, account: HostAccount, file: Path) -> None:
        for path in (file.parent / "other", file.parent / "none" / "keys"):
            assert authorized_keys_file.read_keys(account, str(path), OLD_BLOB, None) == KeyChange(old=False, new=False)
            assert not authorized_keys_file.add(account, str(path), OLD_BLOB, NEW, check=False)
            assert not authorized_keys_file.remove(account, str(path), OLD_BLOB, NEW_BLOB, check=False)
            assert not path.exists()

    def test_others(self, account: HostAccount, file: Path) -> None:
        assert len(authorized_keys_file.others(account, str(file), OLD_BLOB, None)) == 1
        assert authorized_keys_file.others(account, str(file.parent / "none"), OLD_BLOB) == []

    @pytest.mark.parametrize("call", ["open", "fsync", "rename"])
    def test_killed_or_failing_before_the_end_it_is_the_old_file(
        self, account: HostAccount, file: Path, monkeypatch: pytest.MonkeyPatch, call: str
    ) -> None:
        before, real = file.read_bytes(), getattr(os, call)

        def fails(*args: object, **extra: object) -> object:
            if call == "open" and ".tmp-" not in str(args[0]):
                return real(*args, **extra)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(atomic_file.os, call, fails)
            with pytest.raises(KeyboardInterrupt):
                authorized_keys_file.add(account, str(file), OLD_BLOB, NEW, check=False)
        assert file.read_bytes() == before
        (file.parent / "authorized_keys.tmp-0123456789abcdef").write_text("of a killed run")
        assert authorized_keys_file.add(account, str(file), OLD_BLOB, NEW, check=False)
        assert sorted(os.listdir(file.parent)) == ["authorized_keys"]


class TestSafety:
    def test_the_file_is_a_link(self, account: HostAccount, file: Path) -> None:
        file.rename(file.with_name("real"))
        file.symlink_to(file.with_name("real"))
        with pytest.raises(HostError, match="is a symbolic link"):
            authorized_keys_file.add(account, str(file), OLD_BLOB, NEW, check=False)

    @as_root
    @pytest.mark.parametrize("nth", [0, 1])
    def test_a_folder_is_somebodys_link(self, account: HostAccount, file: Path, nth: int) -> None:
        """Root's own, such as /home, are followed."""
        folder = (file.parent, Path(account.home))[nth]
        folder.rename(folder.with_name("real"))
        folder.symlink_to(folder.with_name("real"))
        assert authorized_keys_file.read_keys(account, str(file), OLD_BLOB, None).old
        os.chown(folder, 12345, 12345, follow_symlinks=False)
        with pytest.raises(HostError, match=f"{folder} is a symbolic link; give the path that it points to"):
            authorized_keys_file.read_keys(account, str(file), OLD_BLOB, None)

    def test_the_home_may_be_one(self, account: HostAccount, file: Path, tmp_path: Path) -> None:
        (tmp_path / "home").symlink_to(tmp_path)
        linked = account._replace(home=str(tmp_path / "home"))
        assert authorized_keys_file.read_keys(linked, authorized_keys_file.path_of(linked, None), OLD_BLOB, None).old

    @as_root
    def test_it_is_changed_with_the_accounts_rights(self, account: HostAccount, file: Path) -> None:
        nobody = pwd.getpwnam("nobody")
        for path in (Path(account.home), file.parent, file):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        theirs = HostAccount("nobody", nobody.pw_uid, nobody.pw_gid, account.home)
        with pytest.raises(HostError, match="nobody itself cannot reach it"):  # pytest's own folders are root's alone
            authorized_keys_file.add(theirs, str(file), OLD_BLOB, NEW, check=False)
        seen = []
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as home:
            os.chmod(home, 0o755)
            shutil.copytree(file.parent, Path(home) / ".ssh")
            file, theirs = Path(home) / ".ssh" / file.name, theirs._replace(home=home)
            for path in (file.parent, file):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
            patch.setattr(
                atomic_file, "remove_temporary", lambda _path: seen.append((os.geteuid(), os.getegid(), os.getgroups()))
            )
            assert authorized_keys_file.add(theirs, str(file), OLD_BLOB, NEW, check=False)
            assert (file.stat().st_uid, file.stat().st_gid) == (nobody.pw_uid, nobody.pw_gid)
        assert seen == [(nobody.pw_uid, nobody.pw_gid, [nobody.pw_gid])]
        assert os.geteuid() == 0

    @as_root
    def test_roots_folder_in_somebodys_is_not_trusted(self, account: HostAccount, file: Path) -> None:
        """Whoever owns the folder above could put another in its place."""
        nobody = pwd.getpwnam("nobody")
        os.chown(account.home, nobody.pw_uid, nobody.pw_gid)
        theirs = HostAccount("nobody", nobody.pw_uid, nobody.pw_gid, account.home)
        with pytest.raises(HostError, match="belongs to nobody, but must belong to root"):
            authorized_keys_file.add(theirs, str(file), OLD_BLOB, NEW, check=False)

    @as_root
    def test_a_third_partys_folder(self, account: HostAccount, file: Path) -> None:
        os.chown(file.parent, 12345, 12345)
        with pytest.raises(HostError, match="is owned by uid 12345, neither me nor root"):
            authorized_keys_file.add(account, str(file), OLD_BLOB, NEW, check=False)
