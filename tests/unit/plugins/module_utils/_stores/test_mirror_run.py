# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run of the mirror on moto: how many calls it takes, what a race and a lost answer do, and replica regions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Conflict
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import mirror_run

REGION, REPLICA = "eu-west-3", "eu-west-1"
CORE = "shop/production/core"
MANY = 300


class Aws:
    """Clients of moto's, and what they were asked."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.before: dict[str, Callable[[], object]] = {}
        self.client = cache(self._client)

    def _client(self, service: str, region: str | None) -> Any:
        client = boto3.client(service, region_name=region or REGION)
        client.meta.events.register("before-call.*.*", self._asked)
        return client

    def _asked(self, model: Any, **_more: Any) -> None:
        self.calls[model.name] += 1
        act = self.before.pop(model.name, None)
        if act:
            act()

    def counted(self, catalog: Catalog) -> dict[str, int]:
        """A whole run's calls."""
        self.calls.clear()
        mirror_run.apply(mirror_run.read(catalog, self.client), self.client)
        return dict(self.calls)

    def store(self, **values: str) -> None:
        manager, content = boto3.client("secretsmanager", region_name=REGION), json.dumps(values)
        try:
            manager.put_secret_value(SecretId=CORE, SecretString=content)
        except manager.exceptions.ResourceNotFoundException:
            manager.create_secret(Name=CORE, SecretString=content)


@pytest.fixture
def aws() -> Iterator[Aws]:
    with mock_aws():
        yield Aws()


def catalog(*names: str, **over: Any) -> Catalog:
    document = {
        "application": "shop",
        "settings": {name: {"group": "core", "sensitivity": "low"} for name in names},
        "mirror": {"groups": {"core": "shared"}},
        "environments": {"production": {"production": False}},
    }
    return catalog_parser.parse({**document, **over}, "production")


def held(name: str, region: str = REGION) -> str:
    parameters = boto3.client("ssm", region_name=region)
    value: str = parameters.get_parameter(Name=f"/shop/production/shared/{name}")["Parameter"]["Value"]
    return value


def test_three_hundred_parameters(aws: Aws) -> None:
    """One read of the sources each time; the first run writes all, the second none, the third the one that changed."""
    values = {f"KEY_{number:03}": f"value-{number}" for number in range(MANY)}
    many = catalog(*values)
    aws.store(**values)
    # moto gives 10 a page, and an empty last one; AWS gives 50, as it is asked.
    reads = {"BatchGetSecretValue": 1, "DescribeParameters": MANY // 10 + 1, "GetParameters": MANY // 10}
    assert aws.counted(many) == {"BatchGetSecretValue": 1, "DescribeParameters": 1, "PutParameter": MANY}
    assert aws.counted(many) == reads
    aws.store(**{**values, "KEY_007": "another"})
    assert aws.counted(many) == {**reads, "PutParameter": 1}
    assert held("KEY_007") == "another"


def test_sensitive_copies_have_the_environments_key_and_one_of_the_region(aws: Aws) -> None:
    key = f"arn:aws:kms:{REPLICA}:123456789012:key/22222222-2222-2222-2222-222222222222"
    settings = {"TOKEN": {"group": "core"}, "HOST": {"group": "core", "sensitivity": "low"}}
    section = {"groups": {"core": "shared"}, "replicas": True}
    aws.store(TOKEN="a-token", HOST="db")

    def described(region: str) -> dict[str, tuple[str, Any]]:
        found = boto3.client("ssm", region_name=region).describe_parameters()["Parameters"]
        return {one["Name"].rpartition("/")[2]: (one["Type"], one.get("KeyId")) for one in found}

    aws.counted(catalog(settings=settings, mirror=section, aws={"replicas": [REPLICA]}))
    plain = ("String", None)
    assert described(REGION) == {"TOKEN": ("SecureString", "alias/shop-production"), "HOST": plain}
    assert described(REPLICA) == {"TOKEN": ("SecureString", "alias/aws/ssm"), "HOST": plain}
    aws.store(TOKEN="another", HOST="db")
    aws.counted(catalog(settings=settings, mirror={**section, "replica_key": key}, aws={"replicas": [REPLICA]}))
    assert described(REPLICA)["TOKEN"] == ("SecureString", key)


def test_a_parameter_that_somebody_makes_meanwhile_is_not_overwritten(aws: Aws) -> None:
    theirs = boto3.client("ssm", region_name=REGION)
    aws.store(TOKEN="ours")
    aws.before["PutParameter"] = lambda: theirs.put_parameter(
        Name="/shop/production/shared/TOKEN", Value="theirs", Type="String"
    )
    with pytest.raises(Conflict, match="another writer created"):
        aws.counted(catalog("TOKEN"))
    assert held("TOKEN") == "theirs"


def test_a_parameter_that_somebody_writes_meanwhile_gets_their_value_back(aws: Aws) -> None:
    one, theirs = catalog("TOKEN"), boto3.client("ssm", region_name=REGION)
    aws.store(TOKEN="first")
    aws.counted(one)
    aws.store(TOKEN="second")
    aws.before["PutParameter"] = lambda: theirs.put_parameter(
        Name="/shop/production/shared/TOKEN", Value="theirs", Overwrite=True
    )
    with pytest.raises(Conflict, match="the other writer's value was restored"):
        aws.counted(one)
    assert held("TOKEN") == "theirs"


def test_a_first_write_whose_answer_was_lost_is_done(aws: Aws) -> None:
    one, again = catalog("TOKEN"), boto3.client("ssm", region_name=REGION)
    aws.store(TOKEN="ours")
    aws.before["PutParameter"] = lambda: again.put_parameter(
        Name="/shop/production/shared/TOKEN", Value="ours", Type="String"
    )
    aws.counted(one)
    assert held("TOKEN") == "ours"


def test_replica_regions_get_the_same_parameters(aws: Aws) -> None:
    one = catalog("TOKEN", mirror={"groups": {"core": "shared"}, "replicas": True}, aws={"replicas": [REPLICA]})
    aws.store(TOKEN="first")
    assert aws.counted(one)["PutParameter"] == 2
    assert (held("TOKEN"), held("TOKEN", REPLICA)) == ("first", "first")
    calls = aws.counted(one)
    assert "PutParameter" not in calls
    assert calls["BatchGetSecretValue"] == 1
    boto3.client("ssm", region_name=REPLICA).put_parameter(
        Name="/shop/production/shared/TOKEN", Value="edited", Overwrite=True
    )
    report = mirror_run.read(one, aws.client).report
    assert (report["plan"], report["unchanged"]) == ([], 1)
    assert report["conflicts"][0].endswith(f" in {REPLICA}")
