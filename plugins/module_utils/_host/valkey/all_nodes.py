# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps at every declared node: read all nodes, then act."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import Address
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import connection as _connection
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.connection import (
    Absent,
    Node,
    NodeInterrupted,
    NotAllowed,
)

Commands = Tuple[Tuple[str, ...], ...]


@dataclass(frozen=True)
class UserRequest:
    admin: Optional[Address]
    login: Optional[Address]
    user: str
    digest: str = field(repr=False)
    like: Optional[str] = None
    gate: Optional[str] = None
    by_users: bool = False
    known: Sequence[str] = ()
    allow_sessions: bool = False
    last_client: Mapping[str, str] = field(default_factory=dict)
    ends: str = valkey.END_NOTED
    nodes: Sequence[str] = ()
    """Declared nodes, without the address of the administrator or login."""
    aliases: Sequence[str] = ()
    """Their other declared addresses, which servers may name."""
    refuse_undeclared: bool = False
    gone: Sequence[str] = ()
    label: str = ""
    leaked: Optional[Address] = None
    """The leaked login. Its holder may have changed the administrator. None without a leak."""
    stored: Optional[Mapping[str, Sequence[str]]] = field(default=None, repr=False)
    """Digests of the stored passwords by user. None without a leak."""
    inventory: Optional[Mapping[str, Any]] = field(default=None, repr=False)
    """Request of the comparison with the nodes' baseline. None without a leak."""

    @property
    def kept(self) -> Optional[Sequence[str]]:
        """Passwords that the user may have. None without a leak."""
        return None if self.stored is None else self.stored.get(self.user, ())


class Nodes(List[Node]):
    """Usable nodes. In a leak, problems of the others are in ``left_out`` and stop nothing."""

    def __init__(
        self, nodes: Sequence[Node], left_out: Optional[List[str]] = None, leaked: Optional[Address] = None
    ) -> None:
        super().__init__(nodes)
        self.left_out, self.leaked = left_out, leaked

    def without(self, problems: Mapping[str, str]) -> None:
        """Removes nodes with problems. Raises if no node would remain, or none may be left out."""
        if problems and (self.left_out is None or len(problems) == len(self)):
            raise HostError(_connection.nothing_changed(list(problems.values())))
        if self.left_out is not None:
            self.left_out += problems.values()
        self[:] = [node for node in self if node.name not in problems]


@contextmanager
def every_node(wanted: UserRequest) -> Iterator[Nodes]:
    nodes = _usable(wanted)
    opened = list(nodes)
    try:
        unknown = undeclared(nodes, wanted)
        if unknown and wanted.refuse_undeclared:
            raise HostError(_connection.nothing_changed(list(unknown.values())))
        gather(nodes, Node.load_users)
        yield nodes
    finally:
        _connection.close(opened)


def _usable(wanted: UserRequest) -> Nodes:
    if wanted.leaked is None:
        return Nodes(_connection.discover(declared(wanted), label=wanted.label, gone_nodes=wanted.gone))
    nodes, problems = _connection.seen(
        declared(wanted), label=wanted.label, gone_nodes=wanted.gone, leaked=wanted.leaked
    )
    if not nodes:
        raise HostError(_connection.nothing_changed(problems))
    return Nodes(nodes, problems, wanted.leaked)


def declared(wanted: UserRequest) -> List[Address]:
    """Addresses for the administrator's login: the catalog's only, whatever a server or a note says."""
    if wanted.admin is None:
        raise HostError("the credential has no administrator; name one in admin of the credential in the catalog")
    if wanted.login is not None:
        valkey.refuse_managed(wanted.login)
    return [wanted.admin, *(wanted.admin.at(node) for node in wanted.nodes)]


def undeclared(nodes: Sequence[Node], wanted: UserRequest) -> Dict[str, str]:
    return _connection.undeclared(nodes, [*wanted.aliases, *wanted.gone])


def gather(nodes: Nodes, look: Callable[[Node], Any]) -> Dict[str, Any]:
    """Results of ``look`` by node. Raises an error that names every node with a problem."""
    results, problems = {}, {}
    for node in nodes:
        try:
            results[node.name] = _with_rights(nodes, node, look)
        except (HostError, *_connection.UNREADABLE) as error:
            if isinstance(error, NodeInterrupted) and nodes.left_out is not None:
                raise
            text = str(error) if isinstance(error, HostError) else _connection.unreadable(node.name)
            problems[node.name] = text if text.startswith(node.name) else "%s: %s" % (node.name, text)
    nodes.without(problems)
    return results


