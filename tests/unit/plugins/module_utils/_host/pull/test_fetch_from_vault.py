# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host that fetches for itself has no login to Vault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.pull.fetch import (
    KEPT,
    USAGE,
    FetchRequest,
    fetch,
)

KEY = {"vault": "app/{environment}/core", "key": "KEY"}
CATALOG: dict[str, Any] = {
    "application": "app",
    "journal": {"s3": "app-journal"},
    "stores": {"vault": {"address": "https://vault.example.com:8200", "auth": "token"}},
}
REFUSAL = (
    "secret vault:app/test/core: hosts fetch from AWS only; deliver it by ansible-playbook watchparty.secrets.deploy"
)


@pytest.mark.parametrize("beside", [{}, {"PORT": {"parameter": "X/PORT"}}], ids=["alone", "beside AWS"])
@pytest.mark.parametrize(("before", "code"), [("", USAGE), ("KEY=canary\n", KEPT)], ids=["no file", "a file"])
def test_settings_in_vault_are_refused_before_any_request(
    tmp_path: Path, before: str, code: int, beside: dict[str, Any]
) -> None:
    path = tmp_path / ".env"
    if before:
        path.write_text(before)

    def connect(_region: str | None) -> Any:
        raise AssertionError("nothing is asked")

    catalog = {**CATALOG, "settings": {"KEY": KEY, **beside}}
    outcome = fetch(FetchRequest("test", str(path), patience=0), lambda: catalog, connect)
    assert (outcome.code, outcome.messages[0]) == (code, REFUSAL)
    assert (path.read_text() if path.exists() else "") == before
