# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is gathered, against moto in this process: each source once, a refusal reported where it belongs, no value."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as core_journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv_dialects import DEFAULT_READERS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import resources as access_resources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_facts import PARTS, Gatherer
from sandbox.seed import Journal

REGION = "eu-west-3"
ACCOUNT = "123456789012"
NOW = datetime.now(UTC)
JOURNAL = Journal("app-journal", "app", "test")
CATALOG: dict[str, Any] = {
    "application": "app",
    "contacts": {"security": "security@example.com"},
    "audit_log": {"log_group": "/app/audit"},
    "journal": {"s3": "app-journal"},
    "settings": {"KEY": {"group": "core", "required": True}, "TOKEN": {"group": "core"}},
    "credentials": {"token": {"kind": "external", "appears_in": [{"setting": "TOKEN"}]}},
    "environments": {"test": {}, "other": {}, "third": {}},
}
ASSUMES = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [ASSUMES]})
LONG = "canary-9f8a7b6c5d4e3f2a1b0c-"
"""Begins values that are looked for."""
CLIENTS: dict[str, Any] = {}
"""Made once: each takes half a second, and moto forgets what they did after every test."""


def denied(call: str, code: str = "AccessDeniedException") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, call)


class World:
    """moto, seeded; and what it was asked."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.asked: list[str] = []
        """The same with what each asked for."""
        self.refused: set[str] = set()
        self.refusal: Callable[[str], Exception] = denied
        for service in ("secretsmanager", "ssm", "sts", "iam", "kms", "logs", "s3"):
            if service not in CLIENTS:
                CLIENTS[service] = boto3.client(service, region_name=REGION)
            events = CLIENTS[service].meta.events
            events.unregister("before-call.*.*", unique_id="test")  # of the test before, which would stay
            events.register("before-call.*.*", self._before, unique_id="test")
        manager = CLIENTS["secretsmanager"]
        manager.create_secret(Name="app/test/core", SecretString='{"KEY": "canary-key-1", "TOKEN": "canary-token"}')
        manager.create_secret(Name="app/other/core", SecretString='{"KEY": "canary-key-2", "TOKEN": "canary-token"}')
        JOURNAL.make(CLIENTS.__getitem__)
        self.calls.clear()
        self.asked.clear()

    def _before(self, model: Any, params: Any, **_more: Any) -> None:
        self.calls.append(model.name)
        self.asked.append(f"{model.name} {params['body']}")
        if model.name in self.refused:
            raise self.refusal(model.name)

    def gatherer(self, **over: Any) -> Gatherer:
        connection = AwsConnection("test", {"region": REGION})
        connection.store_client = CLIENTS.__getitem__  # type: ignore[method-assign]
        document = {**CATALOG, **over}
        return Gatherer(document, catalog_parser.parse(document, "test"), connection, NOW)

    def states(self, part: str, **over: Any) -> dict[str, str]:
        """The state of each place."""
        result = self.gatherer(**over).gather([part])
        assert result["absent"] == {}
        return {row["place"]: row["state"] for row in result["parts"][part]["rows"]}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield World()


def test_every_part_without_a_value_and_each_source_once(world: World) -> None:
    result = world.gatherer().gather(PARTS)
    assert set(result["parts"]) | set(result["left_out"]) == set(PARTS)
    without = {"repository", "workflows", "zizmor", "history", "unknown_secrets", "github", "deploys"}
    without |= {"github_baseline"}
    assert (set(result["left_out"]), result["absent"]) == (without, {})
    assert "add -e verify_repository=PATH" in result["left_out"]["history"]
    assert "names no repository of GitHub" in result["left_out"]["deploys"]
    assert "canary" not in json.dumps(result)
    assert json.loads(json.dumps(result["parts"])), "plain data, which travels between processes"
    for operation in ("DescribeSecret", "ListSecrets", "ListUsers", "GetResourcePolicy"):
        assert world.calls.count(operation) == 1, operation
    assert not [call for call in world.calls if not call.startswith(("Get", "List", "Describe", "BatchGet"))]


@pytest.mark.parametrize("parts", [("history",), ("former", "history", "repository", "stores", "unknown_secrets")])
def test_the_scan_reads_no_version_again(world: World, tmp_path: Path, parts: tuple[str, ...]) -> None:
    """A second version, a parameter, an administrator's secret that no setting is in."""
    manager, ssm = CLIENTS["secretsmanager"], CLIENTS["ssm"]
    manager.put_secret_value(SecretId="app/test/core", SecretString=json.dumps({"KEY": LONG + "key", "TOKEN": "x"}))
    manager.create_secret(Name="admin", SecretString=json.dumps({"password": LONG + "admin"}))
    ssm.put_parameter(Name="/app/test/LIMIT", Value=LONG + "limit", Type="SecureString")
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    world.calls.clear()
    world.asked.clear()
    settings = {**CATALOG["settings"], "LIMIT": {"parameter": "LIMIT"}}
    credentials = {"admin": {"kind": "external", "appears_in": [{"secret": "admin", "key": "password"}]}}
    secrets = {"admin": {"environment": "test"}}
    gatherer = world.gatherer(settings=settings, credentials=credentials, secrets=secrets)
    gatherer.repository_path = str(tmp_path)
    result = gatherer.gather(parts)
    assert result["parts"]["history"]["values"] >= 3
    reads = [
        name for name in world.asked if not name.startswith(("DescribeSecret", "ListSecrets", "GetCallerIdentity"))
    ]
    assert len(reads) == len(set(reads)), reads
    assert world.calls.count("BatchGetSecretValue") == 2, "settings' secrets, then the administrator's"
    assert (world.calls.count("GetObject"), world.calls.count("GetParametersByPath")) == (1, 1)