def _with_rights(nodes: Nodes, node: Node, look: Callable[[Node], Any]) -> Any:
    try:
        return look(node)
    except NotAllowed:
        if nodes.leaked is None or not _connection.put_right(node.admin, nodes.leaked):
            raise
        node.warnings.append(_connection.was_put_right(node))
        return look(node)


def about(nodes: Nodes, wanted: UserRequest) -> Dict[str, Any]:
    """Facts and warnings of the nodes for every result."""
    unknown = undeclared(nodes, wanted)
    about: Dict[str, Any] = {"nodes": [node.described() for node in nodes], "undeclared_nodes": list(unknown)}
    warnings = [*unknown.values(), *(nodes.left_out or ()), *(text for node in nodes for text in node.warnings)]
    return {**about, "warnings": warnings} if warnings else about


def planned(nodes: Nodes, plan: Callable[[Node], Commands], user: str) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """Commands of each node, and how it saves them, once every node is known to allow them."""

    def look(node: Node) -> Tuple[Commands, Tuple[str, ...]]:
        commands, keeper = plan(node), node.keeper()
        if commands:
            node.may("ACL", "SETUSER", user)
        node.may(*keeper)
        return commands, keeper

    planned = gather(nodes, look)
    return {name: item[0] for name, item in planned.items()}, {name: item[1] for name, item in planned.items()}


def refuse_replicas_own(nodes: Nodes, user: str, allowed: Callable[[str], bool]) -> None:
    """Raises if replicas log in as the user by a revoked password: they would lose their primary.

    In a leak this is only a warning: whoever may use CONFIG SET can fake such a login.
    """

    def look(node: Node) -> None:
        login = node.replica_login()
        if login is not None and login[0] == user and not allowed(login[1]):
            message = (
                "replication logs in at the primary as %s, with the password that is to be revoked; give replicas a "
                "user of their own (masteruser, masterauth)" % user
            )
            if nodes.left_out is None:
                raise HostError(message)
            node.warnings.append("%s: %s" % (node.name, message))

    gather(nodes, look)


def act(nodes: Nodes, user: str, commands: Mapping[str, Commands], keepers: Mapping[str, Any]) -> None:
    problems = {}
    for node in nodes:
        try:
            change(node, user, commands[node.name])
        except HostError as error:
            if nodes.left_out is None or isinstance(error, NodeInterrupted):
                raise
            problems[node.name] = str(error)
            continue
        _keep(nodes, node, keepers[node.name])
    nodes.without(problems)


def _keep(nodes: Nodes, node: Node, keeper: Sequence[str]) -> None:
    """Saves the change, also if nothing changed: an earlier run may have ended before saving."""
    try:
        node.ask(*keeper)
    except HostError as error:
        if nodes.left_out is None or isinstance(error, NodeInterrupted):
            raise
        nodes.left_out.append(
            "%s. The node could not save its users, so a revoked password may work again after a restart. Correct the "
            "cause, such as a full disk, then run the same command again" % error
        )


def change(node: Node, user: str, commands: Commands) -> None:
    for rules in commands:
        try:
            node.ask("ACL", "SETUSER", user, *rules)
        except Absent:
            # Someone removed the same digest meanwhile. That matters if a new one was to replace it.
            if not all(rule.startswith("!") for rule in rules):
                raise _closed(node, user) from None


def _closed(node: Node, user: str) -> HostError:
    node.load_users()
    if user in node.users and node.users[user].nopass:
        return set_to_nopass(node, user)
    return HostError("%s: no password was added, because this rotation was aborted in the meantime" % node.name)


def set_to_nopass(node: Node, user: str) -> NodeInterrupted:
    return NodeInterrupted(
        "%s: somebody set the user %s to nopass while this run replaced its password" % (node.name, user)
    )


def passwords(nodes: Sequence[Node], user: str, gate: Optional[str]) -> int:
    for node in nodes:
        node.load_users()
    return max(len(node.users[user].digests - {gate}) if user in node.users else 0 for node in nodes)


def changes(nodes: Nodes, commands: Mapping[str, Commands], wanted: UserRequest) -> Dict[str, Any]:
    changed = [node.name for node in nodes if commands[node.name]]
    return {"changed": bool(changed), "changed_nodes": changed, **about(nodes, wanted)}
