# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts answered since the last segment."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.host_results import Hosts, batches_of

VERIFIED = {"secret_rotate_verification": {"restart_needed": False, "changed": False, "addresses": ["192.0.2.1"]}}
HEALTHY = {"env_deploy_delivery": {"healthy": True, "healthy_at": 5.0}}
LOST = {"env_deploy_failure": {"rollout": "7", "reason": "gone", "lost": True, "recovery": ""}}
SICK = {
    "env_deploy_failure": {
        "rollout": "7",
        "reason": "no answer",
        "lost": False,
        "recovery": "the last healthy file is back",
    }
}


def hosts(*entries: dict[str, Any], **extra: Any) -> Hosts:
    variables = {f"web{number}": entry for number, entry in enumerate(entries, 1)}
    return Hosts(list(variables), variables, rollout="7", **extra)


def test_a_rollout_that_went_well() -> None:
    result = hosts(HEALTHY)
    assert (result.outcome, result.may_go_on, result.message, result.healthy_at) == ("done", True, "", [5.0])


def test_a_host_that_is_not_well_takes_it_back() -> None:
    result = hosts(LOST, SICK)
    assert (result.outcome, result.may_go_on) == ("failed", False)
    assert result.message == "web1: gone. web2: no answer; the last healthy file is back."


def test_lost_hosts_are_no_fault_of_the_new_value() -> None:
    assert (hosts(LOST, HEALTHY).outcome, hosts(LOST, HEALTHY).may_go_on) == ("lost", False)
    left = hosts(LOST, HEALTHY, leaves_lost=True)
    assert (left.outcome, left.may_go_on) == ("done", True)


class TestAfterALeak:
    """An unhealthy host has no veto, but a value that no host runs on is not a new value."""

    def test_one_unhealthy_host_does_not_keep_the_others_from_new_values(self) -> None:
        result = hosts(SICK, HEALTHY, leak=True, leaves_lost=True)
        assert (result.may_go_on, result.outcome) == (True, "done")
        assert result.message == "web1: no answer; the last healthy file is back."

    def test_where_none_is_healthy_it_goes_back(self) -> None:
        result = hosts(SICK, LOST, leak=True, leaves_lost=True)
        assert (result.may_go_on, result.outcome) == (True, "failed")

    def test_a_lost_host_stops_the_batches_where_none_may_be_left(self) -> None:
        assert not hosts(LOST, HEALTHY, leak=True).may_go_on


def test_failures_of_another_rollout_do_not_count() -> None:
    result = Hosts(["web1"], {"web1": SICK}, rollout="8")
    assert (result.outcome, result.message) == ("done", "")


def test_what_a_host_said_before_it_was_verified_is_forgotten() -> None:
    assert hosts({**SICK, **HEALTHY}).message == ""


def test_only_a_host_that_runs_on_what_is_prescribed_is_verified() -> None:
    result: dict[str, dict[str, Any]] = {
        "web1": VERIFIED,
        "web2": {"secret_rotate_verification": {"restart_needed": True, "changed": False}},
        "web3": {"secret_rotate_verification": {"restart_needed": False, "changed": True}},
        "web4": {"secret_rotate_verification": {"failed": True}},
        "web5": {},
    }
    found = Hosts([*result, "web6"], result)
    assert found.verified == ["web1"]
    assert found.addresses == ["192.0.2.1"]


@pytest.mark.parametrize(
    ("serial", "expected"),
    [
        ([1, "25%"], [[1], [2, 3], [4, 5], [6, 7], [8]]),
        (["100%"], [[1, 2, 3, 4, 5, 6, 7, 8]]),
        ([], [[1, 2, 3, 4, 5, 6, 7, 8]]),
        ([3], [[1, 2, 3], [4, 5, 6], [7, 8]]),
        (["3", "100%"], [[1, 2, 3], [4, 5, 6, 7, 8]]),
        (["1%", 0], [[1], [2, 3, 4, 5, 6, 7, 8]]),
    ],
)
def test_batches_are_as_ansible_makes_them(serial: list[Any], expected: list[list[int]]) -> None:
    assert batches_of([str(at) for at in range(1, 9)], serial) == [[str(at) for at in group] for group in expected]


def test_no_host_makes_no_batch() -> None:
    assert batches_of([], [1]) == []
