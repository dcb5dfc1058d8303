# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may read a secret: by own, group's and secret's policies, with boundaries, keys and conditions."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import iam_readers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.iam_readers import Principal, ProtectedItem

ACCOUNT = "123456789012"
ARN = f"arn:aws:secretsmanager:eu-west-3:{ACCOUNT}:secret:app/core-AbCdEf"
USER = f"arn:aws:iam::{ACCOUNT}:user/ada"
KEY = f"arn:aws:kms:eu-west-3:{ACCOUNT}:key/1"
READ = "secretsmanager:GetSecretValue"
CORE = ProtectedItem("secret app/core", ARN, (READ,))


def allow(action: str = READ, resource: str = "*", **extra: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource, **extra}]}


def deny(**extra: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*", **extra}]}


def judged(*policies: dict[str, Any], held: ProtectedItem = CORE, **extra: Any) -> list[tuple[str, str]]:
    principal = Principal("user", "ada", USER, tuple(policies), **extra)
    return [(row["state"], row["message"]) for row in iam_readers.unnamed_readers([principal], [held], [])]


BAD = [("fail", "may read secret app/core")]
ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}


@pytest.mark.parametrize("policy", [allow(), allow("secretsmanager:*"), allow("*"), allow(resource=ARN[:-6] + "*")])
def test_an_own_policy(policy: dict[str, Any]) -> None:
    assert judged(policy) == BAD


@pytest.mark.parametrize(
    "policies",
    [(), (allow("s3:*"),), (allow(resource=ARN[:-20] + "/x"),), (allow(), deny()), (deny(),)],
)
def test_no_reader(policies: tuple[dict[str, Any], ...]) -> None:
    assert judged(*policies) == []


def test_a_boundary_limits() -> None:
    assert judged(allow(), boundary=allow("s3:*")) == []
    assert judged(allow(), boundary=allow("*")) == BAD


@pytest.mark.parametrize(("principal", "reads"), [("*", True), ({"AWS": USER}, True), (ROOT, False)])
def test_the_secrets_own_policy(principal: Any, reads: bool) -> None:
    """The account's name leaves it to the identities' policies."""
    held = ProtectedItem(CORE.name, ARN, (READ,), policy=allow(Principal=principal))
    assert judged(held=held) == (BAD if reads else [])
    denied = ProtectedItem(CORE.name, ARN, (READ,), policy=deny(Principal=principal))
    assert judged(allow(), held=denied) == []


def test_the_key_must_be_usable_too() -> None:
    via = {"kms:ViaService": "secretsmanager.eu-west-3.amazonaws.com"}
    held = ProtectedItem(CORE.name, ARN, (READ,), key=KEY, key_policy=allow("kms:*", Principal=ROOT), via=via)
    assert judged(allow(), held=held) == []
    assert judged(allow(), allow("kms:Decrypt"), held=held) == BAD
    through = {"StringEquals": {"kms:ViaService": via["kms:ViaService"]}}
    assert judged(allow(), allow("kms:Decrypt", Condition=through), held=held) == BAD
    other = {"StringEquals": {"kms:ViaService": "ssm.eu-west-3.amazonaws.com"}}
    assert judged(allow(), allow("kms:Decrypt", Condition=other), held=held) == []
    named = ProtectedItem(CORE.name, ARN, (READ,), key=KEY, key_policy=allow("kms:Decrypt", Principal={"AWS": USER}))
    assert judged(allow(), held=named) == BAD


def test_conditions() -> None:
    perhaps = [("not checked", "may read secret app/core under conditions that this check cannot evaluate")]
    assert judged(allow(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))[0][0] == "not checked"
    assert judged(allow(Condition={"StringEquals": {"aws:PrincipalTag/team": "ops"}})) == perhaps
    assert judged(allow(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})) == BAD
    assert judged(allow(), deny(Condition={"StringEquals": {"aws:PrincipalTag/team": "ops"}})) == BAD


def test_a_policy_that_is_not_reported() -> None:
    assert judged(unread=("arn:p",)) == [("not checked", "IAM did not return the policy arn:p")]


@pytest.mark.parametrize("named", [[USER], ["other", USER]])
def test_who_is_named_is_known(named: list[str]) -> None:
    assert iam_readers.unnamed_readers([Principal("user", "ada", USER, (allow(),))], [CORE], named) == []
    assert iam_readers.unnamed_readers([Principal("user", "ada", USER, (allow(),))], [CORE], ["ada"]), (
        "a user goes by the ARN"
    )
    role = Principal("role", "app-host", f"arn:aws:iam::{ACCOUNT}:role/app-host", (allow(),))
    assert iam_readers.unnamed_readers([role], [CORE], ["app-host"]) == []


def test_many_things_are_counted() -> None:
    held = [ProtectedItem(f"secret {number}", ARN, (READ,)) for number in range(5)]
    (row,) = iam_readers.unnamed_readers([Principal("user", "ada", USER, (allow(),))], held, [])
    assert row["message"] == "may read secret 0, secret 1, secret 2 and 2 more"


def test_principals_out_of_the_accounts_details() -> None:
    details: dict[str, Any] = {
        "policies": [{"Arn": "arn:m", "Document": allow()}, {"Arn": "arn:none", "Document": None}],
        "groups": [
            {
                "GroupName": "g",
                "GroupPolicyList": [{"PolicyDocument": allow("s3:*")}],
                "AttachedManagedPolicies": [{"PolicyArn": "arn:m"}],
            }
        ],
        "users": [
            {"UserName": "ada", "Arn": USER, "GroupList": ["g", "gone"], "AttachedManagedPolicies": []},
            {"UserName": "bob", "Arn": USER + "b", "AttachedManagedPolicies": [{"PolicyArn": "arn:none"}]},
        ],
        "roles": [
            {
                "RoleName": "r",
                "Arn": "arn:r",
                "Path": "/",
                "RolePolicyList": [{"PolicyDocument": allow("a:b")}],
                "AttachedManagedPolicies": [],
                "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:m"},
                "AssumeRolePolicyDocument": allow("sts:AssumeRole"),
                "Tags": [{"Key": "team", "Value": "ops"}],
            },
            {
                "RoleName": "AWSServiceRole",
                "Arn": "arn:s",
                "Path": "/aws-service-role/x/",
                "AttachedManagedPolicies": [],
            },
        ],
    }
    ada, bob, role = iam_readers.principals(details)
    assert ada.policies == (allow("s3:*"), allow())
    assert bob.unread == ("arn:none",)
    assert (role.policies, role.boundary, role.unread) == ((allow("a:b"),), allow(), ())
    assert (role.boundary_arn, role.trust, role.tags) == ("arn:m", allow("sts:AssumeRole"), {"team": "ops"})
