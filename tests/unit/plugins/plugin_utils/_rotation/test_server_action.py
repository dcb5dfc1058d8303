# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a module on the host gets, and what comes back."""

from __future__ import annotations

import importlib.util
import json
import shlex
import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_action import (
    ServerAction,
    parties,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import World
from tests.unit.plugins.plugin_utils._rotation.server_world import ADMIN_URL, administered, found, setting


@pytest.fixture
def world() -> World:
    return administered()


MODULE = """
from __future__ import annotations
from ansible.module_utils.basic import AnsibleModule
ARGUMENT_SPEC = {
    "credential": {"type": "str"},
    "state": {"type": "str", "default": "present"},
    "login_url": {"type": "str", "no_log": True},
}
RETURNS = {"got": {"credential": str, "state": str, "login_url": str}, "messages": [str]}
def main():
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    if module.params["state"] == "revoked":
        module.fail_json(msg="no login with " + module.params["login_url"])
    module.exit_json(changed=True, got=module.params, messages=["saw " + module.params["login_url"]])
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    path = tmp_path_factory.mktemp("module") / "echo_login.py"
    path.write_text(MODULE, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("echo_login", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


class Echo(ServerAction):
    name = "watchparty.secrets.echo_login"
    set_here = ("login_url",)
    error: Exception | None = None
    sent: list[tuple[str, bytes]]

    def params(self, setting: RotationSetup, args: Any, masked: list[str]) -> dict[str, Any] | None:
        item = parties(setting, args["credential"], "postgresql")
        masked += item.values
        if self.error:
            raise self.error
        return None if item.nothing else {"login_url": item.admin_url}

    def _low_level_execute_command(self, command: str, *, sudoable: bool = True, in_data: bytes) -> dict[str, Any]:  # type: ignore[override]
        self.sent.append((command, in_data))
        done = subprocess.run(shlex.split(command), input=in_data, capture_output=True, check=False)
        return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}


@pytest.fixture
def run(world: World, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the action in the rotation of ``rotator``, on this machine."""

    def start(rotator: Any, *, pipelining: bool = True, error: Exception | None = None, **args: Any) -> Any:
        monkeypatch.setattr(rotation_context, "prepared", lambda _name, _args: setting(world, rotator))
        monkeypatch.setattr(Echo, "module", module)
        monkeypatch.setattr(Echo, "error", error)
        connection = connection_loader.get("local", PlayContext(), "/dev/null")
        connection.set_options(var_options={"ansible_pipelining": pipelining})
        given = {"catalog": {}, "environment": "test", "credential": "database", "python": sys.executable, **args}
        given = {name: item for name, item in given.items() if item is not None}
        task: Any = SimpleNamespace(
            become=False, args=given, async_val=0, check_mode=False, diff=False, action="echo", delegate_to=None
        )
        templar = SimpleNamespace(template=lambda text: text)
        action = Echo(task, connection, PlayContext(), None, templar, None)
        action.sent = []
        return action.run(task_vars={"inventory_hostname": "web1"}), action.sent

    return start


class TestServerAction:
    def test_values_go_over_standard_input_alone_and_come_back_masked(self, world: World, run: Any) -> None:
        answer, sent = run(world.begun("database"))
        [(command, document)] = sent
        assert "admin-canary" not in command
        assert b"admin-canary" in document
        assert answer["changed"]
        assert answer["messages"] == [f"saw {ADMIN_URL.replace('admin-canary', '********')}"]
        assert "admin-canary" not in json.dumps(answer)
        assert (answer["got"]["credential"], answer["got"]["state"]) == ("database", "present")

    def test_what_the_user_gives_reaches_the_module(self, world: World, run: Any) -> None:
        answer, _sent = run(world.begun("database"), state="revoked")
        assert answer["failed"]
        assert answer["msg"] == f"no login with {ADMIN_URL.replace('admin-canary', '********')}"

    def test_options_of_its_own_are_refused(self, world: World, run: Any) -> None:
        with pytest.raises(AnsibleActionFail, match="sets login_url itself; give credential and state"):
            run(world.begun("database"), login_url="x")

    def test_a_credential_must_be_named(self, world: World, run: Any) -> None:
        with pytest.raises(AnsibleActionFail, match="credential"):
            run(world.begun("database"), credential=None)

    def test_nothing_is_sent_where_it_would_touch_the_disk(self, world: World, run: Any) -> None:
        with pytest.raises(AnsibleActionFail, match=r"^Nothing was sent: pipelining is off"):
            run(world.begun("database"), pipelining=False)

    def test_nothing_to_remove(self, world: World, run: Any) -> None:
        rotator = world.begun("database")
        rotator.advance("withdraw")
        answer, sent = run(rotator, state="revoked")
        assert (answer["skipped"], answer["changed"], sent) == (True, False, [])

    @pytest.mark.parametrize("error", [NotFound("x admin-canary y"), AnsibleActionFail("x admin-canary y")])
    def test_an_error_is_a_failure_without_a_value(self, world: World, run: Any, error: Exception) -> None:
        answer, sent = run(world.begun("database"), error=error)
        assert (answer["failed"], answer["msg"], answer["error_type"]) == (True, "x ******** y", type(error).__name__)
        assert sent == []

    def test_a_host_that_is_lost_is_a_failure_with_a_remedy(self, world: World, run: Any) -> None:
        answer, sent = run(world.begun("database"), error=AnsibleConnectionFailure("no\x1b route"))
        assert (answer["failed"], answer["not_reached"], sent) == (True, True, [])
        assert answer["msg"] == "web1 cannot be reached; choose another by -e rotation_host=…"
        assert answer["detail"] == "no route"

    def test_another_runs_rotation(self, world: World, run: Any) -> None:
        world.begun("database")
        world.taken_over()
        answer, sent = run(world.rotator("run1"))
        assert (answer["failed"], answer["error_type"], sent) == (True, "Overtaken", [])

    def test_a_run_that_was_overtaken_since_its_last_entry_has_an_older_number(self, world: World, run: Any) -> None:
        """It does not look before each act: the server knows the newer number, and refuses."""
        first = world.begun("database")
        second = world.taken_over()
        assert found(world, first).number < found(world, second).number

    def test_the_base_knows_no_values(self, world: World) -> None:
        with pytest.raises(NotImplementedError):
            ServerAction.params(object(), setting(world), {}, [])  # type: ignore[arg-type]
