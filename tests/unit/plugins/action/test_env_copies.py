# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Revoked values go to the host by name: none is in the task's arguments, and none comes back."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.action import env_copies
from ansible_collections.watchparty.secrets.plugins.action.env_copies import ActionModule

VALUES = {"cache": ["canary-dead-value"]}
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What went to the host, which repeats what it was sent."""
    kept: list[dict[str, Any]] = []

    def execute(_action: Any, _module: Any, *, args: dict[str, Any], **_more: Any) -> dict[str, Any]:
        kept.append(args)
        return {"changed": False, "remaining": [f"saw {args['values']}"]}

    monkeypatch.setattr(env_copies.remote_program, "execute", execute)
    monkeypatch.setattr(env_copies.transport_guard, "blocker", lambda _connection, _task: None)
    monkeypatch.setattr(ActionBase, "run", lambda *_args, **_more: {})
    return kept


def run(task_vars: dict[str, Any] | None = None, **args: Any) -> dict[str, Any]:
    action = ActionModule.__new__(ActionModule)
    action._task = SimpleNamespace(args={"path": "/srv/.env", "leaked": "dead", **args})
    action._connection = None
    return action.run(task_vars={"dead": {"dead": VALUES}} if task_vars is None else task_vars)


def test_by_name(sent: list[dict[str, Any]]) -> None:
    result = run()
    assert sent == [{"path": "/srv/.env", "leaked": "dead", "values": VALUES, "health": [], "seconds": 20}]
    assert "canary" not in str(result)


@pytest.mark.parametrize("task_vars", [{}, {"dead": "x"}, {"dead": {"skipped": True}}, {"dead": {"dead": []}}])
def test_nothing_is_registered(sent: list[dict[str, Any]], task_vars: dict[str, Any]) -> None:
    with pytest.raises(AnsibleActionFail, match=r"^The variable dead has no result with dead\. "):
        run(task_vars)
    assert sent == []


def test_values_in_the_task_are_refused(sent: list[dict[str, Any]]) -> None:
    with pytest.raises(AnsibleActionFail, match=r"^env_copies sets values itself; give leaked$"):
        run(values=VALUES)


def test_nothing_is_sent_where_it_would_touch_the_disk(
    sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(env_copies.transport_guard, "blocker", lambda _connection, _task: "pipelining is off")
    with pytest.raises(AnsibleActionFail, match=r"^Nothing was sent: pipelining is off$"):
        run()
    assert sent == []


def test_an_error_shows_no_value(sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: Any, **_more: Any) -> Any:
        raise AnsibleActionFail("cannot use canary-dead-value")

    monkeypatch.setattr(env_copies.remote_program, "execute", fails)
    with pytest.raises(AnsibleActionFail) as caught:
        run()
    assert "canary" not in str(caught.value)
