# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a segment takes from the variables of the hosts."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import StoreError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import outcome as rotation_outcome
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import segment as rotation_segment
from tests.unit.plugins.plugin_utils._rotation import server_world
from tests.unit.plugins.plugin_utils._rotation.rotator_world import World, going, opened

ACT: dict[str, Any] = {"credential": "deploy", "host": "web1", "state": "present", "pending_task": ""}
ROTATION: dict[str, Any] = {"next": "acts", "acts": [ACT, {**ACT, "host": "web2"}], "rollout": "7"}


def test_an_act_has_its_own_result() -> None:
    earlier = {"secret_rotate_act": {**ACT, "state": "usable"}, "failed": True}
    own = {"secret_rotate_act": ACT, "messages": ["web1: added"]}
    results = rotation_segment.results_of(
        ROTATION, {"web1": {"secret_rotate__acts": {"results": [earlier, own]}}, "web2": {}}
    )
    assert [entry.get("messages") for entry in results] == [["web1: added"], None]
    assert [entry["act"]["host"] for entry in results] == ["web1", "web2"]


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"secret_rotate__acts": {"unreachable": True}},
        {"secret_rotate__acts": {"results": [{"secret_rotate_act": {**ACT, "state": "revoked"}}]}},
    ],
    ids=["it did nothing", "it was lost", "its answer is of an earlier act"],
)
def test_a_host_that_did_not_act_could_not_be_reached(variables: dict[str, Any]) -> None:
    results = rotation_segment.results_of({**ROTATION, "acts": [ACT]}, {"web1": variables})
    assert results == [{"unreachable": True, "act": ACT}]


def test_hosts_answer_for_the_present_rollout() -> None:
    args = {"targeted_hosts": ["web1", "web2"], "leaves_lost": False, "incident": ""}
    variables = {"web1": {"env_deploy_delivery": {"healthy": True}, "env_deploy_path": "/srv/.env"}}
    hosts = rotation_segment.hosts_of(args, {**ROTATION, "next": "deliver"}, variables)
    assert hosts.variables == {"web1": {"env_deploy_delivery": {"healthy": True}}}
    assert (hosts.names, hosts.rollout, hosts.leaves_lost, hosts.leak) == (["web1", "web2"], "7", True, False)
    assert not rotation_segment.hosts_of(args, ROTATION, variables).leaves_lost


class BrokenOff(rotation_segment.SegmentAction):
    """A segment that an error ends."""

    def __init__(self) -> None:
        """Without Ansible's own arguments."""

    def carried_on(self, *_arguments: Any) -> dict[str, Any]:
        raise StoreError("AWSCURRENT is not\non version v1")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    events: list[tuple[Any, ...]] = []

    def announced(_setting: Any, name: str, about: str, outcome: str, **fields: Any) -> list[str]:
        events.append((name, about, outcome, fields["credentials"], fields["reason"]))
        return []

    monkeypatch.setattr(rotation_segment, "announce", announced)
    return events


@pytest.mark.parametrize(("run", "count"), [("run1", 1), ("run2", 0)], ids=["ours", "another run's"])
def test_an_error_that_leaves_a_rotation_open_is_announced(sent: list[tuple[Any, ...]], run: str, count: int) -> None:
    world = World()
    going(world, "database")
    setting = server_world.setting(world, world.rotator(run))
    rotation = opened(world.rotator().look())
    with pytest.raises(StoreError):
        BrokenOff().answer(setting, {"settings": {}}, {})
    reason = "AWSCURRENT is not on version v1"
    assert sent == [("rotation.failed", rotation.id, "stopped", ["database"], reason)] * count


def test_without_a_rotation_nothing_is_announced(sent: list[tuple[Any, ...]]) -> None:
    with pytest.raises(StoreError):
        BrokenOff().answer(server_world.setting(World()), {"settings": {}}, {})
    assert sent == []


def test_why_a_dropped_key_was_not_read() -> None:
    failed = {"secret_rotate__dropped": {"failed": True, "msg": "the version\n is gone"}}
    rotation = {**ROTATION, "next": "sessions"}
    assert rotation_segment.unread_of(rotation, {"web1": failed, "web2": {}}) == "the version is gone"
    assert rotation_segment.unread_of(rotation, {"web1": {}, "web2": {}}) == ""
    assert rotation_segment.unread_of(ROTATION, {"web1": failed, "web2": {}}) == ""


def test_what_was_seen_of_a_key() -> None:
    args = {"hosts": ["web1", "web2", "web3", "web4"], "skipped": ["web4"], "reachable": ["web1", "web2"]}
    answer = {"secret_rotate_look": "deploy", "old": True, "file": "/home/a/.ssh/authorized_keys", "account": "a"}
    variables = {"web1": {"secret_rotate__looked": {"results": [answer]}}, "web2": {}}
    entry, two, three = rotation_segment.seen_of(["deploy"], args, variables)
    assert (entry["there"], entry["lost"], entry["outside"], entry["account"]) == (True, False, False, "a")
    assert (two["host"], two["lost"], two["problem"]) == ("web2", True, "")
    assert three == {"credential": "deploy", "host": "web3", "lost": False, "outside": True}


def test_what_a_host_has_against_a_key() -> None:
    args = {"hosts": ["web1"], "skipped": [], "reachable": ["web1"]}
    answer = {"secret_rotate_look": "deploy", "failed": True, "unusable": True, "msg": "is a symbolic link"}
    (result,) = rotation_segment.seen_of(["deploy"], args, {"web1": {"secret_rotate__looked": {"results": [answer]}}})
    assert (result["problem"], result["unusable"], result["lost"]) == ("is a symbolic link", True, False)


@pytest.mark.parametrize(
    ("messages", "verdict", "incident", "tasks"),
    [
        (["done"], "", "", "outcome"),
        (["done"], "why", "", "failed"),
        ([], "", "", "end"),
        (["done"], "why", "leak-1", "end"),
    ],
)
def test_the_tasks_that_end_a_run(messages: list[str], verdict: str, incident: str, tasks: str) -> None:
    assert rotation_outcome.ending(messages, verdict, incident=incident)["tasks"] == tasks
    renewing = rotation_outcome.ending(messages, verdict, incident=incident, encrypted=True)
    assert (renewing["tasks"], renewing["ends"]) == ("end" if incident else "encrypted", tasks)
