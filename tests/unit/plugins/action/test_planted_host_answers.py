# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that cannot be looked at: every check of hosts says so, and none passes or calls it drift."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import verify_report
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from tests import planted
from tests.unit.plugins.plugin_utils._verify.verify_facts import facts, host

OF_HOSTS = [check for check in verify_check.registry() if check.area == "hosts" or "hosts" in check.needs]
EVERY = " ".join(check.id for check in OF_HOSTS)
LOST = {"unreachable": True}
ANSWERS: dict[str, Any] = {
    "sshd refuses": {**LOST, "msg": "Failed to connect to the host via ssh: Connection refused"},
    "the host key changed": {**LOST, "msg": "REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed."},
    "no key is accepted": {**LOST, "msg": "Permission denied (publickey)."},
    "the name is unknown": {**LOST, "msg": "Could not resolve hostname"},
    "ssh ended early": {**LOST, "msg": ""},
    "lost without a word": LOST,
    "sudo is refused": {"failed": True, "msg": "Missing sudo password"},
    "no sudoer": {"failed": True, "msg": "deploy is not in the sudoers file", "rc": 1},
    "no Python": {"failed": True, "msg": "/usr/bin/python3: not found", "module_stderr": "x", "rc": 127},
    "an old Python": {"failed": True, "msg": "needs Python 3.8", "rc": 1},
    "the disk is full": {"failed": True, "msg": "OSError: [Errno 28] No space left on device"},
    "a read-only file system": {"failed": True, "msg": "Failed to create temporary directory."},
    "no memory": {"failed": True, "msg": "MODULE FAILURE", "rc": -9},
    "too late": {"failed": True, "msg": "timed out", "timedout": {"frame": "x", "period": 30}},
    "no answer": {},
    "skipped": {"skipped": True},
    "half an answer": {"units": [], "drift": {}},
    "a list": [],
    "a text": "file",
    "nothing": None,
    "a terminal's escape": {"failed": True, "msg": "\x1b[2Jfine"},
}


@planted.mistakes("A host that gives no answer", planted.PROGRAM, checks=EVERY, number=1)
@pytest.mark.parametrize("name", ANSWERS)
def test_no_check_passes(name: str) -> None:
    hosts = {"web1": host(), "web2": verify_report.host(ANSWERS[name])}
    results = verify_check.run_checks(OF_HOSTS, facts(hosts=hosts))
    assert {*planted.found(results)} == {*EVERY.split()}
    for result in results:
        own = [outcome for outcome in result.outcomes if outcome.place == "web2"]
        assert result.status == NOT_CHECKED, result.check.id
        assert {outcome.status for outcome in own} == {NOT_CHECKED}, result.check.id
        assert all(outcome.message and outcome.message.isprintable() for outcome in own)
        assert not [outcome for outcome in result.outcomes if outcome.status == FAIL]
