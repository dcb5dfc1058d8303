# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A developer's settings as a task runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action.env_local import ActionModule
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.seal import opened
from tests.unit.plugins.action.values_account import CATALOG, run


def lacking(path: Path, **args: Any) -> dict[str, Any]:
    return run(ActionModule, **{"catalog": CATALOG, "path": str(path), **args})


def test_what_the_file_lacks_hidden(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    first = lacking(path)
    assert first["_ansible_no_log"]
    assert first["names"] == ["KEY", "MODE"]
    assert len(opened(first)["settings"]["KEY"]) == 64
    assert opened(first)["settings"]["KEY"] != opened(lacking(path))["settings"]["KEY"]
    path.write_text("KEY=mine\n", encoding="utf-8")
    assert lacking(path)["names"] == ["MODE"]


def test_the_readers_are_the_catalogs(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("MODE='it\n", encoding="utf-8")
    assert "never closed" in lacking(path)["msg"]
    result = lacking(path, catalog={**CATALOG, "environments": {"local": {"readers": ["docker_run"]}}})
    assert (result["readers"], result["names"]) == (["docker_run"], ["KEY"])


@pytest.mark.parametrize(
    ("content", "message"), [(b"\xff", "is not UTF-8"), (b"canary\n", "line 1 is neither"), (None, "cannot be read")]
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / ".env"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    failed = lacking(path)
    assert message in failed["msg"]
    assert "canary" not in failed["msg"]


def test_a_catalog_that_is_not_valid(tmp_path: Path) -> None:
    assert lacking(tmp_path / ".env", catalog={})["error_type"] == "CatalogError"
