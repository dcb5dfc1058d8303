# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pipes and devices in place of files that root reads on a host: nothing waits, and nothing is opened that may act."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils import _evidence_host, _key_files, _ssh_sessions
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import HostError
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _django_sessions_module
from tests.hostile.application_account import within


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "it"
    os.mkfifo(path)
    return path


def test_key_files(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_key_files, "paths", lambda _patterns: [str(pipe)])
    with within():
        assert _key_files.read(str(pipe)) is None
        assert [one.content for one in _key_files.files(())] == [None]
        assert _key_files.holding(b"x", but="").unread == 1


def test_a_device_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as /dev/watchdog, which restarts the machine once it was opened."""
    link = tmp_path / "authorized_keys"
    link.symlink_to("/dev/null")
    flags = []
    real = os.open

    def seen(path: str, how: int, *more: int) -> int:
        flags.append(how)
        return real(path, how, *more)

    monkeypatch.setattr(os, "open", seen)
    assert _key_files.read(str(link)) is None
    assert all(how & os.O_PATH for how in flags)
    assert flags


def test_a_file_behind_a_link_is_read_as_sshd_does(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("key")
    (tmp_path / "link").symlink_to("real")
    assert _key_files.read(str(tmp_path / "link")) == b"key"
    assert _key_files.read(str(tmp_path / "none")) is None


def test_logs(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ssh_sessions, "LOGS", (str(pipe),))
    monkeypatch.setattr(_ssh_sessions, "_journal", lambda _pids: iter(()))
    monkeypatch.setattr(_evidence_host, "LOGS", (str(pipe),))
    with within():
        assert _ssh_sessions.told([1]) == {}
        assert _evidence_host._from_logs([], _evidence_host.Part()) is False


def test_the_applications_settings(pipe: Path) -> None:
    params = {"env_file": str(pipe), "chdir": None}
    with within(), pytest.raises(HostError, match="is not a regular file"):
        _django_sessions_module.settings_of(params)
