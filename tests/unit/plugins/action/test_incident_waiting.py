# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak of a credential whose previous value an earlier rotation left for a later revocation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.plugins.action import steps as rotation
from tests.unit.plugins.action.test_incident_joined import Run
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS, World


@pytest.fixture
def run() -> Run:
    """Ten o'clock: the login was replaced, and what it was before stays valid for two hours."""
    world = World()
    database = replace(world.catalog.credentials["database"], revoke_after=7200)
    world.catalog = replace(world.catalog, credentials={**world.catalog.credentials, "database": database})
    result = Run(world, "first")
    world.begun("database", run="first")
    result.finish()
    assert set(result.setting.rotator.look().pending_tasks) == {"r1/database"}
    return result


def test_it_is_open_while_that_value_may_still_be_valid(run: Run, tmp_path: Any) -> None:
    run.declare("database")
    run.begin("database")
    run.finish()
    (message,) = run.report(tmp_path, {"database": {"replaced": True}})
    assert message.startswith("database: the new value is in force, but the value that r1 replaced may be valid until ")
    assert "rotation_forget=database" in message


@pytest.fixture
def able(run: Run) -> Run:
    """The kind takes away whichever previous value it is reported of."""
    login = replace(KINDS["login"], stages=("set", "revoke"), revokes_each=True)
    run.setting = replace(run.setting, kinds={**KINDS, "login": login})
    return run


def revoked(begun: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["name"], item.get("pending_task", "")) for item in begun["rotation"]["revoking"]]


def test_it_is_revoked_with_the_present_one_where_the_kind_can(able: Run, tmp_path: Any) -> None:
    able.declare("database")
    former = able.setting.rotator.look().pending_tasks["r1/database"].secrets
    begun = able.begin("database")
    assert revoked(begun) == [("database", "r1/database"), ("database", "")]
    assert "  also revokes the value that r1 had replaced" in begun["messages"]
    able.finish()
    journal = able.setting.rotator.look()
    assert journal.pending_tasks == {}
    assert set(able.incident.events) == {"live/database", "refused/database", "previous_revoked/database"}
    assert all(version in able.incident.dead[name] for name, version in former.items()), "it is scrubbed too"
    assert {len(versions) for versions in able.incident.dead.values()} == {2}
    assert able.report(tmp_path, {"database": {"replaced": True}}) == []
    assert able.begin("database")["nothing"]


def test_one_that_cannot_be_read_any_more_keeps_nothing_up_and_stays_open(able: Run, tmp_path: Any) -> None:
    for name, version in able.setting.rotator.look().pending_tasks["r1/database"].secrets.items():
        del able.world.secrets._secrets[name].contents[version]
    able.declare("database")
    assert revoked(able.begin("database")) == [("database", "")]
    able.finish()
    assert set(able.setting.rotator.look().pending_tasks) == {"r1/database"}
    assert "r1 replaced may be valid" in able.report(tmp_path, {"database": {"replaced": True}})[0]


def test_a_rotation_that_is_rolled_back_leaves_it_for_later(able: Run) -> None:
    able.declare("database")
    able.begin("database")
    back = able.begin("database", abort=True)
    assert revoked(back) == [("database", "")]
    able.setting.rotator.advance("discard")
    able._act(rotation, False, state="closed")
    assert set(able.setting.rotator.look().pending_tasks) == {"r1/database"}


def test_a_rotation_that_the_leak_joins_revokes_it_too(able: Run) -> None:
    able.world.begun("database", run="first", rotation="r2")
    able.declare("database")
    assert revoked(able.begin("database", reached=["database"])) == [("database", "r1/database"), ("database", "")]
    able.finish()
    assert able.setting.rotator.look().pending_tasks == {}


def test_hosts_that_are_left_let_both_in(able: Run) -> None:
    able.declare("database")
    able.begin("database")
    held = able.setting.rotator.look().pending_tasks["r1/database"].secrets
    able.world.created(able.setting.rotator)
    able.setting.rotator.advance("test", hosts_with_old_key={"database": ["web2"]})
    able.finish()
    journal = able.setting.rotator.look()
    assert {pending_task.id: pending_task.hosts for pending_task in journal.pending_tasks.values()} == {
        "r1/database": ("web2",),
        f"{journal.rotated['database'].rotation}/database": ("web2",),
    }
    assert journal.pending_tasks["r1/database"].secrets == held

    begun = able.begin("database")
    assert [item["hosts"] for item in begun["rotation"]["revoking"]] == [["web2"], ["web2"]]
    able.finish()
    assert able.setting.rotator.look().pending_tasks == {}
