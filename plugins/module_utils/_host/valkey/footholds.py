# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Footholds of a leaked Valkey login's holder: named, compared with the baseline, deleted. Only in a leak; no failure
here stops a revocation."""

from __future__ import annotations

import shlex
from contextlib import suppress
from functools import partial
from typing import Any, Collection, Dict, List, Mapping, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    server_baseline,
    valkey,
    valkey_rights,
    valkey_rules,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import connection as _connection
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import inventory as valkey_inventory
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.all_nodes import Nodes, UserRequest
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.connection import Node

INVENTORY_SECONDS = 10
"""Seconds for the inventory, after everything else is done."""
MESSAGE = 300
"""Limit of a problem's characters."""
CHANGES = "acl|setuser"
SESSIONS = ("normal", "pubsub")
"""Kinds of sessions. Links of undeclared nodes are named elsewhere."""
MOST_EVICTED = 50
"""Limit of deleted users of a node. A comparison names the others."""


def evict(nodes: Nodes, wanted: UserRequest, keepers: Mapping[str, Any]) -> Dict[str, List[str]]:
    """Deletes unexplained users, which ends their sessions. Returns what was done, and what remains."""
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
            result["footholds"].append("%s. Unknown users may remain there" % error)
    return result


def could_log_in_as_others(nodes: Nodes, wanted: UserRequest) -> List[str]:
    """Nodes at which a leaked user may change users: with a password that its holder sets for a moment, it has sessions
    of other users that no user shows any more."""
    if wanted.stored is None:
        return []
    users = {node.name: node.users.get(wanted.user) for node in nodes}
    return [name for name, user in users.items() if user is not None and valkey_rights.may_run(user.rules, CHANGES)]


def others_ended(nodes: Nodes, wanted: UserRequest, could: Collection[str]) -> Tuple[List[str], List[str]]:
    """Ends all other sessions at these nodes; programs reconnect. Returns what was done, and what stays open."""
    lines, remaining = [], []
    for node in nodes:
        if node.name in could:
            try:
                ended = sum(int(node.ask("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")) for kind in SESSIONS)
            except (HostError, ValueError) as error:
                message = "%s: sessions of other users stay open (%s). End them: CLIENT KILL TYPE normal"
                remaining.append(message % (node.name, error))
                continue
            if ended:
                message = "%s: user %s could change other users, so the %d sessions of all users were ended too"
                lines.append(message % (node.name, wanted.user, ended))
    return lines, remaining


def _deleted(node: Node, user: str) -> str:
    node.ask("ACL", "DELUSER", user)
    return "%s: unknown user %s, deleted by: ACL DELUSER %s" % (node.name, user, shlex.quote(user))


def search_footholds(nodes: Nodes, wanted: UserRequest, *, others: bool) -> List[str]:
    """Footholds by node in a leak. ``others``: also of users outside the catalog."""
    if wanted.stored is None:
        return []
    replicas = _replicas(nodes)
    lines = [
        "%s: %s" % (node.name, text)
        for node in nodes
        for text in valkey_rules.possible_footholds(
            node.users if others else {name: user for name, user in node.users.items() if name in wanted.stored},
            wanted.stored,
            gate=wanted.gate,
            replicas=replicas,
        )
    ]
    rest = len(lines) - server_baseline.MOST_NAMED
    return lines if rest <= 0 else [*lines[: server_baseline.MOST_NAMED], "%d more users; ACL LIST shows them" % rest]


def _replicas(nodes: Nodes) -> Dict[str, Set[str]]:
    """Users and password digests of the declared nodes' logins at each other."""
    result: Dict[str, Set[str]] = {}
    for node in nodes:
        with suppress(HostError, *_connection.UNREADABLE):
            login = node.replica_login()
            if login is not None:
                result.setdefault(login[0], set()).add(login[1])
    return result


def read_inventory(nodes: Nodes, wanted: UserRequest) -> Dict[str, Any]:
    """Inventory for the comparison with the baseline in a leak. No failure stops the revocation."""
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
