# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of a Valkey login's life, each on all nodes: look everywhere, then act."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import Address
from ansible_collections.watchparty.secrets.plugins.module_utils._host import unknown_clients
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import connection as _connection
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import own_sessions
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.connection import (
    Absent,
    Connection,
    Node,
    NotAllowed,
    ValkeyLoginRefused,
)

Commands = Tuple[Tuple[str, ...], ...]
KILL = ("CLIENT", "KILL", "ID", "1")


@dataclass(frozen=True)
class UserRequest:
    """What one step is about."""

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
    ends: str = valkey.NOTED
    nodes: Sequence[str] = ()
    """The declared nodes beside the administrator's address, or beside the login's."""
    aliases: Sequence[str] = ()
    """Other declared addresses of them, which servers may name."""
    refuse_undeclared: bool = False
    gone: Sequence[str] = ()
    label: str = ""


@contextmanager
def every_node(wanted: UserRequest) -> Iterator[List[Node]]:
    nodes = _connection.discover(_declared(wanted), label=wanted.label, gone=wanted.gone)
    try:
        unknown = _undeclared(nodes, wanted)
        if unknown and wanted.refuse_undeclared:
            raise HostError("Nothing was changed on any node:\n  - " + "\n  - ".join(unknown.values()))
        _gather(nodes, Node.load_users)
        yield nodes
    finally:
        _connection.close(nodes)


def _declared(wanted: UserRequest) -> List[Address]:
    """Where the administrator logs in: at what the catalog declares, whatever a server or a note says."""
    if wanted.admin is None:
        raise HostError("admin_url is missing: the action plugin sets it from the catalog's admin")
    if wanted.login is not None:
        valkey.refuse_managed(wanted.login)
    return [wanted.admin, *(wanted.admin.at(node) for node in wanted.nodes)]


def _undeclared(nodes: Sequence[Node], wanted: UserRequest) -> Dict[str, str]:
    return _connection.undeclared(nodes, [*wanted.aliases, *wanted.gone])


def _gather(nodes: Sequence[Node], look: Callable[[Node], Any]) -> Dict[str, Any]:
    """What ``look`` finds at each node; raises naming every node that has a problem."""
    gather, problems = {}, []
    for node in nodes:
        try:
            gather[node.name] = look(node)
        except (HostError, *_connection.UNREADABLE) as error:
            text = str(error) if isinstance(error, HostError) else _connection.unreadable(node.name)
            problems.append(text if text.startswith(node.name) else "%s: %s" % (node.name, text))
    if problems:
        raise HostError("Nothing was changed on any node:\n  - " + "\n  - ".join(problems))
    return gather


def _about(nodes: Sequence[Node], wanted: UserRequest) -> Dict[str, Any]:
    """What every answer tells of the nodes."""
    unknown = _undeclared(nodes, wanted)
    about: Dict[str, Any] = {"nodes": [node.described() for node in nodes], "undeclared_nodes": list(unknown)}
    return {**about, "warnings": list(unknown.values())} if unknown else about


def _planned(
    nodes: Sequence[Node], plan: Callable[[Node], Commands], user: str
) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """Each node's commands and how it keeps them, once every node is known to allow them."""

    def look(node: Node) -> Tuple[Commands, Tuple[str, ...]]:
        commands, keeper = plan(node), node.keeper()
        if commands:
            node.may("ACL", "SETUSER", user)
        node.may(*keeper)
        return commands, keeper

    planned = _gather(nodes, look)
    return {name: item[0] for name, item in planned.items()}, {name: item[1] for name, item in planned.items()}


def _refuse_replicas_own(nodes: Sequence[Node], user: str, allowed: Callable[[str], bool]) -> None:
    """Replicas that log in as the user by a password that goes would lose their primary."""

    def look(node: Node) -> None:
        login = node.replica_login()
        if login is not None and login[0] == user and not allowed(login[1]):
            raise HostError(
                "it logs in at its primary as %s, by a password that is to go; give replicas a user of their own "
                "(masteruser, masterauth)" % user
            )

    _gather(nodes, look)


def _act(nodes: Sequence[Node], user: str, commands: Mapping[str, Commands], keepers: Mapping[str, Any]) -> None:
    for node in nodes:
        for rules in commands[node.name]:
            try:
                node.ask("ACL", "SETUSER", user, *rules)
            except Absent:
                # Someone took the same digest away since we looked. Where one was to come in its place, that matters.
                if not all(rule.startswith("!") for rule in rules):
                    raise HostError(
                        "%s: the gate of this rotation was closed meanwhile; nothing was added there" % node.name
                    ) from None
        # Also where nothing changed: an earlier run may have ended between the change and this.
        node.ask(*keepers[node.name])


def _passwords(nodes: Sequence[Node], user: str, gate: Optional[str]) -> int:
    for node in nodes:
        node.load_users()
    return max(len(node.users[user].digests - {gate}) if user in node.users else 0 for node in nodes)


