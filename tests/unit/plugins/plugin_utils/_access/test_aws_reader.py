# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks at IAM and KMS, on moto in this process and, for errors, over a client that answers what was queued."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Conflict, Denied
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_reader import Access

Moto = Callable[[str], tuple[Any, list[str]]]
Stubbed = Callable[[str], tuple[Any, Stubber]]
ALIAS = "alias/shop"
ROLE = {"name": "shop", "profile": True}
POLICY = {"name": "shop", "arn": "arn:aws:iam::123456789012:policy/shop"}
TAGS = [{"Key": "Application", "Value": "shop"}]


def test_an_empty_account(moto: Moto) -> None:
    iam, _ = moto("iam")
    kms, _ = moto("kms")
    look = Access(iam, kms)
    assert look.key(ALIAS) is None
    assert look.standing([ROLE], [POLICY]) == ()
    assert look.attached("shop") == ()


def test_what_is_there(moto: Moto) -> None:
    iam, _ = moto("iam")
    kms, _ = moto("kms")
    key = kms.create_key(Tags=[{"TagKey": "Application", "TagValue": "shop"}])["KeyMetadata"]
    kms.create_alias(AliasName=ALIAS, TargetKeyId=key["KeyId"])
    iam.create_role(RoleName="shop", AssumeRolePolicyDocument="{}", Tags=TAGS)
    iam.create_instance_profile(InstanceProfileName="shop")
    statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_policy(PolicyName="shop", PolicyDocument=document, Tags=TAGS)
    iam.attach_role_policy(RoleName="shop", PolicyArn=POLICY["arn"])
    look = Access(iam, kms)
    kms_key = look.key(ALIAS)
    assert kms_key is not None
    assert (kms_key.arn, kms_key.standing.tags) == (key["Arn"], {"Application": "shop"})
    standing = look.standing([ROLE], [POLICY])
    assert [item.kind for item in standing] == ["role", "instance profile", "policy"]
    assert [dict(item.tags) for item in standing] == [{"Application": "shop"}, {}, {"Application": "shop"}]
    assert look.attached("shop") == (("shop", POLICY["arn"]),)


def test_a_key_that_is_about_to_go_is_named(moto: Moto) -> None:
    iam, _ = moto("iam")
    kms, _ = moto("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=ALIAS, TargetKeyId=key)
    kms.schedule_key_deletion(KeyId=key)
    with pytest.raises(Conflict, match=f"'aws kms cancel-key-deletion --key-id {key}'"):
        Access(iam, kms).key(ALIAS)


def test_what_is_denied_is_no_empty_account(stubbed: Stubbed) -> None:
    iam, iam_answers = stubbed("iam")
    kms, kms_answers = stubbed("kms")
    kms_answers.add_client_error("describe_key", "AccessDeniedException")
    iam_answers.add_client_error("get_role", "AccessDenied")
    look = Access(iam, kms)
    with pytest.raises(Denied, match="kms:DescribeKey on key alias/shop"):
        look.key(ALIAS)
    with pytest.raises(Denied, match="iam:GetRole on role shop"):
        look.standing([ROLE], [])


def test_policies_of_an_earlier_run(moto: Moto) -> None:
    """Not those that only have such a name: they would be deleted."""
    iam, _ = moto("iam")
    statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    made = {"shop": TAGS, "shop-2": TAGS, "shop-3": [], "theirs": TAGS}
    attached = [
        (name, iam.create_policy(PolicyName=name, PolicyDocument=document, Tags=tags)["Policy"]["Arn"])
        for name, tags in made.items()
    ]
    look = Access(iam, moto("kms")[0])
    assert list(look.earlier(attached, "shop", [POLICY["arn"]], {"Application": "shop"})) == ["shop-2"]
