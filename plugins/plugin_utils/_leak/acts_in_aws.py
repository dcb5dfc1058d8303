# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""AWS calls that give their caller another way in: the item that a call makes, and the command that removes it. Pure.

Kinds and names are those of the account's baseline.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

SESSIONS = frozenset({"AssumeRole", "GetSessionToken", "GetFederationToken"})
KEY = "accessKeyId"
_FIELDS = (
    *("userName", "roleName", "groupName", "policyName", "policyArn", KEY, "keyId", "grantId", "secretId"),
    *("functionName", "instanceId", "openIDConnectProviderArn", "sAMLProviderArn", "roleArn", "expiration"),
    *("sSHPublicKeyId", "certificateId", "serviceSpecificCredentialId", "serialNumber", "bucketName", "trustAnchorArn"),
    *("commandId", "sessionId", "associationId", "rule"),
)
"""The fields that are read of a call and its answer. Other fields may hold the caller's text or a new key's secret."""
_DEEPEST = 4
_POLICIES = {
    f"{verb}{kind.capitalize()}Policy": (
        f"{attachment} policy",
        f"{{{field}}} of {kind} {{{kind}Name}}",
        f"iam {undo}-{kind}-policy --{kind}-name {{{kind}Name}} --{option} {{{field}}}",
    )
    for kind in ("user", "role", "group")
    for verb, attachment, field, undo, option in (
        ("Put", "inline", "policyName", "delete", "policy-name"),
        ("Attach", "attached", "policyArn", "detach", "policy-arn"),
    )
}
_PASSWORD = ("console password", "of user {userName}", "iam delete-login-profile --user-name {userName}")
_ROLE, _POLICY = ("role", "{roleName}", ""), ("policy", "{policyArn}", "")
_FUNCTION = ("Lambda function", "{functionName}", "lambda delete-function --function-name {functionName}")
_SAML = ("identity provider", "{sAMLProviderArn}", "iam delete-saml-provider --saml-provider-arn {sAMLProviderArn}")
_OIDC = "iam delete-open-id-connect-provider --open-id-connect-provider-arn {openIDConnectProviderArn}"
_GROUP = "iam remove-user-from-group --user-name {userName} --group-name {groupName}"
_ACCESS_KEY = (
    "access key",
    "{accessKeyId} of user {userName}",
    "iam update-access-key --status Inactive --access-key-id {accessKeyId} --user-name {userName}",
)
_Entry = tuple[str, str, str]
"""Kind, name, and the command that removes it."""
_ELSEWHERE: dict[str, dict[str, _Entry]] = {
    "kms": {
        "CreateGrant": (
            "grant",
            "{grantId} of key {keyId}",
            "kms revoke-grant --key-id {keyId} --grant-id {grantId}",
        ),
        "PutKeyPolicy": ("policy of key", "{keyId}", ""),
        "ReplicateKey": ("replica of key", "{keyId}", ""),
    },
    "secretsmanager": {
        "PutResourcePolicy": (
            "policy of secret",
            "{secretId}",
            "secretsmanager delete-resource-policy --secret-id {secretId}",
        ),
        "ReplicateSecretToRegions": ("replica of secret", "{secretId}", ""),
        "RotateSecret": (
            "rotation function of secret",
            "{secretId}",
            "secretsmanager cancel-rotate-secret --secret-id {secretId}",
        ),
    },
    "lambda": {
        "CreateFunction20150331": _FUNCTION,
        "UpdateFunctionCode20150331v2": _FUNCTION,
        "UpdateFunctionConfiguration20150331v2": _FUNCTION,
        "AddPermission20150331v2": _FUNCTION,
        "CreateEventSourceMapping20150331": ("trigger of function", "{functionName}", ""),
    },
    "ec2": {
        "RunInstances": ("instance", "{instanceId}", "ec2 terminate-instances --instance-ids {instanceId}"),
        "ModifyInstanceAttribute": ("attribute of instance", "{instanceId}", ""),
        "AssociateIamInstanceProfile": ("role of instance", "{instanceId}", ""),
    },
    "ssm": {
        "SendCommand": ("command on instances", "{commandId}", "ssm cancel-command --command-id {commandId}"),
        "StartSession": ("session on an instance", "{sessionId}", "ssm terminate-session --session-id {sessionId}"),
        "CreateAssociation": (
            "command that Systems Manager repeats",
            "{associationId}",
            "ssm delete-association --association-id {associationId}",
        ),
    },
    "s3": {
        "PutBucketPolicy": ("policy of bucket", "{bucketName}", "s3api delete-bucket-policy --bucket {bucketName}"),
        "PutBucketReplication": (
            "replication of bucket",
            "{bucketName}",
            "s3api delete-bucket-replication --bucket {bucketName}",
        ),
    },
    "events": {"PutTargets": ("targets of rule", "{rule}", "")},
    "rolesanywhere": {"CreateTrustAnchor": ("trust anchor", "{trustAnchorArn}", "")},
}
"""Calls of services other than IAM."""


