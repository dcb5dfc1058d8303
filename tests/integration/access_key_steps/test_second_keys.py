# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The holder of a leaked access key makes a second key, or deactivates or deletes the leaked one. On moto."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.access_key_states import blockers
from sandbox.faults import Fault
from tests.integration.access_key_lab import USER, keys
from tests.integration.access_key_steps.world import BEFORE, World

LATER = datetime.now(UTC) + timedelta(hours=1)
"""When the rotation began: what exists before is not left by it."""


@pytest.fixture
def leak(world: World) -> World:
    world.leaked()
    return world


def attackers(world: World, *, active: bool = True) -> str:
    key = str(world.iam.create_access_key(UserName=USER)["AccessKey"]["AccessKeyId"])
    if not active:
        world.iam.update_access_key(UserName=USER, AccessKeyId=key, Status="Inactive")
    return key


VETOES: dict[str, Callable[[World], object]] = {
    "a second key": attackers,
    "a second key that is inactive": lambda world: attackers(world, active=False),
    "the leaked key is inactive": lambda world: world.store.deactivate(
        USER, str(world.old.username), fresh=WritePermission()
    ),
    "the leaked key is deleted": lambda world: world.store.delete(
        USER, str(world.old.username), fresh=WritePermission()
    ),
}


def evicting(world: World, *, since: str = "", recorded: set[str] | None = None) -> None:
    assert world.second_keys
    world.second_keys = replace(world.second_keys, evicts=True, since=since, recorded=lambda: recorded)


def test_without_a_leak_it_stops_the_rotation(world: World) -> None:
    other = attackers(world)
    with pytest.raises(RotationError, match=f"delete-access-key --user-name {USER} --access-key-id {other}"):
        world.steps(since=LATER).issued()
    assert keys(world.iam) == {world.old.username: "Active", other: "Active"}


def test_an_active_one_stays_and_the_leaked_one_makes_room(leak: World) -> None:
    other = attackers(leak)
    leak.steps(since=LATER).issued()
    new = leak.issued.take("storage")
    assert leak.names() == {other, new.username}
    (line,) = leak.steps(new, since=LATER).revoked()["footholds"]
    assert line.startswith(f"active access key {other} of user {USER}, created 20")
    assert line.endswith(f", never used: aws iam delete-access-key --user-name {USER} --access-key-id {other}")
    assert leak.names() == {other, new.username}


def test_an_inactive_one_goes(leak: World) -> None:
    other = attackers(leak, active=False)
    answer = leak.steps(since=LATER).issued()
    new = leak.issued.take("storage")
    assert keys(leak.iam) == {leak.old.username: "Active", new.username: "Active"}
    assert answer["evicted"][0].startswith(f"inactive access key {other} of user {USER}, created ")
    after = leak.steps(new, since=LATER, evicted={other: leak.notes[f"evicted/{other}"]}).revoked()
    assert after["evicted"] == answer["evicted"]
    assert "footholds" not in after


@pytest.mark.parametrize(
    ("since", "recorded", "goes"),
    [
        (timestamps.stamp(BEFORE), None, True),
        (timestamps.stamp(LATER), None, False),
        ("", None, False),
        ("", set(), True),
    ],
    ids=["made since", "older", "no date", "baseline"],
)
def test_an_active_one_goes_on_request(leak: World, since: str, recorded: set[str] | None, goes: bool) -> None:
    """Unknown to the baseline, or made while the value was known to others."""
    other = attackers(leak)
    evicting(leak, since=since, recorded=recorded)
    leak.steps(since=LATER).issued()
    assert (other in leak.names()) is not goes
    assert (leak.old.username in leak.names()) is goes


def test_one_that_the_baseline_has_stays(leak: World) -> None:
    other = attackers(leak, active=False)
    evicting(leak, since=timestamps.stamp(BEFORE), recorded={other})
    leak.steps(since=LATER).issued()
    new = leak.issued.take("storage")
    assert leak.names() == {other, new.username}
    assert "footholds" not in leak.steps(new, since=LATER).revoked()


def test_one_that_is_made_while_the_response_runs_is_named(leak: World) -> None:
    leak.steps().issued()
    new = leak.issued.take("storage")
    leak.iam.delete_access_key(UserName=USER, AccessKeyId=leak.old.username)
    other = attackers(leak)
    assert other in leak.steps(new).revoked()["footholds"][0]


