# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Policies that allow too much, and those that only look so."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policy_findings

OWN, OTHER = "123456789012", "999999999999"
ROOT = f"arn:aws:iam::{OTHER}:root"


def document(**statement: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", **statement}]}


@pytest.mark.parametrize(
    ("statement", "messages"),
    [
        ({"Action": "*", "Resource": "*"}, ["allows *"]),
        ({"Action": ["kms:*"], "Resource": "arn:x"}, ["allows kms:*"]),
        ({"Action": "SecretsManager:*", "Resource": "*"}, ["allows SecretsManager:*"]),
        ({"Action": "secretsmanager:Get*", "Resource": "*"}, ["allows secretsmanager:Get* on every resource"]),
        ({"Action": ["kms:Decrypt", "kms:ListKeys"], "Resource": "*"}, ["allows kms:Decrypt on every resource"]),
        *(
            ({"Action": "kms:Decrypt", "Resource": arn}, ["allows kms:Decrypt on every resource"])
            for arn in (
                "arn:aws:secretsmanager:*:*:secret:*",
                f"arn:aws:ssm:eu-west-3:{OWN}:parameter/*",
                f"arn:aws:kms:eu-west-3:{OWN}:key/*",
                "arn:aws:s3:::*",
            )
        ),
        ({"Action": "kms:Decrypt", "Resource": f"arn:aws:secretsmanager:eu-west-3:{OWN}:secret:shop/core-??????"}, []),
        ({"NotAction": "iam:*", "Resource": "arn:x"}, ["allows everything but iam:*"]),
        ({"Action": "ssm:GetParameter", "NotResource": "arn:x"}, ["allows it on everything but arn:x"]),
        ({"Sid": "S", "Action": "*", "Resource": "arn:x"}, ["statement S: allows *"]),
        ({"Action": ["secretsmanager:BatchGetSecretValue", "sts:GetCallerIdentity"], "Resource": "*"}, []),
        ({"Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringEquals": {"kms:ViaService": "x"}}}, []),
        ({"Action": "ssm:GetParameter", "Resource": f"arn:aws:ssm:eu-west-3:{OWN}:parameter/Shop/*"}, []),
        ({"Action": "logs:DescribeLogGroups", "Resource": "*"}, []),
        ({"Effect": "Deny", "Action": "*", "Resource": "*"}, []),
    ],
)
def test_wildcards(statement: dict[str, Any], messages: list[str]) -> None:
    assert list(policy_findings.wildcards(document(**statement))) == messages


@pytest.mark.parametrize(
    ("statement", "messages"),
    [
        ({"Principal": "*"}, ["allows everybody"]),
        ({"Principal": {"AWS": "*"}}, ["allows everybody"]),
        ({"NotPrincipal": {"AWS": OWN}}, ["allows everybody"]),
        (
            {"Principal": {"AWS": [ROOT]}},
            [f"allows account {OTHER} ({ROOT})"],
        ),
        ({"Principal": {"AWS": OTHER}}, [f"allows account {OTHER} ({OTHER})"]),
        ({"Principal": {"Service": "ec2.amazonaws.com"}}, ["allows ec2.amazonaws.com for any account"]),
        ({"Principal": {"AWS": f"arn:aws:iam::{OWN}:role/Operators"}}, []),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": OWN}}}, []),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, []),
        ({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalAccount": OTHER}}}, ["allows everybody"]),
        ({"Principal": "*", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": OWN}}}, ["allows everybody"]),
        ({"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalAccount": "*"}}}, ["allows everybody"]),
        ({"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalOrgID": ["o-1", "o-*"]}}}, ["allows everybody"]),
        ({"Principal": "*", "Condition": {"StringLike": {"aws:PrincipalOrgID": "o-?????"}}}, ["allows everybody"]),
        ({"Principal": "*", "Condition": {"ArnLike": {"aws:SourceArn": ["arn:aws:s3:::b", f"arn:x:x:x:{OWN}:q"]}}}, []),
        (
            {"Principal": "*", "Condition": {"ArnLike": {"aws:SourceArn": ["arn:aws:s3:::b", "arn:aws:s3:::*"]}}},
            ["allows everybody"],
        ),
        ({"Effect": "Deny", "Principal": "*"}, []),
    ],
)
def test_outsiders(statement: dict[str, Any], messages: list[str]) -> None:
    assert list(policy_findings.outsiders(document(**statement), OWN)) == messages


def test_one_statement_that_is_no_list() -> None:
    assert list(policy_findings.wildcards({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})) == [
        "allows *"
    ]
    assert list(policy_findings.wildcards({})) == []
