# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done to dead values after a leak: hygiene, once they are proven refused. Over boto3 clients."""

from __future__ import annotations

import json
import time
from typing import Any, Callable, Mapping, Optional, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import NotFound, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import CURRENT

STATEMENT = "WatchpartyLeakedVersions"
HISTORY = 100
"""Versions of a parameter that AWS keeps."""
DELAYS = (0.0, 1.0, 2.0)
"""Seconds before each look whether a replica has the policy."""


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
    policy, statements = _policy(client, name)
    before = _ours(statements)
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


def denied_by(client: Any, name: str) -> set[str]:
    """The versions that our statement denies."""
    return set(_ids(_ours(_policy(client, name)[1])))


def _policy(client: Any, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The secret's policy, and its statements."""
    try:
        with aws.translated("secretsmanager:GetResourcePolicy", f"secret {name}"):
            text = client.get_resource_policy(SecretId=name).get("ResourcePolicy")
    except NotFound:
        text = None
    policy: dict[str, Any] = json.loads(text) if text else {"Version": "2012-10-17", "Statement": []}
    return policy, policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]


def _ours(statements: Sequence[Mapping[str, Any]]) -> Optional[Mapping[str, Any]]:
    return next((one for one in statements if one.get("Sid") == STATEMENT), None)


def _ids(statement: Any) -> list[str]:
    found = statement["Condition"]["StringEquals"]["secretsmanager:VersionId"] if statement else []
    return [found] if isinstance(found, str) else list(found)


def push_out(parameters: Any, read: Callable[[], Mapping[str, Any]], name: str) -> str:
    """Overwrites a parameter with its own value until no former one is in its history; it is never missing."""
    now = read().get(name)
    if now is None:
        raise NotFound(f"{name} is not there, or may not be read")
    number = int(now.version)
    for _at in range(HISTORY):
        number = parameters.overwrite(name, now.value, instead_of=number)
    return f"the history of parameter {name} holds its present value only"


def replicas_of(client: Any, name: str) -> list[str]:
    """The regions that hold a copy of the secret."""
    with aws.translated("secretsmanager:DescribeSecret", f"secret {name}"):
        found = client.describe_secret(SecretId=name).get("ReplicationStatus", [])
    return [str(one["Region"]) for one in found if one.get("Region")]


def deny_in(
    client: Any, region: str, name: str, versions: Sequence[str], *, sleep: Callable[[float], None] = time.sleep
) -> str:
    """Sees that a replica denies these versions too, over that region's client.

    AWS takes labels and policies to the replicas by itself, after a while. Where it did not, the policy is put there.
    """
    for delay in DELAYS:
        sleep(delay)
        if set(versions) <= denied_by(client, name):
            return f"the policy of {name} denies them in {region} too"
    deny(client, name, versions)
    return f"a policy of {name} in {region} denies version {', '.join(sorted(set(versions)))}"


def scrubbed(
    client: Any,
    secrets: Mapping[str, Sequence[str]],
    regional: Optional[Callable[[str], Any]] = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[list[str], list[str]]:
    """What was done to the versions of each secret, and what could not be; ``regional`` gives a region's client."""
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
        if former and regional:
            _replicas(client, name, former, (done, cannot), regional, sleep)
    return done, cannot


def _replicas(
    client: Any,
    name: str,
    versions: Sequence[str],
    told: tuple[list[str], list[str]],
    regional: Callable[[str], Any],
    sleep: Callable[[float], None],
) -> None:
    done, cannot = told
    for region in _regions(client, name, cannot):
        try:
            done.append(deny_in(regional(region), region, name, versions, sleep=sleep))
        except StoreError as error:
            cannot.append(f"replica in {region}: {error}")


def _regions(client: Any, name: str, cannot: list[str]) -> list[str]:
    try:
        return replicas_of(client, name)
    except StoreError as error:
        cannot.append(f"replicas: {error}")
        return []
