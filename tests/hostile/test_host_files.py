# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts attack what root prepares on a host: their authorized_keys, the application's directory, its .gitignore."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import main as ssh_main
from ansible_collections.watchparty.secrets.plugins.modules import host_files
from tests.hostile.application_account import APPLICATION, VICTIM, Files, as_root, at_call, files, within
from tests.modules import run_module
from tests.unit.plugins.module_utils._host.ssh.test_authorized_keys import NEW, OLD, OTHER

pytestmark = as_root
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def world() -> Iterator[Files]:
    """The account's home is ``shop``, its ``.ssh`` is ``shop/app``."""
    with files("authorized_keys") as made:
        yield made


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(**args: Any) -> dict[str, Any]:
        with within():
            return run_module(host_files.main, args, capsys)[0]

    return call


@pytest.fixture
def account(world: Files, monkeypatch: pytest.MonkeyPatch) -> str:
    """A login whose home is the application's directory."""
    real = pwd.getpwnam(APPLICATION)
    (world.app).rename(world.shop / ".ssh")
    world.app = world.shop / ".ssh"
    world.file = world.app / "authorized_keys"
    user = SimpleNamespace(pw_name=APPLICATION, pw_uid=real.pw_uid, pw_gid=real.pw_gid, pw_dir=str(world.shop))
    function = pwd.getpwnam
    monkeypatch.setattr(pwd, "getpwnam", lambda name: user if name == APPLICATION else function(name))
    return APPLICATION


def every_call(world: Files, act: Callable[[], object], component: str, prepare: Callable[[], None]) -> int:
    """Exchanges the component at each call that root makes; returns how many there are."""
    path = getattr(world, component)
    nth, calls = 0, 10**9
    while nth < calls:
        nth += 1
        prepare()
        with at_call(nth, lambda: world.exchange(path), lambda: None) as count:
            act()
        calls = count[0]
        world.exchange_back(path)
        world.assert_unharmed()
        with at_call(nth, lambda: world.exchange(path), lambda: world.exchange_back(path)):
            act()
        world.assert_unharmed()
    return calls


class TestKeys:
    def test_are_authorized(self, world: Files, account: str, run: Run) -> None:
        args = {"account": account, "keys": [OLD], "key_options": "restrict"}
        assert run(**args) == {"changed": True, "left_out": []}
        assert world.file.read_text() == f"restrict {OLD}\n"
        status, folder = world.file.stat(), world.app.stat()
        assert (status.st_uid, status.st_mode & 0o777) == (pwd.getpwnam(account).pw_uid, 0o600)
        assert folder.st_uid == status.st_uid
        assert run(**args) == {"changed": False, "left_out": []}
        assert run(account=account, keys=[NEW], key_options="restrict") == {"changed": False, "left_out": [NEW]}
        assert run(account=account, keys=[OLD, NEW], key_options="", add_keys=True)["changed"]
        assert world.file.read_text() == f"{OLD}\n{NEW}\n"

    def test_other_lines_stay(self, world: Files, account: str, run: Run) -> None:
        world.put(world.file, f"# mine\n{OTHER}".encode(), mode=0o666)
        assert run(account=account, keys=[OLD], key_options="restrict", add_keys=True)["changed"]
        assert world.file.read_text() == f"# mine\n{OTHER}\nrestrict {OLD}\n"
        assert world.file.stat().st_mode & 0o777 == 0o644

    def test_the_directory_is_made_private(self, world: Files, account: str, run: Run) -> None:
        world.app.rmdir()
        assert run(account=account, keys=[OLD], _ansible_check_mode=True)["changed"]
        assert not world.app.exists()
        assert run(account=account, keys=[OLD])["changed"]
        assert world.app.stat().st_mode & 0o777 == 0o700
        assert world.app.stat().st_uid == world.file.stat().st_uid != 0

    @pytest.mark.parametrize("component", ["shop", "app", "file"])
    def test_a_link(self, world: Files, account: str, run: Run, component: str) -> None:
        world.exchange(getattr(world, component))
        assert "is a symbolic link" in run(account=account, keys=[OLD])["msg"]
        world.assert_unharmed()

    @pytest.mark.parametrize("component", ["shop", "app", "file"])
    def test_a_link_exchanged_at_any_call(self, world: Files, account: str, run: Run, component: str) -> None:
        def prepare() -> None:
            world.put(world.file, b"")

        assert every_call(world, lambda: run(account=account, keys=[OLD]), component, prepare) > 10

    def test_another_accounts_directory(self, world: Files, account: str, run: Run) -> None:
        world.give(VICTIM, world.app)
        assert f"belongs to {VICTIM}, but must belong to {APPLICATION}" in run(account=account, keys=[OLD])["msg"]

    def test_a_pipe(self, world: Files, account: str, run: Run) -> None:
        os.mkfifo(world.file)
        assert "not a regular file" in run(account=account, keys=[OLD])["msg"]

    def test_root_and_nobody(self, run: Run) -> None:
        assert "is root" in run(account="root", keys=[OLD])["msg"]
        assert "this host has no account no-such-account" in run(account="no-such-account", keys=[OLD])["msg"]
        assert run(account="no-such-account", keys=[OLD], _ansible_check_mode=True)["changed"]


