# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS gives no answer to one call, or one that is no use: a check that needs it does not pass, so the run fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ReadTimeoutError, SSLError
from botocore.parsers import ResponseParserError
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED, PASS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import resources as access_resources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.aws_scope import AwsScope
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_facts import PARTS
from tests import planted
from tests.unit.plugins.plugin_utils._verify import pasted_commands, verify_facts
from tests.unit.plugins.plugin_utils._verify.test_collect_facts import ACCOUNT, CATALOG, CLIENTS, REGION, World, denied

CALLS = {
    "BatchGetSecretValue": "301 302 304 309 406 801 904",
    "DescribeKey": "404 405 407 1003",
    "DescribeLogGroups": "002",
    "DescribeSecret": "404 406 407 801 1002 1003",
    "GetAccountAuthorizationDetails": "406 407",
    "GetBucketLifecycleConfiguration": "002 404 407",
    "GetBucketPolicy": "002 404 407",
    "GetBucketVersioning": "002 404 407",
    "GetCallerIdentity": "401 402 404 405 406 407",
    "GetKeyPolicy": "404 405 407",
    "GetKeyRotationStatus": "1003",
    "GetLogEvents": "002 804",
    "GetObject": "801 802 803",
    "GetPolicy": "401 402 405",
    "GetPolicyVersion": "401 402 405",
    "GetResourcePolicy": "404 406 407",
    "GetRole": "401 402 405",
    "ListAccessKeys": "403",
    "ListAttachedRolePolicies": "401 402 405",
    "ListGrants": "404 407",
    "ListRolePolicies": "401 402 405",
    "ListSecrets": "803",
    "ListUsers": "403",
}
"""Of AWS, and the checks that need the answer."""
ERRORS: dict[str, Callable[[str], Exception]] = {
    **{
        code: partial(denied, code=code)
        for code in (
            *("AccessDeniedException", "ThrottlingException", "ExpiredTokenException", "AccessDenied"),
            *("InvalidClientTokenId", "RequestExpired", "SignatureDoesNotMatch", "InternalFailure", "503", ""),
        )
    },
    "no answer": lambda _call: ReadTimeoutError(endpoint_url="https://aws.invalid"),
    "no way there": lambda _call: EndpointConnectionError(endpoint_url="https://aws.invalid"),
    "no credentials": lambda _call: NoCredentialsError(),
    "truncated": lambda _call: ResponseParserError("invalid JSON received"),
    "a certificate": lambda _call: SSLError(endpoint_url="https://aws.invalid", error="expired"),
}
EVERY_ERROR = ("BatchGetSecretValue", "DescribeKey", "GetLogEvents", "GetObject", "GetRole", "GetCallerIdentity")
"""One of each service."""
OPEN = {"WPS901", "WPS1101", "WPS1102", "WPS1103", "WPS1104"}
"""What no host of the test answers, and an environment without stores."""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield provisioned(World())


def provisioned(world: World) -> World:
    """With the key, the role, the log and the bucket as they should be."""
    iam, kms, key = CLIENTS["iam"], CLIENTS["kms"], CLIENTS["kms"].create_key()["KeyMetadata"]
    scope = AwsScope(ACCOUNT, REGION, key["Arn"])
    plan = access_resources.plan(catalog_parser.parse(CATALOG, "test"), scope, access_resources.AccessOptions())
    kms.create_alias(AliasName=plan["key"]["alias"], TargetKeyId=key["KeyId"])
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=json.dumps(plan["key"]["policy"]))
    kms.enable_key_rotation(KeyId=key["KeyId"])
    (role,) = plan["roles"]
    iam.create_role(RoleName=role["name"], AssumeRolePolicyDocument=json.dumps(role["trust"]))
    for policy in plan["policies"]:
        iam.create_policy(PolicyName=policy["name"], PolicyDocument=json.dumps(policy["document"]))
        iam.attach_role_policy(RoleName=role["name"], PolicyArn=policy["arn"])
    CLIENTS["secretsmanager"].update_secret(SecretId="app/test/core", KmsKeyId=plan["key"]["alias"])
    CLIENTS["secretsmanager"].put_secret_value(SecretId="app/other/core", SecretString='{"KEY": "other"}')
    CLIENTS["s3"].put_bucket_versioning(Bucket="app-journal", VersioningConfiguration={"Status": "Enabled"})
    CLIENTS["logs"].create_log_group(logGroupName="/app/audit")
    CLIENTS["logs"].create_log_stream(logGroupName="/app/audit", logStreamName="app/test")
    iam.create_user(UserName="deployer")
    world.calls.clear()
    return world


def statuses(world: World) -> dict[str, str]:
    gatherer = world.gatherer()
    gathered = gatherer.gather(PARTS)
    parts = {"hosts": verify_facts.parts()["hosts"], "outside": verify_facts.parts()["outside"], **gathered["parts"]}
    facts = verify_check.Facts(gatherer.catalog, gatherer.now, parts, gathered["absent"], gathered["left_out"])
    results = verify_check.run_checks(verify_check.registry(), facts)
    assert pasted_commands.flaws(results) == []
    planted.found(results)
    return {result.check.id: result.status for result in results}


def test_without_a_refusal_it_passes(world: World) -> None:
    assert {check for check, status in statuses(world).items() if status in (FAIL, NOT_CHECKED)} == OPEN
    assert {*CALLS} == {*world.calls}


@planted.mistakes("AWS does not answer a call", planted.AWS, number=1)
@pytest.mark.parametrize(("call", "checks"), CALLS.items())
def test_a_call_that_fails(world: World, call: str, checks: str) -> None:
    world.refused = {call}
    errors = ERRORS if call in EVERY_ERROR else dict(islice(ERRORS.items(), 3))
    for error, world.refusal in errors.items():
        found = statuses(world)
        assert [check for check in checks.split() if found[f"WPS{check}"] == PASS] == [], error
        assert {check for check, status in found.items() if status == FAIL} <= {"WPS002", "WPS801"}, error
