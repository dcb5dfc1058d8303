# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The present roles, policies and users of IAM. The caller passes the boto3 client. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, StoreError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import translated

INLINE_END = " (inline)"
PAGES = 50
"""Pages of the account's details, each of a hundred items."""


class Policies:
    def __init__(self, client: Any) -> None:
        self._client = client

    def role(self, name: str) -> dict[str, Any]:
        """The role's trust policy, and the documents of its policies by name. Raises NotFound."""
        subject = f"role {name}"
        try:
            with translated("GetRole", subject):
                role = self._client.get_role(RoleName=name)["Role"]
        except NotFound:
            raise NotFound(
                "does not exist; create it by ansible-playbook watchparty.secrets.provision, or name another role "
                "in aws.roles"
            ) from None
        policies: dict[str, Any] = {}
        arns: dict[str, str] = {}
        with aws_errors.translated("iam:ListRolePolicies", subject):
            names = self._pages("list_role_policies", "PolicyNames", RoleName=name)
        with aws_errors.translated("iam:ListAttachedRolePolicies", subject):
            attached = self._pages("list_attached_role_policies", "AttachedPolicies", RoleName=name)
        for item in attached:
            arns[item["PolicyName"]] = item["PolicyArn"]
            policies[item["PolicyName"]] = self._managed(item["PolicyArn"])
        for item in names:
            with aws_errors.translated("iam:GetRolePolicy", subject):
                answer = self._client.get_role_policy(RoleName=name, PolicyName=item)
            # An inline policy may have the name of an attached one. Neither may hide the other.
            policies[item + INLINE_END if item in arns else item] = document(answer["PolicyDocument"])
        return {
            "arn": role["Arn"],
            "trust": document(role["AssumeRolePolicyDocument"]),
            "policies": policies,
            "attached": arns,
            "inline": names,
        }

    def _managed(self, arn: str) -> Mapping[str, Any]:
        with aws_errors.translated("iam:GetPolicy", arn):
            version = self._client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        with aws_errors.translated("iam:GetPolicyVersion", arn):
            policy_version = self._client.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        return document(policy_version["Document"])

    def everybody(self) -> dict[str, list[dict[str, Any]]]:
        """The account's users, groups, roles and policies, with parsed documents. Raises StoreError beyond PAGES."""
        kinds = {
            "users": "UserDetailList",
            "groups": "GroupDetailList",
            "roles": "RoleDetailList",
            "policies": "Policies",
        }
        result: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
        pages = self._client.get_paginator("get_account_authorization_details").paginate()
        with aws_errors.translated("iam:GetAccountAuthorizationDetails", "this account"):
            for number, page in enumerate(pages, 1):
                if number > PAGES:
                    raise StoreError(f"the account has more users, roles and policies than fit into {PAGES} pages")
                for kind, message in kinds.items():
                    result[kind] += page.get(message, [])
        for user in (*result["users"], *result["groups"], *result["roles"]):
            for inline in ("UserPolicyList", "GroupPolicyList", "RolePolicyList"):
                user[inline] = [
                    {**two, "PolicyDocument": document(two["PolicyDocument"])} for two in user.get(inline, ())
                ]
        for role in result["roles"]:
            role["AssumeRolePolicyDocument"] = document(role.get("AssumeRolePolicyDocument", {}))
        for policy in result["policies"]:
            used = [two for two in policy.get("PolicyVersionList", ()) if two.get("IsDefaultVersion")]
            policy["Document"] = document(used[0]["Document"]) if used else None
        return result

    def keys(self, now: datetime) -> dict[str, list[dict[str, Any]]]:
        """Every user's access keys, with their age and last use."""
        with aws_errors.translated("iam:ListUsers", "this account"):
            users = [page["UserName"] for page in self._pages("list_users", "Users")]
        return {name: [self._key(key, now) for key in self._keys_of(name)] for name in users}

    def _keys_of(self, user: str) -> list[Mapping[str, Any]]:
        with aws_errors.translated("iam:ListAccessKeys", f"user {user}"):
            return self._pages("list_access_keys", "AccessKeyMetadata", UserName=user)

    def _key(self, metadata: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        key = metadata["AccessKeyId"]
        with aws_errors.translated("iam:GetAccessKeyLastUsed", f"key {key}"):
            used = self._client.get_access_key_last_used(AccessKeyId=key).get("AccessKeyLastUsed", {})
        last = used.get("LastUsedDate")
        return {
            "id": key,
            "active": metadata["Status"] == "Active",
            "days": max(0, (now - metadata["CreateDate"]).days),
            "used": last.strftime("%Y-%m-%d") if last else None,
        }

    def _pages(self, operation: str, field: str, **options: Any) -> list[Any]:
        return [item for page in self._client.get_paginator(operation).paginate(**options) for item in page[field]]


def document(text: Any) -> Mapping[str, Any]:
    """A policy's document. AWS returns it as data, as JSON, or as URL-encoded JSON."""
    if isinstance(text, str):
        text = json.loads(unquote(text) if text.lstrip().startswith("%") else text)
    return text if isinstance(text, Mapping) else {}
