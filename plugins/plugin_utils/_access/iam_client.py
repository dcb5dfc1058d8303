# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The access keys of IAM users. The caller passes the boto3 clients. Not run on AWS.

IAM shows a change after some seconds, in its lists and at the services.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    NoAccess,
    NotFound,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission

ACTIVE = "Active"
APART = timedelta(minutes=15)
"""The largest difference between this machine's clock and AWS's clock. AWS refuses requests beyond it."""
_REFUSED = (
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
)
"""Error codes with which STS rejects a key."""


@dataclass(frozen=True)
class AccessKey:
    id: str
    active: bool
    created: datetime


class AccessKeys:
    """The access keys of IAM users.

    ``client`` reads and removes; these calls can be repeated. ``acting`` creates keys, and must not retry by itself:
    each retry creates another key. ``sts`` makes a client that logs in with a key. IAM executes a change however late
    it arrives, so each change takes a :class:`WritePermission`.
    """

    def __init__(self, client: Any, *, acting: Any, sts: Callable[[Login | None], Any]) -> None:
        self._client, self._acting, self._sts = client, acting, sts

    def owner(self, key: str) -> str:
        """The user of the key. Raises NotFound."""
        return str(self._last_used(key).get("UserName") or "")

    def is_used(self, key: str) -> bool:
        """Whether the key was ever used, as far as IAM knows."""
        return bool(self._last_used(key).get("AccessKeyLastUsed", {}).get("LastUsedDate"))

    def last_use(self, key: str) -> str:
        """Time, service and region of the last call with the key. Empty if the key was never used."""
        used = self._last_used(key).get("AccessKeyLastUsed", {})
        if not used.get("LastUsedDate"):
            return ""
        at = timestamps.stamp(used["LastUsedDate"])
        return f"{at} at {used.get('ServiceName', 'N/A')} in {used.get('Region', 'N/A')}"

    def of(self, user: str) -> tuple[AccessKey, ...]:
        """The user's keys, in no order. Raises NotFound."""
        with translated("ListAccessKeys", f"user {user}"):
            pages = self._client.get_paginator("list_access_keys").paginate(UserName=user)
            keys = [item for page in pages for item in page["AccessKeyMetadata"]]
        return tuple(AccessKey(item["AccessKeyId"], item["Status"] == ACTIVE, item["CreateDate"]) for item in keys)

    def create(self, user: str, *, fresh: WritePermission) -> Login:
        """Creates a key, which is valid within seconds. AWS shows its secret only in this answer.

        Raises Conflict if the user has as many keys as AWS allows. Raises NoAccess if the answer was lost: an unknown
        new key may exist then.
        """
        fresh.spend()
        with translated("CreateAccessKey", f"user {user}"):
            try:
                new_key = self._acting.create_access_key(UserName=user)["AccessKey"]
                return Login(str(new_key["AccessKeyId"]), str(new_key["SecretAccessKey"]))
            except (aws_errors.exceptions.ClientError, aws_errors.exceptions.BotoCoreError):
                raise
            except Exception:  # noqa: BLE001 the error for an unparsable answer quotes the answer, and so the key
                raise NoAccess(
                    f"AWS's answer to iam:CreateAccessKey on user {user} cannot be read, and is not shown, because it "
                    "may contain the key; run the same command again, which deletes a new key that is not in use"
                ) from None

    def deactivate(self, user: str, key: str, *, fresh: WritePermission) -> None:
        """Deactivates a key, if it exists."""
        self._set_status(user, key, "Inactive", fresh)

    def activate(self, user: str, key: str, *, fresh: WritePermission) -> None:
        """Activates a key, if it exists."""
        self._set_status(user, key, ACTIVE, fresh)

    def _set_status(self, user: str, key: str, status: str, fresh: WritePermission) -> None:
        fresh.spend()
        with suppress(NotFound), translated("UpdateAccessKey", f"key {key} of user {user}"):
            self._client.update_access_key(UserName=user, AccessKeyId=key, Status=status)

    def delete(self, user: str, key: str, *, fresh: WritePermission) -> None:
        """Deletes a key, if it exists."""
        fresh.spend()
        with suppress(NotFound), translated("DeleteAccessKey", f"key {key} of user {user}"):
            self._client.delete_access_key(UserName=user, AccessKeyId=key)

    def accepts(self, login: Login, user: str) -> bool:
        """Whether AWS accepts this key as one of the user."""
        arn = self.identity(login)
        return arn is not None and user_of(arn) == user

    def identity(self, login: Login) -> str | None:
        """The ARN of the key's user, or None if AWS rejects the key. STS needs no permission for this call."""
        with aws_errors.translated("sts:GetCallerIdentity", f"key {login.username}"):
            try:
                return str(self._sts(login).get_caller_identity()["Arn"])
            except aws_errors.exceptions.ClientError as error:
                if aws_errors.code_of(error) in _REFUSED:
                    return None
                raise

    def caller(self) -> str | None:
        """The user whose key this run uses, or None if it uses a role."""
        with aws_errors.translated("sts:GetCallerIdentity", "this run's own key"):
            return user_of(str(self._sts(None).get_caller_identity()["Arn"]))

    def _last_used(self, key: str) -> Any:
        with translated("GetAccessKeyLastUsed", f"key {key}"):
            return self._client.get_access_key_last_used(AccessKeyId=key)


class UnusedKeys(AccessKeys):
    """The access keys of a honeytoken. A use of one raises an alert, so IAM's list shows whether AWS accepts it."""

    def __init__(self, client: Any, *, user: str, acting: Any, sts: Callable[[Login | None], Any]) -> None:
        super().__init__(client, acting=acting, sts=sts)
        self._user = user

    def accepts(self, login: Login, user: str) -> bool:
        return any(key.id == login.username and key.active for key in self.of(user))

    def identity(self, login: Login) -> str | None:
        return f"user {self._user}" if self.accepts(login, self._user) else None


def user_of(arn: str) -> str | None:
    """The name in an IAM user's ARN, without the path. None for any other ARN."""
    match = re.fullmatch(r"arn:[^:]*:iam::[^:]*:user/(?:.*/)?([\w+=,.@-]+)", arn, re.ASCII)
    return match[1] if match else None


@contextmanager
def translated(operation: str, subject: str) -> Iterator[None]:
    """Runs a call of IAM on ``subject``. Raises errors that name the operation and the subject."""
    with aws_errors.translated(f"iam:{operation}", subject):
        try:
            yield
        except aws_errors.exceptions.ClientError as error:
            code = aws_errors.code_of(error)
            if code == "EntityAlreadyExists":
                raise AlreadyExists(
                    f"{subject} already exists: another run created it. Run the same command again"
                ) from None
            if code == "NoSuchEntity":
                raise NotFound(
                    f"{subject} does not exist in IAM in this account; correct the name in the catalog"
                ) from None
            if code in ("LimitExceeded", "EntityTemporarilyUnmodifiable", "ConcurrentModification"):
                remedy = "raise this quota of the account" if code == "LimitExceeded" else "run the same command again"
                raise Conflict(f"IAM refuses {operation} on {subject} ({code}); {remedy}") from None
            raise
