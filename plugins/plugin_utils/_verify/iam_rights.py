# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ways to access that no policy gives yet: who may grant it, open the key, or remove the evidence. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_evaluator import IamRequest, decide
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.iam_readers import (
    OF_SERVICES,
    Document,
    Principal,
    allows,
    is_named,
)

GRANTS = frozenset({"Decrypt", "ReEncryptFrom", "CreateGrant", "GenerateDataKey"})
"""What a grant of KMS may let somebody do that concerns values."""
_OWN = {
    "user": ("iam:PutUserPolicy", "iam:AttachUserPolicy", "iam:DeleteUserPermissionsBoundary"),
    "role": ("iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:DeleteRolePermissionsBoundary"),
}
_GROUPS = ("iam:PutGroupPolicy", "iam:AttachGroupPolicy")
_VERSIONS = ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion")
_ROLES = ("iam:UpdateAssumeRolePolicy",)
_USERS = (
    *("iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"),
    "iam:DeactivateMFADevice",
)
_STARTS = (
    *("ec2:RunInstances", "ec2:AssociateIamInstanceProfile", "ecs:RunTask", "codebuild:CreateProject"),
    *("lambda:CreateFunction", "lambda:UpdateFunctionConfiguration", "cloudformation:CreateStack"),
    *("glue:CreateDevEndpoint", "glue:CreateJob", "ssm:StartAutomationExecution", "states:CreateStateMachine"),
)
_INSTANCES = ("ssm:SendCommand", "ssm:StartSession", "ec2-instance-connect:SendSSHPublicKey")
_SECRETS = tuple(
    f"secretsmanager:{name}"
    for name in ("PutSecretValue", "UpdateSecret", "RotateSecret", "ReplicateSecretToRegions", "DeleteSecret")
)
_PARAMETERS = ("ssm:PutParameter", "ssm:DeleteParameter")
_TRAILS = ("cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "cloudtrail:PutEventSelectors")
_LOGS = ("logs:DeleteLogGroup", "logs:DeleteLogStream", "logs:PutRetentionPolicy")
_BUCKETS = ("s3:DeleteBucket", "s3:PutBucketPolicy", "s3:PutLifecycleConfiguration", "s3:PutBucketVersioning")
_OBJECTS = ("s3:DeleteObject", "s3:DeleteObjectVersion")
Way = tuple[str, tuple[str, ...], str]
"""What comes of it, the actions of which one will do, and the ARN."""


@dataclass(frozen=True)
class Targets:
    """What an environment has that rights may be taken over, by ARN."""

    secrets: tuple[str, ...] = ()
    changed_secrets: tuple[str, ...] = ()
    changed_parameters: tuple[str, ...] = ()
    """The same and parameters, where the role has no reason to change them."""
    keys: Mapping[str, Document | None] = field(default_factory=dict)
    """With their own policies, where those are known."""
    roles: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    """Those whose login is worth having: operators, and users whose keys rotate."""
    log_groups: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    """Of the audit log and the journal."""
    trails: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    """The objects again, where the role has no reason to write them."""


def unnamed_rights(principals: Sequence[Principal], targets: Targets, named: Sequence[str]) -> list[dict[str, str]]:
    """A row for each principal that is not named and may take or give rights."""
    rows: list[dict[str, str]] = []
    for principal in principals:
        if is_named(principal, named):
            continue
        try:
            rows += [_row("bad", str(principal), message) for message in rights(principal, targets)]
        except PolicyError as error:
            rows.append(_row("unknown", str(principal), str(error)))
        if principal.unread:
            rows.append(_row("unknown", str(principal), f"IAM does not tell the policy {', '.join(principal.unread)}"))
    return rows


def _row(state: str, place: str, message: str) -> dict[str, str]:
    return {"state": state, "place": place, "message": message}


def rights(principal: Principal, targets: Targets) -> Iterator[str]:
    """A message for each kind of way. Raises PolicyError."""
    results: dict[str, dict[str, None]] = {}
    for message, actions, arn in _ways(principal, targets):
        for action in actions:
            if _may(principal, action, arn, targets):
                results.setdefault(message, {})[action] = None
    starts = [action for action in _STARTS if _may(principal, action, "*", targets)]
    passes = any(_may(principal, "iam:PassRole", role, targets) for role in targets.roles)
    if starts and passes:
        results["may run its own code with a role of the environment"] = dict.fromkeys(["iam:PassRole", *starts])
    for message, found in results.items():
        yield f"{message} ({', '.join(found)})"


def _ways(principal: Principal, targets: Targets) -> Iterator[Way]:
    itself, open_key = "may grant itself access", ("kms:PutKeyPolicy", "kms:CreateGrant", "kms:ReplicateKey")
    evidence = "may remove or overwrite the audit log, the journal or CloudTrail's"
    group = f"{principal.arn.partition(':user/')[0]}:group/another"
    others = [arn for arn in targets.users if arn != principal.arn]
    table: tuple[tuple[str, tuple[str, ...], Sequence[str]], ...] = (
        (itself, _OWN[principal.kind], [principal.arn]),
        (itself, ("iam:AddUserToGroup",), [group] if principal.kind == "user" else []),
        (itself, _GROUPS, principal.groups),
        (itself, _VERSIONS, principal.attached),
        ("may change who assumes the roles", _ROLES, targets.roles),
        ("may log in as another user", _USERS, others),
        ("may share the secrets", ("secretsmanager:PutResourcePolicy",), targets.secrets),
        ("may change or copy the secrets", _SECRETS, targets.changed_secrets),
        ("may change the parameters", _PARAMETERS, targets.changed_parameters),
        ("may open the key to others", open_key, [*targets.keys]),
        ("may take the key away", ("kms:DisableKey", "kms:ScheduleKeyDeletion"), [*targets.keys]),
        ("may run commands on every instance", _INSTANCES, targets.instances),
        (evidence, _LOGS, targets.log_groups),
        (evidence, _TRAILS, targets.trails),
        (evidence, _BUCKETS, targets.buckets),
        (evidence, _OBJECTS, targets.objects),
        (evidence, ("s3:PutObject",), targets.written),
    )
    for message, actions, arns in table:
        yield from ((message, actions, arn) for arn in arns)


def _may(principal: Principal, action: str, arn: str, targets: Targets) -> bool:
    """A key's own policy must allow it too: by naming the principal, or the account that it leaves it to."""
    own = targets.keys.get(arn)
    if own is not None and not decide([own], IamRequest(action, arn, {}, {"AWS": principal.arn})):
        return False
    return allows(principal, principal.policies, action, arn, {})


def by_grants(key: str, arn: str, grants: Sequence[Mapping[str, Any]], named: Sequence[str]) -> list[dict[str, str]]:
    """A row for each grant of a key to somebody that is neither named nor a service of AWS."""
    rows = []
    for grant in grants:
        who, operations = str(grant.get("GranteePrincipal", "")), sorted(GRANTS & {*grant.get("Operations", ())})
        known = {who, *([who.rpartition("/")[2]] if ":role/" in who else [])} & {*named}
        if operations and not known and not who.endswith(".amazonaws.com") and OF_SERVICES not in who:
            row = _row("bad", f"key {key}", f"grant {grant['GrantId']} lets {who} {', '.join(operations)}")
            rows.append({**row, "command": f"aws kms revoke-grant --key-id {arn} --grant-id {grant['GrantId']}"})
    return rows
