# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Two users of RabbitMQ that alternate. Each step can be repeated. Python 3.8.

A user owns nothing, so the old user is deleted, and made again with the rights of the other.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from typing import Any, Callable, Collection, Dict, List, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import amqp
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.management import Management

LOOKS, PAUSE = 100, 0.4
"""Tries until connections begin or end, and seconds in between: more than the 30 seconds that the server waits for a
silent client."""
VHOSTS = 100
"""Limit of vhosts with permissions of a user."""
ADMINISTRATOR = "administrator"
_PERMISSIONS = {"permissions": ("configure", "write", "read"), "topic-permissions": ("exchange", "write", "read")}
Login = Mapping[str, str]
Rights = Dict[str, Any]


def require_administrator(admin: Management) -> None:
    if ADMINISTRATOR not in tags_of(admin.get("whoami") or {}):
        raise RotationError("the administrator has no tag administrator at %s; give it this tag" % admin.place)


def require_ready(admin: Management, user: str, other: str, tags: Collection[str], *, leaked: bool) -> None:
    """Raises RotationError if the user has more than an application needs, or the other user exists already. In a leak,
    neither does."""
    extra = ", ".join(sorted(set(rights(admin, user)["tags"]).difference(tags)))
    if leaked:
        return
    if extra:
        raise RotationError(
            "user %s has the tag %s at %s, which options.tags in the catalog does not name. If the application does "
            "not need the tag, set the other tags by rabbitmqctl set_user_tags; otherwise, add it to options.tags"
            % (user, extra, admin.place)
        )
    if admin.get("users", other) is not None:
        raise RotationError(
            "%s has a user %s already, which this rotation would replace; if nothing uses it, delete it: rabbitmqctl "
            "delete_user %s" % (admin.place, other, other)
        )


def rights(admin: Management, user: str) -> Rights:
    """Rights of the user. Raises RotationError if it does not exist."""
    entry = admin.get("users", user)
    if entry is None:
        raise RotationError(
            "%s has no user %s; create it with the application's permissions, and run the same command again"
            % (admin.place, user)
        )
    result: Rights = {"tags": tags_of(entry), "limits": _limits(admin, user)}
    for kind, names in _PERMISSIONS.items():
        entries = admin.entries("users", user, kind)
        result[kind] = sorted(tuple(admin.text(entry, name) for name in ("vhost", *names)) for entry in entries)
    if len({vhost for vhost, *_rest in result["permissions"]}) > VHOSTS:
        raise RotationError("user %s has permissions in more than %d vhosts; give it fewer" % (user, VHOSTS))
    return result


def tags_of(entry: Mapping[str, Any]) -> List[str]:
    tags = entry.get("tags") or []
    each = tags.split(",") if isinstance(tags, str) else tags if isinstance(tags, list) else []
    return sorted(tag for tag in each if isinstance(tag, str) and tag)


def _limits(admin: Management, user: str) -> Dict[str, int]:
    limits = [entry.get("value") for entry in admin.entries("user-limits", user)]
    each = [item for value in limits if isinstance(value, dict) for item in value.items()]
    return {str(name): value for name, value in each if isinstance(value, int)}


def create(admin: Management, new: Login, like: str, tags: Collection[str], *, leaked: bool) -> str:
    """Creates the user; nothing of an existing user stays. The server gets a hash of the password.

    A leaked user's limits are not copied, because its holder may have set them to keep the new user out. Returns these
    limits.
    """
    like_rights = rights(admin, like)
    user = new["username"]
    admin.delete("users", user)
    end_connections(admin, user)
    tag_list = ",".join(tag for tag in like_rights["tags"] if tag in tags)
    hashed = {"password_hash": _hash(new["password"]), "hashing_algorithm": "rabbit_password_hashing_sha256"}
    admin.put("users", user, body={**hashed, "tags": tag_list})
    for name, value in like_rights["limits"].items():
        if not leaked:
            admin.put("user-limits", user, name, body={"value": value})
    for kind, names in _PERMISSIONS.items():
        for vhost, *values in like_rights[kind]:
            admin.put(kind, vhost, user, body=dict(zip(names, values)))
    return ", ".join("%s %d" % limit for limit in sorted(like_rights["limits"].items())) if leaked else ""


def _hash(password: str) -> str:
    salt = secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode("utf-8")).digest()).decode("ascii")


def require_usable(
    admin: Management, server: Mapping[str, Any], login: Login, like: str, tags: Collection[str], *, leaked: bool
) -> None:
    """Logs in to each vhost. Raises RotationError if the user's rights differ from those of ``like``, or if the
    administrator does not see the connection, and so could not end it."""
    own = rights(admin, login["username"])
    if like:
        wanted = rights(admin, like)
        wanted.update({"limits": own["limits"]} if leaked else {})
        wanted["tags"] = [tag for tag in wanted["tags"] if tag in tags]
        different = ", ".join(sorted(name for name in own if own[name] != wanted[name]))
        if different:
            raise RotationError(
                "users %s and %s have different %s at %s; give both users the same %s"
                % (login["username"], like, different, admin.place, different)
            )
    vhosts = sorted({vhost for vhost, *_rest in own["permissions"]})
    if not vhosts:
        raise RotationError(
            "user %s has no permissions in any vhost at %s; grant them there: rabbitmqctl set_permissions"
            % (login["username"], admin.place)
        )
    for vhost in vhosts:
        with amqp.connected(server, login, vhost):
            if vhost == vhosts[0] and not _until(lambda: bool(_connections(admin, login["username"]))):
                raise RotationError(
                    "the administrator sees no connection of user %s at %s; server.address and options.amqp must "
                    "lead to the same cluster" % (login["username"], admin.place)
                )


def block(admin: Management, server: Mapping[str, Any], old: Login) -> int:
    """Removes the user's password and ends its connections. Returns their number. The rights stay, for the next user
    and for findings. A deleted user stays deleted."""
    entry = admin.get("users", old["username"])
    if entry is not None:
        admin.put("users", old["username"], body={"password_hash": "", "tags": ",".join(tags_of(entry))})
    return _ends(admin, server, old, "its password was removed")


def revoke(admin: Management, server: Mapping[str, Any], old: Login) -> int:
    """Deletes the user and ends its connections. Returns their number."""
    admin.delete("users", old["username"])
    return _ends(admin, server, old, "it was deleted")


def _ends(admin: Management, server: Mapping[str, Any], old: Login, step: str) -> int:
    ended = end_connections(admin, old["username"])
    try:
        with amqp.connected(server, old, "/"):
            pass
    except amqp.AmqpLoginRefused:
        return ended
    raise RotationError(
        "%s still accepts user %s after %s; check auth_backends in rabbitmq.conf" % (admin.place, old["username"], step)
    )


def end_connections(admin: Management, user: str) -> int:
    """Ends connections. Returns their number. The server ends a deleted user's connections, but waits for silent
    clients."""
    ended = len(_connections(admin, user))
    if not _until(lambda: _ended(admin, user)):
        raise RotationError(
            "connections of user %s stay open at %s; end them there: rabbitmqctl close_all_user_connections %s rotated"
            % (user, admin.place, user)
        )
    return ended


def _ended(admin: Management, user: str) -> bool:
    if not _connections(admin, user):
        return True
    admin.delete("connections", "username", user)
    return False


def _connections(admin: Management, user: str) -> List[Dict[str, Any]]:
    return admin.entries("connections", "username", user)


def _until(is_done: Callable[[], bool]) -> bool:
    for look in range(LOOKS):
        time.sleep(PAUSE if look else 0)
        if is_done():
            return True
    return False