def test_while_a_rotation_prescribes_versions_the_labels_are_read_too(world: World, tmp_path: Path) -> None:
    manager = CLIENTS["secretsmanager"]
    old = manager.describe_secret(SecretId="app/test/core")["VersionIdsToStages"]
    manager.put_secret_value(SecretId="app/test/core", SecretString=json.dumps({"KEY": LONG + "now", "TOKEN": "x"}))
    entry = {"rotation": "r1", "step": "deploy", "who": "ops", "at": "2026-11-25T10:00:00Z"}
    entry |= {"plan": {"credentials": {}}, "prescribes": {"secrets": {"app/test/core": next(iter(old))}}}
    JOURNAL.add(CLIENTS.__getitem__, 1, entry)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    gatherer = world.gatherer()
    gatherer.repository_path = str(tmp_path)
    (tmp_path / "leak.txt").write_text(LONG + "now\n")
    findings = gatherer.gather(["history"])["parts"]["history"]["findings"]
    assert [finding["message"] for finding in findings] == ["KEY (current value, unchanged) in the working tree"]


def test_only_what_is_wanted_is_read(world: World) -> None:
    world.gatherer().gather(["users"])
    assert world.calls == ["ListUsers"]


def test_a_refusal_is_reported_at_the_parts_that_need_it_and_asked_for_once(world: World) -> None:
    world.refused = {"BatchGetSecretValue"}
    result = world.gatherer().gather(["stores", "journal", "secrets"])
    assert "secrets" in result["parts"]
    assert "allow secretsmanager:BatchGetSecretValue" in result["absent"]["stores"]
    world.refused, world.calls = {"GetObject"}, []
    result = world.gatherer().gather(["journal", "leftovers", "former", "audit"])
    assert set(result["absent"]) == {"journal", "leftovers", "former"}
    assert "the journal cannot be read" in result["absent"]["journal"]
    assert world.calls.count("GetObject") == 1
    assert "log group /app/audit does not exist" in result["parts"]["audit"]["problem"]


def test_a_broken_journal_is_reported(world: World) -> None:
    JOURNAL.put(CLIENTS.__getitem__, "no entry")
    result = world.gatherer().gather(["journal", "users"])
    assert "is not a journal entry" in result["absent"]["journal"]
    assert "users" in result["parts"]


def test_expected_fingerprints_and_why_there_are_none(world: World) -> None:
    result = world.gatherer().expected()
    assert sorted(result["fingerprints"]) == result["sensitive"] == ["KEY", "TOKEN"]
    assert "canary" not in json.dumps(result)
    assert result["readers"] == list(DEFAULT_READERS)
    world.refused = {"GetParametersByPath", "BatchGetSecretValue"}
    JOURNAL.put(CLIENTS.__getitem__, "no entry")
    world.refused = set()
    result = world.gatherer().expected()
    assert result["fingerprints"] == {}
    assert result["problem"].startswith("the stores cannot be read: ")
    assert result["readers"] == list(DEFAULT_READERS)


