# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that is lost is asked again for as long as that is wanted."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.watchparty.secrets.plugins.action import host_reachable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import remote_program
from tests.unit.plugins.action.local_action import run_action

act = partial(run_action, host_reachable.ActionModule)


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often the host is lost yet, and how often it was asked."""
    counts = [0, 0]

    def execute(*_args: Any, **_how: Any) -> dict[str, Any]:
        counts[1] += 1
        if counts[1] <= counts[0]:
            raise AnsibleConnectionFailure("no way")
        return {"changed": False, "reachable": True}

    monkeypatch.setattr(remote_program, "execute", execute)
    monkeypatch.setattr(host_reachable, "PAUSE", 0.01)
    return counts


def test_one_that_answers(lost: list[int]) -> None:
    assert act()["reachable"]
    assert lost == [0, 1]


def test_one_that_is_lost_is_unreachable(lost: list[int]) -> None:
    lost[0] = 1
    with pytest.raises(AnsibleConnectionFailure, match="no way"):
        act()


def test_one_that_comes_back(lost: list[int]) -> None:
    lost[0] = 3
    assert act(seconds=30)["reachable"]
    assert lost[1] == 4


def test_one_that_stays_away_fails(lost: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    lost[0] = 1000
    monkeypatch.setattr(host_reachable, "PAUSE", 2.0)
    result = act(seconds=1)
    assert (result["failed"], result["msg"]) == (True, "no way")
    assert lost[1] == 1
