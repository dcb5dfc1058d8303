# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses of a credential's server: the declared ones of its administrator, and those in the stores.

A value in a store never decides where an administrator's password is sent. It is compared with the catalog.
"""

from __future__ import annotations

from typing import Any, Callable, Iterable, Iterator, Mapping, NamedTuple, Optional, Sequence
from urllib.parse import quote, urlencode

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    postgresql,
    secret_json,
    server_endpoint,
    url_builder,
    valkey,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    Credential,
    Part,
    Place,
    Server,
    Setting,
    SettingRef,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError, SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import (
    ENGINES,
    PORTS,
    POSTGRESQL,
    TWO_USERS,
    VALKEY,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_endpoint import Endpoint
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login

AMQPS = 5671
_CA_CHECKS = {"verify-full": "true", "verify-ca": "false", "require": "false"}


class Location(NamedTuple):
    """A URL of a credential's server, and its origin."""

    where: str
    url: str


# --- what the catalog declares --------------------------------------------------------------------------------------


def administrator(catalog: Catalog, credential: Credential) -> Optional[Credential]:
    return catalog.credentials.get(credential.admin or "")


def required_server(catalog: Catalog, credential: Credential) -> tuple[Credential, Server]:
    """The administrator and its server. Raises :class:`RotationError` with the line to add to the catalog."""
    admin = administrator(catalog, credential)
    if admin is None:
        raise RotationError(
            f"{credential.name}: its administrator is not declared; name it in credentials.{credential.name}.admin"
        )
    if admin.server is None:
        raise RotationError(
            f"{credential.name}: its administrator {admin.name} has no declared address, and a run sends the password "
            f"of {admin.name} only to a declared address. Add to credentials.{admin.name}: "
            'server: {address: "HOST:PORT"}'
        )
    return admin, admin.server


def own_endpoint(server: Server, engine: str) -> Endpoint:
    return server_endpoint.parse(server.address, PORTS[engine])


def nodes(server: Server) -> list[str]:
    """The declared further nodes of a Valkey deployment."""
    return [str(server_endpoint.parse(node, PORTS[VALKEY])) for node in server.nodes]


def aliases(server: Server, engine: str) -> list[str]:
    return [str(server_endpoint.parse(alias, PORTS[engine])) for alias in server.aliases]


def every(server: Server, engine: str) -> list[Endpoint]:
    return [server_endpoint.parse(alias, PORTS[engine]) for alias in (server.address, *server.aliases, *server.nodes)]


def administrators_url(server: Server, engine: str, login: Login) -> str:
    """The administrator's URL, with the declared TLS. PostgreSQL never gets the password in clear text. For MySQL and
    RabbitMQ, ``of_driver`` returns address and TLS."""
    if engine in TWO_USERS.values():
        return f"{engine}://{_userinfo(login)}@{own_endpoint(server, engine)}"
    if engine == VALKEY:
        return _url(engine, login, own_endpoint(server, engine), "0", _tls(server, engine))
    options = {**_tls(server, engine), "gssencmode": "disable", "require_auth": postgresql.SCRAM}
    if server.tls.cert or own_endpoint(server, engine).is_socket:
        options["require_auth"] += ",none"  # the server identifies the client by its certificate or account
    return _url(engine, login, own_endpoint(server, engine), server.database, options)


def of_driver(server: Server, port: int) -> dict[str, Any]:
    """Address and TLS of a driver, only from the catalog.

    Raises :class:`RotationError` for a socket.
    """
    endpoint = server_endpoint.parse(server.address, port)
    if endpoint.is_socket:
        raise RotationError(f"{server.address} is a socket; write host:port into server.address of the administrator")
    mode = server.tls.mode or ("disable" if endpoint.is_local else server_endpoint.VERIFIED)
    files = {"ca": server.tls.ca, "cert": server.tls.cert, "key": server.tls.key}
    return {"host": endpoint.host, "port": endpoint.port, "tls_mode": mode, **files}


