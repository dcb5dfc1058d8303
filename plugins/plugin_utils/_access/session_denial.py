# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The inline policy of AWS's console that denies temporary credentials which STS issued before a date.

IAM checks ``aws:TokenIssueTime`` at each call. Access keys have no such time, so they are not denied.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import APART, translated, user_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import listed

POLICY = "AWSRevokeOlderSessions"
_OPERATOR, _KEY = "DateLessThan", "aws:TokenIssueTime"
_SESSION = re.compile(r"arn:[^:]*:sts::[^:]*:assumed-role/([\w+=,.@-]+)/.*", re.ASCII)
_ROLE = re.compile(r"arn:[^:]*:iam::[^:]*:role/(?:.*/)?([\w+=,.@-]+)", re.ASCII)


class IamIdentity(NamedTuple):
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def role(name: str) -> IamIdentity:
    return IamIdentity("role", name)


def user(name: str) -> IamIdentity:
    return IamIdentity("user", name)


def _statement(before: str) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": {_OPERATOR: {_KEY: before}}}


def document(before: datetime) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [_statement(timestamps.stamp(before))]}


def is_denial(name: str, policy: Mapping[str, Any], now: datetime | None = None) -> bool:
    """Whether it is exactly this policy. A future date would deny credentials that are not issued yet."""
    statements = listed(policy.get("Statement"))
    if name != POLICY or len(statements) != 1 or not isinstance(statements[0], Mapping):
        return False
    statement = dict(statements[0])
    statement |= {part: list(listed(statement.get(part))) for part in ("Action", "Resource")}
    try:
        before = statement["Condition"][_OPERATOR][_KEY]
        moment = datetime.fromisoformat(before)
    except (KeyError, TypeError, ValueError):
        return False
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return statement == _statement(before) and moment <= (now or datetime.now(UTC)) + APART


def command(principal: IamIdentity, before: datetime) -> str:
    """The command that puts the same policy."""
    kind = principal.kind
    policy = ["--policy-name", POLICY, "--policy-document", json.dumps(document(before), separators=(",", ":"))]
    return shlex.join(["aws", "iam", f"put-{kind}-policy", f"--{kind}-name", principal.name, *policy])


def put(iam: Any, principal: IamIdentity, before: datetime) -> None:
    """Puts the policy, or replaces its date. Raises SecretsError, or NotFound if the principal does not exist."""
    policy = {"PolicyName": POLICY, "PolicyDocument": json.dumps(document(before))}
    with translated(f"Put{principal.kind.title()}Policy", str(principal)):
        if principal.kind == "role":
            iam.put_role_policy(RoleName=principal.name, **policy)
        else:
            iam.put_user_policy(UserName=principal.name, **policy)


class Caller(NamedTuple):
    """The identity of a run, and the time by AWS's clock, which dates temporary credentials."""

    principal: IamIdentity | None
    account: str
    now: datetime


def caller(sts: Any) -> Caller:
    with aws_errors.translated("sts:GetCallerIdentity", "this account"):
        answer = sts.get_caller_identity()
    now = _date(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}))
    return Caller(principal_of(str(answer["Arn"])), str(answer["Account"]), now)


def principal_of(arn: str) -> IamIdentity | None:
    """The identity behind the ARN of a user, role or session. None for any other ARN."""
    match, name = _SESSION.fullmatch(arn) or _ROLE.fullmatch(arn), user_of(arn)
    return role(match[1]) if match else user(name) if name else None


def _date(headers: Mapping[str, str]) -> datetime:
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.now(UTC)
