# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stand-in can be as AWS is: reads that are behind, throttling, grants that take their time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config

from sandbox.aws import REGION, Moto

FIRST, SECOND = ("%032d" % number for number in (1, 2))


@pytest.fixture
def account(account: Moto) -> Iterator[Moto]:
    yield account
    account.set_staleness()
    account.set_throttling()
    account.set_propagation()


def client(account: Moto, service: str) -> Any:
    """One that asks once."""
    return boto3.client(
        service,
        endpoint_url=account.url,
        region_name=REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}),
    )


def code(error: pytest.ExceptionInfo[Any]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_reads_of_secrets_are_behind_and_writes_are_not(account: Moto) -> None:
    store = client(account, "secretsmanager")
    store.create_secret(Name="stale/one", SecretString="old", ClientRequestToken=FIRST)
    account.set_staleness(seconds=600, seed=1)
    store.put_secret_value(SecretId="stale/one", SecretString="new", ClientRequestToken=SECOND)
    assert {store.get_secret_value(SecretId="stale/one")["SecretString"] for _time in range(9)} == {"old"}
    with pytest.raises(store.exceptions.ResourceNotFoundException):
        store.get_secret_value(SecretId="stale/one", VersionId=SECOND)
    with pytest.raises(botocore.exceptions.ClientError) as error:  # decided on the newest state
        store.update_secret_version_stage(
            SecretId="stale/one", VersionStage="AWSCURRENT", MoveToVersionId=SECOND, RemoveFromVersionId=FIRST
        )
    assert code(error) == "InvalidParameterException"
    account.set_staleness()
    assert store.get_secret_value(SecretId="stale/one")["SecretString"] == "new"


def test_a_read_that_begins_late_enough_shows_the_write(account: Moto) -> None:
    store = client(account, "ssm")
    account.set_staleness(seconds=0.2)
    store.put_parameter(Name="/Stale/One", Type="String", Value="x")
    time.sleep(0.25)
    assert store.get_parameter(Name="/Stale/One")["Parameter"]["Value"] == "x"


def test_iam_lists_are_behind(account: Moto) -> None:
    iam = client(account, "iam")
    iam.create_user(UserName="stale")
    account.set_staleness(seconds=600)
    iam.create_access_key(UserName="stale")
    assert not iam.list_access_keys(UserName="stale")["AccessKeyMetadata"]
    account.set_staleness()
    assert len(iam.list_access_keys(UserName="stale")["AccessKeyMetadata"]) == 1


def test_a_label_on_another_version_is_not_moved_without_saying_from_where(account: Moto) -> None:
    store = client(account, "secretsmanager")
    store.create_secret(Name="labels", SecretString="old", ClientRequestToken=FIRST)
    store.put_secret_value(SecretId="labels", SecretString="new", ClientRequestToken=SECOND, VersionStages=["ours"])
    with pytest.raises(botocore.exceptions.ClientError) as error:
        store.update_secret_version_stage(SecretId="labels", VersionStage="ours", MoveToVersionId=FIRST)
    assert code(error) == "InvalidParameterException"


def test_calls_beyond_the_rate_are_throttled(account: Moto) -> None:
    store = client(account, "ssm")
    store.put_parameter(Name="/Rate/One", Type="String", Value="x")
    account.set_throttling(share=0.05)  # leaves two calls a second

    def ask() -> str:
        try:
            store.get_parameter(Name="/Rate/One")
        except botocore.exceptions.ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    answers = {ask() for _time in range(30)}
    assert answers == {"", "ThrottlingException"}


def test_a_grant_takes_its_time(account: Moto) -> None:
    store, iam = client(account, "secretsmanager"), client(account, "iam")
    account.set_propagation(seconds=4)
    assert store.list_secrets() is not None
    iam.create_role(RoleName="granted", AssumeRolePolicyDocument="{}")
    with pytest.raises(botocore.exceptions.ClientError) as error:
        store.list_secrets()
    assert code(error) == "AccessDeniedException"
    time.sleep(4)
    assert store.list_secrets() is not None


def test_an_unknown_word_of_a_profile_is_refused(account: Moto) -> None:
    with pytest.raises(OSError, match="400"):
        account.set_staleness(minutes=3)
