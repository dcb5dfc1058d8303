# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done to dead values after a leak: hygiene, once they are proven refused. Over boto3 clients."""

from __future__ import annotations

import json
from typing import Any, Callable, Mapping, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import NotFound, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import CURRENT

STATEMENT = "WatchpartyLeakedVersions"
HISTORY = 100
"""Versions of a parameter that AWS keeps."""


def labels_of(client: Any, name: str) -> dict[str, list[str]]:
    """The labels by version."""
    with aws.translated("secretsmanager:DescribeSecret", f"secret {name}"):
        return dict(client.describe_secret(SecretId=name).get("VersionIdsToStages", {}))


def unlabel(client: Any, name: str, versions: Sequence[str]) -> list[str]:
    """Takes every label but AWSCURRENT off these versions; returns what was taken off."""
    found = labels_of(client, name)
    done = []
    for version in versions:
        for label in found.get(version, []):
            if label != CURRENT:
                with aws.translated("secretsmanager:UpdateSecretVersionStage", f"secret {name}"):
                    client.update_secret_version_stage(SecretId=name, VersionStage=label, RemoveFromVersionId=version)
                done.append(f"{label} off version {version} of {name}")
    return done


def deny(client: Any, name: str, versions: Sequence[str]) -> list[str]:
    """Denies everybody these versions by id, which AWS keeps readable for a while; other statements stay."""
    try:
        with aws.translated("secretsmanager:GetResourcePolicy", f"secret {name}"):
            text = client.get_resource_policy(SecretId=name).get("ResourcePolicy")
    except NotFound:
        text = None
    policy: dict[str, Any] = json.loads(text) if text else {"Version": "2012-10-17", "Statement": []}
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    before = next((one for one in statements if one.get("Sid") == STATEMENT), None)
    denied = set(versions) | set(_ids(before))
    if before is not None and denied == set(_ids(before)):
        return []
    others = [one for one in statements if one.get("Sid") != STATEMENT]
    statement = {
        "Sid": STATEMENT,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
        "Condition": {"StringEquals": {"secretsmanager:VersionId": sorted(denied)}},
    }
    policy = {**policy, "Statement": [*others, statement]}
    with aws.translated("secretsmanager:PutResourcePolicy", f"secret {name}"):
        client.put_resource_policy(SecretId=name, ResourcePolicy=json.dumps(policy), BlockPublicPolicy=True)
    return [f"a policy of {name} denies version {version}" for version in sorted(set(versions))]


def _ids(statement: Any) -> list[str]:
    found = statement["Condition"]["StringEquals"]["secretsmanager:VersionId"] if statement else []
    return [found] if isinstance(found, str) else list(found)


def push_out(parameters: Any, read: Callable[[], Mapping[str, Any]], name: str) -> str:
    """Overwrites a parameter with its own value until no former one is in its history; it is never missing."""
    for _at in range(HISTORY):
        now = read().get(name)
        if now is None:
            raise NotFound(f"{name} is not there, or may not be read")
        parameters.overwrite(name, now.value, instead_of=int(now.version))
    return f"the history of parameter {name} holds its present value only"


def scrubbed(client: Any, secrets: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """What was done to the versions of each secret, and what could not be."""
    done: list[str] = []
    cannot: list[str] = []
    for name, versions in secrets.items():
        try:
            labels = labels_of(client, name)
        except StoreError as error:
            cannot.append(str(error))
            continue
        # Denied by id, the current version would be refused to the application too.
        current = [one for one in versions if CURRENT in labels.get(one, [])]
        cannot += [f"version {one} of {name} is its current one" for one in current]
        former = [one for one in versions if one not in current]
        for act in (unlabel, deny) if former else ():
            try:
                done += act(client, name, former)
            except StoreError as error:
                cannot.append(str(error))
    return done, cannot
