# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Access in AWS as a user makes it: an empty account, a plan, a run, and a run that changes nothing."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import IamRequest, decide
from sandbox.aws import ACCOUNT, REGION
from tests.integration.access_key_lab import USER, client_of, keys, new_key, new_user
from tests.integration.access_lab import OPERATOR, access_catalog, prepare, role, tags_of, writes
from tests.integration.harness import Lab

pytestmark = pytest.mark.slow
ROLES = tuple(f"shop-production-{kind}" for kind in ("deploy", "host", "rotate", "respond", "verify"))
OURS = {
    "Application": "shop",
    "Environment": "production",
    "Owner": "ops@example.com",
    "ManagedBy": "watchparty.secrets",
}
ISSUER = "token.actions.githubusercontent.com"


@pytest.fixture
def shop(lab: Lab) -> Lab:
    prepare(lab)
    return lab


def documents(lab: Lab, name: str) -> list[dict[str, Any]]:
    """What the role's managed policies say."""
    iam = lab.moto.client("iam")
    results = []
    for attached_policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        arn = attached_policy["PolicyArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        results.append(iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"])
    return results


def test_from_an_empty_account_to_a_run_that_changes_nothing(shop: Lab) -> None:
    shown = role(shop, "--check", "--diff")
    assert shown.code == 0, shown.output
    assert writes(shown) == []
    assert "role shop-production-deploy for repo:example/shop:environment:production" in shown.text
    assert "key/not-made-yet" in shown.text
    planned = shown.result("web1")["changed"]

    run = role(shop)
    assert run.code == 0, run.output
    assert run.result("web1")["changed"] == planned == 5
    kms, iam = shop.moto.client("kms"), shop.moto.client("iam")
    key = kms.describe_key(KeyId="alias/shop-production")["KeyMetadata"]
    assert kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"]
    assert tags_of(kms.list_resource_tags(KeyId=key["KeyId"])["Tags"], "TagKey", "TagValue") == OURS
    assert "UseThroughStores" in kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"]
    for name in ROLES:
        result = iam.get_role(RoleName=name)["Role"]
        assert tags_of(result["Tags"]) == OURS
        assert key["Arn"] in json.dumps(documents(shop, name))
    trust = iam.get_role(RoleName=ROLES[0])["Role"]["AssumeRolePolicyDocument"]
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
    assert trust["Statement"][0]["Principal"] == {"Federated": provider}
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider)["ClientIDList"] == ["sts.amazonaws.com"]
    assert iam.get_instance_profile(InstanceProfileName=ROLES[1])["InstanceProfile"]["Roles"][0]["RoleName"] == ROLES[1]
    core = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:shop/production/core-AbCdEf"
    assert decide(documents(shop, ROLES[0]), IamRequest("secretsmanager:GetSecretValue", core))
    assert not decide(documents(shop, ROLES[0]), IamRequest("secretsmanager:PutSecretValue", core))

    for arguments in ((), ("--check", "--diff")):
        again = role(shop, *arguments)
        assert again.code == 0, again.output
        assert again.result("web1")["changed"] == 0, again.output
        assert writes(again) == []


def test_the_key_alone_and_what_comes_after_it_in_check_mode(shop: Lab) -> None:
    key = "aws_access_encryption_key"
    results = [{"ansible.builtin.debug": {"msg": f"key={{{{ {key}.arn }}}} made={{{{ {key}.made }}}}"}}]
    shown = role(shop, "--check", tasks="key.yml", after=results)
    assert shown.code == 0, shown.output
    assert f"key=arn:aws:kms:{REGION}:{ACCOUNT}:key/not-made-yet made=False" in shown.text
    run = role(shop, tasks="key.yml", after=results)
    assert run.code == 0, run.output
    arn = shop.moto.client("kms").describe_key(KeyId="alias/shop-production")["KeyMetadata"]["Arn"]
    assert f"key={arn} made=True" in run.text
    assert run.text.count(f"key={arn}") == 2  # each host knows it
    assert shop.moto.client("iam").list_roles()["Roles"] == []


