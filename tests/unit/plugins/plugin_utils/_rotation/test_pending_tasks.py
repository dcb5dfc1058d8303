# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is left for later and cannot be carried out is named with the remedy, and the rest goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, PendingTask, Rotated
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    DENIED,
    MISSING,
    Contents,
    Failure,
    Reading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import pending_tasks
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from tests.unit.plugins.plugin_utils._rotation.plan_ground import CORE, NOW, core, made_ground

DUE = "2026-11-01T00:00:00Z"
FORGET = "then run ansible-playbook watchparty.secrets.rotation_forget -e rotation_forget="
ACTS = {"database": "revoke", "django": "drop_fallback", "gone": "revoke"}


def pending(*names: str) -> Journal:
    tasks = [PendingTask(f"r0/{name}", name, ACTS[name], DUE, "r0", {CORE: f"v-{name}"}) for name in names]
    fresh = {name: Rotated(f"{NOW:%Y-%m-%dT%H:%M:%SZ}", "ann", "r0") for name in made_ground().catalog.credentials}
    return Journal(pending_tasks={task.id: task for task in tasks}, rotated=fresh)


def held(text: str) -> Contents:
    return Contents({CORE: Reading(SECRETS_MANAGER, CORE, "v", text)})


def lost(reason: str) -> Contents:
    return Contents({}, {CORE: Failure(SECRETS_MANAGER, CORE, reason)})


WELL = held(core()[CORE])


def planned(*names: str, former: dict[str, Contents] | None = None, **extra: Any) -> rotation_plan.RotationPlan:
    ground = made_ground(journal=pending(*names), **extra)
    return rotation_plan.plan(replace(ground, former=former or {}), rotation_plan.RotationRequest())


def test_what_can_be_done_is_planned() -> None:
    plan = planned("database", "django", former={"r0/database": WELL, "r0/django": WELL})
    assert {item.pending_task for item in plan.items} == {"r0/database", "r0/django"}
    assert plan.refused == {}


def test_a_credential_that_left_the_catalog_is_named_and_the_others_go_on() -> None:
    plan = planned("gone", "django", former={"r0/django": WELL})
    assert [item.pending_task for item in plan.items] == ["r0/django"]
    assert plan.refused == {
        "gone": "the catalog no longer has this credential, and its previous value is still valid; restore "
        f"the entry, or remove its previous value by hand (docs/runbooks/by-hand.md, Remove), {FORGET}gone"
    }


@pytest.mark.parametrize(
    "former",
    [lost(MISSING), Contents({}), held("{}"), held(core(DATABASE_URL="no url")[CORE])],
    ids=["missing", "nothing", "empty", "no address"],
)
def test_a_version_that_is_gone_is_named_and_the_others_go_on(former: Contents) -> None:
    plan = planned("database", "django", former={"r0/database": former, "r0/django": WELL})
    assert [item.pending_task for item in plan.items] == ["r0/django"]
    assert plan.refused == {
        "database": f"its previous value can no longer be read from version v-database of secret {CORE}; remove its "
        f"previous value by hand (docs/runbooks/by-hand.md, Remove), {FORGET}database"
    }


def test_a_former_key_that_is_gone() -> None:
    plan = planned("database", "django", former={"r0/database": WELL, "r0/django": lost(MISSING)})
    assert [item.pending_task for item in plan.items] == ["r0/database"]
    assert plan.refused["django"].startswith("its previous key can no longer be read from version v-django")
    assert "remove its previous key by hand (in the setting that holds previous keys)" in plan.refused["django"]


def test_one_that_may_not_be_read() -> None:
    plan = planned("database", former={"r0/database": lost(DENIED)})
    assert plan.refused == {
        "database": (
            f"secret {CORE}, which holds its previous value, cannot be read: access denied; allow "
            "secretsmanager:GetSecretValue"
        )
    }


def test_one_whose_kind_is_gone() -> None:
    plan = planned("database", former={"r0/database": WELL}, credentials={"database": {"kind": "own"}})
    assert plan.refused["database"].startswith(
        "kind own does not exist, and its previous value is still valid; restore the kind"
    )


def test_others_are_not_spoken_of() -> None:
    ground = made_ground(journal=pending("gone"))
    assert rotation_plan.plan(ground, rotation_plan.RotationRequest(("database",))).refused == {}
    assert "gone" not in rotation_plan.plan(ground, rotation_plan.RotationRequest((), leak="l1")).refused


def test_named_by_their_credential_or_their_id() -> None:
    journal = pending("database", "gone")
    assert [pending_task.id for pending_task in pending_tasks.named(journal, ["gone"])] == ["r0/gone"]
    assert [pending_task.id for pending_task in pending_tasks.named(journal, ["r0/gone", "database"])] == [
        "r0/database",
        "r0/gone",
    ]
    message = r"; choose from r0/database, r0/gone$"
    for names in (["gnoe", "gone"], []):
        with pytest.raises(RotationError, match=message):
            pending_tasks.named(journal, names)


def test_the_record_of_the_same_ones_is_the_same() -> None:
    catalog = made_ground().catalog
    tasks = list(pending("database", "gone").pending_tasks.values())
    record = pending_tasks.record(catalog, tasks, "forgotten", "ann@laptop", NOW)
    assert (record["outcome"], record["credentials"], record["pending_tasks"]) == (
        "forgotten",
        ["database", "gone"],
        ["r0/database", "r0/gone"],
    )
    assert record["kinds"] == {"database": "role"}
    audit_record.require({**record, "application": "app", "environment": "test"})
    renamed = replace(catalog.credentials["database"], kind="Role")
    other = replace(catalog, credentials={**catalog.credentials, "database": renamed})
    assert pending_tasks.record(other, tasks, "forgotten", "ann@laptop", NOW) == record
    assert pending_tasks.record(catalog, tasks, "forgotten", "bob", NOW)["rotation"] == record["rotation"]
    assert pending_tasks.record(catalog, tasks[:1], "forgotten", "ann@laptop", NOW)["rotation"] != record["rotation"]
