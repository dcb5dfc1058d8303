# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests to databases and caches about their logins, and the logins that the catalog declares. Pure.

A credential explains a login at its server; one without a server, such as a replica's user, at any server. While a
rotation or a pending task keeps a second value valid, the credential's other logins and passwords are explained too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_graph,
    kind_names,
    postgresql,
    server_addresses,
    server_baseline,
    valkey,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.credential_graph import StoredCredential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import POSTGRESQL, VALKEY
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import honeytoken_rows, previous_values
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.previous_values import Versions

MANAGED = "AWS manages the server, and does not list its users"
ITS_OWN = "the catalog declares it as its own administrator"
ONLY_HONEYTOKENS = "the catalog declares only honeytokens there"
_AT_OWN_SERVERS = (*kind_names.ENGINES, *kind_names.TWO_USERS, *kind_names.IAM_KEYS)
UNDECLARED = "the catalog declares no administrator of it, so its other logins may be another application's"


class Servers(NamedTuple):
    expected: dict[str, Any]
    """Expectations of the answers, by place."""
    inspections: list[dict[str, Any]]
    """Requests to the host, with values."""
    baseline_key: str = ""


def plan_inspections(
    catalog: Catalog,
    read: Versions,
    baseline: ServerBaseline | None = None,
    baseline_problem: str = "",
    *,
    records: bool = False,
) -> Servers:
    """Servers are compared with ``baseline``; a run that ``records`` one asks each server for all entries."""
    stored = {
        name: credential_graph.find(catalog, credential, read.now) for name, credential in catalog.credentials.items()
    }
    groups: dict[tuple[str, str], list[Credential]] = {}
    for name, credential in catalog.credentials.items():
        engine = kind_names.ENGINES.get(credential.kind)
        if engine and not _administers_others(catalog, name):
            groups.setdefault((engine, _place(catalog, credential, stored[name])), []).append(credential)
    honeytoken_credentials = honeytokens_by_server(catalog)
    for server in honeytoken_credentials:
        groups.setdefault(server, [])
    servers = [
        InspectedServer(
            catalog,
            read,
            stored,
            engine,
            place,
            group,
            baseline,
            honeytoken_credentials.get((engine, place), []),
            records=records,
        )
        for (engine, place), group in groups.items()
    ]
    return Servers(
        {server.place: {**server.expected, "baseline_problem": baseline_problem} for server in servers},
        [server.inspection for server in servers if server.logins or server.honeytoken_credentials],
        baseline.key if baseline else "",
    )


def honeytokens_by_server(catalog: Catalog) -> dict[tuple[str, str], list[Credential]]:
    """Honeytokens by engine and place. No run logs in with them."""
    result: dict[tuple[str, str], list[Credential]] = {}
    for credential in catalog.credentials.values():
        engine, admin = kind_names.HONEYTOKENS.get(credential.kind), server_addresses.administrator(catalog, credential)
        if engine and admin and admin.server:
            place = str(server_addresses.own_endpoint(admin.server, engine))
            result.setdefault((engine, place), []).append(credential)
    return result


def _administers_others(catalog: Catalog, name: str) -> bool:
    return any(other.admin == name and other.name != name for other in catalog.credentials.values())


def _place(catalog: Catalog, credential: Credential, stored: StoredCredential) -> str:
    """Address of the server, from the catalog or a URL."""
    engine = kind_names.ENGINES[credential.kind]
    admin = server_addresses.administrator(catalog, credential)
    if admin and admin.server:
        return str(server_addresses.own_endpoint(admin.server, engine))
    try:
        return str(server_addresses.endpoints(stored.url or "", engine, credential.name)[0])
    except SecretsError:
        return f"the server of {credential.name}"


