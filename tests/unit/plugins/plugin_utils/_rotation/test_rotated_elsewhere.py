# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An operator states that credentials were rotated elsewhere: what is taken, and what would make an old value young."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import rotation_info
from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    Denied,
    JournalError,
    RotationError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import rotated_elsewhere
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.action.test_rotation_forgotten import act
from tests.unit.plugins.plugin_utils._rotation.dated_world import START, Dated, at
from tests.unit.plugins.plugin_utils._rotation.rotator_world import COPY, CORE, NOW, TOKEN
from tests.unit.plugins.plugin_utils._rotation.test_plan_reader import setting

HEAD = {"number": 3, "digest": "d"}
GIVEN: dict[str, Any] = {"credentials": ["token"], "reason": "by the provider", "audit": HEAD}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Dated:
    """The stores were written on day 0 and on day 10, with other values then; it is day 20."""
    made = Dated()
    made.pass_to(10)
    for name in (CORE, COPY):
        text = made.secrets.read([name]).readings[name].value
        made.secrets.seed(name, text.replace(":old@", ":new@"))
    made.parameters.seed(TOKEN, "new-token")
    module = "ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.context.now"
    monkeypatch.setattr(module, lambda: START + timedelta(days=20))
    return made


def state(world: Dated, *, check: bool = False, **given: Any) -> dict[str, Any]:
    return rotated_elsewhere.record_statement(setting(world), {**GIVEN, **given}, check=check)


@pytest.mark.parametrize(("text", "stamp"), [(at(10), at(10)), ("2026-12-05", "2026-12-05T00:00:00Z")])
def test_the_age_counts_from_then(world: Dated, text: str, stamp: str) -> None:
    waited = state(world, check=True, at=text)
    assert world.rotator().look().head == 0
    answer = state(world, at=text)
    assert answer["record"] == waited["record"]
    assert answer["messages"] == [f"token: rotated elsewhere at {stamp}"]
    journal = world.rotator().look()
    assert (journal.rotation, journal.audit) == (None, HEAD)
    age = credential_ages.age_of(world.catalog, world.catalog.credentials["token"], journal, START + timedelta(days=20))
    assert age.last is not None
    assert (age.last.at, age.last.rotation, age.stored) == (stamp, "elsewhere", "")
    assert any(f"{stamp} elsewhere, recorded by " in line for line in act(world, rotation_info, None)["table"])
    audit_record.require({"application": "app", "environment": "test", **answer["record"]})
    assert (answer["record"]["reason"], answer["record"]["who"]) == ("by the provider", world.rotator().me.who)


def test_several_at_once_and_the_same_again(world: Dated) -> None:
    for _time in range(2):
        answer = state(world, at=at(3), credentials=["token", "database"])
        assert len(answer["messages"]) == 2
    assert set(world.rotator().look().rotated) == {"token", "database"}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"at": at(21)}, f"token: {at(21)} is in the future"),
        (
            {"at": at(11)},
            f"token: {TOKEN} was last written at {at(10)}, before {at(11)}. If it holds the new value, give an earlier",
        ),
        ({"at": "yesterday"}, "yesterday: is not a date or a time (UTC); give"),
        ({"at": ""}, "is not a date"),
        ({"at": at(1), "credentials": []}, "No credential was named"),
        ({"at": at(1), "credentials": ["tokn"]}, "tokn: is not a credential of the catalog"),
        ({"at": at(1), "reason": " "}, "the reason is missing"),
    ],
)
def test_what_is_refused(world: Dated, given: dict[str, Any], problem: str) -> None:
    with pytest.raises(RotationError, match=re.escape(problem)):
        state(world, **given)
    assert world.rotator().look().head == 0


@pytest.mark.parametrize("credential", ["token", "database"])
def test_a_value_that_was_there_before_is_not_new(world: Dated, credential: str) -> None:
    """Another key of the secret was written since, or the parameter with the same value."""
    world.pass_to(15)
    for name in (CORE, COPY):
        world.rewrite(name)
    world.parameters.seed(TOKEN, "new-token")
    with pytest.raises(RotationError, match=rf"{credential}: .* held the same value before {at(12)}, so it is the old"):
        state(world, at=at(12), credentials=[credential])
    state(world, at=at(9), credentials=[credential])


def test_what_cannot_be_read_shows_nothing(world: Dated) -> None:
    class Closed(Hook):
        def before(self, op: str, name: str) -> None:
            if op == "read":
                raise Denied("explicit deny", "explicit deny")

    world.parameters.hook = Closed()
    with pytest.raises(RotationError, match=r"token: .*explicit deny"):
        state(world, at=at(5))


def test_another_parameter_may_be_older(world: Dated) -> None:
    world.pass_to(1)
    world.parameters.seed("/app/test/OTHER", "x")
    state(world, at=at(5))


@pytest.mark.parametrize("name", [CORE, COPY])
def test_each_place_must_hold_the_new_value(world: Dated, name: str) -> None:
    world.pass_to(15)
    world.rewrite(name)
    with pytest.raises(RotationError) as raised:
        state(world, at=at(12), credentials=["database"])
    assert f"{({CORE, COPY} - {name}).pop()} was last written at {at(10)}" in str(raised.value)
    assert f"{name} was last" not in str(raised.value)


def test_a_rotation_of_the_journal_is_not_made_older(world: Dated) -> None:
    rotator = world.rotator()
    rotator.append(rotator.look(), "r0", "closed", rotated={"token": {"at": at(5), "who": "ann", "rotation": "r0"}})
    with pytest.raises(RotationError, match=f"the journal has a later rotation, of {at(5)} by ann"):
        state(world, at=at(4))
    state(world, at=at(6))


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        ({"lease": {"id": "x", "accessor": "a", "ends": NOW}}, "its value has a lease"),
        ({"used": {"last": "3 sessions"}}, "only a rotation records its earlier uses"),
    ],
)
def test_what_the_journal_keeps_is_renewed_by_a_rotation_alone(
    world: Dated, kept: dict[str, Any], message: str
) -> None:
    rotator, by = world.rotator(), {"at": NOW, "who": "ann", "rotation": "r0", **kept}
    rotator.append(rotator.look(), "r0", "closed", rotated={"token": by})
    with pytest.raises(RotationError, match=message):
        state(world, at=at(6))


def test_not_while_a_rotation_is_open(world: Dated) -> None:
    world.begun("database")
    with pytest.raises(JournalError, match=r"rotation r1 of .* is open; finish it"):
        state(world, at=at(6))


def test_not_while_a_leak_is_open(world: Dated) -> None:
    rotator, leak = world.rotator(), Incident("leak-1", NOW, "ops", ("token",))
    rotator.append(rotator.look(), "leak-1", "closed", incident=leak.entry())
    with pytest.raises(JournalError, match="leak leak-1 is open; finish it"):
        state(world, at=at(6))