def test_what_is_not_ours_is_refused_before_the_first_write_and_adopted_by_name(shop: Lab) -> None:
    iam = shop.moto.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    iam.create_role(
        RoleName="shop-production-host", AssumeRolePolicyDocument=trust, Tags=[{"Key": "Team", "Value": "x"}]
    )
    other = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    arn = iam.create_policy(PolicyName="theirs", PolicyDocument=json.dumps(other))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="shop-production-host", PolicyArn=arn)
    kms = shop.moto.client("kms")
    kms.create_alias(AliasName="alias/shop-production", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])

    refused = role(shop)
    assert refused.code != 0
    assert writes(refused) == []
    assert "role shop-production-host exists and belongs to another owner (Application=(none)" in refused.text
    assert "key alias/shop-production exists and belongs to another owner" in refused.text
    assert "-e aws_access_adopt=shop-production-host" in refused.text
    missing = role(shop, "-e", "aws_access_adopt=nobody,alias/shop-production,shop-production-host")
    assert missing.code != 0
    assert "nobody: does not exist, so it cannot be adopted" in missing.text

    run = role(shop, "-e", "aws_access_adopt=alias/shop-production,shop-production-host")
    assert run.code == 0, run.output
    assert tags_of(iam.get_role(RoleName="shop-production-host")["Role"]["Tags"]) == {**OURS, "Team": "x"}
    assert f"role shop-production-host also has the policy {arn}, which is not in the catalog and was kept" in run.text
    attached = iam.list_attached_role_policies(RoleName="shop-production-host")["AttachedPolicies"]
    assert {item["PolicyName"] for item in attached} == {"theirs", "shop-production-host"}
    again = role(shop)
    assert again.result("web1")["changed"] == 0, again.output
    purged = role(shop, "-e", "aws_access_purge_policies=true")
    assert purged.result("web1")["changed"] == 1, purged.output
    attached = iam.list_attached_role_policies(RoleName="shop-production-host")["AttachedPolicies"]
    assert {item["PolicyName"] for item in attached} == {"shop-production-host"}


def test_more_policies_come_and_go_with_the_catalog(shop: Lab) -> None:
    many = {f"SETTING_{n}": {"secret": f"shop/{{environment}}/group-of-settings-number-{n:03}"} for n in range(70)}
    shop.catalog["settings"] |= many
    run = role(shop)
    assert run.code == 0, run.output
    iam = shop.moto.client("iam")
    names = {policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]}
    assert {"shop-production-deploy", "shop-production-deploy-2"} <= names
    for name in many:
        shop.catalog["settings"].pop(name)
    fewer = role(shop)
    assert fewer.code == 0, fewer.output
    left = {policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]}
    assert left == set(ROLES)
    assert role(shop).result("web1")["changed"] == 0


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (
            {"aws": {"kms_key": "alias/shop", "operators": [OPERATOR]}},
            "aws.kms_key alias/shop: also belongs to staging",
        ),
        ({"aws": {"operators": ["*"]}}, "aws.operators: '*' is not an ARN of one user or role"),
        ({"github": {"repository": "example/shop", "environment": "*"}}, "holds a wildcard"),
        ({"aws": {"tags": {"Owner": "x"}}}, "aws.tags.Owner: provisioning sets this tag itself"),
        ({"aws": {"tags": {"a": "#"}}}, "is not a tag that AWS accepts"),
        ({"aws": {"host_principal": "evil.example.com"}}, "aws.host_principal"),
    ],
)
def test_a_catalog_that_grants_too_much_stops_before_the_first_call(
    lab: Lab, over: dict[str, Any], message: str
) -> None:
    prepare(lab, **over)
    run = role(lab)
    assert run.code != 0
    assert message in run.text
    assert writes(run) == []


def test_another_account_and_a_key_that_goes_are_named(shop: Lab) -> None:
    shop.catalog["environments"]["production"]["expected_account_id"] = "210987654321"
    run = role(shop)
    assert "belong to AWS account 123456789012, but the catalog expects 210987654321" in run.text
    assert writes(run) == []
    shop.catalog = access_catalog()
    kms = shop.moto.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/shop-production", TargetKeyId=key)
    kms.schedule_key_deletion(KeyId=key)
    run = role(shop)
    assert run.code != 0
    assert "is scheduled for deletion; keep it by 'aws kms cancel-key-deletion --key-id" in run.text
    assert writes(run) == []


