# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests to MySQL, MariaDB and RabbitMQ about their logins. Pure.

Only the administrator logs in, at the declared address. No password of the application is sent.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_graph,
    kind_names,
    server_addresses,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import PORTS, RABBITMQ
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.previous_values import Versions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.server_logins import InspectedServer, Servers

UNSCOPED = "no URL of the catalog names the application's {0}, so rights in other {0}s were not checked; compare {1}"
_SCOPES = {
    kind_names.MYSQL: UNSCOPED.format("database", "SHOW GRANTS"),
    RABBITMQ: UNSCOPED.format("vhost", "rabbitmqctl list_user_permissions"),
}


def plan_inspections(
    catalog: Catalog,
    read: Versions,
    baseline: ServerBaseline | None = None,
    baseline_problem: str = "",
    *,
    records: bool = False,
) -> Servers:
    stored = {
        name: credential_graph.find(catalog, credential, read.now) for name, credential in catalog.credentials.items()
    }
    groups: dict[tuple[str, str], list[Credential]] = {}
    for credential in catalog.credentials.values():
        engine = kind_names.TWO_USERS.get(credential.kind)
        if engine:
            groups.setdefault((engine, _place(catalog, credential, engine)), []).append(credential)
    servers = [
        _TwoUserServer(catalog, read, stored, engine, place, group, baseline, records=records)
        for (engine, place), group in groups.items()
    ]
    return Servers(
        {server.place: {**server.expected, "baseline_problem": baseline_problem} for server in servers},
        [server.inspection for server in servers],
    )


def _place(catalog: Catalog, credential: Credential, engine: str) -> str:
    admin = server_addresses.administrator(catalog, credential)
    if admin and admin.server:
        return str(server_addresses.own_endpoint(admin.server, engine))
    return f"the server of {credential.name}"


class _TwoUserServer(InspectedServer):
    @property
    def expected(self) -> dict[str, Any]:
        scope = "" if self._scopes() else _SCOPES[self._engine]
        return {
            **super().expected,
            "unjudged": "",
            "tags": {item.name: self._tags(item) for item in self._group},
            "unscoped": scope,
        }

    @property
    def inspection(self) -> dict[str, Any]:
        return {
            "server": self._engine,
            "place": self.place,
            "logins": [
                {"credential": item.name, "users": self._both_users(item), "tags": self._tags(item)}
                for item in self._group
                if item.name not in self._left_out
            ],
            "databases": self._scopes(),
            "admin_url": self._admin_url,
            "address": self._address(),
            "nodes": [],
            "known": self._known(),
            "inventory": self._inventory,
            "honeytokens": [],
        }

    def _why_not(self, credential: Credential) -> str:
        stored = self._stored[credential.name]
        if stored.problems or not stored.login.username:
            return f"cannot be checked: {'; '.join(stored.problems) or 'the stores have no user name of it'}"
        return ""

    def _both_users(self, credential: Credential) -> list[str]:
        """Both users, because a rotation gives one the rights of the other, or compares them."""
        own = str(credential.options.get("user", ""))
        return list(dict.fromkeys([*self._users(credential), *(own + suffix for suffix in ("_a", "_b") if own)]))

    def _administrator_login(self) -> tuple[str, str]:
        """A URL, so that its password is redacted and withheld like that of any other administrator."""
        admin = self._admin
        if admin is None or admin.server is None:
            return "", "the catalog declares no administrator with a server.address for it"
        login = self._stored[admin.name].login
        problem = "; ".join(self._stored[admin.name].problems)
        if problem or not login.username or login.password is None:
            problem = problem or "the stores lack its user name or its password"
            return "", f"administrator {admin.name} cannot log in: {problem}"
        try:
            self._address()
        except SecretsError as error:
            return "", str(error)
        return server_addresses.administrators_url(admin.server, self._engine, login), ""

    def _address(self) -> dict[str, Any]:
        server = self._admin.server if self._admin else None
        return server_addresses.of_driver(server, PORTS[self._engine]) if server else {}

    def _scopes(self) -> list[str]:
        """Databases or vhosts in URLs of the server's credentials."""
        urls = [location.url for item in self._group for location in self._stored[item.name].locations]
        scopes = {self._scope(url) for url in urls}
        return sorted(scope for scope in scopes if scope)

    def _scope(self, url: str) -> str:
        try:
            path = unquote(urlsplit(url).path[1:])
        except ValueError:
            return ""
        return path or ("/" if self._engine == RABBITMQ else "")

    def _tags(self, credential: Credential) -> list[str]:
        tags = credential.options.get("tags", [])
        return [str(tag) for tag in tags] if isinstance(tags, list) else []
