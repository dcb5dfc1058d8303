# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an attacker adds to an account differs from its baseline, and what our own runs change does not. On moto."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation, PendingTask
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerDifference,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secret_stores import secret_stores
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import (
    account_reader,
    resources,
    session_denial,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.secret_metadata import SecretFacts
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import scrub_aws
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.honeytoken_users import HoneytokenUsers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import version_id
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.known_keys import known_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import baseline_rows
from tests import planted
from tests.unit.plugins.plugin_utils._access.shop_policies import ACCOUNT, DOCUMENT, REGION
from tests.unit.plugins.plugin_utils._verify import pasted_commands, verify_facts

DECOY = {
    "kind": "aws_access_key",
    "options": {"user": "decoy", "honeytoken": True},
    "appears_in": [{"secret": "shop/{environment}/decoy"}],
}
CATALOG = catalog_parser.parse(
    {
        **DOCUMENT,
        "aws": {"operators": [f"arn:aws:iam::{ACCOUNT}:role/admins"]},
        "alerts": {},
        "credentials": {
            **DOCUMENT["credentials"],
            "decoy": {**DECOY, "appears_in": [{"secret": "shop/{environment}/d"}]},
        },
    },
    "production",
)
STORAGE = "shop/production/storage"
USER, SECRET, ALIAS = "shop-production", "shop/production/core", str(CATALOG.aws and CATALOG.aws.kms_key)
PLACE = f"AWS account {ACCOUNT}"
ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
EVERYBODY = {**ANYTHING, "Principal": "*"}
FUNCTION = "arn:aws:lambda:eu-west-3:999999999999:function:thief"
TRUST = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "sts:AssumeRole"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


class World:
    """An account that was provisioned, with an operator and the application's user."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.client = client
        self.iam, self.kms, self.secrets = client("iam"), client("kms"), client("secretsmanager")
        self.key = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.kms.create_alias(AliasName=ALIAS, TargetKeyId=self.key)
        self.own = {"AWS_ACCESS_KEY_ID": self.made_key(self.user(USER)), "AWS_SECRET_ACCESS_KEY": "canary-secret-key"}
        self.secrets.create_secret(Name=SECRET, SecretString="{}", KmsKeyId=self.key)
        self.secrets.create_secret(Name="shop/production/storage", SecretString=json.dumps(self.own))
        self.user("dba")
        self.iam.create_group(GroupName="admins")
        trust = {**TRUST, "Principal": {"Service": "ec2"}}
        self.iam.create_role(RoleName="builds", AssumeRolePolicyDocument=document(trust))
        self.journal = Journal()
        self.source: RecordedServer | None = None

    def user(self, name: str) -> str:
        self.iam.create_user(UserName=name)
        return name

    def made_key(self, user: str) -> str:
        return str(self.iam.create_access_key(UserName=user)["AccessKey"]["AccessKeyId"])

    def rotate_by(self, function: str) -> None:
        """As AWS describes it: moto would call the function."""
        describe = self.secrets.describe_secret

        def described(**asked: Any) -> Any:
            return {**describe(**asked), **({"RotationLambdaARN": function} if asked["SecretId"] == SECRET else {})}

        self.secrets.describe_secret = described

    def provisioned(self) -> None:
        plan = resources.plan(CATALOG, AwsScope(ACCOUNT, REGION, self.key), resources.AccessOptions())
        self.kms.put_key_policy(KeyId=self.key, PolicyName="default", Policy=json.dumps(plan["key"]["policy"]))
        for policy in plan["policies"]:
            self.iam.create_policy(PolicyName=policy["name"], PolicyDocument=json.dumps(policy["document"]))
        for step in HoneytokenUsers(self.iam, CATALOG, {}).missing():
            step.act()
        for role in plan["roles"]:
            self.iam.create_role(RoleName=role["name"], AssumeRolePolicyDocument=json.dumps(role["trust"]))
            for arn in role["policies"]:
                self.iam.attach_role_policy(RoleName=role["name"], PolicyArn=arn)

    def inventory(self) -> dict[str, Any]:
        secrets = secret_stores(self.client)
        keys = known_keys(CATALOG, secrets, secrets.read([STORAGE]), self.journal)
        return account_reader.inventory(CATALOG, self.client, REGION, keys)

    def record(self) -> None:
        reading = server_baseline.reading_of(self.inventory())
        self.source = RecordedServer("2026-11-29T00:00:00Z", "op", reading.kinds, reading.entries)

    def judged(self) -> None:
        assert self.source
        rows = baseline_rows.differences(PLACE, self.source, self.inventory(), "entries")
        verify_facts.judged("WPS408", account_baseline={"rows": [*rows]})

    def differences(self) -> list[ServerDifference]:
        assert self.source
        return server_baseline.compare(PLACE, self.source, server_baseline.reading_of(self.inventory()))


@pytest.fixture
def world(moto: Callable[[str], tuple[Any, list[str]]]) -> World:
    clients: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in clients:
            clients[service] = moto(service)[0]
        return clients[service]

    made = World(client)
    made.record()
    return made


PLANTED: dict[str, tuple[Callable[[World], Any], str, str]] = {
    "a user": (lambda w: w.user("thief"), "user thief", "aws iam delete-user --user-name thief"),
    "a key of another user": (lambda w: w.made_key("dba"), "access key", "aws iam update-access-key --status Inactive"),
    "a second key of the leaked user": (lambda w: w.made_key(USER), f"of user {USER}", "update-access-key"),
    "a console password": (
        lambda w: w.iam.create_login_profile(UserName="dba", Password="Canary-password-1!"),
        "console password of user dba",
        "aws iam delete-login-profile --user-name dba",
    ),
    "a role that another account may take": (
        lambda w: w.iam.create_role(RoleName="r", AssumeRolePolicyDocument=document(TRUST)),
        "arn:aws:iam::999999999999:root",
        "aws iam delete-role --role-name r",
    ),
    "an inline policy": (
        lambda w: w.iam.put_user_policy(UserName="dba", PolicyName="x y", PolicyDocument=document(ANYTHING)),
        "inline policy x y of user dba",
        "aws iam delete-user-policy --user-name dba --policy-name 'x y'",
    ),
    "an inline policy of a group": (
        lambda w: w.iam.put_group_policy(GroupName="admins", PolicyName="p", PolicyDocument=document(ANYTHING)),
        "inline policy p of group admins",
        "aws iam delete-group-policy --group-name admins --policy-name p",
    ),
    "an attached policy": (
        lambda w: w.iam.attach_user_policy(
            UserName="dba",
            PolicyArn=w.iam.create_policy(PolicyName="p", PolicyDocument=document(ANYTHING))["Policy"]["Arn"],
        ),
        f"attached policy arn:aws:iam::{ACCOUNT}:policy/p of user dba",
        "aws iam detach-user-policy",
    ),
    "a membership": (
        lambda w: w.iam.add_user_to_group(UserName=USER, GroupName="admins"),
        f"membership of user {USER} in group admins",
        "aws iam remove-user-from-group",
    ),
    "another policy with the name of the denial": (
        lambda w: w.iam.put_user_policy(
            UserName=USER, PolicyName=session_denial.POLICY, PolicyDocument=document(ANYTHING)
        ),
        f"inline policy {session_denial.POLICY} of user {USER}",
        "aws iam delete-user-policy",
    ),
    "a denial of sessions of somebody else": (
        lambda w: session_denial.put(w.iam, session_denial.user("dba"), datetime.now(UTC)),
        f"inline policy {session_denial.POLICY} of user dba",
        "aws iam delete-user-policy",
    ),
    "a policy of a secret": (
        lambda w: w.secrets.put_resource_policy(SecretId=SECRET, ResourcePolicy=document(EVERYBODY)),
        f"policy of secret {SECRET}",
        "aws secretsmanager delete-resource-policy",
    ),
    "our own statement that allows": (
        lambda w: w.secrets.put_resource_policy(
            SecretId=SECRET, ResourcePolicy=document({**EVERYBODY, "Sid": "WatchpartyLeakedVersions"})
        ),
        f"policy of secret {SECRET}",
        "aws secretsmanager delete-resource-policy",
    ),
    "a rotation function": (
        lambda w: w.rotate_by(FUNCTION),
        f"rotation function of secret {SECRET} is not in the baseline ({FUNCTION})",
        f"aws secretsmanager cancel-rotate-secret --secret-id {SECRET}",
    ),
    "who may assume a role": (
        lambda w: w.iam.update_assume_role_policy(RoleName="builds", PolicyDocument=document(TRUST)),
        "of arn:aws:iam::999999999999:root, was created",
        "",
    ),
    "a policy of the key": (
        lambda w: w.kms.put_key_policy(KeyId=w.key, PolicyName="default", Policy=document(EVERYBODY)),
        "policy of key",
        "",
    ),
    "a grant": (
        lambda w: w.kms.create_grant(
            KeyId=w.key, GranteePrincipal="arn:aws:iam::999999999999:root", Operations=["Decrypt"]
        ),
        "lets arn:aws:iam::999999999999:root Decrypt",
        "aws kms revoke-grant --key-id",
    ),
}


@planted.mistakes("The account has what its baseline has not", planted.AWS, checks="WPS408", number=11)
@pytest.mark.parametrize("name", PLANTED)
def test_what_an_attacker_adds_is_named_with_its_removal(name: str, world: World) -> None:
    plant, message, undo = PLANTED[name]
    plant(world)
    (difference,) = world.differences()
    world.judged()
    assert (message in difference.message, undo in difference.undo) == (True, True), difference
    assert "canary" not in json.dumps(world.inventory()), "names and digests alone"
    if undo and "rotation" not in name:  # which moto does not cancel
        pasted_commands.run_aws(difference.undo, world.client)
        assert not world.differences()


ORDINARY: dict[str, Callable[[World], Any]] = {
    "provisioning of access": World.provisioned,
    "a role of AWS's own": lambda w: w.iam.create_service_linked_role(AWSServiceName="rds.amazonaws.com"),
    "a grant of a service": lambda w: w.kms.create_grant(
        KeyId=w.key, GranteePrincipal="rds.amazonaws.com", Operations=["Decrypt"]
    ),
    "denied versions of an earlier leak": lambda w: scrub_aws.deny(w.secrets, SECRET, ["v1"]),
    "denied sessions of a role": lambda w: (
        w.provisioned(),
        session_denial.put(w.iam, session_denial.role("shop-production-host"), datetime.now(UTC)),
    ),
    "denied sessions of the application's user": lambda w: session_denial.put(
        w.iam, session_denial.user(USER), datetime.now(UTC)
    ),
    "a key that is not active": lambda w: w.iam.update_access_key(
        UserName="dba", AccessKeyId=w.made_key("dba"), Status="Inactive"
    ),
    "new values and labels": lambda w: w.secrets.put_secret_value(SecretId=SECRET, SecretString='{"A": "b"}'),
    "tags": lambda w: w.iam.tag_user(UserName="dba", Tags=[{"Key": "Team", "Value": "data"}]),
}


@planted.variations("The account is as its baseline", planted.AWS)
@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_operations_are_no_difference(name: str, world: World) -> None:
    ORDINARY[name](world)
    assert world.differences() == []
    world.judged()


def test_a_rotated_key_is_no_difference(world: World) -> None:
    """Nor are both keys, while the old one is valid: the keys that the journal names, and no other one of the user."""
    new = {"AWS_ACCESS_KEY_ID": world.made_key(USER), "AWS_SECRET_ACCESS_KEY": "canary-secret-key-2"}
    old = world.secrets.describe_secret(SecretId=STORAGE)["VersionIdsToStages"]
    (base,) = [version for version, stages in old.items() if "AWSCURRENT" in stages]
    plan = {"credentials": {"storage": {}}, "secrets": {STORAGE: base}}
    world.journal = Journal(rotation=OpenRotation("r-1", "create", "op", "2020-01-01T00:00:00Z", plan=plan))
    assert world.differences() == [], "its new key is in no version yet"
    world.journal = Journal(rotation=OpenRotation("r-1", "create", "op", "2120-01-01T00:00:00Z", plan=plan))
    assert len(world.differences()) == 1, "a key that is older than the rotation is not its own"
    version = version_id("r-1", STORAGE, 1)
    text = json.dumps(new)
    world.secrets.put_secret_value(SecretId=STORAGE, SecretString=text, ClientRequestToken=version, VersionStages=["x"])
    world.journal = Journal(rotation=OpenRotation("r-1", "deploy", "op", "2020-01-01T00:00:00Z", plan=plan))
    assert world.differences() == []
    world.iam.delete_access_key(UserName=USER, AccessKeyId=new["AWS_ACCESS_KEY_ID"])
    other = world.made_key(USER)
    (difference,) = world.differences()
    assert other in difference.message, "a key of the same user, made while it rotates"
    world.iam.delete_access_key(UserName=USER, AccessKeyId=other)
    world.secrets.put_secret_value(SecretId=STORAGE, SecretString=json.dumps({**new, "AWS_ACCESS_KEY_ID": "AKIANEW"}))
    task = PendingTask("t", "storage", "revoke", "", "r-1", secrets={STORAGE: base})
    world.journal = Journal(pending_tasks={"t": task})
    assert world.differences() == []
    world.journal = Journal()
    (difference,) = world.differences()
    assert world.own["AWS_ACCESS_KEY_ID"] in difference.message, "the old key is still valid, and nothing explains it"
    world.iam.delete_access_key(UserName=USER, AccessKeyId=world.own["AWS_ACCESS_KEY_ID"])
    assert world.differences() == []


def test_the_attacker_gives_rights_to_a_honeytoken(world: World) -> None:
    world.provisioned()
    world.iam.put_user_policy(UserName="decoy", PolicyName="more", PolicyDocument=document(ANYTHING))
    assert "inline policy more of user decoy" in [f"{item.kind} {item.name}" for item in world.differences()]


def test_the_attacker_changes_a_role_of_ours(world: World) -> None:
    world.provisioned()
    assert world.differences() == []
    role = CATALOG.aws.roles["respond"] if CATALOG.aws else ""
    world.iam.update_assume_role_policy(RoleName=role, PolicyDocument=document(TRUST))
    assert [(item.kind, item.name) for item in world.differences()] == [("role", role)]


OF_KEYS = {"grant", "policy of key"}


def test_a_new_version_of_the_catalog_is_no_difference(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is provisioned, roles are as they were recorded; after that, as the catalog says."""
    world.provisioned()
    world.record()
    monkeypatch.setattr(resources, "plan", lambda *_: {"roles": (), "policies": (), "key": {"policy": {}}})
    assert world.differences() == []


def deny(client: Any, call: str) -> None:
    def before(model: Any, **_more: Any) -> None:
        if xform_name(model.name) == call:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, call)

    client.meta.events.register_first("before-call.*.*", before, unique_id="denied")


