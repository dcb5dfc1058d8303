# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from tests.unit.plugins.module_utils._host.pull.fetching_host import (
    CANARY,
    CLIENTS,
    JOURNAL,
    Host,
    client,
    parameter,
    store,
)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        store(CANARY)
        JOURNAL.make(client)
        CLIENTS["ssm"] = boto3.client("ssm", region_name="eu-west-3")
        parameter("/app/test/X/PORT", "1")
        yield Host(tmp_path)
    CLIENTS.clear()
