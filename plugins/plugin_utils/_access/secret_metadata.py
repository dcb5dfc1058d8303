# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Metadata of secrets and their keys, without values, over boto3 clients. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, NotFound, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policies_reader

AWS_KEY = "alias/aws/secretsmanager"
"""The key that encrypts a secret which names no key."""
LEAKED_VERSIONS = "WatchpartyLeakedVersions"
"""The statement of a secret's policy by which a leak response denies versions."""


class SecretFacts:
    """Metadata of secrets. Reads each secret once."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._description, self._own_policy = cache(self._described), cache(self._policy)

    def described(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Stages, key, replicas and dates of each secret, or the problem of this secret."""
        return {name: self._description(name) for name in names}

    def _described(self, name: str) -> dict[str, Any]:
        try:
            with aws_errors.translated("secretsmanager:DescribeSecret", f"secret {name}"):
                result = self._client.describe_secret(SecretId=name)
        except NotFound:
            return {"missing": True, "problem": "does not exist"}
        except Denied as error:
            return {"problem": str(error)}
        versions = result.get("VersionIdsToStages", {})
        deleted = result.get("DeletedDate")
        created = result.get("CreatedDate")
        return {
            "arn": result["ARN"],
            "created": timestamps.stamp(created) if created else "",
            "stages": {label: version for version, labels in versions.items() for label in labels},
            "key": result.get("KmsKeyId") or AWS_KEY,
            "replicas": {item["Region"]: item.get("Status", "unknown") for item in result.get("ReplicationStatus", [])},
            "deleted": timestamps.stamp(deleted) if deleted else None,
            "rotation_enabled": bool(result.get("RotationEnabled")),
            "rotation_function": str(result.get("RotationLambdaARN") or ""),
            "tags": {tag["Key"]: tag["Value"] for tag in result.get("Tags", ())},
        }

    def beginning(self, prefix: str) -> list[str]:
        with aws_errors.translated("secretsmanager:ListSecrets", prefix):
            pages = self._client.get_paginator("list_secrets").paginate(Filters=[{"Key": "name", "Values": [prefix]}])
            names = [item["Name"] for page in pages for item in page["SecretList"]]
        return sorted(name for name in names if name.startswith(prefix))

    def policies(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The resource policy of each secret. Empty if it has none."""
        return {name: self._own_policy(name) for name in names}

    def _policy(self, name: str) -> dict[str, Any]:
        try:
            with aws_errors.translated("secretsmanager:GetResourcePolicy", f"secret {name}"):
                policy = self._client.get_resource_policy(SecretId=name).get("ResourcePolicy")
        except StoreError as error:
            return {"problem": str(error)}
        return {"document": policies_reader.document(policy or "{}")}


def used_keys(client: Any, secrets: Mapping[str, Mapping[str, Any]], declared: str) -> dict[str, dict[str, Any]]:
    """The keys of the secrets, and the key that the catalog declares."""
    unread = {f"of secret {name}": dict(item) for name, item in secrets.items() if item.get("problem")}
    result = {**unread, **keys(client, sorted({item["key"] for item in secrets.values() if item.get("key")}))}
    if declared and declared not in result:
        created = keys(client, [declared])
        result |= {name: key for name, key in created.items() if not key.get("missing")}
    return result


def keys(client: Any, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """State, manager, rotation, key policy and grants of each KMS key."""
    result: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(names):
        try:
            result[name] = _key(client, name)
        except NotFound as error:
            result[name] = {"missing": True, "problem": str(error)}
        except StoreError as error:
            result[name] = {"problem": str(error)}
    return result


def _key(client: Any, name: str) -> dict[str, Any]:
    if name == AWS_KEY:  # AWS makes it with the first secret, keeps it enabled, and rotates it every year
        return {"state": "Enabled", "manager": "AWS", "rotating": True}
    with aws_errors.translated("kms:DescribeKey", name):
        report: Mapping[str, Any] = client.describe_key(KeyId=name)["KeyMetadata"]
    answer: dict[str, Any] = {"state": report["KeyState"], "manager": report.get("KeyManager", "CUSTOMER")}
    answer |= {"rotating": None, "arn": report["Arn"]}
    if answer["manager"] == "AWS" or answer["state"] != "Enabled":
        return answer
    answer |= _access(client, name, report["KeyId"])
    try:
        with aws_errors.translated("kms:GetKeyRotationStatus", name):
            answer["rotating"] = bool(client.get_key_rotation_status(KeyId=report["KeyId"])["KeyRotationEnabled"])
    except StoreError as error:
        answer["why"] = str(error)
    return answer


def _access(client: Any, name: str, key: str) -> dict[str, Any]:
    """The key policy and the grants, which allow the key's use in addition to identity policies."""
    try:
        with aws_errors.translated("kms:GetKeyPolicy", name):
            text = client.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        with aws_errors.translated("kms:ListGrants", name):
            pages = client.get_paginator("list_grants").paginate(KeyId=key)
            grants = [grant for page in pages for grant in page["Grants"]]
    except StoreError as error:
        return {"access_problem": str(error)}
    fields = ("GrantId", "GranteePrincipal", "Operations")
    return {
        "policy": policies_reader.document(text),
        "grants": [{part: grant[part] for part in fields if part in grant} for grant in grants],
    }
