# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who came into a group whose members may become root."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.host_accounts import Sudoers, joined

BEFORE = "sudo:x:27:deploy\nops:x:30:\nfun:x:9:\n"
RULES = Sudoers([["%ops", "ALL"], ["root", "ALL"]], [])


def write(root: Path, name: str, text: str, at: float = 1) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (at, at))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (BEFORE, []),
        (BEFORE.replace("deploy", "deploy,mallory"), [("mallory", "sudo")]),
        (BEFORE.replace("ops:x:30:", "ops:x:30:mallory"), [("mallory", "ops")]),
        (f"{BEFORE}docker:x:31:mallory\n", [("mallory", "docker")]),
        (f"{BEFORE}redis:x:31:www\n", []),
        (BEFORE.replace("fun:x:9:", "fun:x:9:mallory"), []),
        (BEFORE.replace("deploy", ""), []),
    ],
)
@pytest.mark.parametrize("copy", ["etc/group-", "var/backups/group.bak"])
def test_members_since_then(now: str, expected: list[tuple[str, str]], copy: str, tmp_path: Path) -> None:
    write(tmp_path, copy, BEFORE)
    write(tmp_path, "etc/group", now)
    assert joined(str(tmp_path), time.time() - 60, RULES) == expected
    assert joined(str(tmp_path), 0, RULES) == [], "it is not known since when"
    assert joined(str(tmp_path), time.time() + 60, RULES) == [], "the file did not change since"


def test_the_newest_copy_from_before_then_counts(tmp_path: Path) -> None:
    since = time.time() - 60
    write(tmp_path, "etc/group", "sudo:x:27:deploy,mallory")
    write(tmp_path, "etc/group-", "sudo:x:27:deploy,mallory", at=since + 1)
    assert joined(str(tmp_path), since, RULES) is None, "a copy of what somebody changed since tells nothing"
    write(tmp_path, "var/backups/group.bak", "sudo:x:27:deploy", at=since - 1)
    assert joined(str(tmp_path), since, RULES) == [("mallory", "sudo")]
    write(tmp_path, "etc/group-", "sudo:x:27:deploy,mallory", at=since - 0.5)
    assert joined(str(tmp_path), since, RULES) == []
