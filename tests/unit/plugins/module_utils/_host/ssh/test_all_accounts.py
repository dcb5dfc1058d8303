# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where sshd looks for keys, and files that their owners keep from being read."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import all_accounts


def test_a_lease_does_not_hold_the_reader(tmp_path: Path) -> None:
    """The kernel would wait 45 s for its holder."""
    path = tmp_path / "authorized_keys"
    path.write_text("x")
    handle = os.open(path, os.O_RDWR)
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        began = time.monotonic()
        assert all_accounts.read(str(path)) is None
        assert time.monotonic() - began < 20
    finally:
        os.close(handle)
        signal.signal(signal.SIGIO, before)
    assert all_accounts.read(str(path)) == b"x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# AuthorizedKeysFile /x\n", []),
        ("AuthorizedKeysFile none\n", []),
        ("AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2 # both\n", []),
        ("authorizedkeysfile=/etc/keys/%u\n", ["/etc/keys/%u"]),
        ('AuthorizedKeysFile = "/etc/my keys/%u" .ssh/other\n', ["/etc/my keys/%u", ".ssh/other"]),
        (
            "AuthorizedKeysFile /a\nMatch User x\n\tAuthorizedKeysFile /b\nMatch all\n AuthorizedKeysFile /a\n",
            ["/a", "/b"],
        ),
        ('AuthorizedKeysFile "/a\n', ["/a"]),
        ("AuthorizedKeysFile\n", []),
    ],
)
def test_all_files_that_sshd_may_read(
    text: str, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "sshd_config"
    config.write_text(text)
    monkeypatch.setattr(all_accounts, "SSHD", str(config))
    assert all_accounts.sshd() == ([*expected, *all_accounts.PATTERNS], False)


def test_files_of_each_part_of_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "sshd_config"
    config.write_text("AuthorizedKeysFile /a\nAuthorizedKeysCommand=/usr/bin/x\n")
    (tmp_path / "sshd_config.d").mkdir()
    (tmp_path / "sshd_config.d/1.conf").write_text("AuthorizedKeysFile /b\nAuthorizedKeysCommand none\n")
    monkeypatch.setattr(all_accounts, "SSHD", str(config))
    assert all_accounts.sshd() == (["/b", "/a", *all_accounts.PATTERNS], True)
