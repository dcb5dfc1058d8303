# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may and may not do what, judged by the evaluator over the documents that a catalog gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policies as access_policies
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import (
    IamRequest,
    decide,
    listed,
)

ACCOUNT, REGION = "123456789012", "eu-west-3"
KEYS = {
    "production": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-1111-1111-1111-111111111111",
    "staging": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/22222222-2222-2222-2222-222222222222",
}


def storage(environment: str) -> dict[str, Any]:
    appears_in = [{"setting": "AWS_ACCESS_KEY_ID"}, {"setting": "AWS_SECRET_ACCESS_KEY"}]
    return {"kind": "aws_access_key", "options": {"user": f"shop-{environment}"}, "appears_in": appears_in}


def cached(environment: str) -> dict[str, Any]:
    options = {"replication_group": f"shop-{environment}"}
    return {"kind": "elasticache_auth_token", "options": options, "appears_in": [{"setting": "REDIS_URL"}]}


DOCUMENT: dict[str, Any] = {
    "application": "shop",
    "contacts": {"security": "security@example.com"},
    "audit_log": {"log_group": "/shop/audit"},
    "journal": {"s3": "shop-secrets/journal"},
    "github": {"repository": "example/shop"},
    "aws": {"replicas": ["eu-west-1"]},
    "secrets": {"all-in-one": {"environment": "production"}},
    "settings": {
        "SECRET_KEY": {"group": "core", "copies": [{"parameter": "App/SECRET_KEY"}]},
        "DATABASE_URL": {"group": "core", "schemes": ["postgresql"]},
        "CLIENT_SECRET": {"group": "integrations"},
        "HOSTS": {"parameter": "App/HOSTS", "sensitivity": "low"},
        "AWS_ACCESS_KEY_ID": {"group": "storage"},
        "AWS_SECRET_ACCESS_KEY": {"group": "storage"},
        "REDIS_URL": {"group": "cache", "schemes": ["rediss"]},
    },
    "purge": {"cdn": {"distribution": "E2QWRUHAPOMQZL"}},
    "credentials": {
        "database": {
            "kind": "postgresql_role",
            "admin": "admin",
            "appears_in": [{"setting": "DATABASE_URL"}, {"secret": "all-in-one", "key": "password"}],
        },
        "admin": {
            "kind": "external",
            "server": {"address": "db"},
            "appears_in": [{"secret": "shop/{environment}/admin", "key": "password"}],
        },
        "key": {"kind": "django_secret_key", "appears_in": [{"setting": "SECRET_KEY"}]},
        "storage": storage("production"),
        "cache": cached("production"),
    },
    "environments": {
        "production": {"region": REGION, "aws": {"bucket": "shop-media"}},
        "staging": {
            "region": REGION,
            "aws": {"bucket": "shop-staging-media"},
            "purge": {"cdn": None},
            "credentials": {"storage": storage("staging"), "cache": cached("staging")},
        },
    },
}


@cache
def documents(environment: str) -> dict[str, tuple[dict[str, Any], ...]]:
    ground = AwsScope(ACCOUNT, REGION, KEYS[environment])
    return access_policies.documents(catalog_parser.parse(DOCUMENT, environment), ground)


def secret(name: str, suffix: str = "AbCdEf") -> str:
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-{suffix}"


def parameter(name: str) -> str:
    return f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}"


def key_for(
    arn: str, *, service: str = "secretsmanager", environment: str = "production"
) -> tuple[str, dict[str, str]]:
    context = {"secretsmanager": "SecretARN", "ssm": "PARAMETER_ARN"}[service]
    return KEYS[environment], {
        "kms:ViaService": f"{service}.{REGION}.amazonaws.com",
        f"kms:EncryptionContext:{context}": arn,
    }


SM, CORE = "secretsmanager", secret("shop/production/core")
ADMIN, OTHERS = secret("shop/production/admin"), secret("shop/production/integrations")
STAGING = secret("shop/staging/core")
OVERLAY = secret("shop-rotation/production/r-20261125T100000-ab12")
LOGINS = secret("shop-rotation-logins/production/r-20261125T100000-ab12")
ISSUED = secret("shop-rotation-logins/production/r-20261125T100000-ab12/storage")
THEIRS = secret("shop-rotation-logins/staging/r-20261125T100000-ab12")
HOSTS, KEPT = parameter("/shop/production/App/HOSTS"), parameter("/shop/production/App/SECRET_KEY")
ENTRY = "arn:aws:s3:::shop-secrets/journal/shop/production/journal.jsonl"
STREAM = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/shop/audit:log-stream:shop/production"
USER = f"arn:aws:iam::{ACCOUNT}:user/shop-production"
GROUP = f"arn:aws:elasticache:{REGION}:{ACCOUNT}:replicationgroup:shop-production"
CDN = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E2QWRUHAPOMQZL"
MEDIA = "arn:aws:s3:::shop-media"
EVERY = ("deploy", "host", "rotate", "respond")
"""Whose runs act on an application; what ``verify`` may is compared with its run in test_least_privilege."""
WRITERS = ("rotate", "respond")
NOBODY: tuple[str, ...] = ()

