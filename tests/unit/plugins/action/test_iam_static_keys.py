# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keys that go, on moto in this process, whose records of the role's use are set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.iam.models import iam_backends

from ansible_collections.watchparty.secrets.plugins.action import iam_static_keys
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, PolicyError

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ARGS = {"users": ["ci", "ci"], "role": "deploy", "within_days": 7, "idle_days": 1, "after_days": 7}


@pytest.fixture
def iam(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        client = boto3.client("iam", region_name="eu-west-3")
        client.create_role(RoleName="deploy", AssumeRolePolicyDocument="{}")
        client.create_user(UserName="ci")
        client.create_access_key(UserName="ci")
        yield client


def used(when: datetime) -> None:
    """The role was used then."""
    for role in iam_backends["123456789012"]["aws"].roles.values():
        role.last_used = when
        role.last_used_region = "eu-west-3"


def act(now: datetime = NOW, *, check: bool = False, **args: Any) -> dict[str, Any]:
    action = iam_static_keys.ActionModule.__new__(iam_static_keys.ActionModule)
    action._task = SimpleNamespace(check_mode=check)
    made = {"store_client": lambda service: boto3.client(service, region_name="eu-west-3")}
    connection: Any = SimpleNamespace(**made)
    return action._answer(connection, {**ARGS, **args}, now)


def status(iam: Any) -> list[str]:
    return [item["Status"] for item in iam.list_access_keys(UserName="ci")["AccessKeyMetadata"]]


def test_deactivated_first_and_deleted_in_a_later_run(iam: Any) -> None:
    used(NOW)
    foreseen = act(check=True)
    assert (foreseen["changed"], status(iam)) == (True, ["Active"])
    first = act()
    assert (first["changed"], [step["act"] for step in first["steps"]], status(iam)) == (
        True,
        ["deactivate"],
        ["Inactive"],
    )
    assert first["role_used"] == "2026-11-25T12:00:00Z"
    waiting = act()
    assert (waiting["changed"], [step["act"] for step in waiting["steps"]]) == (False, ["wait"])
    later = NOW + timedelta(days=8)
    used(later)
    last = act(later)
    assert ([step["act"] for step in last["steps"]], status(iam)) == (["delete"], [])
    assert iam.list_user_tags(UserName="ci")["Tags"] == []
    assert act(later)["changed"] is False


def test_one_that_somebody_deactivated_waits_for_its_days_too(iam: Any) -> None:
    used(NOW)
    key = iam.list_access_keys(UserName="ci")["AccessKeyMetadata"][0]["AccessKeyId"]
    iam.update_access_key(UserName="ci", AccessKeyId=key, Status="Inactive")
    iam.tag_user(UserName="ci", Tags=[{"Key": f"watchparty-deactivated-{key}", "Value": "yesterday"}])
    assert [step["act"] for step in act()["steps"]] == ["stamp"]
    assert [step["act"] for step in act()["steps"]] == ["wait"]


def test_without_evidence_no_key_is_touched(iam: Any) -> None:
    with pytest.raises(PolicyError, match="role deploy was never used"):
        act()
    used(NOW - timedelta(days=8))
    with pytest.raises(PolicyError, match="more than 7 days ago"):
        act()
    assert status(iam) == ["Active"]


def test_what_is_not_there_is_named(iam: Any) -> None:
    used(NOW)
    with pytest.raises(NotFound, match="role other does not exist"):
        act(role="other")
    with pytest.raises(NotFound, match="user nobody does not exist"):
        act(users=["ci", "nobody"])
    assert status(iam) == ["Active"]
