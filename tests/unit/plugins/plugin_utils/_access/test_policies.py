# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may and may not do what, judged by the evaluator over the documents that a catalog gives."""

from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import (
    IamRequest,
    decide,
)
from tests.unit.plugins.plugin_utils._access.shop_policies import (
    ACCOUNT,
    ADMIN,
    CDN,
    CORE,
    ENTRY,
    EVERY,
    GROUP,
    HOSTS,
    ISSUED,
    KEPT,
    KEYS,
    LOGINS,
    MEDIA,
    NOBODY,
    OTHERS,
    OVERLAY,
    REGION,
    SERVERS,
    SM,
    STAGING,
    STREAM,
    THEIRS,
    USER,
    WRITERS,
    documents,
    key_for,
    parameter,
    secret,
)

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
    (f"{SM}:DescribeSecret", OTHERS, ("respond",)),
    ("s3:GetObject", SERVERS, ("rotate", "respond")),
    ("s3:PutObject", SERVERS, ("respond",)),
    ("s3:DeleteObject", SERVERS, NOBODY),
    ("s3:PutObject", SERVERS.replace("production", "staging"), NOBODY),
    ("cloudtrail:LookupEvents", "*", ("respond",)),
    ("cloudtrail:StopLogging", "*", NOBODY),
    ("cloudfront:CreateInvalidation", CDN, ("respond",)),
    ("cloudfront:CreateInvalidation", f"{CDN}X", NOBODY),
    ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/shop-production-respond", NOBODY),
]


@pytest.mark.parametrize(("action", "resource", "who"), TABLE, ids=lambda item: str(item))
def test_who_may_in_production(action: str, resource: str, who: tuple[str, ...]) -> None:
    result = documents("production")
    assert tuple(role for role in EVERY if decide(result[role], IamRequest(action, resource))) == who


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject"])
def test_a_verification_reads_the_baseline_and_writes_nothing(action: str) -> None:
    verify = documents("production")["verify"]
    assert bool(decide(verify, IamRequest(action, SERVERS))) is (action == "s3:GetObject")


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
    result = documents("production")
    assert tuple(role for role in EVERY if decide(result[role], IamRequest(action, *asked))) == who
