# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins over a real sshd, and an agent that leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import login as ssh_login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh.login import Way
from sandbox import sshd
from sandbox.process import wait_until
from sandbox.sshd import Sshd
from tests.unit.plugins.plugin_utils._ansible.ssh.test_login import way

pytestmark = pytest.mark.skipif(bool(sshd.unavailable()), reason=f"{sshd.unavailable()}: no login was tried")


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files go; short, since a socket's path is."""
    place = Path(tempfile.mkdtemp(prefix="t-"))
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    shutil.rmtree(place)


def agents(place: Path) -> list[str]:
    results = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = process.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(place) in text:
            results.append(text)
    return results


class TestHolding:
    def test_nothing_of_it_is_anywhere_but_in_the_agent(self, folders: Path) -> None:
        private = key_pair.new_private_key()
        with ssh_login.holding(private, "test") as held:
            assert held.socket.parent.stat().st_mode & 0o777 == 0o700
            listed = subprocess.run(
                ["ssh-add", "-l"], env={**os.environ, "SSH_AUTH_SOCK": str(held.socket)}, capture_output=True, text=True
            )
            assert held.fingerprint in listed.stdout
            files = [path.read_text() for path in folders.rglob("*") if path.is_file()]
            assert files == [key_pair.public_line(private, "test") + "\n"]
            assert agents(folders)
        assert list(folders.iterdir()) == []
        assert wait_until(lambda: not agents(folders), seconds=60)

    @pytest.mark.slow
    def test_the_agent_ends_with_a_process_that_is_killed(self, folders: Path) -> None:
        program = (
            "import os, sys, tempfile\n"
            "from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import login as _ssh_login\n"
            "from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import "
            "key_pair as _ssh_pair\n"
            f"tempfile.tempdir = {str(folders)!r}\n"
            "with _ssh_login.holding(_ssh_pair.new_private_key(), 'x'):\n"
            "    os.kill(os.getpid(), 9)\n"
        )
        subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        assert wait_until(lambda: not agents(folders), seconds=60)

    def test_what_is_no_key(self, folders: Path) -> None:
        with pytest.raises(RotationError, match="a private SSH key"), ssh_login.holding("canary", "test"):
            pass
        assert list(folders.iterdir()) == []

    def test_a_controller_without_an_agent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/nonexistent")
        with (
            pytest.raises(RotationError, match="ssh-agent cannot be started on the controller"),
            ssh_login.holding(key_pair.new_private_key(), "test"),
        ):
            pass

    def test_ssh_add_refuses_it(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "ssh-add").write_text("#!/bin/sh\nexit 3\n")
        (tmp_path / "ssh-add").chmod(0o700)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        with (
            pytest.raises(RotationError, match=r"test: ssh-add rejects the key \(exit code 3\)"),
            ssh_login.holding(key_pair.new_private_key(), "test"),
        ):
            pass


@pytest.fixture(scope="module")
def server() -> Iterator[Sshd]:
    with Sshd() as made:
        yield made


class TestLogins:
    @pytest.fixture
    def to_it(self, server: Sshd) -> Way:
        return way(**server.host_vars())

    def test_ansibles_own(self, server: Sshd, to_it: Way) -> None:
        verdict = ssh_login.own(to_it)
        assert verdict.logged_in
        assert verdict.by == key_pair.fingerprint(server.key.read_text(), "test")

    def test_by_a_key_that_is_let_in(self, server: Sshd, to_it: Way) -> None:
        with ssh_login.holding(server.key.read_text(), "test") as held:
            assert ssh_login.try_login(to_it, held).is_in_by(held.fingerprint)

    def test_by_one_that_is_not_though_ansibles_own_would_do(self, to_it: Way) -> None:
        with ssh_login.holding(key_pair.new_private_key(), "test") as held:
            verdict = ssh_login.try_login(to_it, held)
        assert verdict.accepts(held.fingerprint) is False
        assert not verdict.is_in_by(held.fingerprint)

    def test_by_another_account_than_ansibles(self, server: Sshd, to_it: Way) -> None:
        """The user name is not authorized, though the key is."""
        with ssh_login.holding(server.key.read_text(), "test") as held:
            verdict = ssh_login.try_login(replace(to_it, account="nobody"), held)
        assert verdict.accepts(held.fingerprint) is False
        assert "nobody@" in verdict.reason

    @pytest.mark.parametrize("forbidden", ["PubkeyAuthentication=no", "PreferredAuthentications=password"])
    def test_where_ansibles_options_forbid_keys(self, server: Sshd, to_it: Way, forbidden: str) -> None:
        """Its own login is by none then, and what is to be healthy is tried all the same."""
        forbidding = replace(to_it, arguments=(*to_it.arguments, "-o", forbidden))
        verdict = ssh_login.own(forbidding)
        assert (verdict.logged_in, verdict.denied, verdict.offered) == (False, True, frozenset())
        with ssh_login.holding(server.key.read_text(), "test") as held:
            assert ssh_login.try_login(forbidding, held).is_in_by(held.fingerprint)

    def test_nobody_answers(self, to_it: Way) -> None:
        verdict = ssh_login.own(Way("127.0.0.1", "web1", "ssh", ("-F", "none", "-p", "1")))
        assert (verdict.logged_in, verdict.denied) == (False, False)
        assert "Connection refused" in verdict.reason

    def test_it_does_not_end(self, to_it: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "ssh").write_text("#!/bin/sh\nexec sleep 60\n")
        (tmp_path / "ssh").chmod(0o700)
        monkeypatch.setattr(ssh_login, "SECONDS", 0.3)
        assert not ssh_login.own(Way("x", "web1", str(tmp_path / "ssh"), ())).logged_in

    def test_no_ssh_there(self) -> None:
        with pytest.raises(RotationError, match="/nonexistent/ssh cannot be run on the controller"):
            ssh_login.own(Way("x", "web1", "/nonexistent/ssh", ()))