def checked(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    """Asks what the steps of a rotation to the user would ask, and changes nothing."""
    del check  # it only asks
    former = wanted.like if wanted.by_users and wanted.like else wanted.user

    def plan(node: Node) -> Commands:
        node.may(*KILL)
        _sessions_of(node, former)
        valkey.plan_revoked(node.users, former, wanted.digest, gate=wanted.gate, keep_one=False)
        return valkey.plan_open(node.users, wanted.user, wanted.digest, like=wanted.like, gate=str(wanted.gate))

    with every_node(wanted) as nodes:
        for user in dict.fromkeys((wanted.user, former)):
            _refuse_replicas_own(nodes, user, lambda _digest: False)
        _planned(nodes, plan, wanted.user)
        return {"changed": False, **_about(nodes, wanted)}


def open_gate(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    def plan(node: Node) -> Commands:
        return valkey.plan_open(node.users, wanted.user, wanted.digest, like=wanted.like, gate=str(wanted.gate))

    with every_node(wanted) as nodes:
        _refuse_replicas_own(nodes, wanted.user, lambda digest: digest == wanted.digest)
        commands, keepers = _planned(nodes, plan, wanted.user)
        if not check:
            _act(nodes, wanted.user, commands, keepers)
        return _changes(nodes, commands, wanted)


def present(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    def plan(node: Node) -> Commands:
        return valkey.plan_present(node.users, wanted.user, wanted.digest, like=wanted.like, gate=wanted.gate)

    with every_node(wanted) as nodes:
        _refuse_replicas_own(nodes, wanted.user, lambda digest: digest == wanted.digest)
        commands, keepers = _planned(nodes, plan, wanted.user)
        result = _changes(nodes, commands, wanted)
        if not check:
            _act(nodes, wanted.user, commands, keepers)
            result["last_client"] = {node.name: node.note() for node in nodes}
            result["passwords"] = _passwords(nodes, wanted.user, wanted.gate)
        return result


def usable(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    login = _login(wanted)
    with every_node(wanted) as nodes:
        keyspace = ""
        for address in _places(nodes, login):
            with Connection(address, _connection.LOGIN) as connection:
                with suppress(NotAllowed):
                    connection.ask("PING")
                node = next((node for node in nodes if str(address) in node.names), None)
                if node is not None and not keyspace and node.role == "primary" and not check:
                    prefix = valkey.writable_prefix(node.users.get(wanted.user))
                    names = set(wanted.aliases).union(*(node.names for node in nodes))
                    keyspace = _connection.try_keys(connection, prefix, login, names)
        return {"changed": False, "keyspace": keyspace, **_about(nodes, wanted)}


def tried(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    del check  # it only asks
    login = _login(wanted)
    accepted = {}
    for address in {str(address): address for address in (login, *(login.at(node) for node in wanted.nodes))}.values():
        try:
            Connection(address, _connection.LOGIN).close()
            accepted[str(address)] = True
        except ValkeyLoginRefused:
            accepted[str(address)] = False
    return {"changed": False, "accepted": accepted}


def sessions(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    del check  # it only looks
    if wanted.admin is None:
        return _sessions_itself(wanted)
    nodes, short = _connection.seen(_declared(wanted), label=wanted.label, gone=wanted.gone)
    try:
        if not nodes:
            raise HostError("\n  - ".join(short))
        result = _gather(nodes, lambda node: _sessions_of(node, wanted.user))
        return {"changed": False, "sessions": _by_host(result), "short": short, **_about(nodes, wanted)}
    finally:
        _connection.close(nodes)


def _sessions_itself(wanted: UserRequest) -> Dict[str, Any]:
    results: List[str] = []

    def look(connection: Connection, user: str) -> List[valkey.Client]:
        results.append(own_sessions.itself(connection).host)
        return own_sessions.others(connection, user)

    sessions, short = own_sessions.at_each(_login(wanted), wanted.nodes, look, gone=wanted.gone)
    hosts = [client.host for clients in sessions.values() for client in clients]
    unknown_hosts = valkey.unknown_hosts(hosts, [*wanted.known, *results])
    return {"changed": False, "sessions": _by_host(sessions), "short": short, "unknown_clients": unknown_hosts}


def ended(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    """Ends the user's sessions as the user itself, where no other login may."""
    act = own_sessions.others if check else own_sessions.end_others
    result, short = own_sessions.at_each(_login(wanted), wanted.nodes, act, gone=wanted.gone)
    return {"changed": any(result.values()), "ended": _by_host(result), "short": short}


def revoked(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    def plan(node: Node) -> Commands:
        node.may(*KILL)
        keep_one = not wanted.by_users
        return valkey.plan_revoked(node.users, wanted.user, wanted.digest, gate=wanted.gate, keep_one=keep_one)

    with every_node(wanted) as nodes:
        _refuse_replicas_own(nodes, wanted.user, lambda digest: digest != wanted.digest and not wanted.by_users)
        before = _gather(nodes, lambda node: _sessions_of(node, wanted.user))
        _refuse_unknown_clients(nodes, before, wanted)
        commands, keepers = _planned(nodes, plan, wanted.user)
        result = {**_changes(nodes, commands, wanted), "sessions": _by_host(before)}
        if check:
            return result
        _act(nodes, wanted.user, commands, keepers)
        ended = {node.name: _end(node, wanted) for node in nodes}
        result["ended"] = _by_host(ended)
        result["changed"] = bool(result["changed"] or any(ended.values()))
        result["refused"] = _verify_rejected(nodes, _login(wanted))
        result["passwords"] = _passwords(nodes, wanted.user, wanted.gate)
        left = _left(nodes, wanted)
        result["warnings"] = _still_written(nodes, wanted.digest) + _not_found(nodes, wanted) + left
        return {**result, "not_ended": left} if left and wanted.ends == valkey.ALL else result


def _left(nodes: Sequence[Node], wanted: UserRequest) -> List[str]:
    """The nodes outside the catalog that are still there once the sessions ended: a client that only posed is gone."""
    _gather(nodes, Node.look)
    return list(_undeclared(nodes, wanted).values())


def _still_written(nodes: Sequence[Node], digest: str) -> List[str]:
    """Where the configuration still holds the password as text, though it is valid no more."""
    return [
        "%s: its configuration still holds this password (requirepass); it is refused, yet remove the line" % node.name
        for node in nodes
        if valkey.digest_of(node.setting("requirepass")) == digest
    ]


def _not_found(nodes: Sequence[Node], wanted: UserRequest) -> List[str]:
    """Nodes of the note that the catalog does not declare any more."""
    names = {name for node in nodes for name in node.names}
    return [
        "%s: it was there when the new password came, and the catalog does not declare it any more. If it still runs, "
        "it may accept the old password: empty it, or take the password away there" % name
        for name in sorted(set(wanted.last_client) - names - set(wanted.gone))
    ]


def _login(wanted: UserRequest) -> Address:
    if wanted.login is None:
        raise HostError("login_url is needed")
    return wanted.login


def _places(nodes: Sequence[Node], login: Address) -> List[Address]:
    """The login at its own address and at every node's."""
    own = [] if any(str(login) == node.name for node in nodes) else [login]
    return own + [login.at(node.name) for node in nodes]


def _changes(nodes: Sequence[Node], commands: Mapping[str, Commands], wanted: UserRequest) -> Dict[str, Any]:
    changed = [node.name for node in nodes if commands[node.name]]
    return {"changed": bool(changed), "changed_nodes": changed, **_about(nodes, wanted)}


def _sessions_of(node: Node, user: str) -> List[valkey.Client]:
    return [client for client in node.clients() if client.user == user and not client.replication]


def _by_host(sessions: Mapping[str, Sequence[valkey.Client]]) -> Dict[str, Dict[str, int]]:
    return {name: valkey.by_host(clients) for name, clients in sessions.items() if clients}


def _refuse_unknown_clients(
    nodes: Sequence[Node], sessions: Mapping[str, Sequence[valkey.Client]], wanted: UserRequest
) -> None:
    def look(node: Node) -> None:
        clients = sessions[node.name]
        if not clients:
            return
        known = [*wanted.known, node.own_host()]
        unknown_hosts = valkey.unknown_hosts([client.host for client in clients], known)
        if unknown_hosts and not wanted.allow_sessions:
            raise HostError(
                "logged in as %s from outside known_addresses: %s; %s"
                % (
                    wanted.user,
                    ", ".join("%s (%d)" % (host, valkey.by_host(clients)[host]) for host in unknown_hosts),
                    unknown_clients.remedy(unknown_hosts),
                )
            )

    _gather(nodes, look)


def _end(node: Node, wanted: UserRequest) -> List[valkey.Client]:
    """Ends the sessions of the old value, each by its own number, which no later session can have."""
    clients = [client for client in node.clients() if client.user == wanted.user]
    if wanted.by_users and wanted.ends != valkey.ALL:
        # Asked after the list: if no password is left now, none of those listed used another one.
        node.load_users()
        user = node.users.get(wanted.user)
        left = user is not None and bool(user.digests - {wanted.gate})
        old = [] if left else [client for client in clients if not client.replication]
    else:
        note = next((wanted.last_client[name] for name in sorted(node.names) if name in wanted.last_client), None)
        old = valkey.ending(clients, wanted.ends, node.number_of(note))
    return [client for client in old if node.ask("CLIENT", "KILL", "ID", client.number)]


def _verify_rejected(nodes: Sequence[Node], login: Address) -> List[str]:
    refused, problems = [], []
    for address in _places(nodes, login):
        try:
            Connection(address, _connection.LOGIN).close()
            problems.append("%s still accepts it" % address)
        except ValkeyLoginRefused:
            refused.append(str(address))
        except HostError as error:
            problems.append("not seen: %s" % error)
    if problems:
        raise HostError(
            "The password of %s was removed, but not every node rejects it. Run the same command again:\n  - %s"
            % (login.user, "\n  - ".join(problems))
        )
    return refused


STEPS: Mapping[str, Callable[..., Dict[str, Any]]] = {
    "checked": checked,
    "open": open_gate,
    "present": present,
    "usable": usable,
    "tried": tried,
    "sessions": sessions,
    "ended": ended,
    "revoked": revoked,
}
