# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    catalog_parser,
    timestamps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    CONFIRM,
    Journal,
    PendingTask,
    Rotated,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import (
    Item,
    RotationPlan,
    RotationRequest,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan_inputs import PlanInputs
from tests.unit.plugins.plugin_utils._rotation.plan_ground import ADMIN, CATALOG, CORE, KINDS, NOW, made_ground


def rotated(**days: int) -> Journal:
    rotateds = {name: Rotated(timestamps.stamp(NOW - timedelta(days=ago)), "ann@x", "r0") for name, ago in days.items()}
    return Journal(rotated=rotateds)


class TestPlan:
    def test_all_that_is_due(self) -> None:
        plan = rotation_plan.plan(made_ground(), RotationRequest())
        assert plan.refused == {}
        assert plan.passed_over == {"low": "has no limit"}
        assert [(item.credential, item.phases) for item in plan.items] == [
            *(("database", 1), ("cache", 1), ("django", 2), ("token", 1)),
            ("admin", 1),  # what changes others comes last
        ]
        assert plan.phases == 2
        assert plan.secrets == {ADMIN: "1", CORE: "1", "app/test/more": "1"}
        assert plan.parameters == {"/app/test/CACHE_URL": 1}
        assert "canary" not in repr(plan)

    def test_what_is_not_due_is_passed_over(self) -> None:
        plan = rotation_plan.plan(
            made_ground(journal=rotated(database=89, cache=90, token=1)), RotationRequest(("database", "cache"))
        )
        assert [(item.credential, item.reason) for item in plan.items] == [("cache", "due: 90 days old (limit 90)")]
        assert plan.passed_over == {"database": "89 days old, due in 1 days"}

    def test_force_regards_no_age(self) -> None:
        plan = rotation_plan.plan(
            made_ground(journal=rotated(database=1), supplied={"low": Login(None, "x")}),
            RotationRequest(("database", "low", "cache"), force=True),
        )
        assert {item.credential: item.reason for item in plan.items} == {
            "database": "forced (1 days old, due in 89 days)",
            "cache": "due: no record of its last rotation (limit 90 days)",
            "low": "forced (has no limit)",
        }

    def test_places_and_fallbacks(self) -> None:
        plan = rotation_plan.plan(made_ground(), RotationRequest(("django",)))
        assert plan.items[0].places == (
            Place(SECRETS_MANAGER, CORE, "SECRET_KEY"),
            Place(SECRETS_MANAGER, CORE, "FALLBACKS"),
        )

    def test_an_unknown_name(self) -> None:
        with pytest.raises(
            RotationError, match=r"^datbase, x: is not a credential of the catalog; choose from admin, cache, "
        ):
            rotation_plan.plan(made_ground(), RotationRequest(("x", "database", "datbase")))
        catalog = catalog_parser.parse({"application": "app", "settings": CATALOG["settings"]}, "test")
        bare = PlanInputs(catalog, Journal(), Contents(), KINDS, NOW)
        with pytest.raises(RotationError, match="choose from none"):
            rotation_plan.plan(bare, RotationRequest(("x",)))

    def test_one_refusal_stops_no_other(self) -> None:
        plan = rotation_plan.plan(made_ground(supplied={}), RotationRequest())
        assert set(plan.refused) == {"admin", "token"}
        assert {item.credential for item in plan.items} == {"database", "cache", "django"}

    def test_nothing(self) -> None:
        plan = rotation_plan.plan(made_ground(journal=rotated(cache=1)), RotationRequest(("cache",)))
        assert (plan.items, plan.phases, plan.secrets, plan.parameters) == ((), 0, {}, {})

    def test_an_entry_leads_back_to_the_items(self) -> None:
        plan = RotationPlan(
            (Item("a", "k"), Item("b", "k", rotation_plan.REVOKE, phases=0, pending_task="r0/b")), {"c": "x" * 161}
        )
        entry = json.loads(json.dumps(plan.entry()))
        assert rotation_plan.items_of(entry) == plan.items
        assert entry["refused"] == {"c": "x" * 157 + "..."}
        assert RotationPlan(refused={"c": "x" * 160}).entry()["refused"] == {"c": "x" * 160}
        assert rotation_plan.items_of({}) == ()


class TestLeak:
    def test_everything_named_rotates_whatever_its_age(self) -> None:
        wish = RotationRequest(("database", "django", "low"), leak="i-1", immediate=True)
        plan_inputs = made_ground(journal=rotated(database=1, django=1), supplied={"low": Login(None, "x")})
        plan = rotation_plan.plan(plan_inputs, wish)
        assert [(item.credential, item.act, item.phases) for item in plan.items] == [
            *(("database", "rotate", 1), ("django", "renew", 1), ("low", "rotate", 1)),
        ]
        assert {item.reason for item in plan.items} == {"it leaked, or a leaked credential reveals it"}
        entry = plan.entry()
        assert (entry["incident"], entry["immediate"], entry["phases"]) == ("i-1", True, 1)
        assert rotation_plan.items_of(entry) == tuple(replace(item, reason="", places=()) for item in plan.items)

    @pytest.mark.parametrize(
        ("incident", "spoiled", "again"),
        [("i-1", (), False), ("", (), True), ("i-0", (), True), ("i-1", ("r0/database",), True)],
        ids=["by the leak's own", "by a scheduled rotation", "by another leak's", "by what may have leaked too"],
    )
    def test_what_was_replaced_since(self, incident: str, spoiled: tuple[str, ...], again: bool) -> None:
        """When a rotation ended does not tell whether its new value can have leaked."""
        later = {"database": Rotated(timestamps.stamp(NOW), "ann@x", "r0", incident)}
        leak = Incident("i-1", timestamps.stamp(NOW - timedelta(hours=1)), "ann@x", spoiled=spoiled)
        plan_inputs = replace(made_ground(), journal=Journal(rotated=later, incident=leak))
        plan = rotation_plan.plan(plan_inputs, RotationRequest(("database",), leak="i-1"))
        passed = {} if again else {"database": "replaced since the leak was declared"}
        assert (len(plan.items), plan.passed_over) == (int(again), passed)

    def test_an_ordinary_plan_says_nothing_of_it(self) -> None:
        assert not {"incident", "immediate"} & set(rotation_plan.plan(made_ground(), RotationRequest()).entry())

    def test_a_third_partys_value_is_replaced_once(self) -> None:
        """That its provider has yet to revoke the old one is not a reason to ask for another new one."""
        incident = Incident("i-1", timestamps.stamp(NOW - timedelta(hours=1)), "ann")
        left = PendingTask("r0/token", "token", CONFIRM, timestamps.stamp(NOW), "r0")
        last = Rotated(timestamps.stamp(NOW), "ann", "r0", "i-1")
        journal = Journal(rotated={"token": last}, pending_tasks={left.id: left}, incident=incident)
        plan = rotation_plan.plan(made_ground(journal=journal), RotationRequest(("token",), leak="i-1"))
        assert plan.passed_over == {"token": "replaced since the leak was declared"}

    def test_pending_tasks_wait(self) -> None:
        due = PendingTask("r0/cache", "cache", "revoke", timestamps.stamp(NOW), "r0")
        plan_inputs = replace(made_ground(), journal=Journal(pending_tasks={due.id: due}))
        assert [
            item.act for item in rotation_plan.plan(plan_inputs, RotationRequest(("database",), leak="i-1")).items
        ] == ["rotate"]
