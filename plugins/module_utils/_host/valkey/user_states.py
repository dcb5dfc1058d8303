# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Steps of a Valkey login, each on all nodes: read all, then act."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Callable, Dict, List, Mapping, Sequence, Set

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey, valkey_rules
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import Address
from ansible_collections.watchparty.secrets.plugins.module_utils._host import unknown_clients
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import all_nodes, footholds, own_sessions
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import connection as _connection
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.all_nodes import (
    Commands,
    Nodes,
    UserRequest,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.connection import (
    Connection,
    Node,
    NodeInterrupted,
    NotAllowed,
    ValkeyLoginRefused,
)

KILL = ("CLIENT", "KILL", "ID", "1")
OTHER_PASSWORDS = (
    "%s: the user %s was not blocked, because the user also has other passwords; the new password comes next"
)


def checked(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    """Raises what a rotation's steps would raise. Changes nothing. Who interrupts it in a leak is disabled later."""
    del check  # only reads
    try:
        return _checked(wanted)
    except NodeInterrupted as error:
        if wanted.leaked is None:
            raise
        return {"changed": False, "warnings": [str(error)]}


def _checked(wanted: UserRequest) -> Dict[str, Any]:
    former = wanted.like if wanted.by_users and wanted.like else wanted.user

    def plan(node: Node) -> Commands:
        node.may(*KILL)
        _sessions_of(node, former)
        valkey_rules.plan_revoked(
            node.users, former, wanted.digest, gate=wanted.gate, keep_one=False, stored=wanted.kept
        )
        return _opening(node, wanted)

    with all_nodes.every_node(wanted) as nodes:
        for user in dict.fromkeys((wanted.user, former)):
            all_nodes.refuse_replicas_own(nodes, user, lambda _digest: False)
        all_nodes.planned(nodes, plan, wanted.user)
        return {"changed": False, **all_nodes.about(nodes, wanted)}


def _opening(node: Node, wanted: UserRequest) -> Commands:
    leak = wanted.stored is not None
    return valkey_rules.plan_open(
        node.users, wanted.user, wanted.digest, like=wanted.like, gate=str(wanted.gate), leak=leak
    )


def open_gate(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    def plan(node: Node) -> Commands:
        return _opening(node, wanted)

    with all_nodes.every_node(wanted) as nodes:
        all_nodes.refuse_replicas_own(nodes, wanted.user, lambda digest: digest == wanted.digest)
        commands, keepers = all_nodes.planned(nodes, plan, wanted.user)
        if not check:
            all_nodes.act(nodes, wanted.user, commands, keepers)
        return all_nodes.changes(nodes, commands, wanted)


def blocked(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    """Removes the leaked password and passwords that no store holds, and disables the user, before a new one is made.

    The command names the passwords: after its rotation, it does nothing.
    """

    def plan(node: Node) -> Commands:
        user = node.users.get(wanted.user)
        if user is not None and wanted.digest in user.digests:
            return (("!" + wanted.digest, "off"),)
        unknown = user.digests - {*(wanted.kept or ())} if user is not None else ()
        if unknown:
            return ((*("!" + name for name in sorted(unknown)), "off"),)
        if user is not None and not user.digests:
            return (("off",),)
        if user is not None and user.enabled:
            node.warnings.append(OTHER_PASSWORDS % (node.name, wanted.user))
        return ()

    with all_nodes.every_node(wanted) as nodes:
        commands, keepers = all_nodes.planned(nodes, plan, wanted.user)
        if check:
            return all_nodes.changes(nodes, commands, wanted)
        ended = _at_once(nodes, commands, wanted)
        all_nodes.act(nodes, wanted.user, dict.fromkeys(commands, ()), keepers)
        return {**all_nodes.changes(nodes, commands, wanted), "ended": _by_host(ended)}


def present(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    def plan(node: Node) -> Commands:
        user = node.users.get(wanted.user)
        if wanted.leaked and user and user.nopass and wanted.gate not in user.digests:
            raise all_nodes.set_to_nopass(node, wanted.user)
        return valkey_rules.plan_present(
            node.users, wanted.user, wanted.digest, like=wanted.like, gate=wanted.gate, stored=wanted.kept
        )

    with all_nodes.every_node(wanted) as nodes:
        all_nodes.refuse_replicas_own(nodes, wanted.user, lambda digest: digest == wanted.digest)
        commands, keepers = all_nodes.planned(nodes, plan, wanted.user)
        result = all_nodes.changes(nodes, commands, wanted)
        if not check:
            all_nodes.act(nodes, wanted.user, commands, keepers)
            result["last_client"] = _notes(nodes)
            result["passwords"] = all_nodes.passwords(nodes, wanted.user, wanted.gate)
        return result


def _notes(nodes: Nodes) -> Dict[str, str]:
    """Notes by node. In a leak all sessions end, so a node without free connections needs no note."""
    notes = {}
    for node in nodes:
        with suppress(*(() if nodes.left_out is None else (NodeInterrupted,))):
            notes[node.name] = node.note()
    return notes


def usable(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    login = _login(wanted)
    with all_nodes.every_node(wanted) as nodes:
        keyspace = ""
        for address in _places(nodes, login):
            with Connection(address, _connection.LOGIN) as connection:
                # In a leak only the login counts: its holder may have caused any other error.
                with suppress(NotAllowed if wanted.stored is None else HostError):
                    connection.ask("PING")
                node = next((node for node in nodes if str(address) in node.names), None)
                if node is not None and not keyspace and node.role == "primary" and not check:
                    keyspace = _keyspace(connection, node, wanted, set().union(*(node.names for node in nodes)))
        return {"changed": False, "keyspace": keyspace, **all_nodes.about(nodes, wanted)}


def _keyspace(connection: Connection, node: Node, wanted: UserRequest, names: Set[str]) -> str:
    """Result of a test key. In a leak only the login counts: its holder may have caused any other error."""
    prefix = valkey_rules.writable_prefix(node.users.get(wanted.user))
    try:
        return _connection.try_keys(connection, prefix, _login(wanted), names.union(wanted.aliases))
    except NodeInterrupted:
        raise
    except HostError as error:
        if wanted.stored is None:
            raise
        return "not written: %s" % error


def tried(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    del check  # only reads
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
    del check  # only reads
    if wanted.admin is None:
        return _sessions_itself(wanted)
    opened, short = _connection.seen(all_nodes.declared(wanted), label=wanted.label, gone_nodes=wanted.gone)
    nodes = Nodes(opened)
    try:
        if not nodes:
            raise HostError("\n  - ".join(short))
        result = all_nodes.gather(nodes, lambda node: _sessions_of(node, wanted.user))
        return {"changed": False, "sessions": _by_host(result), "short": short, **all_nodes.about(nodes, wanted)}
    finally:
        _connection.close(opened)


def _sessions_itself(wanted: UserRequest) -> Dict[str, Any]:
    results: List[str] = []

    def look(connection: Connection, user: str) -> List[valkey.Client]:
        results.append(connection.own_client().host)
        return own_sessions.others(connection, user)

    sessions, short = own_sessions.at_each(_login(wanted), wanted.nodes, look, gone_nodes=wanted.gone)
    hosts = [client.host for clients in sessions.values() for client in clients]
    unknown_hosts = valkey.unknown_hosts(hosts, [*wanted.known, *results])
    return {"changed": False, "sessions": _by_host(sessions), "short": short, "unknown_clients": unknown_hosts}


def ended(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    """Ends the user's sessions as the user itself, if no other login may."""
    act = own_sessions.others if check else own_sessions.end_others
    result, short = own_sessions.at_each(_login(wanted), wanted.nodes, act, gone_nodes=wanted.gone)
    return {"changed": any(result.values()), "ended": _by_host(result), "short": short}


def revoked(wanted: UserRequest, *, check: bool) -> Dict[str, Any]:
    def plan(node: Node) -> Commands:
        node.may(*KILL)
        keep_one = not wanted.by_users
        return valkey_rules.plan_revoked(
            node.users, wanted.user, wanted.digest, gate=wanted.gate, keep_one=keep_one, stored=wanted.kept
        )

    with all_nodes.every_node(wanted) as nodes:
        all_nodes.refuse_replicas_own(
            nodes, wanted.user, lambda digest: digest != wanted.digest and not wanted.by_users
        )
        could = footholds.could_log_in_as_others(nodes, wanted)
        before = all_nodes.gather(nodes, lambda node: _sessions_of(node, wanted.user))
        _refuse_unknown_clients(nodes, before, wanted)
        commands, keepers = all_nodes.planned(nodes, plan, wanted.user)
        result = {**all_nodes.changes(nodes, commands, wanted), "sessions": _by_host(before)}
        if check:
            return result
        at_once = _at_once(nodes, commands, wanted) if wanted.stored is not None else {}
        all_nodes.act(nodes, wanted.user, {**commands, **dict.fromkeys(at_once, ())}, keepers)
        ended = {node.name: [*at_once.get(node.name, ()), *_end(node, wanted)] for node in nodes}
        result["ended"] = _by_host(ended)
        others, not_ended = footholds.others_ended(nodes, wanted, could)
        result["changed"] = bool(result["changed"] or any(ended.values()) or others)
        result["refused"] = _verify_rejected(nodes, _login(wanted))
        result["passwords"] = all_nodes.passwords(nodes, wanted.user, wanted.gate)
        remaining = _left(nodes, wanted)
        warnings = [*all_nodes.about(nodes, wanted).get("warnings", ()), *_not_found(nodes, wanted)]
        result["warnings"] = [*_still_written(nodes, wanted.digest), *dict.fromkeys((*warnings, *remaining)), *others]
        result.update(footholds.evict(nodes, wanted, keepers))
        result["footholds"] += not_ended
        inventory = footholds.read_inventory(nodes, wanted) if wanted.inventory else {}
        result["footholds"] += footholds.search_footholds(
            nodes, wanted, others=not inventory or bool(inventory["problems"])
        )
        result.update({"inventory": inventory} if inventory else {})
        _require_all(nodes, wanted)
        return {**result, "not_ended": remaining} if remaining and wanted.ends == valkey.END_ALL else result


def _at_once(nodes: Nodes, commands: Mapping[str, Commands], wanted: UserRequest) -> Dict[str, List[valkey.Client]]:
    """Removes the password and ends sessions together in a leak: in between, a session could add a password.

    A missing digest was removed meanwhile.
    """

    def act(node: Node) -> List[valkey.Client]:
        rules = [("ACL", "SETUSER", wanted.user, *rules) for rules in commands[node.name]]
        kill = ("CLIENT", "KILL", "USER", wanted.user)
        own, listed, *answers = node.connection.answers([("CLIENT", "ID"), ("CLIENT", "LIST"), *rules, kill])
        for answer in answers:
            if isinstance(answer, Exception) and "does not exist" not in str(answer):
                raise HostError(valkey.explain(node.name, _connection.ADMIN, str(answer)))
        clients = valkey.parse_clients(listed)
        return [client for client in clients if client.user == wanted.user and client.number != own]

    return all_nodes.gather(nodes, act)


def _require_all(nodes: Nodes, wanted: UserRequest) -> None:
    if nodes.left_out:
        raise HostError(
            "%s: %s reject the old password, but other nodes may not, or not after a restart. Correct these problems, "
            "then run the same command again:\n  - %s"
            % (wanted.user, ", ".join(node.name for node in nodes), "\n  - ".join(dict.fromkeys(nodes.left_out)))
        )


def _left(nodes: Nodes, wanted: UserRequest) -> List[str]:
    """Undeclared nodes that remain after the sessions ended: a client that only posed as a node is gone."""
    all_nodes.gather(nodes, Node.read_facts)
    return list(all_nodes.undeclared(nodes, wanted).values())


def _still_written(nodes: Sequence[Node], digest: str) -> List[str]:
    """Nodes whose configuration still holds the revoked password as text."""
    return [
        (
            "%s: its configuration still holds the revoked password (requirepass), which the server rejects; "
            "remove the line with requirepass"
        )
        % node.name
        for node in nodes
        if valkey.digest_of(node.setting("requirepass")) == digest
    ]


def _not_found(nodes: Sequence[Node], wanted: UserRequest) -> List[str]:
    """Nodes of the note that the catalog no longer declares."""
    names = {name for node in nodes for name in node.names}
    return [
        "%s: this node got the new password, but the catalog no longer declares it. If the node still runs, it may "
        "accept the old password: shut the node down, or remove the password there" % name
        for name in sorted(set(wanted.last_client) - names - set(wanted.gone))
    ]


def _login(wanted: UserRequest) -> Address:
    if wanted.login is None:
        raise HostError("login_url is needed")
    return wanted.login


def _places(nodes: Sequence[Node], login: Address) -> List[Address]:
    """The login at its own address and at every node."""
    own = [] if any(str(login) == node.name for node in nodes) else [login]
    return own + [login.at(node.name) for node in nodes]


def _sessions_of(node: Node, user: str) -> List[valkey.Client]:
    return [client for client in node.connection.other_clients() if client.user == user and not client.replication]


def _by_host(sessions: Mapping[str, Sequence[valkey.Client]]) -> Dict[str, Dict[str, int]]:
    return {name: valkey.by_host(clients) for name, clients in sessions.items() if clients}


def _refuse_unknown_clients(nodes: Nodes, sessions: Mapping[str, Sequence[valkey.Client]], wanted: UserRequest) -> None:
    def look(node: Node) -> None:
        clients = sessions[node.name]
        if not clients:
            return
        known = [*wanted.known, node.connection.own_client().host]
        unknown_hosts = valkey.unknown_hosts([client.host for client in clients], known)
        if unknown_hosts and not wanted.allow_sessions:
            raise HostError(
                "user %s is logged in from unknown addresses: %s; %s"
                % (
                    wanted.user,
                    ", ".join("%s (%d)" % (host, valkey.by_host(clients)[host]) for host in unknown_hosts),
                    unknown_clients.remedy(unknown_hosts),
                )
            )

    all_nodes.gather(nodes, look)


def _end(node: Node, wanted: UserRequest) -> List[valkey.Client]:
    """Ends the sessions of the old value by number, because no later session can have the same."""
    clients = [client for client in node.connection.other_clients() if client.user == wanted.user]
    if wanted.by_users and wanted.ends != valkey.END_ALL:
        # Read after the list: if no password is left now, no listed session used another one.
        node.load_users()
        user = node.users.get(wanted.user)
        has_other_password = user is not None and bool(user.digests - {wanted.gate})
        old = [] if has_other_password else [client for client in clients if not client.replication]
    else:
        note = next((wanted.last_client[name] for name in sorted(node.names) if name in wanted.last_client), None)
        old = valkey.ending(clients, wanted.ends, node.number_of(note))
    return [client for client in old if node.ask("CLIENT", "KILL", "ID", client.number)]


def _verify_rejected(nodes: Nodes, login: Address) -> List[str]:
    refused, problems = [], []
    for address in _places(nodes, login):
        try:
            Connection(address, _connection.LOGIN).close()
            problems.append("%s still accepts the old password" % address)
        except ValkeyLoginRefused:
            refused.append(str(address))
        except HostError as error:
            if isinstance(error, NodeInterrupted) and nodes.left_out is not None:
                raise
            problems.append("not checked: %s" % error)
    if problems:
        raise HostError(
            "The password of %s was removed, but not every node rejects it. Run the same command again:\n  - %s"
            % (login.user, "\n  - ".join(problems))
        )
    return refused


STEPS: Mapping[str, Callable[..., Dict[str, Any]]] = {
    "checked": checked,
    "blocked": blocked,
    "open": open_gate,
    "present": present,
    "usable": usable,
    "tried": tried,
    "sessions": sessions,
    "ended": ended,
    "revoked": revoked,
}
