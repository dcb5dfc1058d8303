# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ages of credentials without a recorded rotation: never lower than the time that a value has been in its store."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.action import rotation_info
from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, Rotated
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan_reader, stored_since
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.action.test_rotation_forgotten import act
from tests.unit.plugins.plugin_utils._rotation.dated_world import START, Dated, at
from tests.unit.plugins.plugin_utils._rotation.rotator_world import ALL, COPY, CORE, NOW, TOKEN
from tests.unit.plugins.plugin_utils._rotation.test_plan_reader import Recorder, setting


def dates(world: Dated, journal: Journal | None = None, **read: Any) -> dict[str, str]:
    credentials = world.catalog.credentials.values()
    return stored_since.dates(world.catalog, journal or Journal(), credentials, world.secrets, world.parameters, **read)


@given(st.lists(st.tuples(st.sampled_from([CORE, COPY, TOKEN]), st.integers(0, 40)), max_size=8))
def test_an_age_never_gets_lower_by_a_write_of_something_else(writes: list[tuple[str, int]]) -> None:
    world, day = Dated(), 0
    for name, days in writes:
        day += days
        world.pass_to(day)
        world.rewrite(name)
        now = START + timedelta(days=day)
        ages = credential_ages.ages(world.catalog, Journal(), now, dates(world))
        assert {age.credential: age.days for age in ages} == dict.fromkeys(ALL, day)


def test_several_places_have_the_first_date() -> None:
    world = Dated()
    world.pass_to(5)
    world.secrets.delete(CORE)
    world.secrets.seed(CORE, json.dumps({"URL": "x"}))
    assert dates(world) == {"database": at(0), "django": at(5), "token": at(0)}


def test_what_the_journal_knows_is_not_asked_for() -> None:
    world, hook = Dated(), Recorder()
    world.secrets.hook = world.parameters.hook = hook
    journal = Journal(rotated=dict.fromkeys(ALL, Rotated(NOW, "ann", "r0")))
    assert (dates(world, journal), hook.acts) == ({}, [])


def test_what_was_read_is_not_read_again() -> None:
    world = Dated()
    contents = world.secrets.read([CORE, COPY]) | world.parameters.read(["/app/test"])
    hook = Recorder()
    world.secrets.hook = world.parameters.hook = hook
    known = {CORE: at(0), COPY: at(0)}
    assert dates(world, created=known, contents=contents) == dict.fromkeys(ALL, at(0))
    assert hook.acts == []


@pytest.mark.parametrize("name", [CORE, COPY])
def test_a_place_with_an_unknown_date_leaves_the_age_unknown(name: str) -> None:
    class Refused(Hook):
        def before(self, op: str, asked: str) -> None:
            if (op, asked) == ("describe", name):
                raise Denied("no")

    world = Dated()
    world.secrets.hook = Refused()
    assert "database" not in dates(world)


def test_a_secret_that_does_not_exist_has_no_say() -> None:
    world = Dated()
    world.secrets.delete(COPY)
    assert dates(world)["database"] == at(0)
    world.secrets.delete(CORE)
    assert set(dates(world)) == {"token"}


def test_a_first_version_that_is_not_kept_leaves_the_age_unknown() -> None:
    world = Dated()
    world.rewrite(TOKEN)
    assert dates(world)["token"] == at(0)
    world.parameters._pinned = lambda name, version: world.parameters.read([])  # type: ignore[method-assign]
    assert "token" not in dates(world)


def test_parameters_that_cannot_be_read_leave_the_age_unknown() -> None:
    class Refused(Hook):
        def before(self, op: str, asked: str) -> None:
            if asked.startswith("/"):
                raise Denied("no")

    world = Dated()
    world.parameters.hook = Refused()
    assert set(dates(world)) == {"database", "django"}


@pytest.mark.parametrize(("days", "due"), [(0, []), (89, []), (90, list(ALL))])
def test_the_first_night(monkeypatch: pytest.MonkeyPatch, days: int, due: list[str]) -> None:
    """Report and rotation agree, and what was provisioned just now is not due."""
    world = Dated()
    monkeypatch.setattr(
        "ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.context.now",
        lambda: START + timedelta(days=days),
    )
    report = act(world, rotation_info, None)
    assert sorted(report["due"]) == due
    assert {row["stored_since"] for row in report["credentials"]} == {at(0)}
    assert any(f"<= {days} d" in line for line in report["table"])
    made = setting(world)
    read = plan_reader.read(made, made.rotator.look(), rotation_plan.RotationRequest())
    assert read.stored == dict.fromkeys(ALL, at(0))
