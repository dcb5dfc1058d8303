# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the roles, policies and keys with the catalog's names from IAM and KMS. The caller passes the boto3 clients."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Conflict, NotFound, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import translated
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.resources import ExistingResource, is_numbered

GONE = ("PendingDeletion", "PendingReplicaDeletion")


@dataclass(frozen=True)
class KmsKey:
    arn: str
    standing: ExistingResource


class Access:
    def __init__(self, iam: Any, kms: Any) -> None:
        self._iam, self._kms = iam, kms

    def key(self, alias: str) -> KmsKey | None:
        """The key, or None. Raises Conflict if its deletion is scheduled."""
        result = self._described(alias)
        if result is None:
            return None
        if result.get("KeyState") in GONE:
            raise Conflict(
                f"key {alias} ({result['Arn']}) is scheduled for deletion; keep it by 'aws kms cancel-key-deletion "
                f"--key-id {result['KeyId']}' and 'aws kms enable-key --key-id {result['KeyId']}', or choose "
                "another alias in aws.kms_key"
            )
        tags: dict[str, str] = {}
        with aws_errors.translated("kms:ListResourceTags", f"key {alias}"):
            for page in self._kms.get_paginator("list_resource_tags").paginate(KeyId=result["KeyId"]):
                tags.update({tag["TagKey"]: tag["TagValue"] for tag in page["Tags"]})
        return KmsKey(str(result["Arn"]), ExistingResource("key", alias, tags))

    def key_policy(self, alias: str) -> dict[str, Any] | None:
        """The ARN and key policy of the key, or None if there is no key."""
        result = self._described(alias)
        if result is None:
            return None
        try:
            with aws_errors.translated("kms:GetKeyPolicy", f"key {alias}"):
                text = self._kms.get_key_policy(KeyId=result["KeyId"], PolicyName="default")["Policy"]
        except StoreError as error:
            return {"arn": str(result["Arn"]), "manager": result.get("KeyManager"), "problem": str(error)}
        return {"arn": str(result["Arn"]), "manager": result.get("KeyManager"), "policy": json.loads(text)}

    def _described(self, alias: str) -> Mapping[str, Any] | None:
        with aws_errors.translated("kms:DescribeKey", f"key {alias}"):
            try:
                key_metadata: Mapping[str, Any] = self._kms.describe_key(KeyId=alias)["KeyMetadata"]
            except aws_errors.exceptions.ClientError as error:
                if aws_errors.code_of(error) == "NotFoundException":
                    return None
                raise
        return key_metadata

    def standing(
        self, roles: Sequence[Mapping[str, Any]], policies: Sequence[Mapping[str, Any]]
    ) -> tuple[ExistingResource, ...]:
        """The existing ones among these roles, their instance profiles and these policies."""
        roles_found = [self._role(role["name"]) for role in roles]
        roles_found += [self._profile(role["name"]) for role in roles if role["profile"]]
        roles_found += [self._policy(policy["name"], policy["arn"]) for policy in policies]
        return tuple(standing for standing in roles_found if standing)

    def attached(self, role: str) -> tuple[tuple[str, str], ...]:
        """The names and ARNs of the role's managed policies. Empty if the role does not exist."""
        results: tuple[tuple[str, str], ...] = ()
        with suppress(NotFound), translated("ListAttachedRolePolicies", f"role {role}"):
            pages = self._iam.get_paginator("list_attached_role_policies").paginate(RoleName=role)
            results = tuple(
                (attached_policy["PolicyName"], attached_policy["PolicyArn"])
                for page in pages
                for attached_policy in page["AttachedPolicies"]
            )
        return results

    def earlier(
        self, attached: Sequence[tuple[str, str]], role: str, wanted: Sequence[str], ours: Mapping[str, str]
    ) -> Iterator[str]:
        """Policies of a role that an earlier run created, by their names and tags, and that are no longer needed."""
        for name, arn in attached:
            if is_numbered(name, role) and arn not in wanted:
                standing = self._policy(name, arn)
                if standing and all(standing.tags.get(tag) == value for tag, value in ours.items()):
                    yield name

    def _role(self, name: str) -> ExistingResource | None:
        with suppress(NotFound), translated("GetRole", f"role {name}"):
            return ExistingResource("role", name, _tags(self._iam.get_role(RoleName=name)["Role"]))
        return None

    def _profile(self, name: str) -> ExistingResource | None:
        with suppress(NotFound), translated("GetInstanceProfile", f"instance profile {name}"):
            instance_profile = self._iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
            return ExistingResource("instance profile", name, _tags(instance_profile))
        return None

    def _policy(self, name: str, arn: str) -> ExistingResource | None:
        with suppress(NotFound), translated("GetPolicy", f"policy {name}"):
            return ExistingResource("policy", name, _tags(self._iam.get_policy(PolicyArn=arn)["Policy"]))
        return None


def _tags(answer: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in answer.get("Tags", ())}
