# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps of an access key's rotation: make and keep the new key once, test it, remove the old key.

A user has at most two keys, so an unrecorded key of a killed attempt blocks the next attempt and is removed. Such a key
is newer than the rotation and was never used; after a leak it is also in no store and no baseline. The journal cannot
identify the key, because no entry is written just before its creation. The plan refuses every second key, but AWS lists
a new key with a delay. Keys are removed by their own id, never as "the other one".
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    NoAccess,
    NotFound,
    Overtaken,
    RotationError,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.write_permission import WritePermission
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import (
    APART,
    AccessKey,
    AccessKeys,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import Issued, required
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.second_keys import (
    Note,
    RemovedKeys,
    SecondKeys,
    delete_command,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.state_machine import OLD_DELETED

SECONDS, INTERVAL = 60.0, 2.0
"""Seconds until IAM must show a change, and seconds between two requests."""
_ID = re.compile(r"[A-Z0-9]{16,128}")
TEMPORARY = "ASIA"
"""Prefix of temporary keys' ids."""


@dataclass(frozen=True)
class AccessKeyPair:
    credential: str
    user: str
    old: Login = field(repr=False)
    new: Login | None = field(repr=False)
    """None until made."""
    aborting: bool
    since: datetime
    """Start of the rotation, by the clock of the machine that started it."""
    first_off: bool = False
    """Whether the old key is deactivated first: it leaked, and may be able to read new values."""
    stays_off: bool = False
    """Whether a rollback leaves the old key inactive: containment is immediate."""
    evicted: Mapping[str, str] = field(default_factory=dict)
    """Lines about further keys that earlier steps removed, by key id."""


@dataclass(frozen=True)
class AccessKeyContext:
    """Clients and callbacks of the steps."""

    keys: AccessKeys
    issued: Issued
    fresh: Callable[[], WritePermission]
    """Reads the journal immediately before each write. Raises Overtaken."""
    ended: Callable[[], WritePermission | None]
    """Permits undoing one write if the rotation has ended; else returns None."""
    note: Note
    second_keys: SecondKeys | None = None
    """Removes further keys of the user; None without a leak."""
    sleep: Callable[[float], None] = time.sleep


class AccessKeyStage:
    def __init__(self, context: AccessKeyContext, pair: AccessKeyPair) -> None:
        self._context, self._pair = context, pair

    def blocked(self) -> dict[str, Any]:
        """Deactivates the old key. A later step verifies that AWS rejects it."""
        old, user = self._pair.old, self._pair.user
        self._context.keys.deactivate(user, str(old.username), fresh=self._context.fresh())
        return {"message": f"key {old.username} of user {user} is inactive"}

    def deactivated(self) -> dict[str, Any]:
        """Deactivates a leaked key that could read new values, before these exist."""
        answer = self._result(self._pair.first_off, self._pair.old)
        if not self._pair.first_off:
            return answer
        self._switch_off()
        return {**answer, "accepted": False}

    def issued(self) -> dict[str, Any]:
        """Makes the new key once."""
        credential = self._pair.credential
        issued_key = self._context.issued.find(credential)
        if issued_key is not None:
            self._require_listed(issued_key)
            return self._result(False, issued_key)
        self._switch_off()
        removed = RemovedKeys()
        new_key = self._made(removed)
        try:
            self._context.fresh()
            self._context.issued.keep(credential, new_key)
        except (AlreadyExists, Overtaken):  # only this process has the new key's secret
            self._remove(new_key, WritePermission.uncontested)
            self._context.fresh()
            issued_key = self._context.issued.take(credential)
            self._require_listed(issued_key)
            return self._result(False, issued_key)
        # The run that ended the rotation knew the key, so it was deleted or is in use.
        self._unless_ended(lambda _fresh: self._context.issued.forget_one(credential))
        return {**self._result(True, new_key), **_lines({"evicted": removed.evicted})}

    def usable(self) -> dict[str, Any]:
        new = required(self._pair.new)
        self._require_accepted(new)
        return self._result(False, new)

    def revoked(self) -> dict[str, Any]:
        """Removes the old key, or in a rollback the new one, and verifies that it is rejected."""
        pair = self._pair
        old_login, kept_login = (pair.new, pair.old) if pair.aborting else (pair.old, required(pair.new))
        removed = [old_login] if old_login is not None and self._is_there(old_login) else []
        unrecorded = self._others()[0] if pair.aborting and not removed else []
        removed += [Login(access_key.id) for access_key in unrecorded]
        if old_login is not None and old_login.username == kept_login.username:
            raise RotationError(
                f"{pair.credential}: the old and the new access key are the same key; nothing was changed"
            )
        if pair.aborting and pair.first_off and not pair.stays_off:
            self._context.keys.activate(pair.user, str(kept_login.username), fresh=self._context.fresh())
        if removed and not (pair.aborting and self._context.second_keys):  # a leaked key need not work again
            self._require_accepted(kept_login)
        result = {**self._result(bool(removed), removed[0] if removed else old_login or kept_login), "accepted": False}
        result |= _lines({"evicted": self._noted(unrecorded)})
        for login in removed:
            self._remove(login)
        if old_login is not None and not self._becomes(old_login, accepted=False):
            raise RotationError(
                f"AWS still accepts key {old_login.username} of user {pair.user} {SECONDS:.0f} s after its "
                "deletion; run the same command again"
            )
        return {**result, **self._further()}

    def _further(self) -> dict[str, Any]:
        """Removes the user's further keys after the leaked key."""
        if self._context.second_keys is None or self._pair.aborting:
            return {}
        ours, others = self._others()
        removed = self._context.second_keys.removed(self._pair.user, [*ours, *others])
        other_footholds = {key: line for key, line in self._pair.evicted.items() if key not in removed.footholds}
        return _lines({"evicted": {**other_footholds, **removed.evicted}, "footholds": removed.footholds})

    def _switch_off(self) -> None:
        old, user = self._pair.old, self._pair.user
        if not self._pair.first_off:
            return
        self._context.keys.deactivate(user, str(old.username), fresh=self._context.fresh())
        if not self._pair.stays_off:  # a run that rolled back left the key active
            self._unless_ended(lambda fresh: self._context.keys.activate(user, str(old.username), fresh=fresh))
        if not self._becomes(old, accepted=False):
            raise RotationError(
                f"AWS still accepts key {old.username} of user {user} {SECONDS:.0f} s after its deactivation; "
                "run the same command again"
            )

    def _unless_ended(self, undo: Callable[[WritePermission], Any]) -> None:
        """Undoes a late write and raises Overtaken, if the rotation has ended."""
        fresh = self._context.ended()
        if fresh is not None:
            undo(fresh)
            raise Overtaken("another run ended this rotation")

    def _made(self, removed: RemovedKeys) -> Login:
        """Makes the new key. Adds keys that were deleted to make room to ``removed``."""
        try:
            return self._made_beside_the_old(removed)
        except Denied:
            raise
        except (NoAccess, Conflict):
            # The answer was lost, so an unknown key exists; or an earlier key is not listed yet.
            self._context.sleep(INTERVAL)
            logins: list[Login] = []

            def makes() -> bool:
                try:
                    logins.append(self._made_beside_the_old(removed))
                except Conflict:
                    return False
                return True

            return logins[0] if self._waits(makes) else self._made_beside_the_old(removed)

    def _made_beside_the_old(self, removed: RemovedKeys) -> Login:
        ours, others = self._others()
        removed.evicted |= self._noted(ours)
        for access_key in ours:
            self._remove(Login(access_key.id))
        if others:
            self._make_room(others, removed)
        return self._context.keys.create(self._pair.user, fresh=self._context.fresh())

    def _make_room(self, others: list[AccessKey], removed: RemovedKeys) -> None:
        """Removes other keys. If one has to stay, deletes the leaked key. Without a leak, raises RotationError."""
        user, old, blocker = self._pair.user, self._pair.old, second_key(self._pair.user, others[0].id)
        if self._context.second_keys is None:
            raise RotationError(f"{self._pair.credential}: {blocker}")
        evicted = self._context.second_keys.removed(user, others).evicted
        removed.evicted |= evicted
        if len(evicted) == len(others):
            return
        self._context.note(OLD_DELETED, str(old.username))
        self._context.keys.deactivate(user, str(old.username), fresh=self._context.fresh())
        try:
            self._context.keys.delete(user, str(old.username), fresh=self._context.fresh())
        except StoreError as error:
            raise RotationError(
                f"{self._pair.credential}: the leaked key {old.username} is inactive, but was not deleted ({error}), "
                f"and {blocker}; then run the same command again"
            ) from None

    def _others(self) -> tuple[list[AccessKey], list[AccessKey]]:
        """Keys that a killed attempt of this rotation made, and all other further keys."""
        pair = self._pair
        own_ids = {pair.old.username, pair.new.username if pair.new else None}
        others = [access_key for access_key in self._context.keys.of(pair.user) if access_key.id not in own_ids]
        explained = self._context.second_keys.explained() if self._context.second_keys and others else ()
        ours = [
            access_key
            for access_key in others
            if access_key.id not in explained
            and access_key.created >= pair.since - APART
            and not self._context.keys.is_used(access_key.id)
        ]
        return ours, [access_key for access_key in others if access_key not in ours]

    def _noted(self, unrecorded: Sequence[AccessKey]) -> dict[str, str]:
        """Lines about unrecorded keys by id; after a leak, any may be an attacker's."""
        second_keys = self._context.second_keys
        return {key.id: second_keys.noted(self._pair.user, key) for key in unrecorded} if second_keys else {}

    def _remove(self, login: Login, look: Callable[[], WritePermission] | None = None) -> None:
        key = str(login.username)
        for act in (self._context.keys.deactivate, self._context.keys.delete):
            act(self._pair.user, key, fresh=(look or self._context.fresh)())

    def _require_listed(self, key: Login) -> None:
        """Raises RotationError if the kept key does not exist. IAM lists a new key with a delay."""
        if not self._waits(
            lambda: any(access_key.id == key.username for access_key in self._context.keys.of(self._pair.user))
        ):
            raise RotationError(
                f"{self._pair.credential}: user {self._pair.user} no longer has key {key.username}, which this "
                "rotation made; abort the rotation with -e rotation_abort=true"
            )

    def _is_there(self, login: Login) -> bool:
        """Whether the key exists. IAM may accept a new key before listing it."""
        listed = [access_key.id for access_key in self._context.keys.of(self._pair.user)]
        return login.username in listed or self._context.keys.accepts(login, self._pair.user)

    def _require_accepted(self, login: Login) -> None:
        if not self._becomes(login, accepted=True):
            raise RotationError(
                f"AWS does not accept key {login.username} of user {self._pair.user}, so no key was deactivated or "
                f"deleted. If the key is inactive, activate it: {_activation(self._pair.user, str(login.username))}. "
                "Then run the same command again"
            )

    def _becomes(self, login: Login, *, accepted: bool) -> bool:
        return self._waits(lambda: self._context.keys.accepts(login, self._pair.user) is accepted)

    def _waits(self, happens: Callable[[], bool]) -> bool:
        for _look in range(int(SECONDS / INTERVAL)):
            if happens():
                return True
            self._context.sleep(INTERVAL)
        return happens()

    def _result(self, changed: bool, login: Login) -> dict[str, Any]:
        return {"changed": changed, "user": self._pair.user, "access_key_id": login.username}


def _lines(texts: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    return {name: [*by_key.values()] for name, by_key in texts.items() if by_key}


def blockers(keys: AccessKeys, key: str, user: str | None, *, leaked: bool = False) -> list[str]:
    """Blockers of rotating this key, from AWS; none that the holder of a ``leaked`` key can create."""
    if not is_id(key):
        return [
            ("the setting for its key id holds no id of an access key; correct the value, or appears_in in the catalog")
        ]
    if key.startswith(TEMPORARY):
        return [f"{key} is a temporary key, which expires by itself; get a new key from its source"]
    try:
        return _blockers(keys, key, user, leaked=leaked)
    except StoreError as error:
        return [str(error)]


def is_id(key: str) -> bool:
    return bool(_ID.fullmatch(key))


def _blockers(keys: AccessKeys, key: str, user: str | None, *, leaked: bool) -> list[str]:
    try:
        user = user or keys.owner(key)
    except NotFound:
        return [
            (
                f"access key {key} does not exist in this account; correct the id where the catalog says that it is "
                "stored, or if the key leaked and was deleted, add options.user to the credential"
            )
        ]
    if not user:
        return [
            (
                f"{key} is not the key of an IAM user, and a rotation replaces only such keys; give the application an "
                "IAM user of its own"
            )
        ]
    messages = [] if leaked else _of_key(keys, key, user)
    if keys.caller() == user:
        messages.append(
            f"this run itself uses a key of user {user}; run it with other AWS credentials, such as a role's"
        )
    return messages


def _of_key(keys: AccessKeys, key: str, user: str) -> list[str]:
    listed = {access_key.id: access_key for access_key in keys.of(user)}
    if key not in listed:
        return [f"user {user} has no access key {key}; correct the stored id, or credentials.<name>.options.user"]
    if not listed[key].active:
        return [
            (
                f"access key {key} of user {user} is inactive, so no application can use it. Find out who deactivated "
                f"it, then activate it: {_activation(user, key)}"
            )
        ]
    return [second_key(user, other) for other in listed if other != key]


def _activation(user: str, key: str) -> str:
    return f"aws iam update-access-key --user-name {shlex.quote(user)} --access-key-id {key} --status Active"


def second_key(user: str, key: str) -> str:
    return (
        f"user {user} has a second access key {key}, and AWS allows two; if nobody uses it (aws iam "
        f"get-access-key-last-used --access-key-id {key}), delete it: {delete_command(user, key)}"
    )
