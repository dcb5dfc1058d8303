# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The application's own command: what it does is up to the application, and what it prints stays on the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django import own_command

DONE: dict[str, Any] = {"changed": True, "engine": "command", "only_the_key": False}


def program(directory: Path, text: str) -> str:
    path = directory / "log-out"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o700)
    return str(path)


def test_it_gets_its_arguments_and_no_shell(tmp_path: Path) -> None:
    path = program(tmp_path, 'printf "%s|" "$@" > "$0.done"')
    assert own_command.ended([path, "$(id)", "a b"], check=False) == DONE
    assert (tmp_path / "log-out.done").read_text() == "$(id)|a b|"


def test_check_mode_runs_nothing(tmp_path: Path) -> None:
    path = program(tmp_path, 'touch "$0.done"')
    assert own_command.ended([path], check=True) == DONE
    assert not (tmp_path / "log-out.done").exists()


def test_its_output_is_not_reported(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = program(tmp_path, "echo canary-value; echo canary-value >&2; exit 3")
    with pytest.raises(HostError, match="failed with exit code 3") as raised:
        own_command.ended([path], check=False)
    assert "canary" not in str(raised.value)
    assert capfd.readouterr() == ("", "")


def test_it_cannot_hold_the_response_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_command, "SECONDS", 0.2)
    with pytest.raises(HostError, match="did not end within"):
        own_command.ended([program(tmp_path, "exec sleep 60")], check=False)


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot be run: No such file or directory"):
        own_command.ended([str(tmp_path / "nothing")], check=False)


def test_root_runs_no_program_that_another_account_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path, 'touch "$0.done"')
    Path(path).chmod(0o777)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    with pytest.raises(HostError, match="log-out would run as root, and another account may change /"):
        own_command.ended([path], check=False)
    assert not (tmp_path / "log-out.done").exists()
