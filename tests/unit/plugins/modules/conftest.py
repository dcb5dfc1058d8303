# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules run in this process, each on a directory of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import main as env_file_main
from tests.modules import run_module
from tests.unit.plugins.modules.host_world import HostWorld

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / ".env")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> HostWorld:
    tmp_path.chmod(0o755)
    return HostWorld(tmp_path, monkeypatch, capsys)


@pytest.fixture
def run(path: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the module as Ansible does, and checks that no value is in what it answers."""

    def call(
        values: dict[str, str] | None = None, *, snapshot: str = "s-1", journal: int = 0, **extra: Any
    ) -> dict[str, Any]:
        args: dict[str, Any] = {"path": path, "snapshot_id": snapshot, "journal": journal, **extra}
        if values is not None:
            args["content"] = dotenv.to_dotenv(values)
        result, output = run_module(env_file_main.main, args, capsys)
        assert "canary" not in output
        return result

    return call
