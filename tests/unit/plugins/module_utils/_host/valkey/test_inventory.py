# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a node shows for its baseline, and that no revocation waits for it or fails by it."""

from __future__ import annotations

import shlex
import time
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import User
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import footholds, inventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.all_nodes import Nodes, UserRequest

REQUEST = {"key": "k", "own": {}, "nodes": []}
EVIL = "x'; $(id) #"


def asked(memory: int, functions: Any = ()) -> Any:
    def ask(*command: str) -> Any:
        answers = {
            "INFO": f"role:master\r\nused_memory_functions:{memory}\r\n",
            "FUNCTION": functions,
            "MODULE": [["name", EVIL]],
        }
        return answers.get(command[0], [])

    return ask


def test_code_that_is_too_large_is_not_asked_for() -> None:
    with pytest.raises(HostError, match="its functions take more than 16 MiB"):
        inventory.read(asked(17 << 20), "cache:6379", {}, REQUEST)


def test_a_name_in_a_command_is_one_word() -> None:
    functions = [["library_name", EVIL, "library_code", "#!lua"]]
    read = inventory.read(asked(100, functions), "cache:6379", {EVIL: User(EVIL, enabled=True, nopass=False)}, REQUEST)
    commands = [shlex.split(entry["undo"]) for entry in read["entries"] if EVIL in entry["name"]]
    assert [command[-1] for command in commands] == [EVIL] * 3


@pytest.mark.parametrize("fault", [MemoryError, RecursionError, KeyError, "late"])
def test_a_revocation_does_not_depend_on_it(fault: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_arguments: Any) -> Any:
        if fault == "late":
            time.sleep(5)
        raise fault

    monkeypatch.setattr(footholds, "INVENTORY_SECONDS", 0.1)
    monkeypatch.setattr(footholds.valkey_inventory, "read", read)
    node: Any = SimpleNamespace(ask=None, name="cache:6379", users={})
    wanted = UserRequest(admin=None, login=None, user="shop", digest="0" * 64, inventory=REQUEST)
    answer = footholds.read_inventory(Nodes([node]), wanted)
    assert (answer["entries"], len(answer["problems"])) == ([], 1)
