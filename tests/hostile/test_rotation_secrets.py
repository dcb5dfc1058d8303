# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A host or a job that deploys reads a rotation's own secrets: it gets what its .env will hold, and no other login."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import environment_reader
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import S3Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secrets_manager import SecretsManager
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies import AwsScope, documents
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import IamRequest, decide
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context as rotation_context
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan_inputs
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import Who
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import load_kinds
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.staging import Rotator
from sandbox.aws import ACCOUNT, REGION, Moto
from tests.iam_calls import KEY, Asked, secret, through, usage
from tests.integration import harness

READERS = ("deploy", "host", "verify")
"""The roles that must not come to a new login but by an environment's own places."""
ADMINISTRATOR, ISSUED = "canary-of-the-administrator", "canary-of-a-provider"
ALIAS = "alias/shop-production"
ADMIN = "shop/production/admin"
DOCUMENT: dict[str, Any] = {
    "application": "shop",
    "contacts": {"security": "security@example.com"},
    "audit_log": {"log_group": "/shop/audit"},
    "journal": {"s3": harness.JOURNAL.bucket},
    "github": {"repository": "example/shop"},
    "settings": {
        "DATABASE_URL": {"group": "core", "copies": [{"parameter": "DB/URL"}], "type": "url", "schemes": ["postgresql"]}
    },
    "credentials": {
        "database": {"kind": "valkey_user", "admin": "admin", "appears_in": [{"setting": "DATABASE_URL"}]},
        "admin": {
            "kind": "external",
            "server": {"address": "db.example.com:6379"},
            "appears_in": [{"secret": "shop/{environment}/admin", "key": "password"}, {"parameter": "Admin/PASSWORD"}],
        },
        "deploy_ssh": {
            "kind": "ssh_key",
            "appears_in": [{"secret": "shop/{environment}/deploy-ssh", "key": "private_key"}],
        },
    },
    "environments": {"production": {"region": REGION}},
}
CATALOG = catalog_parser.parse(DOCUMENT, "production")
POLICIES = documents(CATALOG, AwsScope(ACCOUNT, REGION, KEY))


@dataclass
class Rotating:
    """A rotation of everything, as it stands when hosts are given the new values."""

    moto: Moto
    logins: str
    overlay: str
    rotator: Rotator

    def text(self, name: str) -> str:
        secret_string: str = self.moto.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
        return secret_string


@pytest.fixture
def rotating(account: Moto) -> Iterator[Rotating]:
    harness.reset(account)
    harness.JOURNAL.make(account.client)
    manager, store = account.client("secretsmanager"), account.client("ssm")
    url = "postgresql://shop:old@db.internal:5432/shop"
    private = rotation_context.new_value(load_kinds([])["ssh_key"])
    for name, content in (
        ("shop/production/core", {"DATABASE_URL": url}),
        (ADMIN, {"password": "old"}),
        ("shop/production/deploy-ssh", {"private_key": private}),
    ):
        manager.create_secret(Name=name, SecretString=json.dumps(content), KmsKeyId=ALIAS)
    for path, value in (("DB/URL", url), ("Admin/PASSWORD", "old")):
        store.put_parameter(Name=f"/shop/production/{path}", Type="SecureString", Value=value)
    secrets, parameters = SecretsManager(manager), ParameterStore(store)
    names = ("shop/production/core", ADMIN, "shop/production/deploy-ssh")
    contents = secrets.read(names) | parameters.read([CATALOG.ssm_path])
    kinds = load_kinds([])
    given = {"admin": Login(None, ADMINISTRATOR)}
    rotator = Rotator(
        catalog=CATALOG,
        secrets=secrets,
        parameters=parameters,
        journal=S3Journal(account.client("s3"), CATALOG),
        me=Who("run", "ops"),
        clock=lambda: "2026-11-28T09:00:00Z",
    )
    journal = rotator.look()
    ground = plan_inputs.PlanInputs(
        catalog=CATALOG,
        journal=journal,
        contents=contents,
        kinds=kinds,
        now=datetime(2026, 11, 28, 9, tzinfo=UTC),
        descriptions={name: secrets.describe(name) for name in names},
        supplied=given,
    )
    plan = rotation_plan.plan(ground, rotation_plan.RotationRequest(force=True))
    assert plan.refused == {}
    opened = rotator.open(journal, "r-20261128T090000-0001", plan, contents)
    rotation = rotator.advance("create", since=opened).rotation
    assert rotation is not None
    rotator.create(kinds, rotation_context.new_value, given)
    rotator.issued(rotation).keep("storage", Login("key", ISSUED))
    rotator.advance("deploy", phase=1)
    yield Rotating(account, rotator.logins_secret(rotation), rotator.overlay_secret(rotation), rotator)
    harness.reset(account)


