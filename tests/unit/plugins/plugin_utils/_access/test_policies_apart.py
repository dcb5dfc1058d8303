# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What holds of every policy: environments stay apart, nothing is a wildcard, keys work through the stores alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import key_policy
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policies as access_policies
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import (
    IamRequest,
    decide,
    listed,
)
from tests.unit.plugins.plugin_utils._access.shop_policies import (
    ACCOUNT,
    DOCUMENT,
    EVERY,
    KEYS,
    REGION,
    documents,
    parameter,
    secret,
)


def test_the_audit_log_in_a_bucket_is_listed_below_its_own_prefix_only() -> None:
    document = {**DOCUMENT, "audit_log": {"s3": "shop-audit/records"}}
    found = access_policies.documents(
        catalog_parser.parse(document, "production"), AwsScope(ACCOUNT, REGION, KEYS["production"])
    )
    bucket = "arn:aws:s3:::shop-audit"

    def may(action: str, resource: str, **context: str) -> bool:
        return decide(
            found["rotate"], IamRequest(action, resource, {k.replace("_", ":"): v for k, v in context.items()})
        ).allowed

    assert may("s3:ListBucket", bucket, s3_prefix="records/shop/production/")
    assert not may("s3:ListBucket", bucket, s3_prefix="records/shop/")
    assert not may("s3:ListBucket", bucket)
    assert may("s3:PutObject", f"{bucket}/records/shop/production/000000000001.json")
    assert not may("s3:PutObject", f"{bucket}/records/shop/staging/000000000001.json")
    assert not may("s3:DeleteObject", f"{bucket}/records/shop/production/000000000001.json")
    assert not decide(
        found["deploy"], IamRequest("s3:GetObject", f"{bucket}/records/shop/production/000000000001.json")
    )


def granted(environment: str) -> list[tuple[str, str]]:
    """Every action of an environment's policies with every resource that it is granted on, wildcards filled in."""
    found = []
    for each in documents(environment).values():
        for document in each:
            for one in document["Statement"]:
                for action in listed(one["Action"]):
                    for arn in listed(one["Resource"]):
                        found.append((action, arn.replace("-??????", "-AbCdEf").replace("*", "x")))
    return found


def neutral(action: str, arn: str) -> bool:
    """What belongs to no environment: looks that admit only ``*``, names in CloudWatch Logs, and every user."""
    looks = ("logs:DescribeLogStreams", "logs:DescribeLogGroups", "iam:ListAccessKeys", "iam:GetLoginProfile")
    return arn == "x" or action in looks


@pytest.mark.parametrize("role", EVERY)
@pytest.mark.parametrize(("mine", "theirs"), [("production", "staging"), ("staging", "production")])
def test_nothing_that_one_environment_grants_is_granted_by_the_other(role: str, mine: str, theirs: str) -> None:
    """Staging against production, for every action and resource in any of the other's policies."""
    contexts = [
        {"kms:ViaService": f"{service}.{REGION}.amazonaws.com", f"kms:EncryptionContext:{key}": arn}
        for service, key, arn in [
            ("secretsmanager", "SecretARN", secret(f"shop/{theirs}/core")),
            ("ssm", "PARAMETER_ARN", parameter(f"/shop/{theirs}/App/HOSTS")),
            ("secretsmanager", "SecretARN", secret(f"shop/{mine}/core")),
        ]
    ]
    asked = [one for one in granted(theirs) if not neutral(*one)]
    assert len(asked) > 30
    reached = [
        (action, arn)
        for action, arn in asked
        for context in contexts
        if decide(documents(mine)[role], IamRequest(action, arn, context))
    ]
    assert reached == []


def test_what_admits_only_a_star_stands_alone() -> None:
    only = {
        "secretsmanager:BatchGetSecretValue",
        "ssm:DescribeParameters",
        "cloudtrail:LookupEvents",
        "iam:ListUsers",
        "iam:ListOpenIDConnectProviders",
        "iam:GetAccountAuthorizationDetails",
        "secretsmanager:ListSecrets",
        "logs:DescribeLogGroups",
    }
    starred = set()
    for each in documents("production").values():
        for document in each:
            for one in document["Statement"]:
                if "*" in listed(one["Resource"]):
                    assert len(listed(one["Action"])) == 1
                    assert one["Resource"] == "*"
                    starred.add(one["Action"])
    assert starred == only


def test_no_action_is_written_with_a_wildcard_and_nothing_is_named_twice() -> None:
    for each in documents("production").values():
        sids = [one["Sid"] for document in each for one in document["Statement"]]
        assert len(sids) == len(set(sids))
        assert not any("*" in action for d in each for one in d["Statement"] for action in listed(one["Action"]))


def test_a_catalog_without_parameters_grants_none(catalog: Callable[..., Any]) -> None:
    small = catalog({"TOKEN": {"group": "core"}}, environment="test")
    found = access_policies.documents(small, AwsScope(ACCOUNT, REGION, KEYS["production"]))
    text = json.dumps(found["deploy"])
    assert "PARAMETER_ARN" not in text
    assert "parameter/app/test" not in text
    assert "Stage" not in json.dumps(found["rotate"])
    assert "s3:" not in json.dumps(found)


