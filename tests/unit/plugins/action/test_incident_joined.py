# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak that is declared while a rotation is open, or again while it is open itself: what is replaced, and counts."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import blast_radius, blast_radius_diagram
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import declaration as leak_declaration
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import response_report
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.declaration import Declaration, LeakDeclaration
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.response import Response
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.action import steps as rotation
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS, World, opened

CURRENT = {"credential": "database", "stage": "AWSCURRENT", "form": "unchanged"}


class Run:
    """One process of leak_response.yml, as far as its actions decide."""

    def __init__(self, world: World, run: str) -> None:
        self.world = world
        self.setting = RotationSetup(world.catalog, KINDS, world.rotator(run), SimpleNamespace())  # type: ignore[arg-type]

    def _act(self, module: Any, check: bool, **args: Any) -> dict[str, Any]:
        action = module.ActionModule.__new__(module.ActionModule)
        action._task = SimpleNamespace(check_mode=check)
        defaults = {name: item.get("default") for name, item in module.ActionModule.extra_options.items()}
        answer: dict[str, Any] = action.answer(self.setting, {**defaults, **args}, {})
        return answer

    def declare(self, *leaked: str, check: bool = False, **args: Any) -> Declaration:
        impact = blast_radius_diagram.data(blast_radius.impact(self.world.catalog, leaked, ["web1"]))
        act = leak_declaration.declared if check else leak_declaration.declare
        return act(self.setting, self.setting.rotator.look(), LeakDeclaration(leaked, impact=impact, **args))

    def begin(self, *names: str, **args: Any) -> dict[str, Any]:
        leak = self.incident
        return self._act(
            rotation, False, state="begun", credentials=list(names), incident=leak.id, resume="any", **args
        )

    def drill(self, *names: str, **args: Any) -> dict[str, Any]:
        return self._act(
            rotation, True, state="planned", credentials=list(names), incident="assessed", resume="any", **args
        )

    def finish(self) -> None:
        """From where the rotation is to its end."""
        while True:
            step = opened(self.setting.rotator.look()).step
            if step == "create":
                self.world.created(self.setting.rotator)
            if step == "promote":
                self.setting.rotator.promote()
            if step == "record":
                self._act(rotation, False, state="closed")
                return
            self._act(rotation, False, state="advanced", outcome="done")

    def report(self, tmp_path: Any, results: dict[str, Any]) -> list[str]:
        impact = blast_radius_diagram.data(blast_radius.impact(self.world.catalog, ["database"], []))
        response = Response("close", [], [], report_path=str(tmp_path), impact=impact, results=results)
        return list(response_report.write(self.setting, self.setting.rotator.look(), response, {}, {}).open)

    @property
    def incident(self) -> Incident:
        result = self.setting.rotator.look().incident
        assert result is not None
        return result


@pytest.fixture
def world() -> World:
    """Its database's login is kept for an hour after it was replaced."""
    made = World()
    database = replace(made.catalog.credentials["database"], revoke_after=3600)
    made.catalog = replace(made.catalog, credentials={**made.catalog.credentials, "database": database})
    return made


@pytest.fixture
def first(world: World) -> Run:
    return Run(world, "first")


def scheduled(world: World, step: str, *names: str) -> None:
    """A rotation of rotate.yml that came so far."""
    rotator = world.begun(*(names or ("database",)))
    world.created(rotator)
    for name in ("set", "test", "deploy", "promote", "revoke"):
        if opened(rotator.look()).step == step:
            return
        rotator.advance(name, phase=1 if name == "deploy" else 0)
        if name == "promote":
            rotator.promote()


