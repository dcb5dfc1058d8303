# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The AUTH tokens of an ElastiCache replication group. Not run on AWS.

ElastiCache shows that a change is under way, but never which tokens are valid: callers log in before and after. At most
two tokens are valid, and a third one drops the oldest. So no change is sent twice, and a lost answer is an error.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    Conflict,
    NoAccess,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission

AVAILABLE = "available"
CHANGING = ("modifying", "snapshotting", "creating")
ADD, KEEP_ONLY = "ROTATE", "SET"
END_SESSIONS = (
    "End them at each node: valkey-cli CLIENT KILL TYPE normal. If cluster mode is off, you can reboot the nodes "
    "instead, but they lose their data: aws elasticache reboot-cache-cluster"
)
_TOKEN = re.compile(r"[A-Za-z0-9!&#$^<>-]{16,128}")


def checked(token: str) -> str:
    """The token, if ElastiCache accepts its form. The error does not show it."""
    if not _TOKEN.fullmatch(token):
        raise StoreError(
            "ElastiCache does not accept the new AUTH token: a token has 16 to 128 letters, digits and "
            "characters of !&#$^<>-"
        )
    return token


@dataclass(frozen=True)
class Group:
    """A replication group, from DescribeReplicationGroups."""

    name: str
    status: str
    pending: str
    """ROTATING or SETTING while tokens change, else empty."""
    has_token: bool
    encrypts: bool
    user_groups: tuple[str, ...]
    endpoints: tuple[str, ...]
    """``host:port`` of every endpoint."""

    @property
    def is_available(self) -> bool:
        return self.status == AVAILABLE and not self.pending

    def refuse(self) -> None:
        """Raises StoreError if a token cannot be rotated, or access without a token would stay open."""
        if self.user_groups:
            raise StoreError(
                "Replication group %s uses user groups (%s), which have no AUTH token; rotate their users' passwords "
                "with kind external" % (self.name, ", ".join(self.user_groups))
            )
        if not self.encrypts:
            raise StoreError(
                "Replication group %s has no encryption in transit, which an AUTH token needs; enable it first"
                % self.name
            )
        if not self.has_token:
            raise StoreError(
                "Replication group %s has no AUTH token; set the first one with the strategy SET. After ROTATE the "
                "group would still accept clients without a token" % self.name
            )


def _group(description: Mapping[str, Any]) -> Group:
    pending = description.get("PendingModifiedValues", {})
    places = [description.get("ConfigurationEndpoint")]
    for part in description.get("NodeGroups", []):
        places += [part.get("PrimaryEndpoint"), part.get("ReaderEndpoint")]
        places += [member.get("ReadEndpoint") for member in part.get("NodeGroupMembers", [])]
    named = ["%s:%d" % (place["Address"], place["Port"]) for place in places if place and place.get("Address")]
    return Group(
        name=description["ReplicationGroupId"],
        status=description.get("Status", ""),
        pending=pending.get("AuthTokenStatus", ""),
        has_token=bool(description.get("AuthTokenEnabled")),
        encrypts=bool(description.get("TransitEncryptionEnabled")),
        user_groups=tuple(description.get("UserGroupIds", ())),
        endpoints=tuple(dict.fromkeys(named)),
    )


class AuthTokens:
    """Changes the tokens. ``client`` only reads. ``acting`` writes, and must not retry by itself."""

    def __init__(
        self,
        client: Any,
        group: str,
        *,
        acting: Any,
        look: Callable[[], WritePermission],
        seconds: float = 1800,
        interval: float = 10,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``look`` is called immediately before each change, because AWS carries out a late change too."""
        self._client, self._acting, self._name, self._look = client, acting, group, look
        self._seconds, self._interval, self._sleep = seconds, interval, sleep

    def describe(self) -> Group:
        """Raises NotFound, NoAccess."""
        with self._translated("DescribeReplicationGroups"):
            answer = self._client.describe_replication_groups(ReplicationGroupId=self._name)
        return _group(answer["ReplicationGroups"][0])

    def wait_until_available(self) -> Group:
        """Waits until no change is under way. Raises NoAccess after ``seconds``."""
        group = self.describe()
        for _look in range(int(self._seconds / self._interval)):
            if group.is_available:
                return group
            if group.status not in (AVAILABLE, *CHANGING):
                raise StoreError(
                    "Replication group %s is %s, so no change was sent. Run the same command again when the group is "
                    "available" % (self._name, group.status)
                )
            self._sleep(self._interval)
            group = self.describe()
        if group.is_available:
            return group
        state = " ".join(word for word in (group.status, group.pending) if word)
        raise NoAccess(
            "Replication group %s is still %s after %d s; run the same command again later"
            % (self._name, state, self._seconds)
        )

    def add(self, token: str) -> Group:
        """Makes the token valid beside the newest one, and waits.

        Raises Conflict if the group was already changing: by another client, or by this call whose answer was lost.
        """
        return self._modify(checked(token), ADD)

    def keep_only(self, token: str) -> Group:
        """Revokes every other token, and waits. The token must be valid."""
        return self._modify(token, KEEP_ONLY)

    def _modify(self, token: str, strategy: str) -> Group:
        self.wait_until_available().refuse()
        self._look().spend()
        with self._translated("ModifyReplicationGroup", token):
            self._acting.modify_replication_group(
                ReplicationGroupId=self._name,
                AuthToken=token,
                AuthTokenUpdateStrategy=strategy,
                ApplyImmediately=True,
            )
        return self.wait_until_available()

    @contextmanager
    def _translated(self, operation: str, token: str | None = None) -> Iterator[None]:
        try:
            with aws_errors.translated("elasticache:%s" % operation, "replication group %s" % self._name):
                try:
                    yield
                except aws_errors.exceptions.ClientError as error:
                    code = aws_errors.code_of(error)
                    if code == "ReplicationGroupNotFoundFault":
                        raise NotFound(
                            "No replication group %s is in this account and region; correct its name in the catalog"
                            % self._name
                        ) from None
                    if code == "InvalidReplicationGroupState":
                        raise Conflict(
                            "Replication group %s is being changed already; check whether its server accepts the token"
                            % self._name
                        ) from None
                    raise
        except StoreError as error:
            if token is not None and token in str(error):
                raise type(error)(str(error).replace(token, "********")) from None
            raise
