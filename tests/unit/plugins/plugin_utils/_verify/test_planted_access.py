# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mistakes in policies of roles, secrets and keys, each with the check that finds it, and what is legitimate.

No comparison with what provisioning makes takes part: the roles may be anybody's.
"""

# ruff: noqa: E501 a mistake is a line
from __future__ import annotations

import pytest

from tests import planted
from tests.unit.plugins.plugin_utils._verify.access_world import (
    ACCOUNT,
    ADMIN,
    DEPLOY,
    HOST,
    IAM,
    KEY,
    LOGS,
    OIDC,
    OTHER,
    PARAMETER,
    PROVIDER,
    READ,
    REGION,
    SECRET_ARN,
    SUBJECT,
    Plant,
    allow,
    failed,
    on_bucket,
    on_key,
    on_secret,
    role,
    trust,
    under,
    workflow,
)

MISTAKES: list[tuple[str, Plant, str]] = [
    # --- roles' policies
    ("every secret of the application", role(allow(READ, SECRET_ARN.replace("/production/core-AbCdEf", "/*"))), "401"),
    ("every secret that begins so", role(allow(READ, SECRET_ARN.replace("/production/core-AbCdEf", "*"))), "401"),
    ("staging's secret by name", role(allow(READ, SECRET_ARN.replace("production", "staging"))), "401"),
    ("a pattern in the middle", role(allow(READ, SECRET_ARN.replace("production", "*"))), "401"),
    ("every parameter of the application", role(allow("ssm:GetParameter*", f"{PARAMETER}/watchparty/*")), "401"),
    ("staging's path", role(allow("ssm:GetParametersByPath", f"{PARAMETER}/watchparty/staging*")), "401"),
    *((f"the parameter of {path}", role(allow("ssm:GetParameter", f"{PARAMETER}/{path}/X")), "401") for path in ("watchparty/staging", "watchparty/production-eu", "billing")),
    ("the path of all", role(allow("ssm:GetParametersByPath", f"{PARAMETER}/")), "401"),
    *((f"a secret of another {what}", role(allow(READ, SECRET_ARN.replace(old, new, 1))), "401") for what, old, new in (("application", ":watchparty/", ":billing/"), ("region", REGION, "us-east-1"), ("account", ACCOUNT, OTHER))),
    ("a secret by a short ARN", role(allow(READ, "arn:aws:*:secret:billing")), "401"),
    ("a secret beside the rotations'", role(allow(READ, SECRET_ARN.replace("watchparty/production/core", "watchparty-rotation/production-eu"))), "401"),
    ("every object of S3", role(allow("s3:GetObject", "arn:aws:s3:::*/*")), "401"),
    *((f"{action} of {name}", role(allow(action, f"{IAM}:{name}")), "401") for action, name in (("sts:AssumeRole", "role/admin"), ("sts:Assume*", "role/admin"), ("iam:PassRole", f"role/{DEPLOY}"), ("iam:CreateAccessKey", "user/x"))),
    ("all of EC2", role(allow("ec2:*")), "401"),
    ("all of a service by another case", role(allow("Lambda:*", "arn:aws:lambda:eu-west-3:1:function:x")), "401"),
    ("writes of IAM by a pattern", role(allow("iam:Put*", f"{IAM}:role/x")), "401"),
    ("a condition of TLS", role(allow(READ, **under(Bool={"aws:SecureTransport": "true"}))), "401"),
    ("a condition of a region", role(allow(READ, **under(StringEquals={"aws:RequestedRegion": REGION}))), "401"),
    ("a pattern of everything", role(allow(READ, **under(StringLike={"secretsmanager:SecretId": "*"}))), "401"),
    ("Null", role(allow(READ, **under(Null={"secretsmanager:SecretId": "false"}))), "401"),
    ("IfExists", role(allow(READ, **under(StringEqualsIfExists={"aws:ResourceTag/env": "production"}))), "401"),
    ("ForAllValues", role(allow(READ, **under(**{"ForAllValues:StringEquals": {"aws:TagKeys": "env"}}))), "401"),
    *((f"a condition of {key}", role(allow(READ, **under(StringEquals={key: "x"}))), "401") for key in ("aws:SourceVpce", "aws:PrincipalTag/env", "aws:userid", "aws:SourceIdentity")),
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
    ("GitHub's own audience", workflow(SUBJECT, Condition={"StringEquals": {f"{OIDC}:aud": "https://github.com/example", f"{OIDC}:sub": SUBJECT}}), "402"),
    ("a second audience", workflow(SUBJECT, Condition={"StringEquals": {f"{OIDC}:aud": ["sts.amazonaws.com", "vault"], f"{OIDC}:sub": SUBJECT}}), "402"),
    ("another provider", workflow(SUBJECT, Principal={"Federated": f"{IAM}:oidc-provider/ci.example.net"}, Condition={"StringEquals": {"ci.example.net:aud": "sts.amazonaws.com", "ci.example.net:sub": SUBJECT}}), "402"),
    ("a second provider", workflow(SUBJECT, Principal={"Federated": [PROVIDER, f"{IAM}:oidc-provider/ci.example.net"]}), "402"),
    ("another provider's subject", workflow(SUBJECT, Condition={"StringEquals": {f"{OIDC}:aud": "sts.amazonaws.com", "ci.example.net:sub": SUBJECT}}), "402"),
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
    *((f"the subject {subject} by {operator}", workflow(subject, operator=operator), "402") for subject, operator in (
        ("repo:example/*", "StringLike"), ("repo:*/watchparty:environment:production", "StringLike"), ("*", "StringLike"),
        ("repo:example/watchparty*:environment:production", "StringLike"), ("repo:example/watchparty:environment:*", "StringLike"),
        ("repo:example/watchparty:ref:refs/heads/*", "StringLike"), ("repo:example/watchparty:ref:refs/tags/*", "StringLike"),
        ("repo:example/watchpart?:environment:production", "StringLike"), ("repo:example/watchparty:environment:Production-2", "StringEquals"),
        ("repo:example/watchparty", "StringEquals"), ("job_workflow_ref:example/watchparty/.github/workflows/x.yml@main", "StringEquals"),
        ("repo:example/watchparty:pull_request", "ForAnyValue:StringLike"), (SUBJECT, "ForAllValues:StringLike"), (SUBJECT, "StringLikeIfExists"),
    )),
    ("an audience of a pattern", workflow(SUBJECT, Condition={"StringLike": {f"{OIDC}:aud": "*", f"{OIDC}:sub": SUBJECT}}), "402"),
    ("no condition", workflow(SUBJECT, Condition={}), "402"),
    ("the owner alone", workflow(SUBJECT, Condition={"StringEquals": {f"{OIDC}:aud": "sts.amazonaws.com", f"{OIDC}:repository_owner": "example"}}), "402"),
    ("the actor", workflow(SUBJECT, Condition={"StringEquals": {f"{OIDC}:aud": "sts.amazonaws.com", f"{OIDC}:actor": "ada"}}), "402"),
    ("not a pull request", workflow(SUBJECT, Condition={"StringEquals": {f"{OIDC}:aud": "sts.amazonaws.com"}, "StringNotLike": {f"{OIDC}:sub": "repo:*:pull_request"}}), "402"),
    ("the subject is there", workflow(SUBJECT, Condition={"StringEquals": {f"{OIDC}:aud": "sts.amazonaws.com"}, "Null": {f"{OIDC}:sub": "false"}}), "402"),
    ("everybody as AWS", trust({"Principal": {"AWS": "*"}}), "402"),
    ("everybody but one", trust({"NotPrincipal": {"AWS": f"{IAM}:user/intern"}}), "402"),
    ("everybody of the organization", trust({"Principal": "*", **under(StringEquals={"aws:PrincipalOrgID": "o-1"})}), "402"),
    ("a provider of another account", workflow(SUBJECT, Principal={"Federated": f"arn:aws:iam::{OTHER}:oidc-provider/{OIDC}"}), "402"),
    ("Google", trust({"Action": "sts:AssumeRoleWithWebIdentity", "Principal": {"Federated": "accounts.google.com"}}), "402"),
    ("every action of STS", trust({"Action": "sts:*", "Principal": {"AWS": f"{IAM}:role/intern"}}), "402"),
    ("a service of another account", trust({"Principal": {"Service": "ec2.amazonaws.com", "AWS": OTHER}}), "402"),
    ("a canonical user", trust({"Principal": {"CanonicalUser": "a" * 64}}), "402"),
    ("a session of a role", trust({"Principal": {"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/intern/x"}}), "402"),
    ("a deleted principal's id", trust({"Principal": {"AWS": "AIDACKCEVSQ6C2EXAMPLE"}}), "402"),
    ("a root user of a partition", trust({"Principal": {"AWS": f"arn:aws-cn:iam::{ACCOUNT}:root"}}), "402"),
    # --- resource policies
    ("Null on the organization", on_secret(Principal="*", **under(Null={"aws:PrincipalOrgID": "false"})), "404"),
    ("the account if there is one", on_secret(Principal="*", **under(StringEqualsIfExists={"aws:PrincipalAccount": ACCOUNT})), "404"),
    ("the account for all values", on_secret(Principal="*", **under(**{"ForAllValues:StringEquals": {"aws:PrincipalAccount": ACCOUNT}})), "404"),
    ("any organization", on_secret(Principal="*", **under(StringLike={"aws:PrincipalOrgID": "*"})), "404"),
    ("another account's ARN with our number", on_secret(Principal="*", **under(ArnLike={"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/{ACCOUNT}*"})), "404"),
    ("two accounts", on_secret(Principal="*", **under(StringEquals={"aws:PrincipalAccount": [ACCOUNT, OTHER]})), "404"),
    ("TLS alone", on_secret(Principal="*", **under(Bool={"aws:SecureTransport": "true"})), "404"),
    ("a service for any account", on_secret(Principal={"Service": "serverlessrepo.amazonaws.com"}), "404"),
    ("another account's journal", on_bucket(Principal={"AWS": f"arn:aws:iam::{OTHER}:root"}), "404"),
    ("everybody's journal", on_bucket("s3:GetObject", Principal="*"), "404"),
    ("another account's key user", on_key(Principal={"AWS": f"arn:aws:iam::{OTHER}:root"}), "404"),
    ("everybody by the key", on_key(Principal="*", **under(StringEquals={"kms:ViaService": "s3.eu-west-3.amazonaws.com"})), "404"),
    ("a pool of identities", on_secret(Principal={"Federated": "cognito-identity.amazonaws.com"}), "404"),
    ("a user by a canonical id", on_bucket("s3:GetObject", Principal={"CanonicalUser": "a" * 64}), "404"),
    ("an identity of CloudFront", on_bucket("s3:GetObject", Principal={"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}), "404"),
    # --- keys
    ("another key", lambda world: setattr(world, "declared", KEY[:-1] + "2"), "1003"),
    ("AWS's own key", lambda world: world.secret.update(key="alias/aws/secretsmanager") or world.key.pop("arn"), "1003"),
]  # fmt: skip
LEGITIMATE: list[tuple[str, Plant]] = [
    ("as provisioned", lambda _world: None),
    ("the environment's secrets by their prefix", role(allow(READ, SECRET_ARN.replace("/core-AbCdEf", "/*")))),
    *((f"the environment's secrets by {pattern}", role(allow(READ, f"{pattern}:secret:watchparty/production*"))) for pattern in ("arn:aws:secretsmanager:*:*", "arn:aws:secretsmanager:*", "arn:*")),
    ("the configuration of CloudWatch's agent", role(allow("ssm:GetParameter", "arn:aws:ssm:*:*:parameter/AmazonCloudWatch-*"))),
    ("a public parameter", role(allow("ssm:GetParameter", "arn:aws:ssm:*::parameter/aws/service/ami-amazon-linux-latest/*"))),
    ("the environment's path", role(allow("ssm:GetParametersByPath", f"{PARAMETER}/watchparty/production*"))),
    ("a key through a service", role(allow("kms:Decrypt", **under(StringEquals={"kms:ViaService": "ssm.eu-west-3.amazonaws.com"})))),
    ("secrets by a tag", role(allow(READ, **under(StringEquals={"aws:ResourceTag/Environment": "production"})))),
    ("logs of the host", role(allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/app/*"))),
    ("reads of IAM", role(allow(["iam:Get*", "iam:List*"], f"{IAM}:role/x"))),
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
    ("a log of CloudTrail's in the bucket", on_bucket("s3:PutObject", Principal={"Service": "cloudtrail.amazonaws.com"}, Resource="arn:aws:s3:::watchparty-journal/AWSLogs/*")),
    ("the bucket without TLS", on_bucket(Effect="Deny", Principal="*", **under(Bool={"aws:SecureTransport": "false"}))),
    ("a service for this account", on_secret(Principal={"Service": "rds.amazonaws.com"}, **under(StringEquals={"aws:SourceAccount": ACCOUNT}))),
    ("the key as AWS makes it", on_key(Principal={"AWS": "*"}, **under(StringEquals={"kms:CallerAccount": ACCOUNT, "kms:ViaService": "rds.eu-west-3.amazonaws.com"}))),
]  # fmt: skip


@planted.mistakes("Policies of roles, secrets and keys", planted.PROGRAM)
@pytest.mark.parametrize(("plant", "check"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_a_planted_mistake_is_found(plant: Plant, check: str) -> None:
    assert failed(plant) == {f"WPS{check}"}


@planted.variations("Policies of roles, secrets and keys", planted.PROGRAM)
@pytest.mark.parametrize("plant", [row[1] for row in LEGITIMATE], ids=[row[0] for row in LEGITIMATE])
def test_what_is_legitimate_passes(plant: Plant) -> None:
    assert failed(plant) == set()
