# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documented policy of whoever runs provision, against what a run was seen to ask, in both directions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

POLICY = Path(__file__).parents[1] / "docs" / "provision-policy.json"
MIRROR = "Mirror"
"""The statement for the mirror's function, which test_mirror_function compares with what is asked for it."""
HONEYTOKENS = "Honeytokens"
"""The statement for their users, which test_alert_resources compares with what is asked for them."""
FREE = {"sts:GetCallerIdentity", "lambda:GetFunction"}
"""Needs no permission; a look for a former function of the mirror goes without it."""
IMPLIED: Mapping[str, tuple[str, ...]] = {
    "iam:AddRoleToInstanceProfile": ("iam:PassRole",),
    "iam:CreateInstanceProfile": ("iam:TagInstanceProfile",),
    "iam:CreateOpenIDConnectProvider": ("iam:TagOpenIDConnectProvider",),
    "iam:CreatePolicy": ("iam:TagPolicy",),
    "iam:CreateRole": ("iam:TagRole",),
    "cloudwatch:PutMetricAlarm": ("cloudwatch:TagResource",),
    "events:PutRule": ("events:TagResource",),
    "kms:CreateKey": ("kms:TagResource",),
    "logs:CreateLogGroup": ("logs:TagResource",),
    "sns:CreateTopic": ("sns:TagResource",),
    "s3:GetObject": ("s3:ListBucket",),  # without it S3 denies what does not exist
    "secretsmanager:CreateSecret": ("secretsmanager:TagResource", "kms:GenerateDataKey"),
    "secretsmanager:GetSecretValue": ("kms:Decrypt",),
    "ssm:PutParameter": ("ssm:AddTagsToResource", "kms:Encrypt"),
}
"""What AWS asks beside a call's own action, since the call brings tags or a key, as its documentation says."""
NAMED = {f"s3:{verb}PublicAccessBlock": f"s3:{verb}BucketPublicAccessBlock" for verb in ("Get", "Put")}
"""Actions that IAM calls otherwise than the operation."""
_DIFFERS = "only where what is there differs from the catalog"
UNSEEN: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "cloudwatch:DeleteAlarms",
            "iam:AddClientIDToOpenIDConnectProvider",
            "iam:CreatePolicyVersion",
            "iam:DeletePolicy",
            "iam:DeletePolicyVersion",
            "iam:DetachRolePolicy",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
            "kms:PutKeyPolicy",
            "kms:UpdateKeyDescription",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecret",
            "secretsmanager:UpdateSecretVersionStage",
        ),
        _DIFFERS,
    ),
    "events:DescribeEventBus": "only with alerts.event_bus",
    "logs:DeleteRetentionPolicy": "only where somebody set a retention",
    "logs:ListTagsForResource": "the newer name of ListTagsLogGroup",
    "ssm:GetParameterHistory": "only for an undo (set_undo) of a parameter",
    "secretsmanager:ReplicateSecretToRegions": "only with aws.replicas",
    "secretsmanager:RestoreSecret": "only with provision_restore",
}
"""Listed and not seen in a first run and the ones after it, and why it is listed all the same."""


def statements() -> dict[str, set[str]]:
    """The actions of the documented policy, by statement."""
    return {one["Sid"]: set(one["Action"]) for one in json.loads(POLICY.read_text(encoding="utf-8"))["Statement"]}


def listed() -> set[str]:
    """The actions that every run may need."""
    return {action for sid, actions in statements().items() if sid not in (MIRROR, HONEYTOKENS) for action in actions}


def assert_listed(calls: Iterable[Mapping[str, Any]]) -> None:
    """Each call's action is listed, and each listed action was asked for or has its reason."""
    operations = {f"{call['service']}:{call['operation']}" for call in calls} - FREE
    operations = {operation.replace("monitoring:", "cloudwatch:") for operation in operations}
    asked = {NAMED.get(operation, operation) for operation in operations}
    needed = asked | {action for name in asked for action in IMPLIED.get(name, ())}
    lacking, unseen = needed - listed(), listed() - needed
    assert not lacking, f"{POLICY.name} lacks what a run asked for: {sorted(lacking)}"
    assert unseen == set(UNSEEN), f"{POLICY.name} lists what no run asked for, or a reason is out of date"
