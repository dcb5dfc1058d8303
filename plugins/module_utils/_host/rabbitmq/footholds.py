# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may let the holder of a leaked user of RabbitMQ in again, by what its tags allowed. Only in a leak; nothing here
stops a revocation. Python 3.8.
"""

from __future__ import annotations

import shlex
from typing import Any, Collection, Dict, Iterator, List, Mapping, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.management import Management
from ansible_collections.watchparty.secrets.plugins.module_utils._host.rabbitmq.users import ADMINISTRATOR, tags_of

SECONDS, MOST = 10.0, 50
"""For the search, and findings that are named."""
POLICYMAKER = "policymaker"
SERVERS_OWN = ("cluster_name", "cluster_tags", "internal_cluster_id")
"""Global parameters that every server has."""
LIMITS, OPERATOR_POLICY = "vhost-limits", "operator_policy"
"""Components of the list of parameters: one that authorizes nobody, and one that has a command of its own."""


GONE = (
    "user %s does not exist any more at %s. Unless an earlier run deleted it, somebody with administrator's rights did"
)
EXTRA = "user %s had the tag %s at %s, so it could change more than its own messages"


def tags_held(admin: Management, user: str) -> Optional[List[str]]:
    """Before the user is deleted; None where it is gone."""
    entry = admin.found("users", user)
    return None if entry is None else tags_of(entry)


def findings(
    admin: Management, user: str, tags: Collection[str], held: Optional[Collection[str]], known: Collection[str]
) -> List[str]:
    """What a user with the catalog's ``tags`` and those that it ``held`` could have made. ``known`` are users of
    the catalog."""
    extra = ", ".join(sorted(set(held or ()).difference(tags)))
    result = [EXTRA % (user, extra, admin.place)] if extra else []
    result += [GONE % (user, admin.place)] if held is None else []
    all_tags = {*tags, *([ADMINISTRATOR] if held is None else held)}  # only an administrator can delete a user
    late = ["not checked: %s gave no complete answer within %d seconds" % (admin.place, SECONDS)]
    try:
        return result + within(SECONDS, lambda: _named(admin, all_tags, {*known, user}), late)
    except RotationError as error:
        return [*result, "not checked: %s" % error]


def _named(admin: Management, held: Collection[str], known: Collection[str]) -> List[str]:
    lines: List[str] = []
    if ADMINISTRATOR in held:
        lines += _users(admin, known)
        lines += _global_parameters(admin)
    if ADMINISTRATOR in held or POLICYMAKER in held:
        lines += _policies(admin)
    rest = len(lines) - MOST
    return lines if rest <= 0 else [*lines[:MOST], "%d more users, policies and parameters" % rest]


def _users(admin: Management, known: Collection[str]) -> Iterator[str]:
    vhosts: Dict[str, List[str]] = {}
    for entry in admin.entries("permissions"):
        vhosts.setdefault(admin.text(entry, "user"), []).append(admin.text(entry, "vhost"))
    for entry in admin.entries("users"):
        name = admin.text(entry, "name")
        if name in known:
            continue
        tags, places = ", ".join(tags_of(entry)) or "no tag", ", ".join(sorted(vhosts.get(name, ()))) or "no vhost"
        line = "user %s is not in the catalog (%s; permissions in %s): %s"
        yield line % (name, tags, places, shlex.join(["rabbitmqctl", "delete_user", name]))


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
