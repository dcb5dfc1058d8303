# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Footholds of a leaked user's holder at RabbitMQ: named by what the user's tags allowed, compared with the baseline,
deleted. Only in a leak; no failure here stops a revocation. Python 3.8."""

from __future__ import annotations

import shlex
from typing import Any, Collection, Dict, Iterator, List, Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within
from ansible_collections.watchparty.secrets.plugins.module_utils._host import compared_inventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import inventory as rabbitmq_inventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import provider_users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq import users as rabbitmq_users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.inventory import (
    LIMITS,
    OPERATOR_POLICY,
    SERVERS_OWN,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.management import Management
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.users import ADMINISTRATOR, tags_of

SECONDS, MOST = 10.0, 50
"""Seconds of the search, and limit of named findings."""
MOST_EVICTED = 50
"""Limit of deleted users. A comparison names the others."""
POLICYMAKER = "policymaker"


GONE = "user %s does not exist any more at %s. Unless an earlier run deleted this user, another administrator did"
EXTRA = "user %s had the tag %s at %s, so it could change more than its own messages"


def tags_held(admin: Management, user: str) -> Optional[List[str]]:
    """Tags before the user is deleted. None if it is gone."""
    entry = admin.get("users", user)
    return None if entry is None else tags_of(entry)


def search_footholds(
    admin: Management, user: str, tags: Collection[str], held_tags: Optional[Collection[str]], search: Mapping[str, Any]
) -> Dict[str, Any]:
    """Searches for footholds. ``search`` has the catalog's users (``known``) and the request of the comparison
    (``inventory``)."""
    request = search["inventory"]
    if not request:
        return {"footholds": findings(admin, user, tags, held_tags, search["known"])}
    result: Dict[str, Any] = {"evicted": [], "footholds": []}
    if "known" in request:
        _evict(admin, request["known"], result)
    inventory = compared_inventory.read(lambda: rabbitmq_inventory.read(admin, request))
    but = compared_inventory.comparable_kinds(inventory, request)
    result["footholds"] += findings(admin, user, tags, held_tags, search["known"], but=but)
    return {**result, "inventory": inventory}


def _evict(admin: Management, known: Collection[str], result: Dict[str, Any]) -> None:
    """Deletes unexplained users and ends their connections."""
    deleted: List[str] = []
    open_at: List[str] = []

    def act() -> str:
        own = {admin.text(admin.get("whoami") or {}, "name"), provider_users.MONITORING}
        unexplained = [
            name for name in _names(admin) if name not in own and server_baseline.is_unexplained(name, known)
        ]
        chosen = unexplained[:MOST_EVICTED]
        if chosen:
            admin.delete_users(chosen)
            remaining = _names(admin)
            deleted.extend(name for name in chosen if name not in remaining)
        for name in deleted:
            try:
                rabbitmq_users.end_connections(admin, name)
            except RotationError as error:  # one user's name must not protect the others' connections
                open_at.append(str(error))
        return open_at[0] if open_at else ""

    try:
        problem = within(SECONDS, act, "%s gave no complete answer within %d seconds" % (admin.place, SECONDS))
    except RotationError as error:
        problem = str(error)
    if problem:
        result["footholds"].append("%s. Unknown users, or their connections, may remain there" % problem)
    for name in list(deleted):
        result["evicted"].append("unknown user %s, deleted by: %s" % (name, _delete(name)))


def _names(admin: Management) -> List[str]:
    return [admin.text(entry, "name") for entry in admin.entries("users")]


def _delete(name: str) -> str:
    return shlex.join(["rabbitmqctl", "delete_user", name])


def findings(
    admin: Management,
    user: str,
    tags: Collection[str],
    held_tags: Optional[Collection[str]],
    known: Collection[str],
    *,
    but: Collection[str] = (),
) -> List[str]:
    """Possible footholds of a user with the catalog's ``tags`` and its own ``held_tags``, except the kinds ``but``,
    which a comparison names. ``known`` are the catalog's users. If the deleted user exists, its holder made it."""
    extra = ", ".join(sorted(set(held_tags or ()).difference(tags)))
    result = [EXTRA % (user, extra, admin.place)] if extra else []
    result += [GONE % (user, admin.place)] if held_tags is None else []
    own_tags = [ADMINISTRATOR] if held_tags is None else held_tags  # only an administrator can delete a user
    all_tags = {*tags, *own_tags}
    late = ["not checked: %s gave no complete answer within %d seconds" % (admin.place, SECONDS)]
    try:
        return result + within(SECONDS, lambda: _named(admin, all_tags, {*known} - {user}, but), late)
    except RotationError as error:
        return [*result, "not checked: %s" % error]


def _named(admin: Management, tags: Collection[str], known: Collection[str], but: Collection[str]) -> List[str]:
    lines: List[str] = []
    if ADMINISTRATOR in tags:
        lines += _users(admin, known) if "user" not in but else ()
        lines += _global_parameters(admin) if "global parameter" not in but else ()
    if (ADMINISTRATOR in tags or POLICYMAKER in tags) and not {"policy", "operator policy", "parameter"}.issubset(but):
        lines += _policies(admin)
    rest = len(lines) - MOST
    return lines if rest <= 0 else [*lines[:MOST], "%d more users, policies and parameters" % rest]


def _users(admin: Management, known: Collection[str]) -> Iterator[str]:
    vhosts: Dict[str, List[str]] = {}
    for entry in admin.entries("permissions"):
        vhosts.setdefault(admin.text(entry, "user"), []).append(admin.text(entry, "vhost"))
    for entry in admin.entries("users"):
        name = admin.text(entry, "name")
        if name in known or provider_users.is_providers(name, admin.host):
            continue
        tags, places = ", ".join(tags_of(entry)) or "no tag", ", ".join(sorted(vhosts.get(name, ()))) or "no vhost"
        line = "user %s is not in the catalog (%s; permissions in %s): %s"
        yield line % (name, tags, places, _delete(name))


def _policies(admin: Management) -> Iterator[str]:
    for entry in admin.entries("policies"):
        yield _line(admin, "policy", entry, "clear_policy")
    for entry in admin.entries("parameters"):
        component = admin.text(entry, "component")
        if component == OPERATOR_POLICY:
            yield _line(admin, "operator policy", entry, "clear_operator_policy")
        elif component != LIMITS:
            yield _line(admin, component, entry, "clear_parameter", component)


def _line(admin: Management, kind: str, entry: Mapping[str, Any], command: str, *words: str) -> str:
    vhost, name = admin.text(entry, "vhost"), admin.text(entry, "name")
    undo = shlex.join(["rabbitmqctl", command, "-p", vhost, *words, name])
    return "%s %s in vhost %s: if it is not yours, %s" % (kind, name, vhost, undo)


def _global_parameters(admin: Management) -> Iterator[str]:
    for entry in admin.entries("global-parameters"):
        name = admin.text(entry, "name")
        if name not in SERVERS_OWN:
            undo = shlex.join(["rabbitmqctl", "clear_global_parameter", name])
            yield "global parameter %s: if it is not yours, %s" % (name, undo)