def test_isolation_between_environments(world: World) -> None:
    isolation = world.gatherer().gather(["isolation"])["parts"]["isolation"]
    assert isolation["others"] == {"other": [{"own": "TOKEN", "other": "TOKEN"}]}
    assert isolation["unread"] == {"third": "the stores hold no values of this environment"}


def test_an_administrator_that_two_environments_share(world: World) -> None:
    """Its password stands in a secret alone, and in no setting."""
    for name in ("test", "other"):
        secret = json.dumps({"username": "admin", "password": LONG + "admin"})
        CLIENTS["secretsmanager"].create_secret(Name=f"app/{name}/admin", SecretString=secret)
    place = {"secret": "app/{environment}/admin"}
    credentials = {"valkey_admin": {"kind": "valkey_user", "server": {"address": "valkey"}, "appears_in": [place]}}
    isolation = world.gatherer(credentials=credentials).gather(["isolation"])["parts"]["isolation"]
    shared = {"own": "valkey_admin (credential)", "other": "valkey_admin (credential)"}
    assert isolation["others"]["other"] == [{"own": "TOKEN", "other": "TOKEN"}, shared]


def test_another_account_and_a_refusal_are_no_isolation(world: World) -> None:
    environments = {
        "test": {"expected_account_id": ACCOUNT},
        "other": {"expected_account_id": "999999999999"},
    }
    isolation = world.gatherer(environments=environments).gather(["isolation"])["parts"]["isolation"]
    assert isolation["others"] == {}
    assert isolation["unread"]["other"].startswith("its AWS account is 999999999999")


def test_secrets_that_are_missing_deleted_or_pending(world: World) -> None:
    manager = CLIENTS["secretsmanager"]
    assert world.gatherer().secrets["app/test/core"]["deleted"] is None
    manager.put_secret_value(SecretId="app/test/core", SecretString="{}", VersionStages=["AWSPENDING"])
    assert "AWSPENDING" in world.gatherer().secrets["app/test/core"]["stages"]
    manager.delete_secret(SecretId="app/test/core", RecoveryWindowInDays=7)
    assert world.gatherer().secrets["app/test/core"]["deleted"].startswith("2")
    manager.delete_secret(SecretId="app/test/core", ForceDeleteWithoutRecovery=True)
    assert world.gatherer().secrets["app/test/core"] == {"missing": True, "problem": "does not exist"}
    assert world.gatherer().policies["app/test/core"]["missing"], "it gives no rights, so WPS407 is whole without it"
    world.refused = {"DescribeSecret"}
    assert "allow secretsmanager:DescribeSecret" in world.gatherer().secrets["app/test/core"]["problem"]


def test_leftovers_are_those_of_no_open_rotation(world: World) -> None:
    CLIENTS["secretsmanager"].create_secret(Name="app-rotation/test/r-old", SecretString="{}")
    CLIENTS["secretsmanager"].create_secret(Name="app-rotation/testing/x", SecretString="{}")
    CLIENTS["secretsmanager"].create_secret(Name="app-rotation-logins/test/r-old", SecretString="{}")
    assert world.gatherer().leftovers == ["app-rotation-logins/test/r-old", "app-rotation/test/r-old"]


class Listing:
    """Vault's answer to a list of staged versions."""

    def __init__(self, status: int, answer: Any) -> None:
        self._answer = (status, answer)

    def secret(self, kind: str, path: str) -> str:
        return f"secret/{kind}/{path}"

    def get(self, path: str, _what: str, **query: Any) -> tuple[int, Any]:
        assert (path, query) == ("secret/metadata/app/test/token-staged", {"list": "true"})
        return self._answer


