# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Static access keys, and the role that replaces them. The caller passes the boto3 clients. Not run on AWS."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_ages, timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import AccessKeys, translated
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.static_keys import (
    DEACTIVATE,
    DELETE,
    STAMP,
    TAG,
    KeyStep,
    RoleUse,
    StaticKey,
)


class StaticKeys:
    """The access keys of a user. ``keys`` lists, deactivates and deletes, ``client`` is a client for IAM."""

    def __init__(self, client: Any, keys: AccessKeys) -> None:
        self._client, self._keys = client, keys

    def evidence(self, role: str) -> RoleUse:
        """The last use of a role. Raises NotFound."""
        with translated("GetRole", f"role {role}"):
            found_role = self._client.get_role(RoleName=role)["Role"]
        return RoleUse(role, found_role.get("RoleLastUsed", {}).get("LastUsedDate"))

    def of(self, user: str) -> tuple[StaticKey, ...]:
        """The user's keys, the oldest first. Raises NotFound."""
        stamps = self._stamps(user)
        static_keys = []
        for access_key in sorted(self._keys.of(user), key=lambda key: key.created):
            with translated("GetAccessKeyLastUsed", f"key {access_key.id}"):
                last = self._client.get_access_key_last_used(AccessKeyId=access_key.id).get("AccessKeyLastUsed", {})
            static_keys.append(
                StaticKey(user, access_key.id, access_key.active, last.get("LastUsedDate"), stamps.get(access_key.id))
            )
        return tuple(static_keys)

    def _stamps(self, user: str) -> dict[str, datetime]:
        moments: dict[str, datetime] = {}
        with translated("ListUserTags", f"user {user}"):
            for page in self._client.get_paginator("list_user_tags").paginate(UserName=user):
                for tag in page["Tags"]:
                    if tag["Key"].startswith(TAG):
                        try:
                            moments[tag["Key"][len(TAG) :]] = credential_ages.moment(tag["Value"])
                        except JournalError:
                            continue  # not a time, so the days begin anew
        return moments

    def apply(self, step: KeyStep, now: datetime) -> None:
        """Makes one step, which can be repeated. An inactive key without a tag gets one at the next run."""
        key = step.key
        tag = f"{TAG}{key.id}"
        if step.act == DEACTIVATE:
            self._keys.deactivate(key.user, key.id, fresh=WritePermission.uncontested())
        if step.act in (DEACTIVATE, STAMP):
            with translated("TagUser", f"user {key.user}"):
                self._client.tag_user(UserName=key.user, Tags=[{"Key": tag, "Value": timestamps.stamp(now)}])
        if step.act == DELETE:
            self._keys.delete(key.user, key.id, fresh=WritePermission.uncontested())
            with translated("UntagUser", f"user {key.user}"):
                self._client.untag_user(UserName=key.user, TagKeys=[tag])
