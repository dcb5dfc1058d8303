# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pipes and devices in place of files that root reads on a host: nothing waits, and nothing is opened that may act."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django import main as django_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import gather_evidence
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import all_accounts
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import sessions as ssh_sessions
from tests.hostile.application_account import within


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "it"
    os.mkfifo(path)
    return path


def test_key_files(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(all_accounts, "paths", lambda _patterns: [str(pipe)])
    with within():
        assert all_accounts.read(str(pipe)) is None
        assert [file.content for file in all_accounts.files(())] == [None]
        assert all_accounts.holding(b"x", but="").unread == 1


def test_a_device_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as /dev/watchdog, which restarts the machine once it was opened."""
    link = tmp_path / "authorized_keys"
    link.symlink_to("/dev/null")
    flags = []
    real = os.open

    def seen(path: str, how: int, *additions: int) -> int:
        flags.append(how)
        return real(path, how, *additions)

    monkeypatch.setattr(os, "open", seen)
    assert all_accounts.read(str(link)) is None
    assert all(how & os.O_PATH for how in flags)
    assert flags


def test_a_file_behind_a_link_is_read_as_sshd_does(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("key")
    (tmp_path / "link").symlink_to("real")
    assert all_accounts.read(str(tmp_path / "link")) == b"key"
    assert all_accounts.read(str(tmp_path / "none")) is None


def test_logs(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_sessions, "LOGS", (str(pipe),))
    monkeypatch.setattr(ssh_sessions, "_journal", lambda _pids: iter(()))
    monkeypatch.setattr(gather_evidence, "LOGS", (str(pipe),))
    with within():
        assert ssh_sessions.logins_of([1]) == {}
        assert gather_evidence._from_logs([], gather_evidence.EvidencePart()) is False


def test_the_applications_settings(pipe: Path) -> None:
    params = {"env_file": str(pipe), "chdir": None}
    with within(), pytest.raises(HostError, match="is not a regular file"):
        django_main.settings_of(params)
