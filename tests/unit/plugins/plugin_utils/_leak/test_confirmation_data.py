# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an operator reads before the confirmation, from the plan and from the declaration as it would be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import (
    confirmation_data,
    confirmation_text,
    incident_notes,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import declaration as leak_declaration
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.temporary_credentials import DenialPlan
from tests.unit.plugins.plugin_utils._leak.leak_world import IMPACT, Leak


@pytest.fixture
def leak() -> Leak:
    return Leak()


def would_be(leak: Leak, **args: Any) -> dict[str, Any]:
    setting = leak.setting
    declaration = leak_declaration.declared(
        setting, setting.rotator.look(), leak_declaration.LeakDeclaration(["token"], impact=IMPACT, **args)
    )
    return {"incident": declaration.incident.entry(), "open_rotation": declaration.open_rotation}


def note(leak: Leak, event: str) -> None:
    setting = leak.setting
    incident_notes.note(setting, setting.rotator.look(), {event: ""})


def lines(leak: Leak, impact: dict[str, Any], known: dict[str, Any]) -> list[str]:
    setting = leak.setting
    return confirmation_text.lines(confirmation_data.ahead(setting, setting.rotator.look(), impact, known))


def test_of_what_was_planned(leak: Leak) -> None:
    leak.world.begun("database")
    impact = {**IMPACT, "waves": [["token"], ["django"]], "first_off": []}
    would = would_be(leak, containment="immediate")
    plan = {"refused": {"token": "ask"}, "needs": ["token"], "takes_down": ["django"], "plan": {"rollouts": 1}}
    answer = {"plan": plan, "would": would, "logs_out": True, "compromised": ["web9"], "contact": "s@example.com"}
    results = lines(leak, impact, answer)
    assert results[0].startswith("first, rotation ")
    assert " of database is ended; " in results[0]
    assert "the application is down from the revocation of django until" in results[1]
    assert any(name.startswith("by hand: token: issue a new value") for name in results)
    assert results[-2:] == ["web9 gets no new value and must be rebuilt", "security contact: s@example.com"]


def test_an_administrator_that_others_of_its_wave_need_is_not_disabled_first(leak: Leak) -> None:
    credentials = leak.world.catalog.credentials
    token = replace(credentials["token"], admin="database")
    catalog = replace(leak.world.catalog, credentials={**credentials, "token": token})
    assert confirmation_data._blocked(catalog, ["database", "token"]) == ["token"]
    assert confirmation_data._blocked(catalog, ["database"]) == ["database"]


def test_of_an_access_key(leak: Leak) -> None:
    token = replace(leak.world.catalog.credentials["token"], kind="aws_access_key")
    leak.world.catalog = replace(leak.world.catalog, credentials={**leak.world.catalog.credentials, "token": token})
    impact = {**IMPACT, "waves": [["token"]], "first_off": []}
    denial = DenialPlan(reasons={"token": ""})
    results = lines(leak, impact, {"plan": {}, "would": would_be(leak), "logs_out": False, "denial": denial})
    assert any(name.startswith("by hand: token: temporary credentials that an intruder got") for name in results)


def test_beside_an_open_rotation(leak: Leak) -> None:
    """What its end takes away comes first; taken over past its return, it leaves no false alarm."""
    leak.world.begun("database")
    impact = {**IMPACT, "waves": [["token"]], "first_off": []}
    would = would_be(leak)
    ends = {"removes": ["database"], "first": False, "past": False, "restarts": True}
    plan = {"refused": {}, "plan": {"rollouts": 0}, "ends": ends, "rotation": {"incident": ""}}
    answer = {"plan": plan, "would": would, "logs_out": False}
    results = lines(leak, impact, answer)
    assert "and its hosts restart batch by batch" in results[1]
    assert "the old values of database are revoked, once" in results[2]
    plan.update(ends={**ends, "past": True}, rotation={"incident": "assessed"})
    results = lines(leak, impact, answer)
    assert "it can no longer be closed as a false alarm" in results[4]


def test_started_again(leak: Leak) -> None:
    """Of replaced credentials it names only those yet to be revoked, and no rollback that would be refused."""
    setting = leak.setting
    leak_declaration.declare(
        setting, setting.rotator.look(), leak_declaration.LeakDeclaration(["token"], "immediate", impact=IMPACT)
    )
    note(leak, "given/token")
    plan = {
        "refused": {},
        "takes_down": ["django"],
        "plan": {"rollouts": 0, "passed_over": {"django": "x", "token": "x"}},
    }
    impact = {**IMPACT, "waves": [["token", "django"]], "first_off": []}
    would = would_be(leak)
    answer = {"plan": plan, "would": would, "logs_out": True}
    results = lines(leak, impact, answer)
    assert results[0] == "what users notice: the application stays up; all users are logged out"
    assert results[1].endswith("; this run revokes no value")
    assert "since token was replaced or revoked already, so it can no longer be closed as a false alarm" in results[3]
    assert results[4] == (
        "by hand: token: revoke the old value where it was issued, then confirm it by -e leak_revoked=token"
    )
    messages = lines(leak, impact, {**answer, "revoked": ["token"]})
    note(leak, "confirmed/token")
    answer["would"] = would_be(leak)
    for shown in (messages, lines(leak, impact, answer)):
        assert not any("leak_revoked" in name for name in shown)


def test_without_an_open_rotation(leak: Leak) -> None:
    would = would_be(leak)
    impact = {**IMPACT, "waves": [["token"]], "first_off": []}
    results = lines(leak, impact, {"plan": {}, "would": would, "logs_out": False})
    assert results[0].startswith("what users notice: the application stays up")