TABLE: list[tuple[str, str, tuple[str, ...]]] = [
    # Reading
    (f"{SM}:GetSecretValue", CORE, EVERY),
    (f"{SM}:GetSecretValue", OTHERS, EVERY),
    (f"{SM}:GetSecretValue", OVERLAY, EVERY),
    (f"{SM}:GetSecretValue", LOGINS, WRITERS),
    (f"{SM}:GetSecretValue", ISSUED, WRITERS),
    (f"{SM}:GetSecretValue", THEIRS, NOBODY),
    (f"{SM}:GetSecretValue", secret("shop-rotation-logins/production"), NOBODY),
    (f"{SM}:GetSecretValue", ADMIN, WRITERS),
    (f"{SM}:GetSecretValue", secret("all-in-one"), WRITERS),
    (f"{SM}:GetSecretValue", secret("shop/production/core-old"), NOBODY),
    (f"{SM}:GetSecretValue", secret("shop/production/core", "AbCdEfG"), NOBODY),
    (f"{SM}:GetSecretValue", secret("shop/production/other"), NOBODY),
    (f"{SM}:GetSecretValue", secret("other/production/core"), NOBODY),
    (f"{SM}:GetSecretValue", CORE.replace(ACCOUNT, "210987654321"), NOBODY),
    (f"{SM}:GetSecretValue", CORE.replace(REGION, "us-east-1"), NOBODY),
    (f"{SM}:BatchGetSecretValue", "*", EVERY),
    (f"{SM}:ListSecrets", "*", NOBODY),
    ("ssm:GetParametersByPath", parameter("/shop/production"), EVERY),
    ("s3:GetObject", ENTRY, EVERY),
    ("s3:GetObject", ENTRY.replace("production", "staging"), NOBODY),
    ("s3:GetObject", "arn:aws:s3:::shop-secrets/journal/shop/production/000000000001.json", NOBODY),
    ("s3:ListBucket", "arn:aws:s3:::shop-secrets", NOBODY),
    ("ssm:GetParametersByPath", parameter("/shop"), NOBODY),
    ("ssm:GetParametersByPath", parameter("/shop/staging"), NOBODY),
    ("ssm:GetParameters", HOSTS, EVERY),
    ("ssm:GetParameters", parameter("/shop/staging/App/HOSTS"), NOBODY),
    ("ssm:GetParameterHistory", HOSTS, NOBODY),
    # Writing
    (f"{SM}:PutSecretValue", CORE, WRITERS),
    (f"{SM}:UpdateSecretVersionStage", CORE, WRITERS),
    (f"{SM}:DescribeSecret", CORE, WRITERS),
    (f"{SM}:PutSecretValue", OTHERS, NOBODY),
    (f"{SM}:UpdateSecretVersionStage", OTHERS, NOBODY),
    (f"{SM}:DeleteSecret", CORE, NOBODY),
    (f"{SM}:CreateSecret", CORE, NOBODY),
    (f"{SM}:CreateSecret", OVERLAY, WRITERS),
    (f"{SM}:CreateSecret", LOGINS, WRITERS),
    (f"{SM}:CreateSecret", ISSUED, WRITERS),
    (f"{SM}:CreateSecret", THEIRS, NOBODY),
    (f"{SM}:DeleteSecret", OVERLAY, WRITERS),
    (f"{SM}:DeleteSecret", LOGINS, WRITERS),
    (f"{SM}:TagResource", OVERLAY, WRITERS),
    (f"{SM}:TagResource", LOGINS, WRITERS),
    (f"{SM}:PutSecretValue", LOGINS, NOBODY),
    (f"{SM}:PutSecretValue", OVERLAY, NOBODY),
    (f"{SM}:RotateSecret", CORE, NOBODY),
    (f"{SM}:TagResource", CORE, NOBODY),
    ("ssm:PutParameter", KEPT, WRITERS),
    ("ssm:PutParameter", HOSTS, NOBODY),
    ("ssm:DeleteParameters", KEPT, NOBODY),
    ("s3:PutObject", ENTRY, WRITERS),
    ("s3:DeleteObject", ENTRY, NOBODY),
    ("s3:PutObject", ENTRY.replace("production", "staging"), NOBODY),
    ("ssm:PutParameter", parameter("/shop-github/staging/x"), NOBODY),
    ("ssm:PutParameter", parameter("/shop-github/production/x"), WRITERS),
    # Servers, the audit log, files
    ("iam:CreateAccessKey", USER, WRITERS),
    ("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/admin", NOBODY),
    ("iam:AttachUserPolicy", USER, NOBODY),
    ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/any", NOBODY),
    ("elasticache:ModifyReplicationGroup", GROUP, WRITERS),
    ("elasticache:ModifyReplicationGroup", GROUP.replace("production", "staging"), NOBODY),
    ("elasticache:DeleteReplicationGroup", GROUP, NOBODY),
    ("logs:PutLogEvents", STREAM, WRITERS),
    ("logs:GetLogEvents", STREAM, WRITERS),
    ("logs:PutLogEvents", STREAM.replace("shop/production", "shop/staging"), NOBODY),
    ("logs:DeleteLogStream", STREAM, NOBODY),
    ("logs:PutRetentionPolicy", STREAM.partition(":log-stream")[0], NOBODY),
    ("s3:GetObject", f"{MEDIA}/a.png", ("host",)),
    ("s3:DeleteObject", f"{MEDIA}/a.png", ("host",)),
    ("s3:PutObject", "arn:aws:s3:::shop-staging-media/a.png", NOBODY),
    ("s3:DeleteBucket", MEDIA, NOBODY),
    # A leak
    (f"{SM}:ListSecretVersionIds", CORE, ("respond",)),
    (f"{SM}:ListSecretVersionIds", OTHERS, NOBODY),
    ("ssm:GetParameterHistory", KEPT, ("respond",)),
    (f"{SM}:PutResourcePolicy", CORE, ("respond",)),
    (f"{SM}:PutResourcePolicy", CORE.replace(REGION, "eu-west-1"), ("respond",)),
    (f"{SM}:PutResourcePolicy", OTHERS, NOBODY),
    (f"{SM}:DeleteResourcePolicy", CORE, NOBODY),
    ("cloudtrail:LookupEvents", "*", ("respond",)),
    ("cloudtrail:StopLogging", "*", NOBODY),
    ("cloudfront:CreateInvalidation", CDN, ("respond",)),
    ("cloudfront:CreateInvalidation", f"{CDN}X", NOBODY),
    ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/shop-production-respond", NOBODY),
]


