# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The policy that denies old temporary credentials: what is one and nothing wider, and how it is put. On moto."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policy_evaluator, session_denial
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policies_reader import document as parsed
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import IamRequest
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.session_denial import POLICY, role, user

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
OURS = session_denial.document(NOW)
(STATEMENT,) = OURS["Statement"]
TIME = {"DateLessThan": {"aws:TokenIssueTime": "2026-11-25T15:00:00Z"}}


def changed(**parts: Any) -> dict[str, Any]:
    return {**OURS, "Statement": [{**STATEMENT, **parts}]}


@pytest.mark.parametrize(
    "policy",
    [
        OURS,
        {**OURS, "Statement": STATEMENT},
        changed(Action="*", Resource="*"),
        changed(Condition={"DateLessThan": {"aws:TokenIssueTime": "2026-11-25T14:59:59.123Z"}}),
    ],
)
def test_as_the_run_and_as_the_console_write_it(policy: dict[str, Any]) -> None:
    assert session_denial.is_denial(POLICY, policy, NOW)
    assert not session_denial.is_denial("other", policy, NOW)


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {**OURS, "Statement": [STATEMENT, STATEMENT]},
        {**OURS, "Statement": ["Deny"]},
        changed(Effect="Allow"),
        changed(Action=["*", "s3:GetObject"]),
        changed(Resource=["arn:aws:s3:::shop"]),
        changed(Sid="Named"),
        changed(NotAction="s3:*"),
        changed(Condition={}),
        changed(Condition={**TIME, "Bool": {"aws:SecureTransport": "false"}}),
        changed(Condition={"DateLessThan": {**TIME["DateLessThan"], "aws:CurrentTime": "2026-11-25T15:00:00Z"}}),
        changed(Condition={"DateLessThanIfExists": TIME["DateLessThan"]}),
        changed(Condition={"DateLessThan": {"aws:TokenIssueTime": ["2026-11-25T15:00:00Z"]}}),
        changed(Condition={"DateLessThan": {"aws:TokenIssueTime": "soon"}}),
        session_denial.document(NOW + timedelta(hours=1)),
    ],
)
def test_nothing_wider_is_taken_for_it(policy: dict[str, Any]) -> None:
    """Such as a date to come, which would keep hosts out for that long."""
    assert not session_denial.is_denial(POLICY, policy, NOW)


def test_without_a_time_it_is_compared_with_now() -> None:
    assert session_denial.is_denial(POLICY, session_denial.document(datetime.now(UTC)))


@pytest.mark.parametrize(
    ("context", "allowed"),
    [
        ({"aws:TokenIssueTime": "2026-11-25T14:59:59Z"}, False),
        ({"aws:TokenIssueTime": "2026-11-25T15:00:00Z"}, True),
        ({}, True),  # an access key
    ],
)
def test_what_it_denies(context: dict[str, str], allowed: bool) -> None:
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    request = IamRequest("secretsmanager:GetSecretValue", "arn:aws:s", context)
    assert policy_evaluator.decide([everything, OURS], request).allowed is allowed


def test_it_is_put_and_replaced(moto: Callable[[str], tuple[Any, list[str]]]) -> None:
    iam = moto("iam")[0]
    iam.create_role(RoleName="host", AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')
    iam.create_user(UserName="shop", Path="/apps/")
    for at in (NOW, NOW + timedelta(minutes=1)):
        session_denial.put(iam, role("host"), at)
        session_denial.put(iam, user("shop"), at)
        of_role = iam.get_role_policy(RoleName="host", PolicyName=POLICY)["PolicyDocument"]
        of_user = iam.get_user_policy(UserName="shop", PolicyName=POLICY)["PolicyDocument"]
        assert parsed(of_role) == parsed(of_user) == session_denial.document(at)
    with pytest.raises(NotFound, match="role gone does not exist"):
        session_denial.put(iam, role("gone"), NOW)


def test_the_command_does_the_same() -> None:
    words = shlex.split(session_denial.command(role("host"), NOW))
    assert words[:7] == ["aws", "iam", "put-role-policy", "--role-name", "host", "--policy-name", POLICY]
    assert json.loads(words[-1]) == OURS
    assert "put-user-policy --user-name shop" in session_denial.command(user("shop"), NOW)


@pytest.mark.parametrize(
    ("arn", "principal"),
    [
        ("arn:aws:sts::1:assumed-role/respond/alice", role("respond")),
        ("arn:aws:iam::1:role/path/respond", role("respond")),
        ("arn:aws:iam::1:user/apps/shop", user("shop")),
        ("arn:aws:iam::1:root", None),
        ("arn:aws:sts::1:federated-user/bob", None),
    ],
)
def test_whose_credentials_a_run_uses(arn: str, principal: Any) -> None:
    assert session_denial.principal_of(arn) == principal


def test_the_date_is_by_awss_clock() -> None:
    """By which temporary credentials are dated: this machine may be minutes behind."""
    answer = {"Arn": "arn:aws:sts::123456789012:assumed-role/respond/alice", "Account": "123456789012"}
    dated = {**answer, "ResponseMetadata": {"HTTPHeaders": {"date": "Wed, 25 Nov 2026 15:00:00 GMT"}}}
    sts = SimpleNamespace(get_caller_identity=lambda: dated)
    assert session_denial.caller(sts) == (role("respond"), "123456789012", NOW)
    sts.get_caller_identity = lambda: answer
    assert abs(session_denial.caller(sts).now - datetime.now(UTC)) < timedelta(minutes=1)
