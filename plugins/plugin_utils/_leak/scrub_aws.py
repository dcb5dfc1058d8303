# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes revoked values unreadable in AWS, once they are verified to be rejected."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import CURRENT
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parallel_calls import in_threads
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.secret_metadata import LEAKED_VERSIONS

DELAYS = (0.0, 1.0, 2.0)
"""Seconds before each check of a replica's policy."""


def unlabel(client: Any, name: str, versions: Sequence[str], labels: Mapping[str, Sequence[str]]) -> list[str]:
    """Removes every label except AWSCURRENT from these versions. Returns a line for each."""
    scrubbed_lines = []
    for version in versions:
        for label in labels.get(version, []):
            if label != CURRENT:
                with aws_errors.translated("secretsmanager:UpdateSecretVersionStage", f"secret {name}"):
                    client.update_secret_version_stage(SecretId=name, VersionStage=label, RemoveFromVersionId=version)
                scrubbed_lines.append(f"{label} off version {version} of {name}")
    return scrubbed_lines


def deny(client: Any, name: str, versions: Sequence[str]) -> list[str]:
    """Denies everybody these versions by id, because AWS keeps them readable for a while. Other statements stay."""
    policy, statements = _policy(client, name)
    before = _ours(statements)
    denied = set(versions) | set(_ids(before))
    if before is not None and denied == set(_ids(before)):
        return []
    others = [statement for statement in statements if statement.get("Sid") != LEAKED_VERSIONS]
    statement = {
        "Sid": LEAKED_VERSIONS,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
        "Condition": {"StringEquals": {"secretsmanager:VersionId": sorted(denied)}},
    }
    policy = {**policy, "Statement": [*others, statement]}
    with aws_errors.translated("secretsmanager:PutResourcePolicy", f"secret {name}"):
        client.put_resource_policy(SecretId=name, ResourcePolicy=json.dumps(policy), BlockPublicPolicy=True)
    return [f"a policy of {name} denies version {version}" for version in sorted(set(versions))]


def denied_by(client: Any, name: str) -> set[str]:
    """Versions that this collection's statement denies."""
    return set(_ids(_ours(_policy(client, name)[1])))


def _policy(client: Any, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    try:
        with aws_errors.translated("secretsmanager:GetResourcePolicy", f"secret {name}"):
            text = client.get_resource_policy(SecretId=name).get("ResourcePolicy")
    except NotFound:
        text = None
    policy: dict[str, Any] = json.loads(text) if text else {"Version": "2012-10-17", "Statement": []}
    return policy, policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]


def _ours(statements: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((statement for statement in statements if statement.get("Sid") == LEAKED_VERSIONS), None)


def _ids(statement: Any) -> list[str]:
    ids = statement["Condition"]["StringEquals"]["secretsmanager:VersionId"] if statement else []
    return [ids] if isinstance(ids, str) else list(ids)


def push_out(parameters: Any, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Empties each parameter's history. Returns lines on successes and on failures."""

    def pushed(name: str) -> tuple[str, str]:
        try:
            parameters.push_out(name)
        except NotFound:
            return "", f"parameter {name} does not exist, or may not be read"
        except StoreError as error:
            return "", f"parameter {name}: {error}"
        return f"the history of parameter {name} holds only its present value", ""

    side = parameters.side_by_side([partial(pushed, name) for name in names])
    return [scrubbed_lines for scrubbed_lines, _cannot in side if scrubbed_lines], [
        cannot for _done, cannot in side if cannot
    ]


def deny_in(
    client: Any, region: str, name: str, versions: Sequence[str], *, sleep: Callable[[float], None] = time.sleep
) -> str:
    """Ensures that a replica denies these versions, by its region's client.

    AWS copies labels and policies to replicas after a while. If it did not, this puts the policy there.
    """
    for delay in DELAYS:
        sleep(delay)
        if set(versions) <= denied_by(client, name):
            return f"the policy of {name} in {region} denies the same versions"
    deny(client, name, versions)
    return f"a policy of {name} in {region} denies version {', '.join(sorted(set(versions)))}"


def scrub(
    client: Any,
    secrets: Mapping[str, Sequence[str]],
    regional: Callable[[str], Any] | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[list[str], list[str]]:
    """Scrubs versions of secrets. Returns lines on successes and failures. ``regional`` returns a region's client."""
    each = in_threads([partial(_scrubbed, client, name, versions) for name, versions in secrets.items()])
    if regional:
        replicas = [
            (region, name, item.former) for name, item in zip(secrets, each, strict=False) for region in item.regions
        ]
        each += in_threads([partial(_denied_there, regional(replica[0]), *replica, sleep) for replica in replicas])
    return [line for item in each for line in item.done], [line for item in each for line in item.cannot]


@dataclass(frozen=True)
class _Scrubbed:
    done: Sequence[str] = ()
    cannot: Sequence[str] = ()
    former: Sequence[str] = ()
    """Denied versions."""
    regions: Sequence[str] = ()
    """Regions with a replica."""


def _scrubbed(client: Any, name: str, versions: Sequence[str]) -> _Scrubbed:
    try:
        with aws_errors.translated("secretsmanager:DescribeSecret", f"secret {name}"):
            described = client.describe_secret(SecretId=name)
    except StoreError as error:
        return _Scrubbed(cannot=[str(error)])
    labels = described.get("VersionIdsToStages", {})
    # A denied id would also keep the application from reading its current version.
    current = [version for version in versions if CURRENT in labels.get(version, [])]
    cannot = [f"version {version} of {name} is the current version" for version in current]
    former = [version for version in versions if version not in current]
    if not former:
        return _Scrubbed(cannot=cannot)
    scrubbed_lines: list[str] = []
    for act in (partial(unlabel, client, name, former, labels), partial(deny, client, name, former)):
        try:
            scrubbed_lines += act()
        except StoreError as error:
            cannot.append(str(error))
    copies = [str(item["Region"]) for item in described.get("ReplicationStatus", []) if item.get("Region")]
    return _Scrubbed(scrubbed_lines, cannot, former, copies)


def _denied_there(
    client: Any, region: str, name: str, versions: Sequence[str], sleep: Callable[[float], None]
) -> _Scrubbed:
    try:
        return _Scrubbed(done=[deny_in(client, region, name, versions, sleep=sleep)])
    except StoreError as error:
        return _Scrubbed(cannot=[f"replica in {region}: {error}"])
