# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak is one incident, however often it is declared."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import declaration as leak_declaration
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.declaration import Declaration, LeakDeclaration
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS, World

IMPACT = {
    "declared": ["token"],
    "credentials": [{"name": "token", "kind": "given", "severity": "high", "wave": 0, "via": []}],
    "edges": [],
}


@pytest.fixture
def world() -> World:
    return World()


def setting_of(world: World, run: str = "run1") -> RotationSetup:
    return RotationSetup(world.catalog, KINDS, world.rotator(run), None)  # type: ignore[arg-type]


def declare(
    world: World, *leaked: str, check: bool = False, run: str = "run1", plan: str = "", **args: Any
) -> Declaration:
    setting = setting_of(world, run)
    journal, wish = setting.rotator.look(), LeakDeclaration(leaked, impact=IMPACT, **args)
    return (
        leak_declaration.declared(setting, journal, wish)
        if check
        else leak_declaration.declare(setting, journal, wish, plan)
    )


def test_in_the_journal(world: World) -> None:
    declaration = declare(world, "token", exposed_since="2026-11-20T10:00Z", containment="immediate")
    kept = world.rotator().look().incident
    assert kept is not None
    assert declaration.incident == kept
    assert (kept.declared, kept.since, kept.containment) == (("token",), "2026-11-20T10:00:00Z", "immediate")
    assert declaration.open_rotation is None


def test_a_second_one_joins(world: World) -> None:
    first = declare(world, "token").incident
    assert declare(world, "token").incident == first
    head = world.rotator().look().head
    assert head == 1, "what adds nothing is not written"
    joined = declare(world, "database", "token", run="run2").incident
    assert (joined.id, joined.at, joined.declared) == (first.id, first.at, ("token", "database"))


def test_a_second_one_escalates_and_never_back(world: World) -> None:
    first = declare(world, "token")
    assert first.message == "containment: graceful"
    harder = declare(world, "token", containment="immediate", run="run2")
    assert harder.incident.containment == "immediate"
    message = f"containment: immediate from now on; {first.incident.id} was declared as graceful"
    assert harder.message == message
    head = world.rotator().look().head
    back = declare(world, "token", containment="graceful")
    assert back.incident.containment == "immediate"
    assert back.message.startswith("containment: immediate, as leak-")
    assert world.rotator().look().head == head
    assert declare(world, "token", containment="immediate").message == "containment: immediate"
    blocking = declare(world, "token", containment="block", run="run3")
    assert blocking.message == f"containment: block from now on; {first.incident.id} was declared as immediate"
    assert blocking.incident.immediate
    assert declare(world, "token", containment="immediate").message.startswith("containment: block, as leak-")


def test_the_earlier_beginning_of_two_counts(world: World) -> None:
    declare(world, "token", exposed_since="2026-11-20")
    second = declare(world, "token", exposed_since="2026-11-18", run="run2")
    assert second.incident.since == "2026-11-18T00:00:00Z"
    assert declare(world, "token", exposed_since="2026-11-19").incident.since == "2026-11-18T00:00:00Z"
    assert declare(world, "token").incident.since == "2026-11-18T00:00:00Z"
    assert world.rotator().look().head == 2


def test_a_drill_of_an_escalation_writes_nothing(world: World) -> None:
    declare(world, "token")
    assert declare(world, "token", containment="immediate", check=True).incident.containment == "immediate"
    assert world.rotator().look().head == 1


def test_a_drill_writes_nothing(world: World) -> None:
    declaration = declare(world, "token", check=True)
    assert declaration.incident.declared == ("token",)
    assert world.rotator().look().head == 0


def test_the_open_rotation_is_reported(world: World) -> None:
    world.begun("token")
    match = {"credential": "token", "stage": "AWSPENDING", "form": "unchanged"}
    opened = declare(world, "token", matches=[match], check=True).open_rotation
    assert opened is not None
    assert (opened["credentials"], opened["may_have_leaked"]) == (["token"], True)
    opened = declare(world, "token").open_rotation
    assert opened is not None
    assert opened["may_have_leaked"] is False
    assert world.rotator().look().rotation is not None


@pytest.mark.parametrize(
    ("since", "message"),
    [
        (
            "yesterday",
            "^leak_exposed_since: 'yesterday' is not a time; give for example -e leak_exposed_since=2026-11-20T10:00Z$",
        ),
        ("9999-01-01", r"^leak_exposed_since: 9999-01-01 lies in the future; give a past time"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_a_beginning_that_cannot_be(world: World, since: str, message: str, check: bool) -> None:
    with pytest.raises(RotationError, match=message):
        declare(world, "token", exposed_since=since, check=check)
    assert world.rotator().look().head == 0


@pytest.mark.parametrize(
    ("since", "kept"),
    [
        ("2026-11-20", "2026-11-20T00:00:00Z"),
        ("2026-11-20T10:00:00+02:00", "2026-11-20T08:00:00Z"),
        ("", ""),
    ],
)
def test_a_beginning_in_any_form(since: str, kept: str) -> None:
    assert leak_declaration._since(since) == kept


def test_the_plan_is_known_in_the_same_entry(world: World) -> None:
    """Until an operator waits for the containment, each entry costs a call."""
    declaration = declare(world, "token", plan="credentials in the order of replacement: token")
    assert world.rotator().look().head == 1
    assert declaration.incident == world.rotator().look().incident
    assert declaration.incident.evidence["planned"] == "journal entry 1: credentials in the order of replacement: token"
    assert declare(world, "token", plan="another order").incident == declaration.incident
    assert world.rotator().look().head == 1