@pytest.mark.parametrize(
    ("status", "answer", "found"),
    [
        (404, {}, []),
        (200, {"data": {"keys": ["1f-2", "\x1b[31m", "line\nline", "x" * 65, "f/"]}}, ["1f-2"]),
    ],
)
def test_leftovers_in_vault(
    world: World, monkeypatch: pytest.MonkeyPatch, status: int, answer: Any, found: list[str]
) -> None:
    monkeypatch.setitem(CLIENTS, "vault", Listing(status, answer))
    settings = {**CATALOG["settings"], "TOKEN": {"vault": "app/{environment}/token"}}
    stores = {"vault": {"address": "https://vault.example.com", "auth": "token"}}
    gatherer = world.gatherer(settings=settings, stores=stores)
    gatherer.__dict__["journal_read"] = core_journal.Journal()  # its own reading would ask this Vault for more
    assert gatherer.leftovers == [f"vault:app/test/token-staged/{name}" for name in found]


def test_keys_of_kms(world: World) -> None:
    kms, manager = CLIENTS["kms"], CLIENTS["secretsmanager"]
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    manager.update_secret(SecretId="app/test/core", KmsKeyId=key)
    grantee = f"arn:aws:iam::{ACCOUNT}:user/x"
    kms.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=["Decrypt"])
    result = world.gatherer().keys[key]
    assert (result["state"], result["manager"], result["rotating"]) == ("Enabled", "CUSTOMER", False)
    assert result["arn"].endswith(key)
    assert result["policy"]["Statement"]
    assert [(grant["GranteePrincipal"], grant["Operations"]) for grant in result["grants"]] == [(grantee, ["Decrypt"])]
    assert world.states("rights")[f"key {key}"] == "fail"
    kms.enable_key_rotation(KeyId=key)
    assert world.gatherer().keys[key]["rotating"] is True
    world.refused = {"GetKeyRotationStatus"}
    assert "kms:GetKeyRotationStatus" in world.gatherer().keys[key]["why"]
    kms.disable_key(KeyId=key)
    assert world.gatherer().keys[key]["state"] == "Disabled"
    world.refused = {"DescribeKey"}
    assert "kms:DescribeKey" in world.gatherer().keys[key]["problem"]


def test_roles_with_all_that_is_attached(world: World) -> None:
    iam = CLIENTS["iam"]
    name = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}],
        }
    )
    iam.create_role(RoleName="app-test-host", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="app-test-host", PolicyName="inline", PolicyDocument=name)
    arn = iam.create_policy(PolicyName="managed", PolicyDocument=name)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="app-test-host", PolicyArn=arn)
    roles = world.gatherer().roles
    assert roles["app-test-host"]["policies"] == {"inline": json.loads(name), "managed": json.loads(name)}
    assert roles["app-test-host"]["trust"] == json.loads(TRUST)
    assert roles["app-test-deploy"]["unwanted"] == "does not exist, because the catalog has no github.repository"
    assert roles["app-test-verify"]["unwanted"].endswith("no aws.operators")
    operated = world.gatherer(aws={"operators": ["arn:aws:iam::123456789012:user/me"]}).roles["app-test-verify"]
    assert (operated["missing"], operated["problem"].partition(";")[0]) == (True, "does not exist")
    assert "unwanted" not in operated


def test_users_keys_by_age(world: World) -> None:
    iam = CLIENTS["iam"]
    iam.create_user(UserName="deployer")
    key = iam.create_access_key(UserName="deployer")["AccessKey"]["AccessKeyId"]
    later = world.gatherer()
    later.now = NOW + timedelta(days=91)
    ((result,),) = later.users.values()
    assert (result["active"], result["days"] in (90, 91)) == (True, True)
    assert result["id"] == key
    iam.update_access_key(UserName="deployer", AccessKeyId=key, Status="Inactive")
    assert world.gatherer().users["deployer"][0]["active"] is False