def test_the_key_is_used_through_the_stores_alone() -> None:
    ground = AwsScope(ACCOUNT, REGION, KEYS["production"])
    document = key_policy.key_policy(ground, catalog_parser.parse(DOCUMENT, "production"))
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    through = {"kms:ViaService": f"ssm.{REGION}.amazonaws.com"}

    def may(action: str, context: dict[str, str], who: dict[str, str] = root) -> bool:
        return decide([document], IamRequest(action, KEYS["production"], context, who)).allowed

    for action in ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"):
        assert may(action, through)
        assert not may(action, {})
        assert not may(action, {"kms:ViaService": f"s3.{REGION}.amazonaws.com"})
        assert not may(action, through, {"AWS": "arn:aws:iam::210987654321:root"})
    for action in (
        "kms:PutKeyPolicy",
        "kms:EnableKeyRotation",
        "kms:DescribeKey",
        "kms:CreateAlias",
        "kms:TagResource",
    ):
        assert may(action, {})
    # A grant would let its holder decrypt past the condition.
    assert not may("kms:CreateGrant", {})
    assert not may("kms:CreateGrant", through)


SPARE = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/33333333-3333-3333-3333-333333333333"
WITH_FILE = {**DOCUMENT, "encrypted_env": {"file": "{environment}.env.enc", "keys": [SPARE]}}


def context_of(environment: str, application: str = "shop") -> dict[str, str]:
    named = {"application": application, "environment": environment, "catalog": "0" * 64}
    return {f"kms:EncryptionContext:{key}": value for key, value in named.items()}


@pytest.mark.parametrize("role", ["deploy", "host", "rotate", "respond", "verify"])
def test_an_encrypted_env_is_opened_and_written_by_those_who_need_to(role: str) -> None:
    """And by its own environment's context alone; nobody may without the catalog's word."""
    ground = AwsScope(ACCOUNT, REGION, KEYS["production"])
    granted = access_policies.documents(catalog_parser.parse(WITH_FILE, "production"), ground)[role]

    def may(action: str, key: str, context: dict[str, str]) -> bool:
        return decide(granted, IamRequest(action, key, context)).allowed

    own = context_of("production")
    opens, writes = role != "verify", role in ("deploy", "rotate", "respond")
    for key in (KEYS["production"], SPARE):
        assert may("kms:Decrypt", key, own) is opens
        for other in ({}, context_of("staging"), context_of("production", "other")):
            for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt"):
                assert not may(action, key, other)
    assert may("kms:GenerateDataKey", KEYS["production"], own) is writes
    assert not may("kms:GenerateDataKey", SPARE, own)
    assert may("kms:Encrypt", SPARE, own) is writes
    assert not may("kms:Encrypt", KEYS["production"], own)
    assert not may("kms:Decrypt", KEYS["staging"], own)
    assert "EnvEnc" not in json.dumps(documents("production")[role])


def test_the_key_opens_an_encrypted_env_directly_and_nothing_else() -> None:
    ground = AwsScope(ACCOUNT, REGION, KEYS["production"])
    document = key_policy.key_policy(ground, catalog_parser.parse(WITH_FILE, "production"))
    root = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}

    def may(action: str, context: dict[str, str]) -> bool:
        return decide([document], IamRequest(action, KEYS["production"], context, root)).allowed

    assert may("kms:Decrypt", context_of("production"))
    assert may("kms:GenerateDataKey", context_of("production"))
    assert not may("kms:Encrypt", context_of("production"))
    secret = {"kms:EncryptionContext:SecretARN": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop/x-AbCdEf"}
    for other in ({}, secret, context_of("staging"), {"kms:EncryptionContext:application": "shop"}):
        assert not may("kms:Decrypt", other)


def test_in_china_the_partition_and_the_services_names_are_others() -> None:
    ground = AwsScope(ACCOUNT, "cn-north-1", "arn:aws-cn:kms:cn-north-1:123456789012:key/1", "aws-cn")
    text = json.dumps(access_policies.documents(catalog_parser.parse(DOCUMENT, "production"), ground))
    assert "arn:aws:" not in text
    assert "secretsmanager.cn-north-1.amazonaws.com.cn" in text


names = st.text("abcXYZ019/_+=.@-", min_size=1, max_size=20)


@settings(max_examples=200)
@given(name=names, other=names, suffix=st.text("abcXYZ019", min_size=6, max_size=6))
def test_the_suffix_of_one_name_fits_no_other_name(name: str, other: str, suffix: str) -> None:
    ground = AwsScope(ACCOUNT, REGION, "key")
    document = {"Statement": {"Effect": "Allow", "Action": "a:b", "Resource": ground.secret(name)}}
    for asked in (other, f"{name}-{suffix}", f"{name}-", f"{name}{suffix}"):
        expected = asked == name
        assert decide([document], IamRequest("a:b", secret(asked, suffix))).allowed is expected
    assert decide([document], IamRequest("a:b", secret(name, suffix)))