def of_amqp(management: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Address and TLS for RabbitMQ's users. ``options`` are those of their credential. TLS is that of the management
    API."""
    endpoint = server_endpoint.parse(str(options.get("amqp") or management["host"]), AMQPS)
    return {**management, "host": endpoint.host, "port": endpoint.port}


def _tls(server: Server, engine: str) -> dict[str, str]:
    """TLS options of a URL. A socket or loopback needs no TLS, so the default is weaker there."""
    tls, is_local = server.tls, own_endpoint(server, engine).is_local
    if engine == POSTGRESQL:
        mode = tls.mode or ("prefer" if is_local else server_endpoint.VERIFIED)
        authorities = tls.ca or ("system" if mode.startswith("verify-") else None)
        named = {"sslmode": mode, "sslrootcert": authorities, "sslcert": tls.cert, "sslkey": tls.key}
    else:
        mode = tls.mode or ("disable" if is_local else server_endpoint.VERIFIED)
        if mode == "disable":
            return {}
        named = {
            "ssl_cert_reqs": "none" if mode == "require" else "required",
            "ssl_check_hostname": _CA_CHECKS[mode],
            "ssl_ca_certs": tls.ca,
            "ssl_certfile": tls.cert,
            "ssl_keyfile": tls.key,
        }
    return {name: value for name, value in named.items() if value}


def _url(engine: str, login: Login, endpoint: Endpoint, path: Optional[str], options: Mapping[str, str]) -> str:
    scheme = "postgresql" if engine == POSTGRESQL else "rediss" if "ssl_cert_reqs" in options else "redis"
    place, query = str(endpoint), dict(options)
    if endpoint.is_socket:
        place, query = "", {**query, "host": endpoint.host, "port": str(endpoint.port)}
    end = f"/{quote(path, safe='')}" if path is not None else ""
    return f"{scheme}://{_userinfo(login)}@{place}{end}" + (f"?{urlencode(query)}" if query else "")


def _userinfo(login: Login) -> str:
    return f"{quote(login.username or '', safe='')}:{quote(login.password or '', safe='')}"


def of_setting(catalog: Catalog, name: str, engine: str) -> list[str]:
    """Declared addresses of the server in a setting's URL: those of the setting's credentials and their
    administrators."""
    setting = catalog.settings.get(name)
    places = set(setting.own_places if setting else ())
    results: list[Endpoint] = []
    for credential in catalog.credentials.values():
        if name in credential.settings or places.intersection(credential.places):
            for holder in (credential, administrator(catalog, credential)):
                results += every(holder.server, engine) if holder and holder.server else []
    return list(dict.fromkeys(str(endpoint) for endpoint in results if not endpoint.is_socket))


# --- what stores hold -----------------------------------------------------------------------------------------------


def places(catalog: Catalog, credential: Credential) -> Iterator[Place]:
    """Places of the address of a credential that no URL contains."""
    for setting in _composed(catalog, credential):
        for part in setting.compose.parts if setting.compose else ():
            yield from _places_of(catalog, part)
    for name in credential.parts.settings:
        yield from _places_of(catalog, SettingRef(name))


def location(
    catalog: Catalog, credential: Credential, contents: Contents, login: Login
) -> tuple[Optional[Location], list[str]]:
    """The URL from a composed setting, parts or the administrator's server, and problems."""
    holdings = secret_json.Holdings(contents)

    def value_of(part: Part) -> Optional[str]:
        if isinstance(part, str):
            return part
        if isinstance(part, SettingRef) and catalog.settings[part.name].literal is not None:
            return catalog.settings[part.name].literal
        values = (holdings.value(place, None) for place in _places_of(catalog, part))
        return next((text for text in values if text), None)

    problems = []
    for setting in _composed(catalog, credential):
        try:
            url = url_builder.url(setting.compose, value_of) if setting.compose else None
        except ValueError as error:
            problems.append(f"{setting.name} cannot be composed: its {error}")
            continue
        if url:
            return Location(setting.name, url), problems
    try:
        return _of_parts(catalog, credential, value_of, login), problems
    except ValueError as error:
        return None, [*problems, f"credentials.{credential.name}.parts: {error}"]


def _of_parts(
    catalog: Catalog, credential: Credential, value_of: Callable[[Part], Optional[str]], login: Login
) -> Optional[Location]:
    engine, parts = ENGINES.get(credential.kind), credential.parts
    admin = administrator(catalog, credential)
    server = admin.server if admin else None
    if engine is None:
        return None
    host, port, database = (
        value_of(SettingRef(name)) if name else None for name in (parts.host, parts.port, parts.database)
    )
    where = ", ".join(parts.settings)
    if admin is not None and server is not None:
        declared = own_endpoint(server, engine)
        path = database or (server.database if engine == POSTGRESQL else "0")
        if host:
            endpoint = server_endpoint.normal(host, _port(port, parts.port, PORTS[engine]))
        else:
            endpoint = Endpoint(declared.host, _port(port, parts.port, declared.port))
        url = _url(engine, login, endpoint, path, _tls(server, engine))
        return Location(where or f"credentials.{admin.name}.server", url)
    if not host:
        return None
    options = {"ssl_cert_reqs": "required"} if engine == VALKEY else {}
    endpoint = server_endpoint.normal(host, _port(port, parts.port, PORTS[engine]))
    return Location(where, _url(engine, login, endpoint, database or "0", options))


def _port(text: Optional[str], name: Optional[str], default: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name} is not a port number")
    return int(text)


def _composed(catalog: Catalog, credential: Credential) -> Iterator[Setting]:
    """Composed settings that contain the credential's password."""
    own = {*credential.places}
    for name in credential.settings:
        own.update(catalog.settings[name].own_places)
    for name, setting in catalog.settings.items():
        if setting.compose is None:
            continue
        password = setting.compose.password
        if name in credential.settings or (password and not own.isdisjoint(_places_of(catalog, password))):
            yield setting


def _places_of(catalog: Catalog, part: Part) -> tuple[Place, ...]:
    if isinstance(part, Place):
        return (part,)
    return catalog.settings[part.name].own_places if isinstance(part, SettingRef) else ()


# --- the comparison -------------------------------------------------------------------------------------------------


def leads_elsewhere(catalog: Catalog, credential: Credential, locations: Iterable[Location]) -> Optional[str]:
    """The problem of an address in a store that the catalog does not declare. None without one.

    A credential without an administrator has no declared address: only its own password goes to its own URL.
    """
    admin = administrator(catalog, credential)
    if admin is None or admin.server is None:
        return None
    return _elsewhere(admin, admin.server, ENGINES.get(credential.kind), locations)


def administrator_elsewhere(admin: Credential, engine: str, locations: Iterable[Location]) -> Optional[str]:
    """Checks URLs that contain the administrator itself, as ``leads_elsewhere`` does."""
    return _elsewhere(admin, admin.server, engine, locations) if admin.server else None


def _elsewhere(
    admin: Credential, server: Server, engine: Optional[str], locations: Iterable[Location]
) -> Optional[str]:
    for where, url in locations:
        used = engine or engine_of(url)
        if used is None:
            continue
        declared = every(server, used)
        try:
            results = endpoints(url, used, where) if engine_of(url) == used else []
        except SecretsError:
            continue  # the module on the host cannot parse it either, so nothing is sent
        for endpoint in results:
            if endpoint in declared or (not endpoint.host and any(endpoint.is_socket for endpoint in declared)):
                continue
            return (
                f"{where} leads to {endpoint}, but credentials.{admin.name}.server declares "
                f"{', '.join(map(str, declared))}. Nothing was sent there. If {where} is wrong, correct it and find "
                f"out who wrote it. If it is the same server, add {endpoint} to "
                f"credentials.{admin.name}.server.aliases"
            )
    return None


def engine_of(url: str) -> Optional[str]:
    scheme = url.partition("://")[0]
    if scheme in postgresql.SCHEMES:
        return POSTGRESQL
    return VALKEY if scheme in (*valkey.PLAIN, *valkey.TLS) else None


def endpoints(url: str, engine: str, where: str) -> list[Endpoint]:
    """All servers to which the module on the host would connect. Raises :class:`SecretsError` for a malformed URL."""
    if engine == VALKEY:
        address = valkey.parse_url(url, where)
        return [_normal(address.host, address.port, where)]
    target = postgresql.parse_url(url, where)
    ports = [int(port or PORTS[engine]) for port in target.port.split(",")]
    results = _paired(target.host.split(","), ports, where)
    return (
        results + _paired(target.options["hostaddr"].split(","), ports, where)
        if "hostaddr" in target.options
        else results
    )


def _paired(hosts: Sequence[str], ports: Sequence[int], where: str) -> list[Endpoint]:
    """Pairs hosts and ports as libpq does: each host with its own port, or all with the only port."""
    return [_normal(host, ports[min(at, len(ports) - 1)], where) for at, host in enumerate(hosts)]


def _normal(host: str, port: int, where: str) -> Endpoint:
    try:
        return server_endpoint.normal(host, port)
    except ValueError as error:
        raise RotationError(f"{where} {error}") from None