def test_nothing_of_the_catalogs_access_is_there_and_then_all_of_it(world: World) -> None:
    (row,) = world.gatherer().access["rows"]
    assert (row["state"], "watchparty.secrets.provision" in row["message"]) == ("not checked", True)
    iam, kms = CLIENTS["iam"], CLIENTS["kms"]
    key = kms.create_key()["KeyMetadata"]
    plan = access_resources.plan(
        catalog_parser.parse(CATALOG, "test"), AwsScope(ACCOUNT, REGION, key["Arn"]), access_resources.AccessOptions()
    )
    kms.create_alias(AliasName=plan["key"]["alias"], TargetKeyId=key["KeyId"])
    assert world.states("access") == {"key alias/app-test": "fail", "role app-test-host": "fail"}
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=json.dumps(plan["key"]["policy"]))
    (role,) = plan["roles"]
    iam.create_role(RoleName=role["name"], AssumeRolePolicyDocument=json.dumps(role["trust"]))
    for policy in plan["policies"]:
        iam.create_policy(PolicyName=policy["name"], PolicyDocument=json.dumps(policy["document"]))
        iam.attach_role_policy(RoleName=role["name"], PolicyArn=policy["arn"])
    assert world.states("access") == {"key alias/app-test": "pass", "role app-test-host": "pass"}
    world.refused = {"GetKeyPolicy"}
    assert world.states("access") == {"key alias/app-test": "not checked", "role app-test-host": "pass"}
    world.refused = {"GetRole"}
    assert world.states("access") == {"key alias/app-test": "pass", "role app-test-host": "not checked"}
    world.refused = {"DescribeKey"}
    assert "kms:DescribeKey" in world.gatherer().gather(["access"])["absent"]["access"]


def test_who_may_read_and_that_the_account_is_not_reported(world: World) -> None:
    iam, manager, kms = CLIENTS["iam"], CLIENTS["secretsmanager"], CLIENTS["kms"]
    allow = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    reading = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.create_user(UserName="direct")
    iam.put_user_policy(UserName="direct", PolicyName="p", PolicyDocument=reading)
    iam.create_user(UserName="member")
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="member")
    arn = iam.create_policy(PolicyName="managed", PolicyDocument=reading)["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="readers", PolicyArn=arn)
    iam.create_user(UserName="nobody")
    iam.create_role(RoleName="admins", AssumeRolePolicyDocument=TRUST)
    everything = json.dumps({"Version": "2012-10-17", "Statement": {**allow, "Action": "*"}})
    made = iam.create_policy(PolicyName="everything", PolicyDocument=everything)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="admins", PolicyArn=made)
    assert world.states("readers") == {"user direct": "fail", "user member": "fail", "role admins": "fail"}
    readers = {"aws": {"readers": [f"arn:aws:iam::{ACCOUNT}:role/admins"]}}
    assert world.states("readers", **readers) == {"user direct": "fail", "user member": "fail"}
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    manager.update_secret(SecretId="app/test/core", KmsKeyId=key)
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*"}
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps({"Statement": [root]}))
    assert world.states("readers") == {"role admins": "fail"}, "who may not use the key reads nothing"
    world.refused = {"GetAccountAuthorizationDetails"}
    assert "iam:GetAccountAuthorizationDetails" in world.gatherer().gather(["readers"])["absent"]["readers"]


def test_what_can_be_tried_is_reported_without_values_and_read_with_them(world: World) -> None:
    url = "postgresql://app:canary-{}@127.0.0.1:9/app"
    for age in (4, 3, 2, 1, 0):  # versions without a label, and histories of parameters
        content = json.dumps({"TOKEN": url.format(age)})
        CLIENTS["secretsmanager"].put_secret_value(SecretId="app/test/core", SecretString=content)
        CLIENTS["ssm"].put_parameter(Name="/app/test/P", Value=url.format(f"p{age}"), Type="String", Overwrite=True)
    over = {"settings": {**CATALOG["settings"], "P": {"parameter": "P", "type": "url"}}}
    over["credentials"] = {n: {"kind": "postgresql_role", "appears_in": [{"setting": n}]} for n in ("TOKEN", "P")}
    assert {(item["state"], item["by"]) for item in world.gatherer(**over).former.values()} == {("untried", "servers")}
    tries = {item.credential: item for item in world.gatherer(**over).former_tries}
    expected = {"TOKEN": tuple(map(url.format, (1, 2, 3))), "P": tuple(map(url.format, ("p1", "p2", "p3")))}
    assert ({name: item.former for name, item in tries.items()}, "canary" in repr(tries)) == (expected, False)
    world.refused = {"ListSecretVersionIds"}
    assert "secretsmanager:ListSecretVersionIds" in world.gatherer(**over).former["TOKEN"]["unread"]
