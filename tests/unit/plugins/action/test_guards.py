# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts stop a run before it reads anything."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.watchparty.secrets.plugins.action.guards import ActionModule
from tests.unit.plugins.action.github_lab import hostvars

OURS, THEIRS, NONE = {"app_environment": "test"}, {"app_environment": "production"}, dict[str, str]()


def compared(
    hosts: Mapping[str, Mapping[str, str]], *, asked: list[str] | None = None, undeclared: bool = False
) -> list[str]:
    """The hosts that were compared, where nothing stands against them; -e says test."""
    args = {"environment": "test", "hosts": list(hosts) if asked is None else asked, "undeclared": undeclared}
    task: Any = SimpleNamespace(args=args, async_val=0, check_mode=False, diff=False, action="x", delegate_to=None)
    connection = connection_loader.get("local", PlayContext(), "/dev/null")
    templar: Any = SimpleNamespace(template=lambda text: text)
    made = ActionModule(task, connection, PlayContext(), None, templar, None)
    found: list[str] = made.run(task_vars={"hostvars": hostvars(hosts)})["hosts"]
    return found


@pytest.mark.parametrize("undeclared", [False, True])
def test_hosts_of_the_environment_pass(undeclared: bool) -> None:
    assert compared({"web1": OURS, "web2": OURS}, undeclared=undeclared) == ["web1", "web2"]
    assert compared({}, undeclared=undeclared) == []


@pytest.mark.parametrize("undeclared", [False, True])
def test_a_host_of_another_environment_is_named(undeclared: bool) -> None:
    with pytest.raises(AnsibleActionFail, match="app_environment is test, but web2 declares production") as caught:
        compared({"web1": OURS, "web2": THEIRS, "web3": OURS}, undeclared=undeclared)
    assert "web1" not in str(caught.value)
    assert ("-e app_hosts=localhost" in str(caught.value)) is undeclared


def test_one_that_declares_none_stops_what_writes_to_hosts_only() -> None:
    with pytest.raises(AnsibleActionFail, match="web2 declares none"):
        compared({"web1": OURS, "web2": NONE})
    assert compared({"web1": OURS, "web2": NONE}, undeclared=True) == ["web1", "web2"]


def test_a_controller_is_compared_where_the_inventory_names_it() -> None:
    assert compared({"web1": OURS}, asked=["web1", "localhost"], undeclared=True) == ["web1"]
    assert compared({}, asked=["localhost"], undeclared=True) == []
    with pytest.raises(AnsibleActionFail, match="localhost declares production"):
        compared({"localhost": THEIRS}, undeclared=True)
