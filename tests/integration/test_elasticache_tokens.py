# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tokens of a replication group, through boto3, against the stand-in and real servers behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    Conflict,
    Denied,
    NoAccess,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.elasticache_group import AuthTokens, checked
from sandbox.process import wait_until
from sandbox.valkey import Valkey
from tests.integration.elasticache_server import ElastiCache
from tests.integration.valkey_lab import dead, in_step, new_password, node, session


@pytest.fixture
def servers() -> Iterator[tuple[Valkey, Valkey]]:
    with Valkey(password=new_password()) as primary, Valkey(replica_of=primary) as replica:
        assert wait_until(lambda: in_step(replica), seconds=30)
        yield primary, replica


@pytest.fixture
def server() -> Iterator[Valkey]:
    with Valkey(password=new_password()) as item:
        yield item


def client(api: ElastiCache, tries: int) -> Any:
    return boto3.client(
        "elasticache",
        region_name="eu-west-3",
        endpoint_url=api.url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"mode": "standard", "total_max_attempts": tries}, read_timeout=5),
    )


def tokens(api: ElastiCache, *, group: str | None = None, **options: Any) -> AuthTokens:
    options = {"interval": 1, "sleep": lambda _seconds: None, "look": WritePermission, **options}
    return AuthTokens(client(api, 3), group or api.group, acting=client(api, 1), **options)


def test_a_token_is_rotated_in_two_steps(servers: tuple[Valkey, Valkey]) -> None:
    old, new = servers[0].password, new_password()
    with ElastiCache(servers) as api:
        group = tokens(api).describe()
        assert (group.status, group.pending, group.has_token, group.is_available) == ("available", "", True, True)
        assert group.endpoints == (node(servers[0]), node(servers[1]))
        worker = session(servers[0], old)
        assert tokens(api).add(new).is_available
        assert all(valkey.accepts(old) and valkey.accepts(new) for valkey in servers)
        assert tokens(api).keep_only(new).is_available
        assert not any(valkey.accepts(old) for valkey in servers)
        assert all(valkey.accepts(new) for valkey in servers)
        assert not dead(worker), "ElastiCache ends no session"
        changes = [call for call in api.calls if call != "DescribeReplicationGroups"]
        assert changes == ["ModifyReplicationGroup ROTATE", "ModifyReplicationGroup SET"]


def test_on_the_way_back_the_old_token_is_kept(server: Valkey) -> None:
    old, new = server.password, new_password()
    with ElastiCache([server]) as api:
        tokens(api).add(new)
        tokens(api).keep_only(old)
    assert server.accepts(old)
    assert not server.accepts(new)


def test_a_lost_answer_is_not_sent_again(server: Valkey) -> None:
    old, new = server.password, new_password()
    with ElastiCache([server]) as api:
        api.faults = ["lose"]
        with pytest.raises(NoAccess, match="could not be reached"):
            tokens(api).add(new)
        assert api.calls.count("ModifyReplicationGroup ROTATE") == 1
        tokens(api).wait_until_available()
        assert server.accepts(new)
        assert server.accepts(old)


def test_a_change_that_is_under_way_is_waited_for(server: Valkey) -> None:
    new, other = new_password(), new_password()
    with ElastiCache([server], looks=3) as api:
        client(api, 1).modify_replication_group(
            ReplicationGroupId=api.group, AuthToken=other, AuthTokenUpdateStrategy="ROTATE", ApplyImmediately=True
        )
        assert tokens(api).add(new).is_available
        assert server.accepts(new)
        assert server.accepts(other)


def test_a_change_that_came_between_is_a_conflict(server: Valkey) -> None:
    with ElastiCache([server], looks=5) as api:
        ours = tokens(api)
        wait = ours.wait_until_available

        def overtaken() -> Any:
            group = wait()
            client(api, 1).modify_replication_group(
                ReplicationGroupId=api.group,
                AuthToken=new_password(),
                AuthTokenUpdateStrategy="ROTATE",
                ApplyImmediately=True,
            )
            return group

        ours.wait_until_available = overtaken  # type: ignore[method-assign]
        with pytest.raises(Conflict, match="is being changed already"):
            ours.add(new_password())


def test_waiting_has_an_end(server: Valkey) -> None:
    with ElastiCache([server], looks=50) as api:
        with pytest.raises(NoAccess, match="still modifying ROTATING after 10 s"):
            tokens(api, seconds=10).add(new_password())
        assert tokens(api, seconds=100).wait_until_available().is_available


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"AuthTokenEnabled": False}, "has no AUTH token; set the first one"),
        ({"TransitEncryptionEnabled": False}, "no encryption in transit"),
        ({"UserGroupIds": ["team-a"]}, r"uses user groups \(team-a\)"),
        ({"Status": "create-failed"}, "is create-failed, so no change was sent"),
    ],
)
def test_groups_that_are_refused(settings: dict[str, Any], message: str, server: Valkey) -> None:
    with ElastiCache([server], **settings) as api:
        with pytest.raises(StoreError, match=message):
            tokens(api).add(new_password())
        assert "ModifyReplicationGroup ROTATE" not in api.calls


def test_errors_in_words(server: Valkey) -> None:
    new = new_password()
    with ElastiCache([server]) as api:
        with pytest.raises(NotFound, match="No replication group other is in this"):
            tokens(api, group="other").describe()
        with pytest.raises(StoreError, match="SET is allowed only after ROTATE"):
            tokens(api).keep_only(new)
        api.faults = ["refuse", "deny", "echo"]
        with pytest.raises(NoAccess, match="AWS failed at elasticache:ModifyReplicationGroup"):
            tokens(api).add(new)
        with pytest.raises(Denied, match="AWS denies elasticache:ModifyReplicationGroup"):
            tokens(api).add(new)
        with pytest.raises(StoreError, match=r"The token \*{8} is too simple") as raised:
            tokens(api).add(new)
        assert new not in str(raised.value)
        gone = tokens(api)
    with pytest.raises(NoAccess, match="could not be reached"):
        gone.describe()


@pytest.mark.parametrize("token", ["short", "a" * 129, "with a space in the middle", "slash/slash/slash/", "é" * 16])
def test_tokens_that_elasticache_does_not_take(token: str) -> None:
    with pytest.raises(StoreError, match="16 to 128 letters") as raised:
        checked(token)
    assert token not in str(raised.value)
    assert checked("a" * 16) == "a" * 16


def test_the_stand_in_knows_the_service(server: Valkey) -> None:
    """It refuses what the model of the service does not have."""
    with ElastiCache([server]) as api:
        for request in (
            {"ReplicationGroupId": api.group, "Nonsense": "1"},
            {"ReplicationGroupId": api.group, "AuthTokenUpdateStrategy": "REPLACE"},
            {"AuthTokenUpdateStrategy": "SET", "AuthToken": "x"},
        ):
            status, answer = api.answer({"Action": "ModifyReplicationGroup", "Version": "2015-02-02", **request})
            assert status == 400
            assert b"InvalidParameterValue" in answer
