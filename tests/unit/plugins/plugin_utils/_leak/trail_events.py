# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Events of the form that LookupEvents gives, written by hand after the public record format."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

ROLE = "arn:aws:sts::123456789012:assumed-role/web/i-0abc"
ARN = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:app/test/core-Ab12Cd"

SERVICES = {
    **dict.fromkeys(("AssumeRole", "GetSessionToken", "GetFederationToken"), "sts"),
    **dict.fromkeys(("CreateGrant", "PutKeyPolicy", "ReplicateKey"), "kms"),
    **dict.fromkeys(("PutResourcePolicy", "ReplicateSecretToRegions", "RotateSecret"), "secretsmanager"),
    **dict.fromkeys(("CreateFunction20150331", "UpdateFunctionCode20150331v2", "AddPermission20150331v2"), "lambda"),
    **dict.fromkeys(("UpdateFunctionConfiguration20150331v2", "CreateEventSourceMapping20150331"), "lambda"),
    **dict.fromkeys(("RunInstances", "ModifyInstanceAttribute", "AssociateIamInstanceProfile"), "ec2"),
    **dict.fromkeys(("SendCommand", "StartSession", "CreateAssociation"), "ssm"),
    **dict.fromkeys(("PutBucketPolicy", "PutBucketReplication"), "s3"),
    "PutTargets": "events",
    "CreateTrustAnchor": "rolesanywhere",
}


def source_of(act: str) -> str:
    return f"{SERVICES.get(act, 'iam')}.amazonaws.com"


def event(
    act: str = "GetSecretValue",
    at: str = "2026-11-25T10:00:00+00:00",
    *,
    identity: str = "e-1",
    who: Any = ROLE,
    address: Any = "10.0.3.7",
    key: str = "ASIAWEBEXAMPLE000001",
    error: str | None = None,
    **asked: Any,
) -> dict[str, Any]:
    """One event, as boto3 hands it over."""
    detail = {
        "eventVersion": "1.08",
        "userIdentity": {"type": "AssumedRole", "arn": who, "accessKeyId": key},
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": act,
        "awsRegion": "eu-west-3",
        "sourceIPAddress": address,
        "userAgent": "canary-user-agent",
        "requestParameters": asked or None,
        "responseElements": None,
        "errorCode": error,
        "errorMessage": "canary-error-message",
        "eventID": identity,
    }
    return {
        "EventId": identity,
        "EventName": act,
        "EventTime": datetime.fromisoformat(at).astimezone(UTC),
        "EventSource": "secretsmanager.amazonaws.com",
        "Username": "i-0abc",
        "AccessKeyId": key,
        "ReadOnly": "true",
        "Resources": [],
        "CloudTrailEvent": json.dumps(detail),
    }