def test_what_hosts_read_holds_no_administrators_login_and_no_private_key(rotating: Rotating) -> None:
    given, made = rotating.text(rotating.overlay), rotating.text(rotating.logins)
    assert ADMINISTRATOR in made, "else nothing is looked for"
    assert "PRIVATE KEY" in made
    assert ISSUED in rotating.text(f"{rotating.logins}/storage")
    for canary in (ADMINISTRATOR, ISSUED, "PRIVATE KEY", "credentials"):
        assert canary not in given
    (phase,) = json.loads(given)["phases"]
    assert list(phase) == ["/shop/production/DB/URL"]
    assert phase["/shop/production/DB/URL"] == json.loads(made)["phases"][0]["/shop/production/DB/URL"]


@pytest.mark.parametrize("role", READERS)
def test_who_deploys_may_not_read_the_logins(rotating: Rotating, role: str) -> None:
    for name in (rotating.logins, f"{rotating.logins}/storage"):
        asked = (
            IamRequest("secretsmanager:GetSecretValue", secret(name)),
            through("secretsmanager", "Decrypt", secret(name)),
            *(
                IamRequest(f"secretsmanager:{act}", secret(name))
                for act in ("CreateSecret", "PutSecretValue", "DeleteSecret")
            ),
        )
        assert [iam_request.action for iam_request in asked if decide(POLICIES[role], iam_request)] == []
    assert decide(POLICIES[role], IamRequest("secretsmanager:GetSecretValue", secret(rotating.overlay)))
    assert decide(POLICIES[role], through("secretsmanager", "Decrypt", secret(rotating.overlay)))
    for who in ("rotate", "respond"):
        assert decide(POLICIES[who], IamRequest("secretsmanager:GetSecretValue", secret(rotating.logins)))


@pytest.mark.parametrize("role", ["deploy", "host"])
def test_a_deploy_in_the_middle_needs_nothing_more(rotating: Rotating, role: str) -> None:
    """The one read of a deploy and of a host that fetches for itself, by every call that it makes."""
    since = rotating.moto.count()
    environment = environment_reader.read(
        environment_reader.ReadRequest(DOCUMENT, "production"), CATALOG, rotating.moto.client
    )
    login = json.loads(rotating.text(rotating.logins))["credentials"]["database"]
    calls = rotating.moto.calls(since=since)
    read = [call for call in calls if rotating.logins in json.dumps(call["request"])]
    assert len(read) == 1, "by this test alone"
    assert f":{login['password']}@" in environment.resolution.values["DATABASE_URL"]
    assert environment.resolution.problems == ()
    seen = usage(role, Asked(CATALOG), [call for call in calls if call not in read])
    assert seen.refused == []


def test_both_are_under_the_environments_key_and_tags(rotating: Rotating) -> None:
    manager = rotating.moto.client("secretsmanager")
    for name in (rotating.logins, rotating.overlay, f"{rotating.logins}/storage"):
        answer = manager.describe_secret(SecretId=name)
        tags = {tag["Key"]: tag["Value"] for tag in answer["Tags"]}
        assert answer["KmsKeyId"] == ALIAS
        assert (tags["Application"], tags["Environment"], tags["ManagedBy"]) == (
            "shop",
            "production",
            "watchparty.secrets",
        )
