# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs are seen to ask of AWS, against the policies of the roles that run them, in both directions.

moto enforces no resources, so its log is judged by our own evaluator: every call must be allowed, and every grant must
be used or have its reason here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies import documents
from sandbox.aws import ACCOUNT, REGION
from sandbox.valkey import Valkey
from tests.iam_calls import ANYBODY, KEY, Asked, Usage, grants, usage
from tests.integration import access_key_lab, test_rotation_elasticache
from tests.integration.access_lab import OPERATOR
from tests.integration.elasticache_server import ElastiCache
from tests.integration.harness import DEPLOY, ENVIRONMENT, Lab
from tests.integration.leak_lab import RESPONSE, leak_lab
from tests.integration.rotation_lab import ALL, CORE, RotationLab
from tests.integration.test_leak_response import distribution
from tests.integration.valkey_lab import new_password
from tests.integration.verify_lab import make_repository

pytestmark = pytest.mark.slow
OPEN = "only while a rotation is open: its prescribed versions are read one by one, and parameters wait in its secret"
ADVANCED = "for parameters of the advanced tier, which are encrypted with a data key; moto tells no tier"
ENV_ENC = "for the encrypted .env, whose calls test_encrypted_env judges"
OPENS = {"OpenEnvEnc kms:Decrypt": ENV_ENC}
WRITES = {**OPENS, "WriteEnvEnc kms:GenerateDataKey": ENV_ENC}
UNSEEN: dict[str, dict[str, str]] = {
    "deploy": {"ReadPinned ssm:GetParameters": OPEN, **WRITES},
    "host": {"ReadPinned ssm:GetParameters": OPEN, **OPENS},
    "rotate": {"EncryptParameters kms:GenerateDataKey": ADVANCED, **WRITES},
    "verify": {
        "Metrics cloudwatch:PutMetricData": "only a verification of everything sends them",
        "AuditStreams logs:DescribeLogStreams": "only while the audit log has no record",
    },
    "respond": {
        "Trail cloudtrail:LookupEvents": "moto has no event history; test_leak_response asks a stand-in for it",
    },
}
"""Granted and not seen in these runs, and why it is granted all the same."""


@pytest.fixture(scope="module")
def watchparty(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with leak_lab(connection, hosts=1) as made:
        made.catalog["purge"] = {**made.catalog["purge"], "cdn": {"distribution": distribution(made)}}
        populate(made)
        yield made


def populate(lab: Lab) -> None:
    """A role, a user and a key, whose details are read."""
    iam = lab.moto.client("iam")
    catalog = catalog_parser.parse(lab.catalog, ENVIRONMENT)
    assert catalog.aws
    rights = json.dumps(documents(catalog, AwsScope(ACCOUNT, REGION, KEY))["host"][0])
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": OPERATOR}}]}
    trust["Statement"][0]["Action"] = "sts:AssumeRole"  # type: ignore[index]
    iam.create_role(RoleName=catalog.aws.roles["host"], AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=catalog.aws.roles["host"], PolicyName="own", PolicyDocument=rights)
    made = iam.create_policy(PolicyName="by-hand", PolicyDocument=rights)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=catalog.aws.roles["host"], PolicyArn=made)
    iam.create_user(UserName="deployer")
    iam.create_access_key(UserName="deployer")
    key = lab.moto.client("kms").create_key()["KeyMetadata"]["KeyId"]
    lab.moto.client("secretsmanager").update_secret(SecretId=CORE, KmsKeyId=key)


