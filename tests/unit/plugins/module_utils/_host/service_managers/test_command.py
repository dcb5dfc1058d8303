# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Services that the operator's own commands restart, and health by command."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.accounts import HostAccount
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.command import CommandManager

Owned = Callable[..., Path]


def manager(**declared: Any) -> CommandManager:
    return CommandManager({"service": "worker", "manager": "command", "restart": ["true"], **declared})


def test_the_command_is_no_shell(folder: Path) -> None:
    manager(restart=["touch", f"{folder}/a b", f"{folder}/$HOME"]).restart(5)
    assert {path.name for path in folder.iterdir()} == {"a b", "$HOME"}


def test_it_runs_as_whoever_owns_a_file_that_it_names(owned: Owned, application: HostAccount) -> None:
    script = owned("script", '#!/bin/sh\nexit "$(id -u)"\n')
    for command in ([str(script)], ["sh", str(script)]):
        with pytest.raises(HostError, match=rf"exit code {application.uid % 256}; its output is not shown$"):
            manager(restart=command).restart(5)


@pytest.mark.parametrize(
    ("restart", "message"),
    [
        (["sh", "-c", "echo canary; exit 3"], r"services\.worker\.restart: exit code 3; its output is not shown$"),
        (["/no/such/program"], r"services\.worker\.restart cannot be run: No such file"),
        (["sleep", "20"], r"services\.worker\.restart: not finished after 0 s$"),
    ],
)
def test_a_restart_that_fails(restart: list[str], message: str) -> None:
    with pytest.raises(HostError, match=message) as raised:
        manager(restart=restart).restart(0.3)
    assert "canary" not in str(raised.value)


def test_its_state(folder: Path) -> None:
    (folder / "pid").write_text(f"{os.getpid()}\n")
    (state,) = manager(pid_file=f"{folder}/pid").states()
    assert (state.unit, state.is_up, state.pid) == ("worker", True, os.getpid())
    assert state.began
    assert [state.is_up for state in manager(status=["true"]).states()] == [True]
    (down,) = manager(status=["false"], pid_file=f"{folder}/pid").states()
    assert (down.is_up, down.text) == (False, "down: its status command: exit code 1; its output is not shown")
    assert [state.is_up for state in manager().states()] == [True]


@pytest.mark.parametrize("text", ["", "999999999", "-1", "canary", None])
def test_a_pid_file_without_a_process(folder: Path, text: str | None) -> None:
    if text is not None:
        (folder / "pid").write_text(text)
    (state,) = manager(pid_file=f"{folder}/pid").states()
    assert not state.is_up
    assert "canary" not in state.text


def test_without_a_command_it_cannot_be_stopped(folder: Path) -> None:
    with pytest.raises(HostError, match=r"^the catalog has no services\.worker\.stop; add it$"):
        manager().stop(5)
    manager(stop=["touch", f"{folder}/stopped"]).stop(5)
    assert (folder / "stopped").exists()


class TestHealthCommand:
    def problem(self, folder: Path, application: HostAccount, *command: str, seconds: float = 20) -> str:
        return manager(health_command=command, user=application.name).health_problem(str(folder), seconds)

    def test_it_runs_as_the_application_beside_its_env(self, folder: Path, application: HostAccount) -> None:
        check = f'test "$(id -u)" = {application.uid} && test "$PWD" = {folder} && test -z "$CANARY"'
        assert self.problem(folder, application, "sh", "-c", check) == ""

    def test_its_output_is_not_shown(self, folder: Path, application: HostAccount) -> None:
        problem = self.problem(folder, application, "sh", "-c", "echo canary; echo canary >&2; exit 3")
        assert problem == "services.worker.health_command: exit code 3; its output is not shown"

    def test_it_ends_in_time(self, folder: Path, application: HostAccount) -> None:
        problem = self.problem(folder, application, "sh", "-c", "sleep 20 & wait", seconds=0.2)
        assert problem == "services.worker.health_command: not finished after 0 s"

    @pytest.mark.skipif(os.geteuid() != 0, reason="another account's folder needs root")
    def test_a_folder_that_the_application_may_not_enter(self, folder: Path, application: HostAccount) -> None:
        folder.chmod(0o700)
        message = f"services.worker.health_command cannot be run: {application.name} cannot enter {folder}"
        assert self.problem(folder, application, "true") == message

    def test_it_never_runs_as_root(self, folder: Path) -> None:
        with pytest.raises(HostError, match="would run as root"):
            manager(health_command=["true"], user="root").health_problem(str(folder), 5)
