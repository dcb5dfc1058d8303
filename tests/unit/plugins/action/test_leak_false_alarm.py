# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak that was declared by mistake."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.action import leak_false_alarm
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from tests.unit.plugins.action.leak_actions import act
from tests.unit.plugins.plugin_utils._leak.leak_world import Leak


class Log:
    """The audit log, as a record comes into it."""

    records: list[Any]

    def __init__(self, *_args: Any, required: bool) -> None:
        assert required

    def recorded(self, record: Any, _head: Any) -> Any:
        self.records.append(record)
        return {"head": {"number": 3, "digest": "0" * 64}, "unannounced": []}


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    questions: list[str] = []
    Log.records = []
    monkeypatch.setattr(
        leak_false_alarm.confirmation_prompt, "require", lambda question, **_how: questions.append(question)
    )
    monkeypatch.setattr(leak_false_alarm.rotation_segment, "Audit", Log)
    return questions


@pytest.fixture
def leak() -> Leak:
    made = Leak()
    made.declare("token")
    return made


def test_it_is_recorded_and_closed(leak: Leak, asked: list[str]) -> None:
    incident = leak.incident
    result = act(leak.world, leak_false_alarm)
    assert result["lines"][0] == f"{incident.id} of {incident.who}, declared at {incident.at}: token"
    journal = leak.setting.rotator.look()
    assert (journal.incident, journal.audit["number"]) == (None, 3)
    assert [(record["rotation"], record["outcome"]) for record in Log.records] == [(incident.id, "false_alarm")]
    assert len(asked) == 1


def test_a_drill_says_whether_it_can_be_closed(leak: Leak, asked: list[str]) -> None:
    assert act(leak.world, leak_false_alarm, check=True)["next"] == "end"
    assert leak.incident.id
    assert (asked, Log.records) == ([], [])


def test_without_the_confirmation_it_stays(leak: Leak, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_args: Any, **_how: Any) -> None:
        raise AnsibleActionFail("not confirmed; nothing was changed")

    monkeypatch.setattr(leak_false_alarm.confirmation_prompt, "require", refuses)
    with pytest.raises(AnsibleActionFail):
        act(leak.world, leak_false_alarm)
    assert leak.incident.id
    assert Log.records == []


def test_not_once_a_value_is_gone(leak: Leak, asked: list[str]) -> None:
    rotator = leak.setting.rotator
    rotator.append(rotator.look(), leak.incident.id, "closed", events={"refused/token": "2026-11-25T15:00:00Z"})
    with pytest.raises(RotationError, match="cannot be closed as a false alarm: token was replaced or revoked"):
        act(leak.world, leak_false_alarm)
    assert leak.incident.id
    assert asked == []


def test_none_is_declared() -> None:
    with pytest.raises(RotationError, match="no leak is declared; there is nothing to close"):
        act(Leak().world, leak_false_alarm)
