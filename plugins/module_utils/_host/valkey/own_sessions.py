# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads and ends a Valkey user's sessions by its own login, if a provider grants no administrator."""

from __future__ import annotations

from typing import Callable, Dict, List, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.valkey import Address, Client
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import connection as _connection
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey.connection import Connection

Act = Callable[[Connection, str], List[Client]]


def at_each(
    login: Address, nodes: Sequence[str], act: Act, *, gone_nodes: Sequence[str] = ()
) -> Tuple[Dict[str, List[Client]], List[str]]:
    """Results of ``act`` at each server where the user can log in, and problems of the others.

    A server may name only nodes in the domains of ``nodes`` and the login.
    """
    waiting, tried, runs = [login, *(login.at(node) for node in nodes)], set(gone_nodes), set()
    domains = {domain(address.host) for address in waiting}
    result: Dict[str, List[Client]] = {}
    short: List[str] = []
    while waiting:
        address = waiting.pop(0)
        if str(address) in tried:
            continue
        tried.add(str(address))
        try:
            with Connection(address, _connection.LOGIN) as connection:
                info = valkey.parse_info(connection.ask("INFO"))
                run = info.get("run_id", str(address))
                if run in runs:
                    continue
                runs.add(run)
                result[str(address)] = act(connection, login.user)
                if info.get("cluster_enabled") == "1":
                    links = valkey.cluster_links(connection.ask("CLUSTER", "NODES"), names=login.tls is not None)
                    inside = [link for link in links if domain(login.at(link).host) in domains]
                    waiting += [login.at(link) for link in inside]
                    short += [
                        "%s names the node %s in another domain; that node was not checked" % (address, link)
                        for link in links
                        if link not in inside and link not in tried
                    ]
        except HostError as error:
            short.append(str(error))
    if not result:
        raise HostError("\n  - ".join(short))
    return result, short


def domain(host: str) -> str:
    """A name after its first dot, or an address as it is."""
    name, _dot, domain = host.partition(".")
    return host if not domain or ":" in host or name.isdigit() else domain.lower()


def others(connection: Connection, user: str) -> List[Client]:
    """The user's other sessions. The links of replicas are the provider's."""
    return [client for client in connection.other_clients() if client.user == user and not client.replication]


def end_others(connection: Connection, user: str) -> List[Client]:
    return [client for client in others(connection, user) if connection.ask("CLIENT", "KILL", "ID", client.number)]