@pytest.mark.parametrize("held_in", ["a store", "the baseline"])
def test_a_colleagues_new_key_stays(world: World, held_in: str) -> None:
    """Unused and as new as the rotation: what a killed attempt would have left."""
    other = attackers(world)
    world.leaked(**{"held": {other}} if held_in == "a store" else {"recorded": {other}})
    world.steps().issued()
    new = world.issued.take("storage")
    world.steps(new).revoked()
    assert world.names() == {other, new.username}
    world.steps(aborting=True).revoked()
    assert other in world.names()


def test_one_that_goes_as_left_by_a_killed_attempt_is_named(leak: World) -> None:
    other = attackers(leak)
    (line,) = leak.steps().issued()["evicted"]
    assert line == leak.notes[f"evicted/{other}"]
    assert line.startswith(f"active access key {other} of user {USER}, created 20")
    leak.store.delete(USER, str(leak.issued.take("storage").username), fresh=WritePermission())
    other = attackers(leak)
    (line,) = leak.steps(aborting=True).revoked()["evicted"]
    assert other in line


def test_a_former_key_goes_before_the_one_in_use(world: World) -> None:
    former = attackers(world)
    world.leaked(held={former}, former=lambda: {former})
    (line,) = world.steps(since=LATER).issued()["evicted"]
    assert line.startswith(f"active previous access key {former} of user {USER}")
    assert world.names() == {world.old.username, world.issued.take("storage").username}


def test_what_goes_is_in_the_journal_before(leak: World) -> None:
    """A run may be killed between a deletion and its next entry."""
    other = attackers(leak, active=False)
    leak.moto.set_faults(Fault("deny", "DeleteAccessKey"))
    with pytest.raises(RotationError):
        leak.steps(since=LATER).issued()
    assert {*leak.notes} == {f"evicted/{other}", "old_deleted"}
    leak.moto.set_faults()
    noted = {other: leak.notes[f"evicted/{other}"]}
    leak.store.delete(USER, other, fresh=WritePermission())
    new = leak.made()
    assert leak.steps(new, since=LATER, evicted=noted).revoked()["evicted"] == [noted[other]]


def test_one_that_is_noted_and_still_there_is_a_foothold(leak: World) -> None:
    new = leak.made()
    leak.iam.delete_access_key(UserName=USER, AccessKeyId=leak.old.username)
    other = attackers(leak)
    answer = leak.steps(new, evicted={other: "noted"}).revoked()
    assert "evicted" not in answer
    assert other in answer["footholds"][0]


def test_if_nothing_can_be_deleted_the_leaked_key_is_off(leak: World) -> None:
    other = attackers(leak, active=False)
    leak.moto.set_faults(Fault("deny", "DeleteAccessKey"))
    with pytest.raises(RotationError, match=f"the leaked key {leak.old.username} is inactive, but was not deleted"):
        leak.steps(since=LATER).issued()
    assert keys(leak.iam) == {leak.old.username: "Inactive", other: "Inactive"}


def test_a_rollback_needs_no_leaked_key(leak: World) -> None:
    attackers(leak)
    leak.steps(since=LATER).issued()
    new = leak.issued.take("storage")
    assert leak.steps(new, aborting=True, since=LATER).revoked()["changed"]
    assert new.username not in leak.names()


def test_a_rollback_leaves_a_blocked_key_off(leak: World) -> None:
    assert leak.steps().blocked()["message"] == f"key {leak.old.username} of user {USER} is inactive"
    leak.steps(first_off=True, stays_off=True).issued()
    leak.steps(leak.issued.take("storage"), aborting=True, first_off=True, stays_off=True).revoked()
    assert keys(leak.iam) == {leak.old.username: "Inactive"}


@pytest.mark.parametrize("name", VETOES)
def test_no_act_of_its_holder_stops_a_response(leak: World, name: str) -> None:
    old = str(leak.old.username)
    VETOES[name](leak)
    assert blockers(leak.store, old, USER) != [], "but an ordinary rotation"
    assert blockers(leak.store, old, USER, leaked=True) == []
    leak.steps(since=LATER).issued()
    new = leak.issued.take("storage")
    leak.steps(new, since=LATER).revoked()
    assert leak.store.accepts(new, USER)
    assert old not in leak.names()