class InspectedServer:
    """A server, with the credentials that log in there."""

    def __init__(
        self,
        catalog: Catalog,
        read: Versions,
        stored: Mapping[str, StoredCredential],
        engine: str,
        place: str,
        group: list[Credential],
        baseline: ServerBaseline | None = None,
        honeytoken_credentials: Sequence[Credential] = (),
        *,
        records: bool = False,
    ) -> None:
        self._catalog, self._read, self._stored = catalog, read, stored
        self._engine, self.place = engine, place
        self._group, self.honeytoken_credentials = group, honeytoken_credentials
        self._source = baseline.sources.get(place) if baseline else None
        self._key = baseline.key if baseline and (self._source or records) else ""
        self._admins = [
            server_addresses.administrator(catalog, credential) for credential in (*group, *honeytoken_credentials)
        ]
        self._admin = next((admin for admin in self._admins if admin and admin.server), None)
        self._left_out = {item.name: why for item in group for why in [self._why_not(item)] if why}
        self.logins = [
            {"credential": item.name, "url": stored[item.name].url} for item in group if item.name not in self._left_out
        ]
        self._admin_url, self._admin_problem = self._administrator_login()

    def _why_not(self, credential: Credential) -> str:
        """Reason for not using or not judging a credential's login."""
        stored = self._stored[credential.name]
        if credential.kind == kind_names.ELASTICACHE_AUTH_TOKEN or valkey.MANAGED.search(self.place.rpartition(":")[0]):
            return MANAGED
        if stored.problems or stored.login.password is None or stored.url is None:
            return f"cannot be checked: {'; '.join(stored.problems) or 'it appears in no URL'}"
        try:
            for where, url in stored.locations:
                server_addresses.endpoints(url, self._engine, where)
        except SecretsError as error:
            return f"cannot be checked: {error}"
        return server_addresses.leads_elsewhere(self._catalog, credential, stored.locations) or ""

    @property
    def expected(self) -> dict[str, Any]:
        managed = all(why == MANAGED for why in self._left_out.values()) and not self.logins
        unjudged = ONLY_HONEYTOKENS if not self._group else MANAGED if managed else "" if self._admin else UNDECLARED
        return {
            "server": self._engine,
            "credentials": [item.name for item in self._group],
            "own_administrators": [item.name for item in self._group if item.admin == item.name],
            "left_out": self._left_out,
            "administrator": self._admin.name if self._admin else "",
            "administrator_problem": self._admin_problem,
            "administrator_user": (self._stored[self._admin.name].login.username or "") if self._admin else "",
            "users": {item.name: (self._users(item) or [""])[0] for item in self._group},
            "databases": {login["credential"]: self._database(str(login["url"])) for login in self.logins},
            "tls": any(url.startswith(("rediss:", "valkeys:")) for url in (self._admin_url, *self._urls)),
            "nodes": (self._inventory or {}).get("nodes", []),
            "unjudged": unjudged,
            "honeytokens": [
                honeytoken_rows.expected(self._catalog, item, self._read.journal)
                for item in self.honeytoken_credentials
            ],
            "source": server_baseline.as_data(self._source) if self._source else None,
            "own": self._own(),
        }

    def _database(self, url: str) -> str:
        """Database in which the login's rights are read."""
        return postgresql.parse_url(url, "the URL").database if self._engine == POSTGRESQL else ""

    @property
    def _urls(self) -> list[str]:
        return [str(login["url"]) for login in self.logins]

    @property
    def inspection(self) -> dict[str, Any]:
        server = self._admin.server if self._admin and self._engine == VALKEY else None
        return {
            "server": self._engine,
            "place": self.place,
            "logins": self.logins,
            "databases": self._databases(),
            "admin_url": self._admin_url,
            "nodes": server_addresses.nodes(server) if server else [],
            "known": self._known(),
            "changing": [name for item in self._group if self._is_rotating(item) for name in self._users(item)],
            "inventory": self._inventory,
            "honeytokens": [
                {"credential": item.name, "user": item.options["user"]} for item in self.honeytoken_credentials
            ],
        }

    @property
    def _inventory(self) -> dict[str, Any] | None:
        """Request for an inventory; None if no baseline needs it."""
        server = self._admin.server if self._admin else None
        nodes = [str(endpoint) for endpoint in server_addresses.every(server, self._engine)] if server else []
        return {"key": self._key, "own": self._own(), "nodes": nodes} if self._key else None

    def _own(self) -> dict[str, str]:
        """The catalog's logins, with their names in a baseline. Vault gives each of its logins a new name."""
        logins = [user for item in self._catalog.credentials.values() for user in self._here(item)]
        leased = [item for item in self._group if item.kind == kind_names.VAULT_DATABASE]
        names = {self._stored[item.name].login.username or "": f"a login of {item.name}" for item in leased}
        honeytoken_credentials = [str(item.options["user"]) for item in self.honeytoken_credentials]
        return {**server_baseline.own_names(logins, honeytoken_credentials), **names}

    def _here(self, credential: Credential) -> list[str]:
        """Users of a credential that logs in here, or may."""
        if credential in self.honeytoken_credentials:
            return [str(credential.options["user"])]
        if credential in (*self._group, *self._admins) or self._is_at_no_server(credential):
            return self._users(credential)
        return []

    def _administrator_login(self) -> tuple[str, str]:
        """URL of the administrator, or a problem. PostgreSQL's is for a baseline, or if no other login exists."""
        admin = self._admin
        needless = self._engine == POSTGRESQL and not self._key and bool(self.logins)
        if admin is None or admin.server is None or needless:
            return "", ""
        stored = self._stored[admin.name]
        wrong = server_addresses.administrator_elsewhere(admin, self._engine, stored.locations)
        if wrong or stored.problems or stored.login.password is None:
            return "", f"administrator {admin.name} cannot log in: {wrong or '; '.join(stored.problems)}"
        return server_addresses.administrators_url(admin.server, self._engine, stored.login), ""

    def _databases(self) -> list[str]:
        """Databases in the credentials' URLs."""
        if self._engine != POSTGRESQL:
            return []
        logins = [self._stored[item.name] for item in self._group if item.name not in self._left_out]
        urls = [url for stored in logins for _where, url in stored.locations]
        return sorted({postgresql.parse_url(url, "the URL").database for url in urls})

    def _known(self) -> dict[str, list[str]]:
        """Digests of each login's passwords; PostgreSQL shows none."""
        known: dict[str, set[str]] = {}
        for item in self._catalog.credentials.values():
            for user in self._here(item):
                known.setdefault(user, set()).update(self._digests(item) if self._engine == VALKEY else ())
        return {user: sorted(digests) for user, digests in known.items()}

    def _is_at_no_server(self, credential: Credential) -> bool:
        stored = self._stored[credential.name]
        elsewhere = credential.server or credential.kind in _AT_OWN_SERVERS
        return not elsewhere and stored.url is None and bool(stored.login.username)

    def _users(self, credential: Credential) -> list[str]:
        login = self._stored[credential.name].login
        user = login.username or (valkey.DEFAULT_USER if self._engine == VALKEY else "")
        owner = postgresql.owner_of(user)
        others = [owner, *(owner + suffix for suffix in postgresql.SUFFIXES)] if self._has_two(credential) else []
        return list(dict.fromkeys([user, *others])) if user else []

    def _digests(self, credential: Credential) -> list[str]:
        passwords = [self._stored[credential.name].login.password]
        if self._has_two(credential):
            passwords += previous_values.former_passwords(self._catalog, credential, self._read)
        digests = [valkey.digest_of(password) for password in passwords if password]
        rotation = self._read.journal.rotation
        return digests + ([valkey.gate_digest(rotation.id)] if rotation and self._is_rotating(credential) else [])

    def _is_rotating(self, credential: Credential) -> bool:
        rotation = self._read.journal.rotation
        return rotation is not None and credential.name in (rotation.plan.get("credentials") or ())

    def _has_two(self, credential: Credential) -> bool:
        """Whether a second value is valid, or about to be."""
        pending = {task.credential for task in self._read.journal.pending_tasks.values()}
        return credential.name in pending or self._is_rotating(credential)
