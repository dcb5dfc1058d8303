# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where sshd looks for keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import all_accounts


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
