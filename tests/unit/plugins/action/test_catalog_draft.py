# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A draft as a task runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action.catalog_draft import ActionModule
from tests.unit.plugins.action.values_account import run


@pytest.fixture
def env(tmp_path: Path) -> Path:
    folder = tmp_path / "My Shop"
    folder.mkdir()
    path = folder / ".env"
    path.touch(mode=0o600)
    path.write_text("API_KEY=canary\n", encoding="utf-8")
    return path


def draft(env: Path, **args: Any) -> dict[str, Any]:
    return run(ActionModule, **{"env_file": str(env), "dest": str(env.parent / "draft.yaml"), **args})


def test_once_and_the_same_again(env: Path) -> None:
    assert draft(env, check=True)["changed"]
    dest = env.parent / "draft.yaml"
    assert not dest.exists()
    first = draft(env)
    assert (first["changed"], first["names"], first["dest"]) == (True, ["API_KEY"], str(dest))
    assert "application: my-shop" in first["diff"]["after"]
    assert "canary" not in str(first)
    assert draft(env)["changed"] is False
    assert "application: other" in draft(env, application="other", dest=str(env.parent / "other.yaml"))["diff"]["after"]


def test_what_is_there_stays(env: Path) -> None:
    dest = env.parent / "draft.yaml"
    dest.write_text("mine\n", encoding="utf-8")
    failed = draft(env)
    assert f"{dest}: exists already and was not changed" in failed["msg"]
    assert dest.read_text(encoding="utf-8") == "mine\n"


def test_a_file_without_a_setting(env: Path) -> None:
    env.write_text("# nothing\nA.B=1\n", encoding="utf-8")
    assert "holds no setting" in draft(env)["msg"]
    env.chmod(0o644)
    assert "mode 0600" in draft(env)["msg"]
