# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A store value does not decide who gets a new AUTH token."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Credential, Server
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_actions.auth_token import (
    AuthTokenAction,
)

AWS = ["master.g.euw3.cache.amazonaws.com:6379", "replica.g.euw3.cache.amazonaws.com:6379"]


def refuse(url: str, server: Server | None = None) -> None:
    action: Any = AuthTokenAction.__new__(AuthTokenAction)
    credential = Credential("cache", "elasticache_auth_token", server=server)
    action._setting = SimpleNamespace(catalog=SimpleNamespace(credentials={"cache": credential}))
    action._found = SimpleNamespace(url=url)
    action._refuse_elsewhere("cache", "g", AWS)


@pytest.mark.parametrize(
    "url",
    [
        "rediss://:canary@Master.g.euw3.cache.amazonaws.com/0",
        "rediss://:canary@replica.g.euw3.cache.amazonaws.com:6379/1",
        "rediss://:canary@tunnel:6390/0",
    ],
)
def test_an_address_that_aws_or_the_catalog_names(url: str) -> None:
    refuse(url, Server("tunnel:6390"))


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("rediss://:canary@thief/0", "thief:6379"),
        ("rediss://:canary@master.g.euw3.cache.amazonaws.com:6380/0", "master.g.euw3.cache.amazonaws.com:6380"),
        ("rediss://:canary@tunnel:6390/0", "tunnel:6390"),
    ],
)
def test_another_one(url: str, place: str) -> None:
    with pytest.raises(RotationError) as caught:
        refuse(url)
    message = str(caught.value)
    assert message.startswith(
        f"cache: its URL leads to {place}, but AWS names {', '.join(AWS)} for replication group g. Nothing was sent"
    )
    assert f'credentials.cache: server: {{address: "{place}"}}' in message
    assert "canary" not in message