@pytest.mark.parametrize(("action", "resource", "who"), TABLE, ids=lambda one: str(one))
def test_who_may_in_production(action: str, resource: str, who: tuple[str, ...]) -> None:
    found = documents("production")
    assert tuple(role for role in EVERY if decide(found[role], IamRequest(action, resource))) == who


KEY_TABLE = [
    ("kms:Decrypt", key_for(CORE), EVERY),
    ("kms:Decrypt", key_for(ADMIN), WRITERS),
    ("kms:Decrypt", key_for(OVERLAY), EVERY),
    ("kms:Decrypt", key_for(LOGINS), WRITERS),
    ("kms:Decrypt", key_for(ISSUED), WRITERS),
    ("kms:Decrypt", key_for(THEIRS), NOBODY),
    ("kms:Decrypt", key_for(STAGING), NOBODY),
    ("kms:Decrypt", key_for(secret("shop/production/core-old")), NOBODY),
    ("kms:Decrypt", key_for(HOSTS, service="ssm"), EVERY),
    ("kms:Decrypt", key_for(parameter("/shop/staging/App/HOSTS"), service="ssm"), NOBODY),
    ("kms:Decrypt", key_for(CORE, environment="staging"), NOBODY),
    ("kms:Decrypt", (KEYS["production"], {}), NOBODY),
    ("kms:Decrypt", (KEYS["production"], {"kms:EncryptionContext:SecretARN": CORE}), NOBODY),
    ("kms:Decrypt", (KEYS["production"], {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}), NOBODY),
    ("kms:Decrypt", (key_for(CORE)[0], {**key_for(CORE)[1], "kms:ViaService": f"s3.{REGION}.amazonaws.com"}), NOBODY),
    ("kms:GenerateDataKey", key_for(CORE), WRITERS),
    ("kms:GenerateDataKey", key_for(OVERLAY), WRITERS),
    ("kms:GenerateDataKey", key_for(LOGINS), WRITERS),
    ("kms:GenerateDataKey", key_for(OTHERS), NOBODY),
    ("kms:Encrypt", key_for(KEPT, service="ssm"), WRITERS),
    ("kms:Encrypt", key_for(HOSTS, service="ssm"), NOBODY),
    ("kms:ScheduleKeyDeletion", key_for(CORE), NOBODY),
]


@pytest.mark.parametrize(("action", "asked", "who"), KEY_TABLE)
def test_who_may_use_the_key(action: str, asked: tuple[str, dict[str, str]], who: tuple[str, ...]) -> None:
    found = documents("production")
    assert tuple(role for role in EVERY if decide(found[role], IamRequest(action, *asked))) == who


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
    """What belongs to no environment: looks that admit only ``*``, and streams' names in the one audit group."""
    return arn == "x" or action == "logs:DescribeLogStreams"


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
    document = access_policies.key_policy(ground, catalog_parser.parse(DOCUMENT, "production"))
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
    document = access_policies.key_policy(ground, catalog_parser.parse(WITH_FILE, "production"))
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
