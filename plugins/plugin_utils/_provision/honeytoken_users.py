# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The IAM users of honeytokens. One policy denies them everything. Their keys come from the operator."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import honeytokens
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import policies_reader
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import translated
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.missing_part import MissingPart


class HoneytokenUsers:
    def __init__(self, client: Any, catalog: Catalog, tags: Mapping[str, str]) -> None:
        self._client, self._users = client, sorted({*honeytokens.users(catalog).values()})
        self._tags = [{"Key": name, "Value": value} for name, value in tags.items()]

    def missing(self) -> Iterator[MissingPart]:
        """Raises SecretsError."""
        for user in self._users:
            if not self._is_there(user):
                yield MissingPart(f"create IAM user {user} for a honeytoken", partial(self._create, user))
            if not self._is_denied(user):
                yield MissingPart(f"deny everything to IAM user {user}", partial(self._deny, user))

    def _is_there(self, user: str) -> bool:
        try:
            with translated("GetUser", f"user {user}"):
                self._client.get_user(UserName=user)
        except NotFound:
            return False
        return True

    def _is_denied(self, user: str) -> bool:
        try:
            with translated("GetUserPolicy", f"user {user}"):
                policy = self._client.get_user_policy(UserName=user, PolicyName=honeytokens.POLICY)["PolicyDocument"]
        except NotFound:
            return False
        return policies_reader.document(policy) == honeytokens.DENIED

    def _create(self, user: str) -> None:
        with translated("CreateUser", f"user {user}"):
            self._client.create_user(UserName=user, Tags=self._tags)

    def _deny(self, user: str) -> None:
        with translated("PutUserPolicy", f"user {user}"):
            self._client.put_user_policy(
                UserName=user, PolicyName=honeytokens.POLICY, PolicyDocument=json.dumps(honeytokens.DENIED)
            )
