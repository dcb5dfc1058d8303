# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may let the holder of a leaked Valkey login in again: named, compared with the baseline, deleted. Only in a
leak; nothing here stops a revocation."""

from __future__ import annotations

import shlex
from functools import partial
from typing import Any, Dict, List, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline, valkey, valkey_rules
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import connection as _connection
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import inventory as valkey_inventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.all_nodes import Nodes, UserRequest
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.connection import Node

INVENTORY_SECONDS = 10
"""For what the nodes are compared by, once everything else is done."""
MESSAGE = 300
"""Characters of a problem there."""
MOST_EVICTED = 50
"""Users of a node that are deleted; a comparison names the others."""


def evicted(nodes: Nodes, wanted: UserRequest, keepers: Mapping[str, Any]) -> Dict[str, List[str]]:
    """Deletes the users that nothing explains, which ends their sessions: what was done, and what is left to do."""
    result: Dict[str, List[str]] = {"evicted": [], "footholds": []}
    known = (wanted.inventory or {}).get("known")
    if known is None or wanted.stored is None:
        return result
    explained = [*known, *wanted.stored, valkey.DEFAULT_USER]
    for node in nodes:
        users = [name for name in valkey_rules.evictable(node.users) if server_baseline.is_unexplained(name, explained)]
        try:
            result["evicted"] += [_deleted(node, user) for user in users[:MOST_EVICTED]]
            if users:
                node.ask(*keepers[node.name])
                node.load_users()
        except HostError as error:
            result["footholds"].append("%s. Users that nothing explains may be left there" % error)
    return result


def _deleted(node: Node, user: str) -> str:
    node.ask("ACL", "DELUSER", user)
    return "%s: user %s could log in: ACL DELUSER %s" % (node.name, user, shlex.quote(user))


def looked_for(nodes: Nodes, wanted: UserRequest, *, others: bool) -> List[str]:
    """In a leak, what may let its holder in again, by node; of ``others`` than the catalog's users too."""
    if wanted.stored is None:
        return []
    return [
        "%s: %s" % (node.name, text)
        for node in nodes
        for text in valkey_rules.possible_footholds(
            node.users if others else {name: user for name, user in node.users.items() if name in wanted.stored},
            wanted.stored,
            gate=wanted.gate,
        )
    ]


def compared(nodes: Nodes, wanted: UserRequest) -> Dict[str, Any]:
    """In a leak, what the nodes are compared by with their baseline. Nothing in it stops the revocation."""
    problem = "gave no complete answer within %d seconds" % INVENTORY_SECONDS
    try:
        late = {**server_baseline.no_inventory(), "problems": [problem]}
        return within(INVENTORY_SECONDS, partial(_inventory, nodes, wanted), late)
    except (MemoryError, RuntimeError):  # RecursionError too
        return {**server_baseline.no_inventory(), "problems": ["its answer is too long"]}


def _inventory(nodes: Nodes, wanted: UserRequest) -> Dict[str, Any]:
    inventory = server_baseline.no_inventory()
    inventory["problems"] += nodes.left_out or ()
    for node in nodes:
        try:
            part = valkey_inventory.read(node.ask, node.name, node.users, wanted.inventory or {})
        except HostError as error:
            inventory["problems"].append(str(error)[:MESSAGE])
        except _connection.UNREADABLE:
            inventory["problems"].append(_connection.unreadable(node.name))
        else:
            server_baseline.add(inventory, part)
    return inventory
