# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts that still let a leaked key in: what is left for later, and what takes it up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    hosts_with_old_key,
    timestamps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    Journal,
    OpenRotation,
    PendingTask,
    Rotated,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import RotationRequest
from tests.unit.plugins.plugin_utils._rotation.plan_ground import CORE, NOW, made_ground

STAMP = timestamps.stamp(NOW)
LEFT = PendingTask("r0/token", "token", "revoke", STAMP, "r0", {"app/test/more": "v0"}, hosts=("web2",))
INCIDENT = Incident("leak-1", timestamps.stamp(NOW - timedelta(hours=1)), "ops", ("token",))
JOURNAL = Journal(
    pending_tasks={LEFT.id: LEFT}, rotated={"token": Rotated(STAMP, "ops", "r0", "leak-1")}, incident=INCIDENT
)


def rotation(*left: str, **plan: Any) -> OpenRotation:
    item = {"kind": "given", "act": "rotate", "phases": 1}
    plan = {
        "incident": "leak-1",
        "credentials": {"token": item},
        "secrets": {"app/test/more": "v1", CORE: "v7"},
        **plan,
    }
    return OpenRotation("r1", "record", "ops", STAMP, plan=plan, hosts_with_old_key={"token": left})


class TestLeft:
    def test_where_it_is_left(self) -> None:
        catalog = made_ground().catalog
        pending_tasks = hosts_with_old_key.pending_tasks(
            catalog, rotation("web3", "web2"), JOURNAL.pending_tasks, STAMP
        )
        later = {"credential": "token", "act": "revoke", "due": STAMP, "rotation": "r1", "hosts": ["web2", "web3"]}
        assert pending_tasks == {"r1/token": {**later, "secrets": {"app/test/more": "v1"}}}

    def test_the_same_former_value_once_more(self) -> None:
        item = {"kind": "given", "act": "revoke", "phases": 0, "pending_task": LEFT.id}
        again = rotation("web2", credentials={"token": item}, secrets={})
        (result,) = hosts_with_old_key.pending_tasks(
            made_ground().catalog, again, JOURNAL.pending_tasks, STAMP
        ).values()
        assert (result["secrets"], result["hosts"]) == ({"app/test/more": "v0"}, ["web2"])

    def test_nothing_is_left(self) -> None:
        assert hosts_with_old_key.pending_tasks(made_ground().catalog, rotation(), {}, STAMP) == {}


def test_hosts_that_get_nothing_new() -> None:
    assert hosts_with_old_key.withheld(JOURNAL) == ["web2"]
    assert hosts_with_old_key.withheld(replace(JOURNAL, rotation=rotation("web1"))) == ["web1", "web2"]
    plain = replace(LEFT, hosts=())
    assert hosts_with_old_key.withheld(Journal(pending_tasks={plain.id: plain})) == []
    assert hosts_with_old_key.by_credential(replace(JOURNAL, rotation=rotation("web1"))) == {"token": ["web1", "web2"]}
    assert hosts_with_old_key.by_credential(Journal(rotation=rotation())) == {}


class TestPlan:
    def test_a_leaks_run_takes_it_up_and_replaces_nothing_twice(self) -> None:
        plan = rotation_plan.plan(replace(made_ground(), journal=JOURNAL), RotationRequest(("token",), leak="leak-1"))
        (item,) = plan.items
        assert (item.act, item.phases, item.pending_task, item.places) == ("revoke", 0, LEFT.id, ())
        assert item.hosts == ("web2",)
        assert rotation_plan.items_of(json.loads(json.dumps(plan.entry()))) == (replace(item, reason=""),)
        assert item.reason == "its leaked key is still authorized on web2"
        assert (plan.phases, plan.secrets, plan.passed_over) == (0, {}, {})

    def test_beside_what_is_replaced(self) -> None:
        plan = rotation_plan.plan(
            replace(made_ground(), journal=JOURNAL), RotationRequest(("token", "cache"), leak="leak-1")
        )
        assert [(item.credential, item.act) for item in plan.items] == [("cache", "rotate"), ("token", "revoke")]

    def test_nobody_else_does(self) -> None:
        plan_inputs = replace(made_ground(), journal=JOURNAL)
        assert [item.act for item in rotation_plan.plan(plan_inputs, RotationRequest(("token",))).items] == []
        assert rotation_plan.plan(plan_inputs, RotationRequest(("cache",), leak="leak-1")).items[0].act == "rotate"

    def test_one_that_leaked_again_is_replaced_first(self) -> None:
        journal = replace(JOURNAL, incident=INCIDENT.without(["r0/token"]))
        plan = rotation_plan.plan(replace(made_ground(), journal=journal), RotationRequest(("token",), leak="leak-1"))
        assert [(item.credential, item.act) for item in plan.items] == [("token", "rotate")]
