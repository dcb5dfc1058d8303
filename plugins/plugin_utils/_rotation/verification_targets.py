# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Targets at which externally issued values and administrators' logins can be tried. Pure; the results hold values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_graph,
    external_value_request,
    kind_names,
    server_addresses,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind

VERIFYING = ("check", "test", "revoked")
"""Stages that a kind with ``tries_values`` has only for credentials that can be tried."""


def administered(catalog: Catalog, name: str) -> list[Credential]:
    """Credentials that this one administers."""
    return [
        credential
        for credential in catalog.credentials.values()
        if credential.admin == name != credential.name and credential.kind in kind_names.ADMINISTERED
    ]


def can_be_tried(catalog: Catalog, credential: Credential) -> bool:
    return credential.test is not None or bool(administered(catalog, credential.name))


def stages(catalog: Catalog, credential: Credential, kind: Kind) -> list[str]:
    idle = kind.tries_values and not can_be_tried(catalog, credential)
    return [stage for stage in kind.stages if not (idle and stage in VERIFYING)]


def tries(
    catalog: Catalog,
    credential: Credential,
    contents: Contents,
    current: Login,
    former: Mapping[str, Login],
) -> list[dict[str, Any]]:
    """Tries for the host: one per place and previous value, with that value's id.

    Raises :class:`RotationError`, naming the credential, if a value cannot be tried.
    """
    results = []
    try:
        probe = credential.test
        if probe is not None:
            requests = {name: external_value_request.request(probe, login) for name, login in former.items()}
            results += _each("http", "", external_value_request.request(probe, current), requests)
        for administrator in administered(catalog, credential.name):
            results += _at_its_server(catalog, credential, administrator, contents, current, former)
    except (RotationError, ValueError) as error:
        raise RotationError(f"{credential.name}: {error}") from None
    return results


def _at_its_server(
    catalog: Catalog,
    admin: Credential,
    credential: Credential,
    contents: Contents,
    current: Login,
    former: Mapping[str, Login],
) -> list[dict[str, Any]]:
    """Tries at the address that the catalog declares for the administrator, and at no other."""
    _admin, server = server_addresses.required_server(catalog, credential)
    engine = kind_names.ENGINES[credential.kind]
    admin_credential = credential_graph.find(catalog, admin, contents)
    wrong = server_addresses.administrator_elsewhere(admin, engine, admin_credential.locations)
    if wrong:
        raise RotationError(wrong)

    def url(login: Login) -> str:
        whole = Login(login.username or admin_credential.login.username, login.password)
        return server_addresses.administrators_url(server, engine, whole)

    nodes = server_addresses.nodes(server) if engine == kind_names.VALKEY else []
    olds = {name: url(login) for name, login in former.items()}
    tried = _each(engine, f" as the administrator of {credential.name}", url(current), olds)
    return [{**each, "nodes": nodes} for each in tried]


def _each(server: str, option: str, current: Any, former: Mapping[str, Any]) -> list[dict[str, Any]]:
    answer = {"server": server, "what": option, "current": current}
    return [{**answer, "id": name, "former": [old]} for name, old in former.items()] or [
        {**answer, "id": "", "former": []}
    ]