class TestRotatedKey:
    """ssh_key, which changes the same file in a rotation."""

    @pytest.fixture
    def rotate(self, world: Files, account: str, capsys: pytest.CaptureFixture[str]) -> Run:
        def call(**extra: Any) -> dict[str, Any]:
            args = {"account": account, "old": OLD, "new": NEW, "state": "present", **extra}
            with within():
                return run_module(ssh_main.main, args, capsys)[0]

        return call

    def test_is_added(self, world: Files, rotate: Run) -> None:
        world.put(world.file, f"{OLD}\n".encode())
        assert rotate()["changed"]
        assert NEW in world.file.read_text()

    @pytest.mark.parametrize("component", ["shop", "app", "file"])
    def test_a_link(self, world: Files, rotate: Run, component: str) -> None:
        world.put(world.file, f"{OLD}\n".encode())
        world.exchange(getattr(world, component))
        assert "is a symbolic link" in rotate()["msg"]
        world.assert_unharmed()

    @pytest.mark.parametrize("component", ["shop", "app", "file"])
    def test_a_link_exchanged_at_any_call(self, world: Files, rotate: Run, component: str) -> None:
        def prepare() -> None:
            world.put(world.file, f"{OLD}\n".encode())

        assert every_call(world, rotate, component, prepare) > 10

    def test_a_pipe_that_comes_between_look_and_open(self, world: Files, rotate: Run) -> None:
        def exchange() -> None:
            world.file.unlink(missing_ok=True)
            os.mkfifo(world.file)

        for nth in range(1, 60):
            world.file.unlink(missing_ok=True)
            world.put(world.file, f"{OLD}\n".encode())
            with at_call(nth, exchange, lambda: None) as count:
                rotate()
            if count[0] < nth:
                break
        assert nth > 10


class TestDirectory:
    def test_is_given(self, world: Files, run: Run) -> None:
        os.chown(world.shop, 0, 0)
        args = {"directory": str(world.app), "owner": "root", "group": str(pwd.getpwnam(APPLICATION).pw_gid)}
        assert run(**args)["changed"]
        status = world.app.stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (0, pwd.getpwnam(APPLICATION).pw_gid, 0o750)
        assert not run(**args)["changed"]

    def test_below_another_accounts_it_would_be_roots_in_name_alone(self, world: Files, run: Run) -> None:
        answer = run(directory=str(world.app), owner="root")
        assert f"{world.shop} belongs to {APPLICATION}, but must belong to root" in answer["msg"]
        assert "set app_host_owner" in answer["msg"]
        assert not run(directory=str(world.app), owner=APPLICATION, mode="0755")["changed"]

    def test_is_made_with_those_above(self, world: Files, run: Run) -> None:
        path = world.base / "new" / "app"
        args = {"directory": str(path), "owner": APPLICATION, "mode": "0700"}
        assert run(**args, _ansible_check_mode=True)["changed"]
        assert not path.parent.exists()
        assert run(**args)["changed"]
        assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (pwd.getpwnam(APPLICATION).pw_uid, 0o700)
        assert (path.parent.stat().st_uid, path.parent.stat().st_mode & 0o777) == (0, 0o755)

    @pytest.mark.parametrize("component", ["shop", "app"])
    def test_a_link(self, world: Files, run: Run, component: str) -> None:
        world.exchange(getattr(world, component))
        assert "is a symbolic link" in run(directory=str(world.app), owner=APPLICATION)["msg"]
        world.assert_unharmed()

    @pytest.mark.parametrize("component", ["shop", "app"])
    def test_a_link_exchanged_at_any_call(self, world: Files, run: Run, component: str) -> None:
        def prepare() -> None:
            world.app.chmod(0o755)

        args = {"directory": str(world.app), "owner": APPLICATION, "mode": "0700"}
        assert every_call(world, lambda: run(**args), component, prepare) > 5

    def test_a_file_or_an_account_that_is_not_there(self, world: Files, run: Run) -> None:
        world.put(world.app / "file", b"")
        assert "is not a directory" in run(directory=str(world.app / "file"), owner="root")["msg"]
        assert "does not exist on this host" in run(directory=str(world.app), owner="no-such-account")["msg"]
        assert run(directory=str(world.app), owner="no-such-account", _ansible_check_mode=True)["changed"]


