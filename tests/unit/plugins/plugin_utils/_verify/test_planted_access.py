# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mistakes in IAM, KMS and resource policies, each with the check that finds it, and what is legitimate.

No comparison with what provisioning makes takes part: the roles may be anybody's.
"""

# ruff: noqa: E501 a mistake is a line
from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import resources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import iam_readers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_access import Look
from tests.unit.plugins.plugin_utils._verify import verify_facts
from tests.unit.plugins.plugin_utils._verify.verify_facts import ACCOUNT, NOW, SECRET

REGION = "eu-west-3"
OTHER = "999999999999"
IAM = f"arn:aws:iam::{ACCOUNT}"
ADMIN = f"{IAM}:user/admin"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
SECRET_ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{SECRET}-AbCdEf"
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter"
LOGS = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/watchparty/audit"
HOST, DEPLOY = "watchparty-production-host", "watchparty-production-deploy"
OIDC = "token.actions.githubusercontent.com"
PROVIDER = f"{IAM}:oidc-provider/{OIDC}"
SUBJECT = "repo:example/watchparty:environment:production"
DOCUMENT = {
    **verify_facts.DOCUMENT,
    "settings": {**verify_facts.DOCUMENT["settings"], "PEPPER": {"parameter": "PEPPER", "sensitivity": "high"}},
    "journal": {"s3": "watchparty-journal"},
    "aws": {"operators": [ADMIN]},
    "github": {"repository": "example/watchparty"},
}
CATALOG = catalog_parser.parse(DOCUMENT, "production")
PLAN = resources.plan(CATALOG, AwsScope(ACCOUNT, REGION, KEY), resources.AccessOptions())
DOCUMENTS = {policy["arn"]: policy["document"] for policy in PLAN["policies"]}
Statement = dict[str, Any]


def allow(action: Any, resource: Any = "*", **over: Any) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **over}


@dataclass
class World:
    """What AWS tells, as provisioning leaves it."""

    roles: dict[str, Any] = field(
        default_factory=lambda: {
            role["name"]: {
                "arn": f"{IAM}:role/{role['name']}",
                "trust": copy.deepcopy(role["trust"]),
                "policies": {arn: copy.deepcopy(DOCUMENTS[arn]) for arn in role["policies"]},
                "attached": {arn: arn for arn in role["policies"]},
            }
            for role in PLAN["roles"]
        }
    )
    principals: list[iam_readers.Principal] = field(default_factory=list)
    secret: dict[str, Any] = field(default_factory=lambda: verify_facts.secret(arn=SECRET_ARN, key=KEY))
    secret_policy: dict[str, Any] = field(default_factory=dict)
    key: dict[str, Any] = field(
        default_factory=lambda: {
            "state": "Enabled",
            "manager": "CUSTOMER",
            "rotating": True,
            "arn": KEY,
            "policy": copy.deepcopy(PLAN["key"]["policy"]),
            "grants": [],
        }
    )
    declared: str = KEY

    def failed(self) -> set[str]:
        connection = AwsConnection("test", {"region": REGION})
        look = Look(DOCUMENT, CATALOG, connection, ACCOUNT)
        look.__dict__["_once__everybody"] = self.principals
        secrets = {SECRET: self.secret}
        keys = {self.secret["key"]: self.key, "alias/watchparty-production": {**self.key, "arn": self.declared}}
        look.__dict__["_once__keys"] = keys
        contents = Contents({"/watchparty/production/PEPPER": {}})  # type: ignore[arg-type, dict-item]
        policies = {SECRET: {"document": self.secret_policy}}
        parts = verify_facts.parts(
            roles=self.roles,
            secrets=secrets,
            policies=policies,
            keys=keys,
            granted=look.granted(self.roles, secrets, keys),
            rights=look.rights(secrets, keys),
            readers=_readers(look, secrets, policies, self.key, contents),
        )
        chosen = verify_check.chosen(["iam", "WPS1003"])
        results = verify_check.run(chosen, verify_check.Facts(CATALOG, NOW, parts))
        assert not [
            outcome.message
            for result in results
            for outcome in result.outcomes
            if outcome.status == "not checked" or "fault" in outcome.message
        ]
        return {result.check.id for result in results if result.status == FAIL}


def _readers(look: Look, secrets: Any, policies: Any, key: Any, contents: Contents) -> dict[str, Any]:
    """With the key as it is here; KMS is not asked."""
    object.__setattr__(look, "_key", lambda _name: key)
    return look.readers(secrets, policies, contents)


Plant = Callable[[World], Any]


def role(statement: Statement, name: str = HOST) -> Plant:
    return lambda world: world.roles[name]["policies"].update(by_hand={"Statement": [statement]})


def trust(statement: Statement, name: str = HOST) -> Plant:
    entry = {"Effect": "Allow", "Action": "sts:AssumeRole", **statement}
    return lambda world: world.roles[name].update(trust={"Statement": [entry]})


def workflow(subject: Any, name: str = DEPLOY, operator: str = "StringEquals", **over: Any) -> Plant:
    keys = {f"{OIDC}:aud": "sts.amazonaws.com", f"{OIDC}:sub": subject}
    statement = {"Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": PROVIDER}}
    return trust({**statement, "Condition": {operator: keys}, **over}, name)


def user(*statements: Statement, kind: str = "user", **over: Any) -> Plant:
    principal = iam_readers.Principal(
        kind, "ada", f"{IAM}:{kind}/ada", tuple({"Statement": [statement]} for statement in statements), **over
    )
    return lambda world: world.principals.append(principal)


def on_secret(**statement: Any) -> Plant:
    entry = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*", **statement}
    return lambda world: world.secret_policy.update(Statement=[entry])


def on_key(**statement: Any) -> Plant:
    entry = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", **statement}
    return lambda world: world.key["policy"]["Statement"].append(entry)


def delegated(world: World) -> None:
    """The key's policy leaves everything to IAM."""
    everything = {"Effect": "Allow", "Principal": {"AWS": f"{IAM}:root"}, "Action": "kms:*", "Resource": "*"}
    world.key.update(policy={"Statement": [everything]})


