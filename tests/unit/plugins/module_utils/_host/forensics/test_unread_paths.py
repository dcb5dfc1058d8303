# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Paths that could not be read are counted, and only the first are named."""

from __future__ import annotations

import errno
import os

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.unread_paths import UnreadPaths


@pytest.mark.parametrize(
    ("uid", "reason"), [(0, "cannot be read"), (1000, "cannot be read (the run is not root); use become")]
)
def test_messages(monkeypatch: pytest.MonkeyPatch, uid: int, reason: str) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    unread = UnreadPaths()
    assert unread.messages() == []
    for number in range(5):
        unread.add_error(f"/a{number}\n", PermissionError(errno.EACCES, "x"))
    unread.add_error("/gone", FileNotFoundError(errno.ENOENT, "x"))
    unread.add("/b", "is larger")
    assert unread.messages() == [f"/a0?, /a1?, /a2? and 2 more: {reason}", "/b: is larger"]
