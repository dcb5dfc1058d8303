# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads RabbitMQ's users, and the application's rights beyond its vhosts. Python 3.8."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any, Dict, Iterator, List, Mapping, Set

from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import provider_users, users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.management import Management

ROWS = 5000
GUEST = "guest"
"""RabbitMQ's first user, and its password."""
SALT = 4
HASHES = {"rabbit_password_hashing_sha256": "sha256", "rabbit_password_hashing_sha512": "sha512"}
TAG, VHOST = "tag ", "permissions in vhost "
"""Beginnings of rights that end with a name."""
Login = Mapping[str, str]


def read(entry: Mapping[str, Any], login: Login) -> Dict[str, Any]:
    """Reads what the administrator sees. Raises RotationError."""
    admin = Management(entry["address"], login)
    users.require_administrator(admin)
    entries = admin.entries("users")
    by_name = {admin.text(user, "name"): user for user in entries[:ROWS]}
    vhosts: Dict[str, Set[str]] = {}
    for permission in admin.entries("permissions"):
        vhosts.setdefault(admin.text(permission, "user"), set()).add(admin.text(permission, "vhost"))
    problem = "has more than %d users, so the rest was not checked. Delete unused ones, or check the rest by hand"
    return {
        "rights": {
            item["credential"]: _rights(item, by_name, vhosts, entry["databases"])
            for item in entry["logins"]
            if any(name in by_name for name in item["users"])
        },
        "seen": len(by_name),
        "problems": [problem % ROWS] if len(entries) > ROWS else [],
        "unexplained": list(_unexplained(by_name, entry["known"], admin.host)),
    }


def _rights(
    item: Mapping[str, Any], by_name: Mapping[str, Mapping[str, Any]], vhosts: Mapping[str, Set[str]], own: List[str]
) -> List[str]:
    """Rights beyond the catalog's. If it names no vhost, the application's vhosts are not known, and none is listed."""
    rights: List[str] = []
    for name in sorted(set(item["users"]).intersection(by_name)):
        tags = sorted(set(users.tags_of(by_name[name])).difference(item["tags"]))
        others = sorted(vhosts.get(name, set()).difference(own)) if own else []
        rights += ["%s: %s%s" % (name, TAG, tag) for tag in tags]
        rights += ["%s: %s%s" % (name, VHOST, vhost) for vhost in others]
    return rights


def _unexplained(
    by_name: Mapping[str, Mapping[str, Any]], known: Mapping[str, Any], host: str
) -> Iterator[Dict[str, Any]]:
    """Unknown users, also without a password: they may log in with a certificate."""
    for name, user in sorted(by_name.items()):
        is_default = name == GUEST and _is_password(user, GUEST)
        if is_default or (name not in known and not provider_users.is_providers(name, host)):
            yield {"name": name, "known": name in known, "nopass": is_default}


def _is_password(user: Mapping[str, Any], password: str) -> bool:
    """Compares with the stored hash, because guest may log in only from the server."""
    algorithm = HASHES.get(str(user.get("hashing_algorithm")))
    try:
        stored = base64.b64decode(str(user.get("password_hash") or ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    if algorithm is None or not stored:
        return False
    digest = hashlib.new(algorithm, stored[:SALT] + password.encode("utf-8")).digest()
    return hmac.compare_digest(stored[SALT:], digest)