def test_without_a_repository_and_operators_there_is_the_hosts_role_alone(lab: Lab) -> None:
    prepare(lab, github={}, aws={"host_principal": OPERATOR, "owner": "ops@example.com"})
    run = role(lab)
    assert run.code == 0, run.output
    iam = lab.moto.client("iam")
    assert [item["RoleName"] for item in iam.list_roles()["Roles"]] == ["shop-production-host"]
    assert iam.list_instance_profiles()["InstanceProfiles"] == []
    assert "no role deploy: the catalog names no github.repository" in run.text
    assert "no roles rotate, respond and verify: name in aws.operators" in run.text


def test_staging_and_production_side_by_side_share_the_provider_alone(shop: Lab) -> None:
    assert role(shop).code == 0
    for name in ("web1", "web2"):
        shop.host_vars[name]["app_environment"] = "staging"
    run = role(shop, "-e", "app_environment=staging")
    assert run.code == 0, run.output
    assert "CreateOpenIDConnectProvider" not in run.operations
    iam = shop.moto.client("iam")
    for mine, theirs in (("staging", "production"), ("production", "staging")):
        for kind in ("deploy", "host", "rotate", "respond", "verify"):
            text = json.dumps(documents(shop, f"shop-{mine}-{kind}"))
            assert theirs not in text
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
    tags = tags_of(iam.get_open_id_connect_provider(OpenIDConnectProviderArn=provider)["Tags"])
    assert tags["Environment"] == "production"
    for environment in ("staging", "production"):
        for name in ("web1", "web2"):
            shop.host_vars[name]["app_environment"] = environment
        again = role(shop, "-e", f"app_environment={environment}")
        assert again.result("web1")["changed"] == 0, again.output


def test_static_keys_revoke_once_the_role_does_their_work(shop: Lab) -> None:
    """moto notes when a key and a role were used."""
    assert role(shop).code == 0
    key = new_user(shop.moto)
    iam, sts = shop.moto.client("iam"), shop.moto.client("sts")
    client_of(shop.moto, "sts", key).get_caller_identity()
    named = ("-e", f"aws_access_revoke_users={USER}")
    refused = role(shop, *named, tasks="revoke_keys.yml")
    assert refused.code != 0
    assert "role shop-production-deploy was never used" in refused.text
    assert writes(refused) == []

    time.sleep(1.1)  # IAM's times are whole seconds
    arn = f"arn:aws:iam::{ACCOUNT}:role/shop-production-deploy"
    taken = sts.assume_role(RoleArn=arn, RoleSessionName="ci")["Credentials"]
    session = Login(taken["AccessKeyId"], taken["SecretAccessKey"])
    client_of(shop.moto, "ssm", session).describe_parameters()
    soon = role(shop, *named, tasks="revoke_keys.yml")
    assert soon.code != 0
    assert "less than 1 days ago" in soon.text
    assert writes(soon) == []
    first = role(shop, *named, "-e", "aws_access_revoke_idle_days=0", tasks="revoke_keys.yml")
    assert first.code == 0, first.output
    assert keys(iam) == {key.username: "Inactive"}
    assert f"deactivate key {key.username} of user {USER}: it was used last at" in first.text
    assert str(key.password) not in first.output
    again = role(shop, *named, tasks="revoke_keys.yml")
    assert again.result("web1")["changed"] == 0, again.output
    last = role(shop, *named, "-e", "aws_access_revoke_after_days=0", tasks="revoke_keys.yml")
    assert last.code == 0, last.output
    assert keys(iam) == {}

    second = new_key(shop.moto)
    client_of(shop.moto, "sts", second).get_caller_identity()
    still = role(shop, *named, tasks="revoke_keys.yml")
    assert still.code != 0
    assert "a program still uses it" in still.text
    assert keys(iam) == {second.username: "Active"}
