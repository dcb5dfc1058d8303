# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Paths that could not be read are counted, and only the first are named."""

from __future__ import annotations

import errno
import os

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.unread_paths import CLOSED, UnreadPaths


@pytest.mark.parametrize("is_root", [True, False])
def test_messages(monkeypatch: pytest.MonkeyPatch, is_root: bool) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0 if is_root else 1000)
    unread = UnreadPaths()
    assert (unread.messages(), unread.closed) == ([], [])
    for number in range(5):
        unread.add_error(f"/a{number}\n", PermissionError(errno.EACCES, "x"))
    unread.add_error("/gone", FileNotFoundError(errno.ENOENT, "x"))
    unread.add("/b", "is larger")
    first, other = "/a0?, /a1?, /a2? and 2 more: ", "/b: is larger"
    if is_root:
        assert (unread.messages(), unread.closed) == ([f"{first}cannot be read", other], [])
    else:
        assert (unread.messages(), unread.closed) == ([other], [first + CLOSED])