class TestIgnore:
    @pytest.fixture
    def checkout(self, world: Files) -> Files:
        (world.app / ".git").mkdir()
        world.give(APPLICATION, world.app / ".git")
        (world.target.parent / ".git").mkdir()
        world.file, world.target = world.app / ".gitignore", world.target.parent / ".gitignore"
        world.target.write_bytes(b"theirs\n")
        world.before = world.seen()
        return world

    def test_is_covered(self, checkout: Files, run: Run) -> None:
        checkout.put(checkout.file, b"build", mode=0o640)
        assert run(checkout=str(checkout.app), _ansible_check_mode=True)["changed"]
        assert run(checkout=str(checkout.app))["changed"]
        block = "# BEGIN watchparty.secrets\n.env*\n!.env.example\n# END watchparty.secrets\n"
        assert checkout.file.read_text() == f"build\n{block}"
        assert checkout.file.stat().st_uid == pwd.getpwnam(APPLICATION).pw_uid
        assert checkout.file.stat().st_mode & 0o777 == 0o640
        assert not run(checkout=str(checkout.app))["changed"]
        checkout.put(checkout.file, f"{block.replace('.env*', '.env')}x\n".encode())
        assert run(checkout=str(checkout.app))["changed"]
        assert checkout.file.read_text() == f"{block}x\n"

    def test_in_roots_directory_it_is_the_checkouts_owners(self, checkout: Files, run: Run) -> None:
        for folder in (checkout.shop, checkout.app):
            os.chown(folder, 0, 0)
        assert run(checkout=str(checkout.app))["changed"]
        assert checkout.file.stat().st_uid == pwd.getpwnam(APPLICATION).pw_uid

    @pytest.mark.parametrize("text", [".env*\n!.env.example\n", "x\n.env*\n\n!/.env.example\n"])
    def test_what_covers_it_stays(self, checkout: Files, run: Run, text: str) -> None:
        checkout.put(checkout.file, text.encode())
        assert not run(checkout=str(checkout.app))["changed"]

    def test_what_is_no_checkout(self, world: Files, run: Run) -> None:
        assert not run(checkout=str(world.app))["changed"]
        assert not run(checkout=str(world.base / "none"))["changed"]
        assert not (world.app / ".gitignore").exists()

    @pytest.mark.parametrize("component", ["shop", "app", "file"])
    def test_a_link(self, checkout: Files, run: Run, component: str) -> None:
        checkout.exchange(getattr(checkout, component))
        if component == "file":
            assert "is a symbolic link" in run(checkout=str(checkout.app))["msg"]
        else:
            run(checkout=str(checkout.app))
        checkout.assert_unharmed()

    @pytest.mark.parametrize("component", ["shop", "app", "file"])
    def test_a_link_exchanged_at_any_call(self, checkout: Files, run: Run, component: str) -> None:
        def prepare() -> None:
            checkout.put(checkout.file, b"")

        assert every_call(checkout, lambda: run(checkout=str(checkout.app)), component, prepare) > 10
