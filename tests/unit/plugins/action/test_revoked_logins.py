# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is refused before anything is tried; the tries are in tests/integration/test_former_*.py."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.action import django_sessions, revoked_logins
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import try_previous_keys
from tests.unit.plugins.action.local_action import run_action

SSH = {"credential": "x", "server": "ssh", "current": "a-private-key", "former": ["another"], "user": ""}
URL = "postgresql://user:a-password@db/app"
SERVER = {"credential": "y", "server": "postgresql", "current": URL, "former": ["no url at all"], "user": ""}


def test_what_the_action_sets_is_refused_from_others() -> None:
    with pytest.raises(AnsibleActionFail, match="revoked_logins sets tries itself; give info"):
        run_action(revoked_logins.ActionModule, info="x", tries=[])


def test_without_what_was_read() -> None:
    with pytest.raises(AnsibleActionFail, match="The variable verify_info has no result"):
        run_action(revoked_logins.ActionModule, info="verify_info")
    for name in ("info", "credential"):
        with pytest.raises(AnsibleActionFail, match="parameters are required together: info, credential"):
            run_action(django_sessions.ActionModule, **{name: "x"})


@pytest.mark.parametrize("registered", [{}, {"verify_info": {"skipped": True}}, {"verify_info": []}])
def test_what_is_no_result_of_verify_info(registered: dict[str, Any]) -> None:
    with pytest.raises(AnsibleActionFail, match="start the playbook from its beginning"):
        try_previous_keys.given("verify_info", registered)


def test_everything_is_masked() -> None:
    values = revoked_logins._values([SSH, SERVER])
    assert {"a-private-key", "another", URL, "a-password", "no url at all"} - set(values) == {"another"}, "it is short"


@pytest.mark.parametrize("named", [False, True])
def test_an_administrators_login_stays_here(named: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the host was named for it."""
    login = {"credential": "cache", "url": "redis://shop:canary-cache@c:1/0"}
    entry = {"place": "c:1", "logins": [login], "nodes": [], "admin_url": "redis://admin:canary-admin@c:1/0"}
    entry |= {"server": "valkey", "inventory": {"key": "k", "own": {}, "nodes": []}, "honeytokens": []}
    sent: list[Any] = []

    def execute(*_: Any, args: dict[str, Any], **_how: Any) -> dict[str, Any]:
        sent.extend(args["inspections"])
        return {"inspected": {"c:1": {"problems": [args["inspections"][0]["admin_url"], "canary-cache"]}}}

    monkeypatch.setattr(revoked_logins.remote_program, "execute", execute)
    monkeypatch.setattr(revoked_logins.transport_guard, "require", lambda *_: None)
    info = {"tries": [], "inspections": [entry]}
    variables = {"verify_info": info}
    result = run_action(revoked_logins.ActionModule, variables=variables, info="verify_info", administrators=named)
    assert ("canary-admin" in str(sent)) is named
    assert "canary" not in str(result)