class TestAScheduledRotation:
    def test_past_its_promotion_replaces_nothing(self, world: World, first: Run) -> None:
        """Its new value is what is in force, and what leaked; so it is ended, and replaced."""
        scheduled(world, "revoke")
        assert first.declare("database").aborts is False
        begun = first.begin("database", reached=["database"])
        assert begun["rotation"]["wait"] == 0, "a leak waits for no revocation"
        first.finish()
        assert first.incident.events == {}
        assert not first.begin("database")["nothing"]
        first.finish()
        assert set(first.incident.events) == {"live/database", "given/database"}
        assert first.begin("database")["plan"]["passed_over"] == {"database": "replaced since the leak was declared"}

    def test_whose_new_value_hosts_may_hold_is_rolled_back(self, world: World, first: Run) -> None:
        scheduled(world, "deploy")
        assert first.declare("database").aborts is True

    def test_whose_new_value_nobody_has_counts(self, world: World, first: Run) -> None:
        scheduled(world, "test")
        assert first.declare("database").aborts is False
        answer = first.begin("database", reached=["database"])["messages"]
        assert answer[2:] == [
            (
                "the rotation replaces a leaked credential, so it is now part of the leak response: it revokes the old "
                "values at its end and does not wait for revoke_after"
            )
        ]
        first.finish()
        assert first.begin("database")["nothing"]

    def test_of_others_is_none_of_the_leaks(self, world: World, first: Run) -> None:
        scheduled(world, "revoke")
        first.declare("token")
        begun = first.begin("database", reached=["token"], immediate=True)
        assert (begun["rotation"]["incident"], begun["rotation"]["wait"]) == ("", 3600)
        assert begun["messages"][1:] == ["it rotates database; no other rotation starts before it ends"]

    def test_is_hastened_by_a_second_command(self, world: World, first: Run) -> None:
        scheduled(world, "set")
        first.declare("database")
        assert first.begin("database", reached=["database"])["rotation"]["immediate"] is False
        second = Run(world, "second")
        assert second.declare("database", containment="immediate").aborts is False
        begun = second.begin("database", reached=["database"], immediate=True)
        assert begun["messages"][2:] == [
            "the rotation was graceful; from now on it revokes the old values before it deploys the new values"
        ]
        assert begun["rotation"]["todo"] == ["set", "test", "revoke_first", "deploy_1", "promote", "revoke", "record"]

    def test_a_drill_says_so_and_writes_nothing(self, world: World, first: Run) -> None:
        scheduled(world, "set")
        head = first.setting.rotator.look().head
        answer = first.drill("database", reached=["database"], immediate=True)["messages"]
        assert answer[2] == (
            "the rotation replaces a leaked credential, so it is now part of the leak response: it revokes the old "
            "values at its end and does not wait for revoke_after"
        )
        assert answer[3:] == [
            "the rotation was graceful; from now on it revokes the old values before it deploys the new values",
            "database is skipped: the open rotation r1 replaces it",
        ]
        assert "is rolled back" in first.drill("database", reached=["database"], abort=True)["messages"][0]
        assert first.setting.rotator.look().head == head