class Witness:
    """Runs playbooks and judges what they asked."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.usages: dict[str, Usage] = {}

    def run(self, role: str, playbook: str, *arguments: str, codes: tuple[int, ...] = (0,), user: str = "") -> None:
        since = self.lab.moto.count()
        run = self.lab.run(*arguments, playbook=playbook)
        assert run.code in codes, run.output
        calls = self.lab.moto.calls(since=since)
        assert calls
        asked = Asked(catalog_parser.parse(self.lab.catalog, ENVIRONMENT), user)
        # Hosts that fetch by themselves read what a deploy reads.
        for name in ("deploy", "host") if role == "deploy" else (role,):
            seen = usage(name, asked, calls)
            assert seen.refused == [], f"{playbook} as {name}"
            known = self.usages.setdefault(name, Usage())
            self.usages[name] = replace(known, used=known.used | seen.used)

    def assert_used(self, role: str, *, beside: str | None = None) -> None:
        """Each grant was used, or has its reason above, and no reason is left for one that was.

        Grants that ``beside`` has too are judged by that role's runs.
        """
        catalog = catalog_parser.parse(self.lab.catalog, ENVIRONMENT)
        unused = grants(role, catalog) - self.usages[role].used - (grants(beside, catalog) if beside else set())
        assert unused == set(UNSEEN[role]), role


def test_deploys_and_rotations(watchparty: RotationLab) -> None:
    witness = Witness(watchparty)
    to = watchparty.directory / "fetched"
    witness.run("deploy", DEPLOY)
    witness.run("deploy", "playbooks/validate.yml")
    witness.run("deploy", "playbooks/fetch.yml", "-e", f"env_fetch_path={to}")
    witness.run("rotate", "playbooks/rotate.yml", "-e", f"rotation_credentials={ALL}", "-e", "rotation_force=true")
    witness.run("rotate", "playbooks/rotation_report.yml")
    for role in ("deploy", "host", "rotate"):
        witness.assert_used(role)


def test_a_leak_response(watchparty: RotationLab) -> None:
    """Of a credential that no parameter holds: to push one's history out takes a hundred writes."""
    with watchparty.with_catalog() as catalog:
        catalog["settings"]["REDIS_URL"]["copies"] = []
        witness = Witness(watchparty)
        path = watchparty.directory / "found.txt"
        path.write_text("a string of nobody", encoding="utf-8")
        witness.run("respond", "playbooks/impact.yml", "-e", f"leak_value_file={path}")
        asks = json.dumps({"rotation_host": "localhost", "rotation_python": sys.executable})
        witness.run("respond", "playbooks/baseline.yml", "-e", asks, user=ANYBODY)
        answered = ("-e", "leak_confirm=yes", "-e", f"leak_report_path={watchparty.directory / 'post-mortems'}")
        witness.run("respond", RESPONSE, *answered, "-e", "leak_credentials=cache")
        witness.assert_used("respond", beside="rotate")


def test_a_verification(watchparty: RotationLab) -> None:
    """All of it but what compares environments, which needs a role that may read both. The baseline is recorded."""
    lab, witness = watchparty, Witness(watchparty)
    make_repository(lab.directory / "checkout")
    areas = "contacts,git,hosts,drift,iam,ci,revocation,ages,recovery,servers"
    given = {"verify_only": areas, "verify_repository": str(lab.directory / "checkout")}
    given["verify_report_path"] = str(lab.directory / "report")
    witness.run("verify", "playbooks/verify.yml", "-e", json.dumps(given), codes=(0, 2), user=ANYBODY)
    witness.assert_used("verify")


def test_an_access_key(lab: Lab) -> None:
    options = {"user": access_key_lab.USER, "user_path": "/applications/"}
    access_key_lab.prepare(lab, options=options)
    since = lab.moto.count()
    run = access_key_lab.rotate(lab)
    assert run.code == 0, run.output
    asked = Asked(
        catalog_parser.parse(lab.catalog, ENVIRONMENT),
        f"arn:aws:iam::{ACCOUNT}:user/applications/{access_key_lab.USER}",
    )
    result = usage("rotate", asked, lab.moto.calls(since=since))
    assert result.refused == []
    keys = {grant for grant in grants("rotate", asked.catalog) if grant.startswith("AccessKeys ")}
    # That one only where a key stands beside the one in use: whether a killed run made it, and nobody used it.
    assert keys - result.used == {"AccessKeys iam:GetAccessKeyLastUsed"}


def test_a_token(lab: Lab) -> None:
    with Valkey(password=new_password()) as primary, ElastiCache((primary,), looks=0) as api:
        test_rotation_elasticache.prepare(lab, api, primary)
        run = test_rotation_elasticache.rotate(lab, api)
        assert run.code == 0, run.output
        group = f"arn:aws:elasticache:{REGION}:{ACCOUNT}:replicationgroup:{api.group}"
        seen = {f"AuthTokens elasticache:{call.split()[0]}" for call in api.calls}
        catalog = catalog_parser.parse(lab.catalog, ENVIRONMENT)
        assert seen == {grant for grant in grants("rotate", catalog) if grant.startswith("AuthTokens ")}
        assert group in str(documents(catalog, AwsScope(ACCOUNT, REGION, KEY))["rotate"])
