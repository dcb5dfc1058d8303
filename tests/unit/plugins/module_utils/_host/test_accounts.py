# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Root acts only on what root alone can change."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import accounts, bounded_command
from sandbox.process import wait_until
from tests.integration.fake_service import ended

Owned = Callable[..., Path]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="files of several accounts need root")


@as_root
class TestResponsible:
    def test_root_for_its_own_files(self, folder: Path) -> None:
        (folder / "file").touch()
        assert accounts.responsible([f"{folder}/file", "/bin/sh"], "x").uid == 0

    def test_whoever_owns_the_file(self, owned: Owned, application: accounts.HostAccount) -> None:
        assert accounts.responsible([str(owned("file"))], "x") == application

    @pytest.mark.parametrize("name", ["directory/file", "directory/none"])
    def test_whoever_owns_a_directory_on_the_way(
        self, folder: Path, application: accounts.HostAccount, name: str
    ) -> None:
        (folder / "directory").mkdir()
        (folder / "directory" / "file").touch()
        os.chown(folder / "directory", application.uid, application.gid)
        assert accounts.responsible([f"{folder}/{name}"], "x") == application

    def test_whoever_made_a_link_or_owns_its_end(
        self, folder: Path, owned: Owned, application: accounts.HostAccount
    ) -> None:
        owned("file")
        (folder / "roots").symlink_to("file")
        (folder / "its").symlink_to("/bin/sh")
        os.lchown(folder / "its", application.uid, application.gid)
        assert accounts.responsible([f"{folder}/roots"], "x") == application
        assert accounts.responsible([f"{folder}/its"], "x") == application

    def test_nobody_for_files_of_two_accounts(self, owned: Owned) -> None:
        other = accounts.HostAccount("daemon", 1, 1, "/")
        paths = [str(owned("one")), str(owned("two", account=other))]
        with pytest.raises(HostError, match=rf"^x: .* change: {paths[0]} \(nobody\), {paths[1]} \(daemon\); make"):
            accounts.responsible(paths, "x")

    def test_links_in_a_circle(self, folder: Path) -> None:
        (folder / "a").symlink_to("a")
        with pytest.raises(HostError, match="leads through too many symbolic links"):
            accounts.responsible([f"{folder}/a"], "x")


@pytest.mark.parametrize(("name", "mode"), [("file", 0o664), ("directory", 0o775), ("none", 0o1777)])
def test_what_others_may_write_is_refused(folder: Path, name: str, mode: int) -> None:
    (folder / "directory").mkdir()
    (folder / "file").touch()
    (folder if name == "none" else folder / name).chmod(mode)
    with pytest.raises(HostError, match=rf"other accounts may write to .* \(mode {mode:04o}\); run: chmod go-w"):
        accounts.responsible([f"{folder}/{name}"], "x")


def test_an_application_is_never_root() -> None:
    with pytest.raises(HostError, match=r"^x would run as root; set user of this service"):
        accounts.application("0", "x")


def test_an_account_that_the_host_has_not() -> None:
    with pytest.raises(HostError, match="this host has no account no-such-account"):
        accounts.application("no-such-account", "x")


def test_what_an_application_starts_with(application: accounts.HostAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "canary")
    code = "import os; print(os.getresuid(), os.getresgid(), 0 in os.getgroups(), sorted(os.environ), os.getcwd())"
    answer = bounded_command.output(
        [sys.executable, "-S", "-c", code], seconds=20, largest=1000, account=application, errors=True
    )
    uid, gid = application.uid, application.gid
    shown = answer.content.decode()
    assert shown.startswith(f"({uid}, {uid}, {uid}) ({gid}, {gid}, {gid}) {os.geteuid() != 0 and 0 in os.getgroups()}")
    assert "'HOME'" in shown
    assert "CANARY" not in shown


class TestBounds:
    def test_it_ends_with_everything_that_it_started(self, tmp_path: Path) -> None:
        pid = tmp_path / "pid"
        command = ["sh", "-c", f"sleep 600 & echo $! > {pid}; wait"]
        assert bounded_command.output(command, seconds=2, largest=10).code is None
        assert wait_until(lambda: ended(int(pid.read_text())), seconds=60)

    def test_what_it_leaves_behind_is_not_waited_for(self) -> None:
        answer = bounded_command.output(["sh", "-c", "echo one; sleep 30 & exit 3"], seconds=20, largest=10)
        assert answer == bounded_command.CommandOutput(3, b"one\n", is_cut=False)

    def test_an_endless_output(self) -> None:
        answer = bounded_command.output(["sh", "-c", "while :; do echo canary; done"], seconds=20, largest=10)
        assert (answer.content, answer.is_cut) == (b"canary\ncan", True)

    def test_a_closed_output(self) -> None:
        command = ["sh", "-c", "exec >&- 2>&-; sleep 0.2; exit 4"]
        assert bounded_command.output(command, seconds=20, largest=10, errors=True).code == 4
