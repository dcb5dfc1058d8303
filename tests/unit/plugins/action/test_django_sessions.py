# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of django_sessions that a host's variables give."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import django_sessions
from tests.unit.plugins.action.local_action import run_action


def sent(monkeypatch: pytest.MonkeyPatch, variables: dict[str, Any], **args: Any) -> dict[str, Any]:
    executed: dict[str, Any] = {}

    def execute(*_: Any, args: dict[str, Any], python: str | None, **_how: Any) -> dict[str, Any]:
        executed.update(args, python=python)
        return {"changed": False}

    monkeypatch.setattr(django_sessions.remote_program, "execute", execute)
    run_action(django_sessions.ActionModule, variables={"hostvars": {"web1": variables, "web2": {}}}, **args)
    return executed


def test_a_hosts_variables_give_what_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {
        "django_chdir": "/srv/app",
        "env_deploy_path": "/srv/.env",
        "django_session_engine": "db",
        "django_session_table": "",
        "django_probe_url": "http://127.0.0.1/me",
        "django_become_user": "root",
        "rotation_python": "/srv/venv/bin/python",
        "ansible_become_password": "canary",
    }
    options = sent(monkeypatch, variables, host="web1", probe_url="", env_file="/other")
    wanted = {"chdir": "/srv/app", "env_file": "/other", "engine": "db", "table": "django_session", "probe_url": ""}
    assert wanted.items() <= options.items()
    assert (options["allow_root"], options["python"]) == (True, "/srv/venv/bin/python")
    assert "canary" not in str(options)


def test_another_account_is_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sent(monkeypatch, {"django_become_user": "shop"}, host="web1")["allow_root"] is False
    assert sent(monkeypatch, {"django_become_user": "root"})["allow_root"] is False, "no host is named"
    assert sent(monkeypatch, {"django_become_user": "root"}, host="web2")["allow_root"] is False
