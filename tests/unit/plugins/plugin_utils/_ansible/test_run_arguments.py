# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from ansible import constants
from ansible.utils.context_objects import CLIArgs

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import run_arguments

NAME, ENV = "watchparty.secrets.deploy", "-e app_environment=production"


@pytest.fixture(autouse=True)
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Makes a run with these inventories and extra variables, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def made(*inventories: str, **variables: str) -> None:
        monkeypatch.setattr(run_arguments.context, "CLIARGS", CLIArgs({"inventory": inventories}))
        monkeypatch.setattr(run_arguments, "load_extra_vars", lambda _loader: variables)

    made(str(tmp_path / "inventory"), app_environment="production", set_value="canary")
    return made


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Run ansible-playbook {NAME}.", f"Run ansible-playbook -i inventory {NAME} {ENV}."),
        (
            f"(ansible-playbook {NAME} --limit a); ansible-playbook {NAME}, or",
            f"(ansible-playbook -i inventory {NAME} {ENV} --limit a); ansible-playbook -i inventory {NAME} {ENV}, or",
        ),
        (
            f"ansible-playbook {NAME} --limit web1 -e app_environment=staging",
            f"ansible-playbook -i inventory {NAME} --limit web1 -e app_environment=staging",
        ),
        (
            f"ansible-playbook {NAME} -i other",
            f"ansible-playbook {NAME} {ENV} -i other",
        ),
        (f"ansible-playbook -i other {NAME}", f"ansible-playbook -i other {NAME}"),
        (
            f"my-ansible-playbook {NAME}, ansible-playbook site.yml",
            f"my-ansible-playbook {NAME}, ansible-playbook site.yml",
        ),
    ],
)
def test_commands_of_the_collection_are_completed_once(text: str, shown: str) -> None:
    assert run_arguments.completed(text) == shown
    assert run_arguments.completed(shown) == shown
    assert "canary" not in shown


@pytest.mark.parametrize(
    "name", ["ansible-playbook {} $(reboot)", "a'b; ansible-playbook {} $(reboot)", "' ansible-playbook {}"]
)
def test_a_word_of_another_command_stays_as_it_is(run: Any, name: str) -> None:
    """Such as a user's name that an intruder chose; with an inventory's quotes, it would be one no longer."""
    inventory = "it's ours"
    run(inventory)
    command = shlex.join(["rabbitmqctl", "delete_user", name.format(NAME)])
    assert run_arguments.completed(f"the server's user: {command}") == f"the server's user: {command}"
    after = run_arguments.completed(f"{command}. Then the hosts' command: ansible-playbook {NAME}")
    assert after.startswith(command)
    assert after.endswith(f"ansible-playbook -i {shlex.quote(inventory)} {NAME}")


@pytest.mark.parametrize(
    ("inventory", "shown"),
    [
        ("/etc/my inventory/hosts.yml", " -i '/etc/my inventory/hosts.yml'"),
        ("web1,web2", " -i web1,web2"),
    ],
)
def test_inventories_can_be_pasted(run: Any, inventory: str, shown: str) -> None:
    run(inventory)
    assert run_arguments.completed(f"ansible-playbook {NAME}") == f"ansible-playbook{shown} {NAME}"


def test_what_the_configuration_names_is_not_repeated(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_HOST_LIST", ["/srv/hosts"])
    run("/srv/hosts")
    assert run_arguments.completed(f"ansible-playbook {NAME}") == f"ansible-playbook {NAME}"


@pytest.mark.parametrize("environment", ["", "$(reboot)", "{{ x }}", "a b", "A"])
def test_only_an_environments_name_is_shown(run: Any, environment: str) -> None:
    run("hosts", app_environment=environment)
    assert run_arguments.completed(f"ansible-playbook {NAME}") == f"ansible-playbook -i hosts {NAME}"