def grant(who: str, *operations: str) -> Plant:
    entry = {"GrantId": "g-1", "GranteePrincipal": who, "Operations": [*operations]}
    return lambda world: world.key["grants"].append(entry)


def under(**condition: Any) -> dict[str, Any]:
    return {"Condition": condition}


READ = "secretsmanager:GetSecretValue"
MISTAKES: list[tuple[str, Plant, str]] = [
    # --- roles' policies
    ("every secret of the application", role(allow(READ, SECRET_ARN.replace("/production/core-AbCdEf", "/*"))), "401"),
    ("every secret that begins so", role(allow(READ, SECRET_ARN.replace("/production/core-AbCdEf", "*"))), "401"),
    ("staging's secret by name", role(allow(READ, SECRET_ARN.replace("production", "staging"))), "401"),
    ("a pattern in the middle", role(allow(READ, SECRET_ARN.replace("production", "*"))), "401"),
    ("every parameter of the application", role(allow("ssm:GetParameter*", f"{PARAMETER}/watchparty/*")), "401"),
    ("staging's path", role(allow("ssm:GetParametersByPath", f"{PARAMETER}/watchparty/staging*")), "401"),
    ("all of EC2", role(allow("ec2:*")), "401"),
    ("all of a service by another case", role(allow("Lambda:*", "arn:aws:lambda:eu-west-3:1:function:x")), "401"),
    ("writes of IAM by a pattern", role(allow("iam:Put*", f"{IAM}:role/x")), "401"),
    ("a condition of TLS", role(allow(READ, **under(Bool={"aws:SecureTransport": "true"}))), "401"),
    ("a condition of a region", role(allow(READ, **under(StringEquals={"aws:RequestedRegion": REGION}))), "401"),
    ("a pattern of everything", role(allow(READ, **under(StringLike={"secretsmanager:SecretId": "*"}))), "401"),
    ("Null", role(allow(READ, **under(Null={"secretsmanager:SecretId": "false"}))), "401"),
    ("IfExists", role(allow(READ, **under(StringEqualsIfExists={"aws:ResourceTag/env": "production"}))), "401"),
    ("ForAllValues", role(allow(READ, **under(**{"ForAllValues:StringEquals": {"aws:TagKeys": "env"}}))), "401"),
    ("a negated condition", role(allow(READ, **under(StringNotEquals={"aws:ResourceTag/env": "dev"}))), "401"),
    ("its own policy", role(allow("iam:PutRolePolicy", f"{IAM}:role/{HOST}")), "401"),
    ("its own managed policy", role(allow("iam:CreatePolicyVersion", f"{IAM}:policy/{HOST}")), "401"),
    ("another role's trust", role(allow("iam:UpdateAssumeRolePolicy", f"{IAM}:role/watchparty-production-rotate")), "401"),
    ("a resource policy", role(allow("secretsmanager:PutResourcePolicy", SECRET_ARN)), "401"),
    ("the host deletes the journal", role(allow("s3:DeleteObject", "arn:aws:s3:::watchparty-journal/*")), "401"),
    ("the rotation deletes the log", role(allow("logs:DeleteLogGroup", LOGS), "watchparty-production-rotate"), "401"),
    ("an operator's login", role(allow("iam:CreateAccessKey", ADMIN)), "401"),
    ("everything but", role({"Effect": "Allow", "NotAction": "iam:*", "Resource": SECRET_ARN}), "401"),
    # --- trust
    ("another repository", workflow("repo:example/other:environment:production"), "402"),
    ("another owner", workflow("repo:evil/watchparty:environment:production"), "402"),
    ("a fork's name behind ours", workflow("repo:example/watchparty-fork:environment:production"), "402"),
    ("pull requests", workflow("repo:example/watchparty:pull_request"), "402"),
    ("one of two subjects", workflow([SUBJECT, "repo:example/other:ref:refs/heads/main"]), "402"),
    ("every branch", workflow("repo:example/watchparty:*", operator="StringLike"), "402"),
    ("staging's environment", workflow("repo:example/watchparty:environment:staging"), "402"),
    ("no audience", workflow(SUBJECT, Condition={"StringEquals": {f"{OIDC}:sub": SUBJECT}}), "402"),
    ("no subject", workflow(SUBJECT, Condition={"StringEquals": {f"{OIDC}:aud": "sts.amazonaws.com"}}), "402"),
    ("a subject if there is one", workflow(SUBJECT, operator="StringEqualsIfExists"), "402"),
    ("a subject for all values", workflow(SUBJECT, operator="ForAllValues:StringEquals"), "402"),
    ("not another subject", workflow("repo:evil/x:ref:refs/heads/main", operator="StringNotEquals"), "402"),
    ("the account's root", trust({"Principal": {"AWS": f"{IAM}:root"}}), "402"),
    ("the account's number", trust({"Principal": {"AWS": ACCOUNT}}), "402"),
    ("root with a second factor", trust({"Principal": {"AWS": ACCOUNT}, **under(Bool={"aws:MultiFactorAuthPresent": "true"})}), "402"),
    ("another service", trust({"Principal": {"Service": "codebuild.amazonaws.com"}}), "402"),
    ("the mirror's service at the host", trust({"Principal": {"Service": "lambda.amazonaws.com"}}), "402"),
    ("two services", trust({"Principal": {"Service": ["ec2.amazonaws.com", "codebuild.amazonaws.com"]}}), "402"),
    ("a user that nobody named", trust({"Principal": {"AWS": f"{IAM}:user/intern"}}), "402"),
    ("a user called like a role", trust({"Principal": {"AWS": f"{IAM}:user/{HOST}"}}), "402"),
    ("another account", trust({"Principal": {"AWS": f"arn:aws:iam::{OTHER}:role/x"}}), "402"),
    ("another account with an external id", trust({"Principal": {"AWS": OTHER}, **under(StringEquals={"sts:ExternalId": "x"})}), "402"),
    ("everybody", trust({"Principal": "*"}), "402"),
    ("everybody whose ARN has our number", trust({"Principal": "*", **under(ArnLike={"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/{ACCOUNT}"})}), "402"),
    ("everybody of SAML", trust({"Principal": {"Federated": f"{IAM}:saml-provider/x"}}), "402"),
    # --- resource policies
    ("Null on the organization", on_secret(Principal="*", **under(Null={"aws:PrincipalOrgID": "false"})), "404"),
    ("the account if there is one", on_secret(Principal="*", **under(StringEqualsIfExists={"aws:PrincipalAccount": ACCOUNT})), "404"),
    ("the account for all values", on_secret(Principal="*", **under(**{"ForAllValues:StringEquals": {"aws:PrincipalAccount": ACCOUNT}})), "404"),
    ("any organization", on_secret(Principal="*", **under(StringLike={"aws:PrincipalOrgID": "*"})), "404"),
    ("another account's ARN with our number", on_secret(Principal="*", **under(ArnLike={"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/{ACCOUNT}*"})), "404"),
    ("two accounts", on_secret(Principal="*", **under(StringEquals={"aws:PrincipalAccount": [ACCOUNT, OTHER]})), "404"),
    ("TLS alone", on_secret(Principal="*", **under(Bool={"aws:SecureTransport": "true"})), "404"),
    ("a service for any account", on_secret(Principal={"Service": "serverlessrepo.amazonaws.com"}), "404"),
    ("another account's key user", on_key(Principal={"AWS": f"arn:aws:iam::{OTHER}:root"}), "404"),
    ("everybody by the key", on_key(Principal="*", **under(StringEquals={"kms:ViaService": "s3.eu-west-3.amazonaws.com"})), "404"),
    # --- readers
    ("the path", user(allow("ssm:GetParametersByPath", f"{PARAMETER}/watchparty/production")), "406"),
    ("a path above", user(allow("ssm:GetParametersByPath", f"{PARAMETER}/watchparty")), "406"),
    ("the root of all paths", user(allow("ssm:GetParametersByPath", f"{PARAMETER}/")), "406"),
    ("secrets of rotations", user(allow(READ, SECRET_ARN.partition("watchparty/")[0] + "watchparty-rotation/*"), allow("kms:Decrypt", KEY)), "406"),
    # --- ways to rights
    ("an own inline policy", user(allow("iam:PutUserPolicy", f"{IAM}:user/ada")), "407"),
    ("an own inline policy by variable", user(allow("iam:PutUserPolicy", f"{IAM}:user/${{aws:username}}")), "407"),
    ("any policy", user(allow("iam:AttachUserPolicy")), "407"),
    ("a group's policy", user(allow("iam:PutGroupPolicy"), groups=(f"{IAM}:group/g",)), "407"),
    ("a version of its policy", user(allow("iam:CreatePolicyVersion"), attached=(f"{IAM}:policy/p",)), "407"),
    ("a role's own policy", user(allow("iam:PutRolePolicy"), kind="role"), "407"),
    ("its boundary", user(allow("iam:DeleteUserPermissionsBoundary"), boundary={"Statement": [allow("iam:*")]}), "407"),
    ("a trust", user(allow("iam:UpdateAssumeRolePolicy", f"{IAM}:role/watchparty-*")), "407"),
    ("an operator's key", user(allow("iam:CreateAccessKey")), "407"),
    ("an operator's login", user(allow("iam:UpdateLoginProfile", ADMIN)), "407"),
    ("a resource policy", user(allow("secretsmanager:PutResourcePolicy", SECRET_ARN)), "407"),
    ("the key's policy", user(allow("kms:PutKeyPolicy", KEY)), "407"),
    ("an instance with the host's role", user(allow(["iam:PassRole", "ec2:RunInstances"])), "407"),
    ("deletes the log", user(allow("logs:DeleteLogGroup", f"{LOGS}*")), "407"),
    ("shortens the log", user(allow("logs:PutRetentionPolicy")), "407"),
    ("overwrites the journal", user(allow("s3:PutObject", "arn:aws:s3:::watchparty-journal/*")), "407"),
    ("opens the journal", user(allow("s3:PutBucketPolicy", "arn:aws:s3:::watchparty-journal")), "407"),
    ("everything of IAM", user(allow("iam:*")), "407"),
    ("everything but secrets", user({"Effect": "Allow", "NotAction": ["secretsmanager:*", "ssm:*"], "Resource": "*"}), "407"),
    ("a grant by who may make one", lambda world: delegated(world) or user(allow("kms:CreateGrant", KEY))(world), "407"),
    ("disables the key", lambda world: delegated(world) or user(allow("kms:DisableKey"))(world), "407"),
    ("copies the key", lambda world: delegated(world) or user(allow("kms:ReplicateKey"))(world), "407"),
    ("a group of administrators", user(allow("iam:AddUserToGroup")), "407"),
    ("an old key of an operator", user(allow("iam:UpdateAccessKey", ADMIN)), "407"),
    ("a second factor of an operator", user(allow("iam:DeactivateMFADevice")), "407"),
    ("a stack with the host's role", user(allow(["iam:PassRole", "cloudformation:CreateStack"])), "407"),
    ("the host's role on another instance", user(allow(["iam:PassRole", "ec2:AssociateIamInstanceProfile"])), "407"),
    *((f"commands by {action}", user(allow(action)), "407") for action in ("ssm:SendCommand", "ssm:StartSession", "ec2-instance-connect:SendSSHPublicKey")),
    *((f"the secret by {name}", user(allow(f"secretsmanager:{name}", SECRET_ARN)), "407") for name in ("PutSecretValue", "UpdateSecret", "RotateSecret", "ReplicateSecretToRegions", "DeleteSecret")),
    ("the parameters", user(allow("ssm:PutParameter", f"{PARAMETER}/watchparty/production/*")), "407"),
    ("stops CloudTrail", user(allow("cloudtrail:StopLogging")), "407"),
    ("the host changes a secret", role(allow("secretsmanager:PutSecretValue", SECRET_ARN)), "401"),
    ("a grant to a user", grant(f"{IAM}:user/intern", "Decrypt"), "407"),
    ("a grant to another account", grant(f"arn:aws:iam::{OTHER}:root", "CreateGrant"), "407"),
    # --- keys
    ("another key", lambda world: setattr(world, "declared", KEY[:-1] + "2"), "1003"),
    ("AWS's own key", lambda world: world.secret.update(key="alias/aws/secretsmanager") or world.key.pop("arn"), "1003"),
]  # fmt: skip
LEGITIMATE: list[tuple[str, Plant]] = [
    ("as provisioned", lambda _world: None),
    ("the environment's secrets by their prefix", role(allow(READ, SECRET_ARN.replace("/core-AbCdEf", "/*")))),
    ("the environment's path", role(allow("ssm:GetParametersByPath", f"{PARAMETER}/watchparty/production*"))),
    ("a key through a service", role(allow("kms:Decrypt", **under(StringEquals={"kms:ViaService": "ssm.eu-west-3.amazonaws.com"})))),
    ("secrets by a tag", role(allow(READ, **under(StringEquals={"aws:ResourceTag/Environment": "production"})))),
    ("logs of the host", role(allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/app/*"))),
    ("reads of IAM", role(allow(["iam:Get*", "iam:List*"], f"{IAM}:role/x"))),
    ("commands on instances of a tag", user(allow("ssm:SendCommand", **under(StringEquals={"ssm:resourceTag/team": "x"})))),
    ("secrets of another application", user(allow("secretsmanager:PutSecretValue", SECRET_ARN.replace("watchparty", "other")))),
    ("the rotation changes a secret", role(allow("secretsmanager:PutSecretValue", SECRET_ARN), "watchparty-production-rotate")),
    ("a branch", workflow("repo:example/watchparty:ref:refs/heads/main")),
    ("a subject with ids", workflow("repo:example@1/watchparty@2:environment:production")),
    ("a repository in another case", workflow("repo:Example/WatchParty:environment:production")),
    ("an operator", trust({"Principal": {"AWS": ADMIN}})),
    ("a role of the catalog", trust({"Principal": {"AWS": f"{IAM}:role/{DEPLOY}"}})),
    ("own roles by the principal's ARN", on_secret(Principal="*", **under(ArnLike={"aws:PrincipalArn": f"{IAM}:role/watchparty-*"}))),
    ("own roles by StringLike", on_secret(Principal={"AWS": "*"}, **under(StringLike={"aws:PrincipalArn": [f"{IAM}:role/a*", f"{IAM}:role/b"]}))),
    ("the organization", on_secret(Principal="*", **under(StringEquals={"aws:PrincipalOrgID": "o-1"}))),
    ("a deny without TLS", on_secret(Effect="Deny", Principal="*", **under(Bool={"aws:SecureTransport": "false"}))),
    ("a service for this account", on_secret(Principal={"Service": "rds.amazonaws.com"}, **under(StringEquals={"aws:SourceAccount": ACCOUNT}))),
    ("the key as AWS makes it", on_key(Principal={"AWS": "*"}, **under(StringEquals={"kms:CallerAccount": ACCOUNT, "kms:ViaService": "rds.eu-west-3.amazonaws.com"}))),
    ("a user who sees lists", user(allow(["secretsmanager:ListSecrets", "ssm:DescribeParameters", "iam:List*"]))),
    ("a user who changes the own login", user(allow(["iam:ChangePassword", "iam:CreateAccessKey", "iam:UpdateLoginProfile"], f"{IAM}:user/${{aws:username}}"))),
    ("grants for AWS's resources", user(allow("kms:CreateGrant", **under(Bool={"kms:GrantIsForAWSResource": "true"})))),
    ("a key's grant that its policy leaves to nobody", user(allow("kms:CreateGrant", KEY))),
    ("within a boundary", user(allow("*"), boundary={"Statement": [allow("s3:Get*", "arn:aws:s3:::other/*")]})),
    ("another log", user(allow("logs:DeleteLogGroup", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/other/*"))),
    ("another role passed", user(allow(["iam:PassRole", "ec2:RunInstances"], f"{IAM}:role/other"))),
    ("a path beside", user(allow("ssm:GetParametersByPath", f"{PARAMETER}/watchparty/staging*"))),
    ("an operator who may all", lambda world: world.principals.append(iam_readers.Principal("user", "admin", ADMIN, ({"Statement": [allow("*")]},)))),
    ("a grant to a service", grant("rds.amazonaws.com", "Decrypt", "CreateGrant")),
    ("a grant to a role of a service", grant(f"{IAM}:role/aws-service-role/autoscaling.amazonaws.com/x", "Decrypt")),
    ("a grant to the host", grant(f"{IAM}:role/{HOST}", "Decrypt")),
    ("a grant that reads nothing", grant(f"{IAM}:user/intern", "DescribeKey")),
]  # fmt: skip


@pytest.mark.parametrize(("plant", "check"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_a_planted_mistake_is_found(plant: Plant, check: str) -> None:
    world = World()
    plant(world)
    assert world.failed() == {f"WPS{check}"}


@pytest.mark.parametrize("plant", [row[1] for row in LEGITIMATE], ids=[row[0] for row in LEGITIMATE])
def test_what_is_legitimate_passes(plant: Plant) -> None:
    world = World()
    plant(world)
    assert world.failed() == set()
