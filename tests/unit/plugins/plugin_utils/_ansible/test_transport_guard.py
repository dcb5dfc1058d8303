# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""With Ansible's own connection and become plugins: what they say of pipelining is what counts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import become_loader, connection_loader

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.transport_guard import blocker

PLAIN = SimpleNamespace(async_val=0)


def connection(name: str = "local", *, pipelining: bool = True, become: str | None = None) -> Any:
    made = connection_loader.get(name, PlayContext(), "/dev/null")
    made.set_options(var_options={"ansible_pipelining": pipelining})
    if become:
        made.set_become_plugin(become_loader.get(become))
    return made


@pytest.fixture(autouse=True)
def no_kept_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_KEEP_REMOTE_FILES", False)


@pytest.mark.parametrize("name", ["ssh", "local"])
@pytest.mark.parametrize("become", [None, "sudo"])
def test_nothing_stands_against_pipelining(name: str, become: str | None) -> None:
    assert blocker(connection(name, become=become), PLAIN) is None


@pytest.mark.parametrize("name", ["ssh", "local"])
def test_without_pipelining_nothing_is_sent(name: str) -> None:
    message = blocker(connection(name, pipelining=False), PLAIN)
    assert message is not None
    assert f"connection {name}" in message
    assert "ansible_pipelining: true" in message


def test_kept_remote_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_KEEP_REMOTE_FILES", True)
    message = blocker(connection(), PLAIN)
    assert message is not None
    assert message.startswith("ANSIBLE_KEEP_REMOTE_FILES")
    assert "unset it" in message


def test_async_is_refused() -> None:
    message = blocker(connection(), SimpleNamespace(async_val=30))
    assert message is not None
    assert message.startswith("async")


def test_su_is_refused_and_named() -> None:
    message = blocker(connection("ssh", become="su"), PLAIN)
    assert message is not None
    assert "become_method su" in message
    assert "use sudo" in message


def test_a_connection_that_cannot_pipeline_is_refused() -> None:
    made = connection()
    made.has_pipelining = False
    assert "pipelining is off or impossible" in (blocker(made, PLAIN) or "")
