# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may read what, where AWS does not answer every question."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_reader import Access
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_access import EnvironmentAccess
from tests.unit.plugins.plugin_utils._verify.access_world import ACCOUNT, CATALOG, DOCUMENT, REGION, World, user


@pytest.mark.parametrize(
    ("decrypts", "readers"), [([], []), (["kms:Decrypt"], ["user ada"])], ids=["no key", "the key"]
)
def test_a_key_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, decrypts: list[str], readers: list[str]) -> None:
    """It is named as not checked, and whoever may not use a key is no reader."""

    def denied(_access: Access, alias: str) -> Any:
        raise Denied(f"{alias} cannot be described")

    monkeypatch.setattr(Access, "key_policy", denied)
    world = World()
    actions = ["secretsmanager:GetSecretValue", *decrypts]
    user({"Effect": "Allow", "Action": actions, "Resource": "*"})(world)
    look = EnvironmentAccess(DOCUMENT, CATALOG, AwsConnection("test", {"region": REGION}), ACCOUNT)
    look.__dict__["_cached_everybody"] = world.principals
    key = world.secret["key"]
    answer = look.readers({"core": {**world.secret, "replicas": {}}}, {}, Contents({}))
    assert answer["unread"] == [f"key {key}: {key} cannot be described"]
    assert [row["place"] for row in answer["rows"]] == readers
