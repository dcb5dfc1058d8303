# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Overtaken
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.elasticache_group import AuthTokens
from tests.unit.plugins.plugin_utils._rotation.rotator_world import TOKEN, World, going


def test_one_look_allows_one_write() -> None:
    fresh = WritePermission()
    fresh.spend()
    with pytest.raises(RuntimeError, match="look again"):
        fresh.spend()


def test_a_parameter_is_not_written_twice_by_one_look() -> None:
    world = World()
    rotator = going(world, "token")
    fresh = rotator.fresh()
    rotator.overwrite(TOKEN, "new", instead_of=1, fresh=fresh)
    with pytest.raises(RuntimeError, match="look again"):
        rotator.overwrite(TOKEN, "newer", instead_of=2, fresh=fresh)
    assert world.token() == "new"


def test_a_run_that_was_overtaken_gets_none_though_it_goes_on_by_what_it_wrote() -> None:
    world = World()
    rotator = going(world, "token")
    world.taken_over()
    assert rotator.holding()[1].run == "run1"
    with pytest.raises(Overtaken, match="another run took"):
        rotator.fresh()


KEY_WRITES: dict[str, Callable[..., object]] = {
    "create": lambda keys, **look: keys.create("app", **look),
    "deactivate": lambda keys, **look: keys.deactivate("app", "AKIA1", **look),
    "activate": lambda keys, **look: keys.activate("app", "AKIA1", **look),
    "delete": lambda keys, **look: keys.delete("app", "AKIA1", **look),
}


@pytest.mark.parametrize("write", KEY_WRITES.values(), ids=KEY_WRITES)
def test_an_access_key_is_not_written_without_a_look_of_its_own(write: Callable[..., object]) -> None:
    client, fresh = MagicMock(), WritePermission()
    keys = AccessKeys(client, acting=client, sts=client)
    with pytest.raises(TypeError, match="fresh"):
        write(keys)
    assert not client.mock_calls
    write(keys, fresh=fresh)
    sent = len(client.mock_calls)
    assert sent
    with pytest.raises(RuntimeError, match="look again"):
        write(keys, fresh=fresh)
    assert len(client.mock_calls) == sent


def _group_client() -> Any:
    group = {"ReplicationGroupId": "cache", "Status": "available", "AuthTokenEnabled": True}
    client = MagicMock()
    client.describe_replication_groups.return_value = {
        "ReplicationGroups": [{**group, "TransitEncryptionEnabled": True}]
    }
    return client


def test_an_auth_token_is_not_changed_without_a_look_of_its_own() -> None:
    """Its group is waited for first, so the look comes after that."""
    client, fresh = _group_client(), WritePermission()
    with pytest.raises(TypeError, match="look"):
        AuthTokens(client, "cache", acting=client)  # type: ignore[call-arg]
    tokens = AuthTokens(client, "cache", acting=client, look=lambda: fresh)
    tokens.add("x" * 16)
    with pytest.raises(RuntimeError, match="look again"):
        tokens.keep_only("x" * 16)
    assert client.modify_replication_group.call_count == 1
