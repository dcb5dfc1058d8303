# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts answered since the last segment."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.hosts import Hosts, batches_of

PROVEN = {"secret_rotate_proof": {"restart_needed": False, "changed": False, "addresses": ["192.0.2.1"]}}
HEALTHY = {"env_deploy_delivery": {"proven": True, "proven_at": 5.0}}
LOST = {"env_deploy_failure": {"rollout": "7", "reason": "gone", "lost": True, "recovery": ""}}
SICK = {
    "env_deploy_failure": {
        "rollout": "7",
        "reason": "no answer",
        "lost": False,
        "recovery": "the last proven file is back",
    }
}


def hosts(*every: dict[str, Any], **more: Any) -> Hosts:
    variables = {f"web{number}": one for number, one in enumerate(every, 1)}
    return Hosts(list(variables), variables, rollout="7", **more)


def test_a_rollout_that_went_well() -> None:
    found = hosts(HEALTHY)
    assert (found.outcome, found.may_go_on, found.words, found.proven_at) == ("done", True, "", [5.0])


def test_a_host_that_is_not_well_takes_it_back() -> None:
    found = hosts(LOST, SICK)
    assert (found.outcome, found.may_go_on) == ("failed", False)
    assert found.words == "web1: gone. web2: no answer. web2: the last proven file is back."


def test_lost_hosts_are_no_fault_of_the_new_value() -> None:
    assert (hosts(LOST, HEALTHY).outcome, hosts(LOST, HEALTHY).may_go_on) == ("lost", False)
    left = hosts(LOST, HEALTHY, leaves_lost=True)
    assert (left.outcome, left.may_go_on) == ("done", True)


class TestAfterALeak:
    """An unhealthy host has no veto, but a value that no host runs on is no new value."""

    def test_one_unhealthy_host_does_not_keep_the_others_from_new_values(self) -> None:
        found = hosts(SICK, HEALTHY, leak=True, leaves_lost=True)
        assert (found.may_go_on, found.outcome) == (True, "done")
        assert found.words == "web1: no answer. web1: the last proven file is back."

    def test_where_none_is_healthy_it_goes_back(self) -> None:
        found = hosts(SICK, LOST, leak=True, leaves_lost=True)
        assert (found.may_go_on, found.outcome) == (True, "failed")

    def test_a_lost_host_stops_the_batches_where_none_may_be_left(self) -> None:
        assert not hosts(LOST, HEALTHY, leak=True).may_go_on


def test_failures_of_another_rollout_do_not_count() -> None:
    found = Hosts(["web1"], {"web1": SICK}, rollout="8")
    assert (found.outcome, found.words) == ("done", "")


def test_what_a_host_said_before_it_was_proven_is_forgotten() -> None:
    assert hosts({**SICK, **HEALTHY}).words == ""


def test_only_a_host_that_runs_on_what_is_prescribed_is_proven() -> None:
    every: dict[str, dict[str, Any]] = {
        "web1": PROVEN,
        "web2": {"secret_rotate_proof": {"restart_needed": True, "changed": False}},
        "web3": {"secret_rotate_proof": {"restart_needed": False, "changed": True}},
        "web4": {"secret_rotate_proof": {"failed": True}},
        "web5": {},
    }
    found = Hosts([*every, "web6"], every)
    assert found.proven == ["web1"]
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
    assert batches_of([str(at) for at in range(1, 9)], serial) == [[str(at) for at in one] for one in expected]


def test_no_host_makes_no_batch() -> None:
    assert batches_of([], [1]) == []