def _of_user(kind: str, field: str, noun: str) -> _Entry:
    undo = f"iam delete-{noun} --user-name {{userName}} --{noun.removeprefix('signing-')}-id {{{field}}}"
    return kind, f"{{{field}}} of user {{userName}}", undo


ACTS: dict[str, _Entry] = {
    **_POLICIES,
    "CreateUser": ("user", "{userName}", "iam delete-user --user-name {userName}"),
    "CreateAccessKey": _ACCESS_KEY,
    "CreateLoginProfile": _PASSWORD,
    "UpdateLoginProfile": _PASSWORD,
    "CreateRole": ("role", "{roleName}", "iam delete-role --role-name {roleName}"),
    "UpdateAssumeRolePolicy": _ROLE,
    "DeleteRolePermissionsBoundary": _ROLE,
    "DeleteUserPermissionsBoundary": ("user", "{userName}", ""),
    "AddUserToGroup": ("membership", "of user {userName} in group {groupName}", _GROUP),
    "CreatePolicyVersion": _POLICY,
    "SetDefaultPolicyVersion": _POLICY,
    "CreateOpenIDConnectProvider": ("identity provider", "{openIDConnectProviderArn}", _OIDC),
    "CreateSAMLProvider": _SAML,
    "UpdateSAMLProvider": _SAML,
    "UpdateAccessKey": _ACCESS_KEY,
    "UploadSSHPublicKey": _of_user("SSH key for CodeCommit", "sSHPublicKeyId", "ssh-public-key"),
    "UploadSigningCertificate": _of_user("signing certificate", "certificateId", "signing-certificate"),
    "CreateServiceSpecificCredential": _of_user(
        "service credential", "serviceSpecificCredentialId", "service-specific-credential"
    ),
    "EnableMFADevice": (
        "MFA device",
        "{serialNumber} of user {userName}",
        "iam deactivate-mfa-device --user-name {userName} --serial-number {serialNumber}",
    ),
    **{act: entry for acts in _ELSEWHERE.values() for act, entry in acts.items()},
}
_SERVICES = {**dict.fromkeys(SESSIONS, "sts"), **{act: name for name, acts in _ELSEWHERE.items() for act in acts}}


class Made(NamedTuple):
    """An item that a call made or changed."""

    kind: str
    name: str
    undo: str
    user: str = ""
    key: str = ""
    """The id of the access key in the answer."""
    until: datetime | None = None
    """Expiry of a session's key, if the answer has it."""


def made(act: str, request: Any, answer: Any, source: str) -> Made | None:
    """The item of a call, from its name, request and answer; None if the call leaves nothing.

    ``source`` is the service, because services other than IAM have users too.
    """
    if source != f"{_SERVICES.get(act, 'iam')}.amazonaws.com":
        return None
    exact = {field: text for part in (request, answer) for field, text in _known(part)}
    known = {field: plain(text) for field, text in exact.items()}
    if act in SESSIONS:
        name, key = f"{known.get(KEY, '?')} of {known.get('roleArn', act)}", known.get(KEY, "")
        return Made("session", name, "", key=key, until=_moment(known.get("expiration", "")))
    if act not in ACTS or (act == "UpdateAccessKey" and _is_deactivation(request)):
        return None
    kind, name, undo = ACTS[act]
    fields = {field: known.get(field, "?") for field in _FIELDS}
    # A field that is unknown, or is not shown as it is, makes no command: it would be about something else.
    usable = {field for field, text in exact.items() if known[field] == text}
    # Each word is filled in by itself: a name may hold blanks.
    words = [word.format_map(fields) for word in undo.split()] if _is_known(undo, usable) else []
    command = shlex.join(["aws", *words]) if words else ""
    return Made(kind, name.format_map(fields), command, known.get("userName", ""), known.get(KEY, ""))


def _is_deactivation(request: Any) -> bool:
    """Whether the call leaves a key that nobody can use, as each rotation of a key does."""
    return isinstance(request, Mapping) and request.get("status") == "Inactive"


def _moment(text: str) -> datetime | None:
    """Parses CloudTrail's "Nov 25, 2026, 6:15:00 PM", whose blanks and commas differ."""
    try:
        return datetime.strptime(re.sub(r"[^\w:]+", " ", text), "%b %d %Y %I:%M:%S %p").replace(tzinfo=UTC)
    except ValueError:
        return None


def _is_known(undo: str, usable: Collection[str]) -> bool:
    return all(f"{{{field}}}" not in undo or field in usable for field in _FIELDS)


def _known(part: Any, depth: int = 0) -> Iterator[tuple[str, str]]:
    """The named fields, no deeper than in AWS's own answers. Of a list, only the first item counts."""
    if depth > _DEEPEST:
        return
    if isinstance(part, list):
        yield from _known(part[0] if part else None, depth + 1)
    elif isinstance(part, Mapping):
        for name, value in part.items():
            if name in _FIELDS and isinstance(value, str):
                yield name, value
            else:
                yield from _known(value, depth + 1)


def plain(value: Any) -> str:
    """A short text without control characters."""
    text = value if isinstance(value, str) else ""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:200]
