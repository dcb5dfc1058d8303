# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the role of the mirror may and may not do, judged by the evaluator."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policies, resources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import IamRequest, decide

ACCOUNT, REGION, REPLICA = "123456789012", "eu-west-3", "eu-west-1"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-1111-1111-1111-111111111111"
REPLICA_KEY = f"arn:aws:kms:{REPLICA}:{ACCOUNT}:key/22222222-2222-2222-2222-222222222222"
GROUND = AwsScope(ACCOUNT, REGION, KEY)
DOCUMENT: dict[str, Any] = {
    "application": "shop",
    "journal": {"s3": "shop-secrets"},
    "aws": {"replicas": [REPLICA]},
    "settings": {
        "SECRET_KEY": {"group": "core", "copies": [{"parameter": "App/SECRET_KEY"}]},
        "TOKEN": {"group": "shared"},
        "OTHER": {"group": "other"},
        "HOSTS": {"parameter": "App/HOSTS"},
    },
    "mirror": {"groups": {"shared": "shared"}, "replicas": True, "replica_key": REPLICA_KEY, "function": {}},
    "environments": {"production": {"production": False}},
}


def documents(role: str = "mirror", **over: Any) -> tuple[dict[str, Any], ...]:
    return policies.documents(catalog_parser.parse({**DOCUMENT, **over}, "production"), GROUND)[role]


def secret(name: str) -> str:
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop/production/{name}-AbCdEf"


def parameter(name: str, region: str = REGION) -> str:
    return f"arn:aws:ssm:{region}:{ACCOUNT}:parameter/shop/production/{name}"


@pytest.mark.parametrize(
    ("action", "arn", "allowed"),
    [
        ("secretsmanager:GetSecretValue", secret("core"), True),
        ("secretsmanager:GetSecretValue", secret("shared"), True),
        ("secretsmanager:GetSecretValue", secret("other"), False),
        ("secretsmanager:PutSecretValue", secret("core"), False),
        ("ssm:PutParameter", parameter("App/SECRET_KEY"), True),
        ("ssm:PutParameter", parameter("shared/TOKEN"), True),
        ("ssm:PutParameter", parameter("shared/TOKEN", REPLICA), True),
        ("ssm:PutParameter", parameter("shared/TOKEN", "us-east-1"), False),
        ("ssm:DeleteParameters", parameter("shared/GONE"), True),
        ("ssm:PutParameter", parameter("App/HOSTS"), False),
        ("ssm:GetParameters", parameter("App/HOSTS"), False),
        ("s3:GetObject", "arn:aws:s3:::shop-secrets/shop/production/journal.jsonl", True),
        ("s3:PutObject", "arn:aws:s3:::shop-secrets/shop/production/journal.jsonl", False),
        ("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:shop-production-mirror-failed", True),
    ],
)
def test_it_may_mirror_and_nothing_else(action: str, arn: str, allowed: bool) -> None:
    assert bool(decide(documents(), IamRequest(action, arn))) is allowed


@pytest.mark.parametrize(
    ("key", "region", "name", "allowed"),
    [
        (KEY, REGION, "shared/TOKEN", True),
        (KEY, REGION, "App/HOSTS", False),
        (REPLICA_KEY, REPLICA, "shared/TOKEN", True),
        (REPLICA_KEY, REGION, "shared/TOKEN", False),
    ],
)
def test_keys_only_for_its_parameters(key: str, region: str, name: str, allowed: bool) -> None:
    context = {
        "kms:ViaService": f"ssm.{region}.amazonaws.com",
        "kms:EncryptionContext:PARAMETER_ARN": parameter(name, region),
    }
    assert bool(decide(documents(), IamRequest("kms:Encrypt", key, context))) is allowed


def test_a_verification_reads_the_replica_regions() -> None:
    assert decide(documents("verify"), IamRequest("ssm:GetParameters", parameter("shared/TOKEN", REPLICA)))
    assert not decide(documents("verify"), IamRequest("ssm:PutParameter", parameter("shared/TOKEN", REPLICA)))


def test_the_role_is_made_for_the_function_and_for_operators() -> None:
    def trusted(**over: Any) -> list[str]:
        catalog = catalog_parser.parse({**DOCUMENT, **over}, "production")
        plan = resources.plan(catalog, GROUND, resources.AccessOptions())
        trusts = [role["trust"]["Statement"] for role in plan["roles"] if role["kind"] == "mirror"]
        return [statement["Sid"] for statements in trusts for statement in statements]

    operators = {"operators": [f"arn:aws:iam::{ACCOUNT}:user/ann"], "replicas": [REPLICA]}
    assert trusted() == ["Function"]
    assert trusted(aws=operators) == ["Function", "Users"]
    assert trusted(aws=operators, mirror={}) == ["Users"]
    assert trusted(mirror={}) == []
    assert trusted(mirror=None) == []


@pytest.mark.parametrize("key", ["arn:aws:kms:*:123456789012:key/*", "alias/mine"])
def test_a_key_that_would_widen_the_policy_is_refused(key: str) -> None:
    with pytest.raises(CatalogError, match=r"mirror\.replica_key"):
        documents(mirror={"replicas": True, "replica_key": key})
