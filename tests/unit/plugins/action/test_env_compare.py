# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A .env is compared with what a deploy would write, as the catalog's readers read both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action.env_compare import ActionModule
from tests.unit.plugins.action.values_account import CATALOG, CORE, account, run


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The file, beside an account with the same values."""
    with account(monkeypatch) as client:
        text = json.dumps({"TOKEN": "canary two", "KEY": "canary-key"})
        client("secretsmanager").create_secret(Name=CORE, SecretString=text)
        path = tmp_path / ".env"
        path.touch(mode=0o600)
        path.write_text("TOKEN='canary two'\nKEY=canary-key\nMODE=plain\nEMPTY=\n", encoding="utf-8")
        yield path


def compared(path: Path, **extra: Any) -> dict[str, Any]:
    result = run(ActionModule, catalog={**CATALOG, **extra}, environment="test", env_file=str(path))
    assert "canary" not in str(result)
    return result


def test_equal(old: Path) -> None:
    result = compared(old)
    assert (result["equal"], result["unset"]) == (["KEY", "MODE", "TOKEN"], ["EMPTY"])


def test_as_its_readers_read_it(old: Path) -> None:
    """docker keeps the quotes, so the same file is another one."""
    assert "TOKEN: the stores hold another value" in compared(old, readers=["docker_run"])["msg"]
    old.write_text("TOKEN=canary two\nKEY=canary-key\nMODE=plain\n", encoding="utf-8")
    assert compared(old, readers=["docker_run"])["equal"] == ["KEY", "MODE", "TOKEN"]


def test_different(old: Path) -> None:
    """It comes after values were written, so it does not say that nothing was changed."""
    old.write_text("TOKEN='canary two'\nKEY=canary-other\nLOST=canary\n", encoding="utf-8")
    assert compared(old)["msg"].splitlines() == [
        "The .env cannot be deployed to test, because the file would hold other values:",
        "  - KEY: the stores hold another value",
        "  - LOST: the catalog has no such setting, so the next deploy removes it",
    ]


def test_a_setting_of_another_file_may_stand_in_the_file_that_is_compared(old: Path) -> None:
    """No reader of .env need be able to read it."""
    files = {"token": {"path": "token", "format": "value", "settings": ["TOKEN"]}}
    old.write_text("KEY=canary-key\nMODE=plain\nTOKEN='canary two'\n", encoding="utf-8")
    assert compared(old, files=files, readers=["shell", "honcho"])["equal"] == ["KEY", "MODE", "TOKEN"]


def test_what_no_deploy_could_write(old: Path) -> None:
    message = compared(old, readers=["docker_run", "shell"])["msg"]
    assert message.startswith("Environment test is not deployable:\n  - TOKEN: ")
    assert "nothing was changed" not in message