@pytest.mark.parametrize(
    ("service", "call", "kinds"),
    [
        ("iam", "get_login_profile", {"console password"}),
        ("kms", "list_grants", OF_KEYS),
        ("secretsmanager", "get_resource_policy", {"policy of secret"}),
        (
            "secretsmanager",
            "describe_secret",
            {"policy of secret", "rotation function of secret", "grant", "policy of key"},
        ),
    ],
)
def test_what_may_not_be_read_is_said(service: str, call: str, kinds: set[str], world: World) -> None:
    """And is not a difference."""
    deny(world.client(service), call)
    inventory = world.inventory()
    assert {*inventory["unread"]} == kinds
    assert world.differences() == []
    assert world.source
    assert {*server_baseline.unread(world.source, server_baseline.reading_of(inventory))} == kinds


def test_the_catalog_s_key_is_not_read(world: World) -> None:
    """Where parameters alone are encrypted with it."""
    for name in (SECRET, "shop/production/storage"):
        world.secrets.update_secret(SecretId=name, KmsKeyId="alias/aws/secretsmanager")
    deny(world.kms, "describe_key")
    assert {*world.inventory()["unread"]} == OF_KEYS


def test_a_boundary_that_the_attacker_widens(world: World) -> None:
    narrow = document({**ANYTHING, "Action": "s3:GetObject"})
    boundary = world.iam.create_policy(PolicyName="limits", PolicyDocument=narrow)["Policy"]["Arn"]
    world.iam.create_role(RoleName="ci", AssumeRolePolicyDocument=document(TRUST), PermissionsBoundary=boundary)
    world.record()
    world.iam.create_policy_version(PolicyArn=boundary, PolicyDocument=document(ANYTHING), SetAsDefault=True)
    assert [(item.state, item.kind, item.name) for item in world.differences()] == [("changed", "role", "ci")]


def test_an_account_that_may_not_be_read(world: World) -> None:
    deny(world.iam, "get_account_authorization_details")
    with pytest.raises(Denied, match="GetAccountAuthorizationDetails"):
        world.inventory()


def test_names_of_an_attacker_reach_neither_shell_nor_terminal(world: World) -> None:
    world.iam.put_user_policy(UserName="dba", PolicyName="$(id)=,.@-", PolicyDocument=document(ANYTHING))
    (difference,) = world.differences()
    assert "--policy-name '$(id)=,.@-'" in difference.undo


def test_what_a_secret_was_asked_is_not_asked_again(world: World) -> None:
    facts = SecretFacts(world.secrets)
    first = facts.described([SECRET]), facts.policies([SECRET])
    world.secrets.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)
    assert (facts.described([SECRET]), facts.policies([SECRET])) == first
    assert SecretFacts(world.secrets).described([SECRET]) != first[0]
