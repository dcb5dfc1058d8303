# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ssh_key_preconditions import blockers

WELL: dict[str, Any] = {"host": "web1", "there": True, "file": "/home/deploy/.ssh/authorized_keys", "account": "deploy"}
LOST = {"host": "web2", "lost": True}


def test_nothing() -> None:
    assert blockers([WELL, {**WELL, "host": "web2", "there": False}], leak=False) == []


def test_a_host_that_is_lost_is_waited_for_unless_it_leaked() -> None:
    (message,) = blockers([WELL, LOST], leak=False)
    assert message.startswith("web2 cannot be reached")
    assert message.endswith("-e rotation_skip_hosts=web2")
    assert blockers([WELL, LOST], leak=True) == []
    assert blockers([LOST], leak=True) != []


def test_a_host_outside_the_run_is_waited_for_unless_it_leaked() -> None:
    outside = {"host": "web3", "outside": True}
    (message,) = blockers([WELL, outside], leak=False)
    assert message.startswith("web3: not in this run (--limit), so they would not authorize the new key")
    assert message.endswith("-e rotation_skip_hosts=web3")
    assert blockers([WELL, LOST, outside], leak=True) == []
    assert len(blockers([LOST, outside], leak=True)) == 2


def test_what_is_wrong_on_a_host_is_reported_with_its_name() -> None:
    assert blockers([WELL, {"host": "web3", "problem": "is a link"}], leak=True) == ["web3: is a link"]


def test_files_that_cannot_be_used_stop_a_rotation_and_no_leak() -> None:
    broken = {"host": "web3", "problem": "~/.ssh is a symbolic link", "unusable": True}
    there = {"host": "web1", "there": True}
    assert blockers([there, broken], leak=False) == ["web3: ~/.ssh is a symbolic link"]
    assert blockers([there, broken], leak=True) == []
    assert blockers([there, {**broken, "unusable": False}], leak=True) == ["web3: ~/.ssh is a symbolic link"]
    assert "web3: ~/.ssh is a symbolic link" in blockers([broken, LOST], leak=True)


def test_a_key_that_opens_nothing() -> None:
    (message,) = blockers([{**WELL, "there": False}], leak=False)
    assert "no host authorizes the key (/home/deploy/.ssh/authorized_keys of deploy)" in message


def test_nobody_was_looked_at() -> None:
    assert len(blockers([], leak=False)) == 1