class TestThePlanBesideAnOpenRotation:
    """The leak's own rotations are planned as they will be once it is ended or aborted."""

    def test_what_cannot_be_replaced_is_refused_and_asked_for(self, world: World, first: Run) -> None:
        scheduled(world, "set")
        head = world.rotator().look().head
        result = first.drill("token", "django", reached=["token", "django"])
        assert result["refused"]["token"].startswith(
            "its provider issues the new value; give it at the terminal, which asks you"
        )
        assert result["needs"] == ["token"]
        assert {name: item["act"] for name, item in result["plan"]["credentials"].items()} == {"django": "renew"}
        assert result["messages"][0].endswith(" was not finished; it continues from its last step")
        assert result["messages"][1] == "it rotates database; no other rotation starts before it ends"
        assert any(item.startswith("token is REFUSED") for item in result["messages"][2:])
        assert result["rotation"]["id"] == "r1"
        assert world.rotator().look().head == head

    def test_anothers_pending_version_still_stands_against_it(self, world: World, first: Run) -> None:
        scheduled(world, "set", "token")
        secret = world.secrets._secrets["app/test/core"]
        secret.contents["theirs"] = secret.contents[secret.stages["AWSCURRENT"]]
        secret.stages["AWSPENDING"] = "theirs"
        assert (
            "has a pending version theirs of another writer"
            in first.drill("django", reached=["django"])["refused"]["django"]
        )

    def test_what_the_open_one_replaces_is_left_to_it(
        self, world: World, first: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(KINDS, "login", replace(KINDS["login"], stages=("set", "test", "revoke")))
        scheduled(world, "test")
        result = first.drill("database", reached=["database"], immediate=True)
        assert result["plan"]["passed_over"] == {"database": "the open rotation r1 replaces it"}
        assert (
            result["plan"]["credentials"],
            result["takes_down"],
        ) == ({}, ["database"])
        assert result["ends"] == {
            "removes": ["database"],
            "first": True,
            "past": False,
            "restarts": True,
        }

    def test_what_is_rolled_back_before_it_was_in_force_is_planned_anew(self, world: World, first: Run) -> None:
        scheduled(world, "deploy")
        result = first.drill("database", reached=["database"], abort=True, spoiled=["r1/database"])
        assert (
            list(result["plan"]["credentials"]),
            result["refused"],
        ) == (["database"], {})
        assert result["ends"]["removes"] == []

    @pytest.mark.parametrize(
        ("step", "abort", "end"), [("revoke", False, "has ended"), ("promote", True, "is rolled back")]
    )
    def test_what_only_its_end_tells_is_named(
        self, world: World, first: Run, step: str, end: str, *, abort: bool
    ) -> None:
        scheduled(world, step)
        result = first.drill("database", reached=["database"], abort=abort, spoiled=["r1/database"])
        assert (result["plan"]["credentials"], result["refused"], result["plan"]["passed_over"]) == ({}, {}, {})
        message = f"whether this credential can be replaced again is known only after rotation r1 {end}"
        assert result["messages"][-1] == f"database: {message}"


class TestAValueInForceAgain:
    @pytest.fixture
    def contained(self, first: Run) -> Run:
        """The login was replaced, and the run was killed before its report."""
        first.declare("database")
        first.begin("database")
        first.finish()
        assert first.begin("database")["nothing"]
        return first

    def test_is_replaced_again_and_verified_again(self, world: World, contained: Run, tmp_path: Any) -> None:
        assert contained.report(tmp_path, {"database": {"replaced": True}})[0].startswith("database: the new value")
        second = Run(world, "second")
        second.declare("database", matches=[CURRENT])
        assert set(second.incident.events) == {"again/database"}
        replaced = {"database": {"replaced": True, "evidence": "what this run saw before"}}
        assert "may have leaked too" in second.report(tmp_path, replaced)[0]
        assert not second.begin("database")["nothing"]
        second.finish()
        assert set(second.incident.events) == {"again/database", "live/database", "given/database"}
        assert second.begin("database")["nothing"]

    def test_a_run_that_goes_on_without_the_string_knows_it(self, world: World, contained: Run) -> None:
        Run(world, "second").declare("database", matches=[CURRENT])
        third = Run(world, "third")
        third.declare("database")
        assert not third.begin("database")["nothing"]

    def test_a_drill_plans_it(self, world: World, contained: Run) -> None:
        second = Run(world, "second")
        spoiled = second.declare("database", matches=[CURRENT], check=True).incident.spoiled
        assert second.drill("database")["nothing"]
        assert not second.drill("database", spoiled=spoiled)["nothing"]
        assert second.incident.spoiled == ()

    def test_a_former_signing_key_that_verifies_again(self, world: World, first: Run) -> None:
        """Somebody put it back into the list of previous keys, and so it is in force there."""
        first.declare("django")
        first.begin("django")
        first.finish()
        assert first.begin("django")["nothing"]
        second = Run(world, "second")
        second.declare("django", matches=[{"credential": "django", "stage": "FALLBACKS", "form": "unchanged"}])
        assert set(second.incident.events) == {"again/django"}
        assert not second.begin("django")["nothing"]

    def test_a_former_value_is_dead_already(self, world: World, contained: Run) -> None:
        second = Run(world, "second")
        second.declare("database", matches=[{**CURRENT, "stage": "AWSPREVIOUS"}])
        assert second.begin("database")["nothing"]

    def test_so_is_one_that_another_declaration_reveals(self, world: World, contained: Run) -> None:
        """The host was found to be open after it had got the new value."""
        second = Run(world, "second")
        second.declare("database", "host:web1")
        assert not second.begin("database")["nothing"]
