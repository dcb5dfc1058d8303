# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compares servers with their baselines after a leak's revocations. A failure stops no response."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    kind_names,
    server_addresses,
    server_baseline,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential, Server
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerBaseline,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.baseline_store import baseline_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import other_login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

_AT_SERVERS = (*kind_names.SERVERS, *kind_names.HONEYTOKENS, *kind_names.IAM_KEYS)


class ComparedServer(NamedTuple):
    """A server whose baseline was recorded."""

    place: str
    engine: str
    declared: Server
    source: RecordedServer
    key: str


def request(
    setting: RotationSetup, name: str, logins: Iterable[str], incident: Incident | None = None
) -> dict[str, Any] | None:
    """The comparison to request from a credential's server. None without a baseline.

    ``logins`` are the catalog's and may be newer than the baseline. The server removes all logins that are not in
    ``known``, which is set only if the incident evicts and all logins of the catalog can be read.
    """
    server = _server(setting, name)
    if server is None:
        return None
    nodes = [str(endpoint) for endpoint in server_addresses.every(server.declared, server.engine)]
    honeytoken_users = [
        str(item.options["user"])
        for item in setting.catalog.credentials.values()
        if item.kind in kind_names.HONEYTOKENS and _may_be_at(setting.catalog, item, server.engine, server.place)
    ]
    own = {
        **server_baseline.own_names(list(logins)),
        **server.source.own,
        **server_baseline.own_names([], honeytoken_users),
    }
    known = _known(setting, server) if incident and incident.evicts else {}
    idle = {"idle": _idle(setting, server)} if server.engine in kind_names.TWO_USERS.values() else {}
    return {"key": server.key, "own": own, "nodes": nodes, "kinds": sorted(server.source.kinds), **idle, **known}


def _idle(setting: RotationSetup, server: ComparedServer) -> list[str]:
    """Unused users of pairs. If no rotation needs both users, such a user that can log in is an intruder's."""
    try:
        journal = setting.rotator.look()
    except SecretsError:
        return []
    busy = {task.credential for task in journal.pending_tasks.values()}
    busy.update((journal.rotation.plan.get("credentials") or ()) if journal.rotation else ())
    users = set[str]()
    for credential in setting.catalog.credentials.values():
        is_here = _may_be_at(setting.catalog, credential, server.engine, server.place)
        if is_here and credential.kind in kind_names.TWO_USERS and credential.name not in busy:
            with suppress(SecretsError):
                users.add(str(other_login(setting.held(credential).login.username) or ""))
    return sorted(users - {""})


def _known(setting: RotationSetup, server: ComparedServer) -> dict[str, list[str]]:
    names = _catalog_names(setting, server.engine, server.place)
    recorded = server_baseline.known_logins(server.source, server.engine)
    return {} if names is None else {"known": sorted(names | recorded)}


def catalog_logins(setting: RotationSetup, name: str, incident: Incident | None) -> dict[str, Any] | None:
    """The catalog's logins for a server without a baseline, when other logins became suspect, and whether to remove
    these. None if a login of the catalog is unknown."""
    credential = setting.catalog.credentials[name]
    engine = kind_names.ENGINES.get(credential.kind)
    place = _place(setting.catalog, credential, engine) if engine else ""
    names = _catalog_names(setting, engine, place) if engine and incident else None
    if names is None or incident is None:
        return None
    return {"logins": sorted(names), "since": incident.since, "evicts": incident.evicts}


def _catalog_names(setting: RotationSetup, engine: str, place: str) -> set[str] | None:
    """Logins of credentials at this server, and of those without a server, such as a replica's user. None if a login at
    this server cannot be read."""
    credentials = setting.catalog.credentials
    at_server = {item.name for item in credentials.values() if _may_be_at(setting.catalog, item, engine, place)}
    if any(credentials[name].kind == kind_names.VAULT_DATABASE for name in at_server):
        return None  # Vault makes logins that only Vault knows
    at_server |= {admin for admin in (credentials[name].admin for name in at_server) if admin}
    names = set[str]()
    for credential in credentials.values():
        try:
            if credential.name in at_server or _is_at_no_server(credential):
                names.add(server_baseline.printable(_user(setting, credential)))
        except SecretsError:
            if credential.name in at_server:
                return None
    return names


def _may_be_at(catalog: Catalog, credential: Credential, engine: str, place: str) -> bool:
    """Whether a credential may belong to this server. Without a declared address, any server of the engine matches."""
    if {**kind_names.SERVERS, **kind_names.HONEYTOKENS}.get(credential.kind) != engine:
        return False
    own = _place(catalog, credential, engine)
    return not own or not place or own == place


def _user(setting: RotationSetup, credential: Credential) -> str:
    is_honeytoken = credential.kind in kind_names.HONEYTOKENS
    return str(credential.options["user"] if is_honeytoken else setting.held(credential).login.username or "")


def _is_at_no_server(credential: Credential) -> bool:
    return not credential.server and credential.kind not in _AT_SERVERS


def _place(catalog: Catalog, credential: Credential, engine: str) -> str:
    """The server's address in the catalog; empty if undeclared."""
    admin = server_addresses.administrator(catalog, credential)
    return str(server_addresses.own_endpoint(admin.server, engine)) if admin and admin.server else ""


def add_differences(setting: RotationSetup, name: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a revocation, with differences from the baseline as possible footholds."""
    inventory = answer.get("inventory")
    server = _server(setting, name) if inventory else None
    result = {key: value for key, value in answer.items() if key != "inventory"}
    if not inventory or server is None:
        return result
    if inventory["problems"]:
        findings = [f"{server.place}: not compared with its baseline: {'; '.join(inventory['problems'])}"]
    else:
        reading = server_baseline.reading_of(inventory)
        differences = server_baseline.compare(server.place, server.source, reading)
        findings = named(server.place, [item.finding for item in differences if item.state != server_baseline.REMOVED])
        findings += [f"{kind}: not checked, cannot be read" for kind in server_baseline.unread(server.source, reading)]
        result["baseline"] = f"baseline of {server.source.day}"
    return {**result, "footholds": [*result.get("footholds", ()), *findings]}


def named(place: str, findings: Sequence[str]) -> list[str]:
    """The first findings; a last line counts the rest."""
    rest = len(findings) - server_baseline.MOST_NAMED
    last_line = [f"{place}: {server_baseline.MORE % rest}"] if rest > 0 else []
    return [*findings[: server_baseline.MOST_NAMED], *last_line]


def _server(setting: RotationSetup, name: str) -> ComparedServer | None:
    credential = setting.catalog.credentials[name]
    admin, engine = server_addresses.administrator(setting.catalog, credential), kind_names.SERVERS.get(credential.kind)
    baseline = baseline_of_run(setting) if engine and admin and admin.server else None
    if baseline is None or engine is None or admin is None or admin.server is None:
        return None
    place = str(server_addresses.own_endpoint(admin.server, engine))
    source = baseline.sources.get(place)
    return ComparedServer(place, engine, admin.server, source, baseline.key) if source else None


def baseline_of_run(setting: RotationSetup) -> ServerBaseline | None:
    """The baseline, read once per process. None if it does not exist, or after a warning if unreadable."""
    if not setting.known.baseline:
        try:
            store = baseline_of(setting.catalog, setting.connection.store_client)
            setting.known.baseline = [store.read()[0] if store else None]
        except SecretsError as error:
            Display().warning(f"servers are not compared with a baseline: {one_line(error)}")
            setting.known.baseline = [None]
    return setting.known.baseline[0]
