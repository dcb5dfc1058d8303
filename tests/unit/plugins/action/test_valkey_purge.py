# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is handed to the host: the entries that were asked for, the brokers, and their URLs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.watchparty.secrets.plugins.action.valkey_purge import ActionModule
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound
from sandbox.process import free_port

URL = {"group": "core", "type": "url"}
CATALOG = {
    "application": "app",
    "settings": {
        "CACHE_URL": URL,
        "SESSION_URL": URL,
        "CELERY_BROKER_URL": URL,
        "CELERY_RESULT_BACKEND": URL,
        "OTHER_URL": {**URL, "broker": True},
        "CHANNEL_URL": {**URL, "broker": False},
    },
    "purge": {
        "cache": {"setting": "CACHE_URL", "keys": [":1:*"]},
        "sessions": {"setting": "SESSION_URL", "keys": ["s:*"]},
    },
}
VALUES = {
    "CACHE_URL": "redis://:canary-cache@h/0",
    "SESSION_URL": "redis://:canary-sessions@h/0",
    "CELERY_BROKER_URL": "redis://:canary-broker@h/1",
    "OTHER_URL": "redis://:canary-other@h/2",
    "CHANNEL_URL": "redis://:canary-channel@h/3",
}


def params(values: dict[str, str] = VALUES, masked: list[str] | None = None, **args: Any) -> dict[str, Any]:
    given = {
        "catalog": CATALOG,
        "environment": "test",
        "snapshot": "snapshot",
        "entries": None,
        "kinds": ["cache", "sessions"],
        "batch": 500,
        **args,
    }
    action = ActionModule.__new__(ActionModule)
    result: dict[str, Any] = action._params(given, {"snapshot": {"settings": values}}, [] if masked is None else masked)
    return result


def test_everything_by_default() -> None:
    masked: list[str] = []
    result = params(masked=masked)
    assert [item["name"] for item in result["chosen"]] == ["cache", "sessions"]
    assert result["spared_sessions"] == []
    assert result["brokers"] == ["CELERY_BROKER_URL", "OTHER_URL"]
    assert sorted(result["urls"]) == ["CACHE_URL", "CELERY_BROKER_URL", "OTHER_URL", "SESSION_URL"]
    assert {"canary-cache", "canary-broker", VALUES["OTHER_URL"]} <= set(masked)


def test_sessions_that_are_not_asked_for_are_spared() -> None:
    result = params(kinds=["cache"])
    assert result["chosen"] == [{"name": "cache", "kind": "cache", "setting": "CACHE_URL", "keys": [":1:*"]}]
    assert [spared_session["name"] for spared_session in result["spared_sessions"]] == ["sessions"]
    without = {name: url for name, url in VALUES.items() if name != "SESSION_URL"}
    assert params(without, kinds=["cache"])["spared_sessions"] == []


def test_nothing_of_the_kind() -> None:
    assert params(entries=["cache"], kinds=["sessions"]) == {"chosen": []}


def test_an_entry_that_is_not_there() -> None:
    with pytest.raises(NotFound, match="other: is not an entry of purge in the catalog; its entries: cache, sessions"):
        params(entries=["cache", "other"])


def test_a_setting_without_a_value() -> None:
    with pytest.raises(NotFound, match=r"purge\.sessions: SESSION_URL has no value in test"):
        params({"CACHE_URL": VALUES["CACHE_URL"]})


def test_a_snapshot_that_was_not_registered() -> None:
    with pytest.raises(AnsibleActionFail, match="No result is registered as other that holds settings"):
        params(snapshot="other")


@pytest.fixture
def away() -> Any:
    """A connection to a port of this machine where nobody listens."""
    connection = connection_loader.get("ssh", PlayContext(), "/dev/null")
    options = {"host": "127.0.0.1", "port": free_port(), "reconnection_retries": 0, "pipelining": True}
    connection.set_options(direct=options)
    return connection


def test_a_host_that_is_lost_is_a_failure_with_a_remedy(away: Any) -> None:
    """With run_once Ansible would else go on once for each host, with the reason of another task."""
    args = {"catalog": CATALOG, "environment": "test", "snapshot": "read"}
    task: Any = SimpleNamespace(
        args=args,
        async_val=0,
        check_mode=False,
        diff=False,
        action="x",
        delegate_to="web1",
        environment=[],
        become=False,
    )
    context = PlayContext()
    templar: Any = SimpleNamespace(template=lambda text: text)
    action = ActionModule(task, away, context, None, templar, None)
    variables = {
        "inventory_hostname": "web2",
        "read": {"settings": VALUES},
        "ansible_delegated_vars": {"web1": {"ansible_python_interpreter": "python3"}},
    }
    result = action.run(task_vars=variables)
    assert (result["failed"], result["not_reached"]) == (
        True,
        True,
    )
    assert result["msg"] == "web1 cannot be reached; choose another by -e rotation_host=…"
    assert any(message in result["detail"] for message in ("Connection refused", "Broken pipe")), (
        "whichever ssh comes to first"
    )
    assert "canary" not in str(result)
