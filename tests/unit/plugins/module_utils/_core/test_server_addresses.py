# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a credential's server is, by the catalog and by the stores, and what happens where they differ."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    catalog_parser,
    credential_graph,
    server_addresses,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Server, Tls
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import POSTGRESQL, VALKEY
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents, Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_addresses import Location
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login

ROOT = Login("root", "p/1")
PLACES = ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD", "CACHE_HOST", "CACHE_PASSWORD", "DATABASE_URL")


def catalog(
    credential: dict[str, Any], server: dict[str, Any] | None = None, **settings: Any
) -> catalog_parser.Catalog:
    kind = credential.get("kind", "postgresql_role")
    admin = {"admin": "boss"} if kind != "elasticache_auth_token" else {}
    credentials: dict[str, Any] = {"one": {"kind": kind, **admin, **credential}}
    if admin:
        credentials["boss"] = {
            "kind": "external",
            "server": server or {"address": "db"},
            "appears_in": [{"secret": "{environment}-boss", "keys": ["username", "password"]}],
        }
    document = {
        "application": "app",
        "settings": {**{name: {"group": "core"} for name in PLACES}, **settings},
        "credentials": credentials,
    }
    return catalog_parser.parse(document, "test")


def found(of: catalog_parser.Catalog, **core: str) -> credential_graph.StoredCredential:
    held = Reading(SECRETS_MANAGER, "app/test/core", "1", json.dumps(core))
    return credential_graph.find(of, of.credentials["one"], Contents({held.name: held}))


def wrong(of: catalog_parser.Catalog, stored_credential: credential_graph.StoredCredential) -> str | None:
    return server_addresses.leads_elsewhere(of, of.credentials["one"], stored_credential.locations)


IN_PARTS = {"appears_in": [{"setting": "DB_USER"}, {"setting": "DB_PASSWORD"}]}
NAMED = {**IN_PARTS, "parts": {"host": "DB_HOST", "port": "DB_PORT", "database": "DB_NAME"}}
CORE = {"DB_HOST": "db", "DB_PORT": "5432", "DB_NAME": "shop", "DB_USER": "shop_a", "DB_PASSWORD": "p/1"}
TLS = "?sslmode=verify-full&sslrootcert=system"
SCRAM = "&gssencmode=disable&require_auth=scram-sha-256"


class TestAdministratorsUrl:
    @pytest.mark.parametrize(
        ("server", "start", "end"),
        [
            (Server("db"), f"db:5432/postgres{TLS}", ""),
            (Server("127.0.0.1:6432", database="ops/1"), "127.0.0.1:6432/ops%2F1?sslmode=prefer", ""),
            (
                Server("/run/postgresql"),
                "/postgres?sslmode=prefer",
                "%2Cnone&host=%2Frun%2Fpostgresql&port=5432",
            ),
            (
                Server("db", tls=Tls("verify-ca", "old names", "/ca", "/c", "/k")),
                "db:5432/postgres?sslmode=verify-ca&sslrootcert=%2Fca&sslcert=%2Fc&sslkey=%2Fk",
                "%2Cnone",
            ),
        ],
    )
    def test_postgresql(self, server: Server, start: str, end: str) -> None:
        url = f"postgresql://root:p%2F1@{start}{SCRAM}{end}"
        assert server_addresses.administrators_url(server, POSTGRESQL, ROOT) == url

    @pytest.mark.parametrize(
        ("server", "url"),
        [
            (
                Server("cache"),
                "rediss://root:p%2F1@cache:6379/0?ssl_cert_reqs=required&ssl_check_hostname=true",
            ),
            (Server("[::1]"), "redis://root:p%2F1@[::1]:6379/0"),
            (Server("cache", tls=Tls("disable", "a tunnel")), "redis://root:p%2F1@cache:6379/0"),
            (
                Server("cache", tls=Tls("require", "self-signed")),
                "rediss://root:p%2F1@cache:6379/0?ssl_cert_reqs=none&ssl_check_hostname=false",
            ),
            (
                Server("cache", tls=Tls("verify-ca", "by address", "/ca")),
                "rediss://root:p%2F1@cache:6379/0?ssl_cert_reqs=required&ssl_check_hostname=false&ssl_ca_certs=%2Fca",
            ),
        ],
    )
    def test_valkey(self, server: Server, url: str) -> None:
        assert server_addresses.administrators_url(server, VALKEY, ROOT) == url


class TestLocation:
    def test_named_parts(self) -> None:
        of = catalog(NAMED)
        stored_credential = found(of, **CORE)
        assert stored_credential.url == f"postgresql://shop_a:p%2F1@db:5432/shop{TLS}"
        assert (stored_credential.problems, wrong(of, stored_credential)) == ((), None)

    def test_parts_without_their_address(self) -> None:
        """The administrator's declaration has it."""
        of = catalog(IN_PARTS, {"address": "db:6432", "database": "shop"})
        assert found(of, **CORE).url == f"postgresql://shop_a:p%2F1@db:6432/shop{TLS}"

    def test_a_cache_in_parts(self) -> None:
        credential = {"kind": "valkey_user", "appears_in": [{"setting": "CACHE_PASSWORD"}]}
        of = catalog(credential, {"address": "127.0.0.1:6380"})
        assert found(of, CACHE_PASSWORD="p").url == "redis://:p@127.0.0.1:6380/0"

    def test_a_token_in_parts(self) -> None:
        credential = {
            "kind": "elasticache_auth_token",
            "appears_in": [{"setting": "CACHE_PASSWORD"}],
            "parts": {"host": "CACHE_HOST"},
        }
        of = catalog(credential)
        stored_credential = found(of, CACHE_PASSWORD="p", CACHE_HOST="Cache")
        assert stored_credential.url == "rediss://:p@cache:6379/0?ssl_cert_reqs=required"
        assert wrong(of, stored_credential) is None, "no administrator's password is sent"
        assert found(of, CACHE_PASSWORD="p").url is None

    @pytest.mark.parametrize("appears_in", [{"setting": "COMPOSED"}, {"setting": "DB_PASSWORD"}])
    def test_a_composed_url(self, appears_in: dict[str, str]) -> None:
        """Also where the credential is declared by the place of its password alone."""
        composed = {
            "compose": {
                "scheme": "postgresql",
                "username": {"setting": "DB_USER"},
                "password": {"setting": "DB_PASSWORD"},
                "host": {"setting": "DB_HOST"},
                "path": "shop",
                "query": {"sslmode": "require"},
            }
        }
        of = catalog({"appears_in": [appears_in]}, COMPOSED=composed)
        stored_credential = found(of, **CORE)
        assert stored_credential.url == "postgresql://shop_a:p%2F1@db/shop?sslmode=require"
        assert (stored_credential.login, stored_credential.problems) == (Login("shop_a", "p/1"), ())
        elsewhere = found(of, **{**CORE, "DB_HOST": "thief"})
        assert str(wrong(of, elsewhere)).startswith(
            "COMPOSED leads to thief:5432, but credentials.boss.server declares db:"
        )
        broken = found(of, **{**CORE, "DB_HOST": "thief/x"})
        assert broken.problems == ("COMPOSED cannot be composed: its host is not a host name or address",)

    def test_a_name_that_the_catalog_writes(self) -> None:
        composed = {
            "compose": {"scheme": "redis", "username": "app", "password": {"setting": "CACHE_PASSWORD"}, "host": "db"}
        }
        of = catalog({"kind": "valkey_user", "appears_in": [{"setting": "COMPOSED"}]}, COMPOSED=composed)
        assert found(of, CACHE_PASSWORD="p").login == Login("app", "p"), "and not the user default"

    @pytest.mark.parametrize(
        ("core", "message"),
        [
            ({"DB_PORT": "x1"}, "DB_PORT is not a port number"),
            ({"DB_PORT": "70000"}, "has no port between 1 and 65535"),
        ],
    )
    def test_a_part_that_is_wrong(self, core: dict[str, str], message: str) -> None:
        assert found(catalog(NAMED), **{**CORE, **core}).problems == (f"credentials.one.parts: {message}",)

    def test_a_kind_of_the_operators_own_has_no_server_that_is_known(self) -> None:
        of = catalog({**NAMED, "kind": "mine"})
        assert found(of, **CORE).url is None


URLS = {
    "a host": "postgresql://a:p@thief:5432/shop",
    "a port": "postgresql://a:p@db:5433/shop",
    "one of several": "postgresql://a:p@db,thief/shop",
    "the query's host": "postgresql://a:p@db/shop?host=thief",
    "the query's port": "postgresql://a:p@db/shop?port=99",
    "the query's address": "postgresql://a:p@db/shop?hostaddr=10.9.9.9",
    "a name in the name": "postgres://a:p@thief%2Edb/shop",
    "the local socket": "postgresql://a:p@/shop",
    "another socket": "postgresql://a:p@/shop?host=/tmp",
    "a trailing name": "postgresql://a:p@db.thief/shop",
}


@pytest.mark.parametrize("url", URLS.values(), ids=list(URLS))
def test_a_url_that_leads_elsewhere(url: str) -> None:
    of = catalog({"appears_in": [{"setting": "DATABASE_URL"}]}, {"address": "db", "aliases": ["pooler:6432"]})
    message = str(wrong(of, found(of, DATABASE_URL=url)))
    assert message.startswith("DATABASE_URL (secret app/test/core key DATABASE_URL) leads to ")
    assert "credentials.boss.server declares db:5432, pooler:6432. Nothing was sent there" in message
    assert "credentials.boss.server.aliases" in message


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("postgres://a:p@DB./shop", {"address": "db"}),
        ("postgresql://a:p@db:5432/shop?sslmode=disable", {"address": "db"}),
        ("postgresql://a:p@pooler:6432/shop", {"address": "db", "aliases": ["pooler:6432"]}),
        ("postgresql://a:p@db,two/shop?target_session_attrs=any", {"address": "db", "aliases": ["two"]}),
        ("postgresql://a:p@/shop", {"address": "/run/postgresql"}),
        ("postgresql://a:p@/shop?host=/run/postgresql/", {"address": "/run/postgresql"}),
        ("mysql://a:p@thief/shop", {"address": "db"}),  # the module does not read it either
        ("postgresql://a:p@thief:x/shop", {"address": "db"}),
    ],
)
def test_a_url_that_leads_to_the_declared_server(url: str, server: dict[str, Any]) -> None:
    of = catalog({"appears_in": [{"setting": "DATABASE_URL"}]}, server)
    assert wrong(of, found(of, DATABASE_URL=url)) is None


def test_every_url_of_a_credential_is_compared() -> None:
    credential = {"kind": "valkey_user", "appears_in": [{"setting": "DATABASE_URL"}, {"setting": "CACHE_HOST"}]}
    of = catalog(credential, {"address": "cache", "nodes": ["replica"]})
    good, bad = "redis://:p@cache/0", "redis://:p@thief/1"
    assert wrong(of, found(of, DATABASE_URL=good, CACHE_HOST="redis://:p@replica/1")) is None
    assert "CACHE_HOST" in str(wrong(of, found(of, DATABASE_URL=good, CACHE_HOST=bad)))


def test_a_credential_without_an_administrator_has_no_declared_address() -> None:
    of = catalog({"kind": "elasticache_auth_token", "appears_in": [{"setting": "DATABASE_URL"}]})
    assert server_addresses.leads_elsewhere(of, of.credentials["one"], [Location("X", "redis://:p@anywhere/0")]) is None


def test_no_value_is_in_what_is_said() -> None:
    of = catalog({"appears_in": [{"setting": "DATABASE_URL"}]})
    stored_credential = found(of, DATABASE_URL="postgresql://canary-a:canary-p@thief/canary-d?options=canary-o")
    assert "canary" not in str(wrong(of, stored_credential)) + repr(stored_credential)


@pytest.mark.parametrize(
    ("setting", "credentials", "addresses"),
    [
        ("CACHE_URL", {"kind": "valkey_user", "appears_in": [{"setting": "CACHE_URL"}]}, ["db:6379", "b:1"]),
        ("OTHER_URL", {"kind": "valkey_user", "appears_in": [{"setting": "CACHE_URL"}]}, []),
        (
            "CACHE_URL",
            {"kind": "valkey_user", "appears_in": [{"secret": "app/{environment}/core", "key": "CACHE_URL"}]},
            ["db:6379", "b:1"],
        ),
        (
            "CACHE_URL",
            {
                "kind": "external",
                "appears_in": [{"setting": "CACHE_URL"}],
                "server": {"address": "own", "nodes": ["two:7"], "aliases": ["/run/valkey"]},
            },
            ["own:6379", "two:7", "db:6379", "b:1"],
        ),
    ],
)
def test_the_declared_addresses_behind_a_setting(
    setting: str, credentials: dict[str, Any], addresses: list[str]
) -> None:
    urls = {name: {"group": "core", "type": "url"} for name in ("CACHE_URL", "OTHER_URL")}
    of = catalog(credentials, {"address": "db", "nodes": ["b:1"]}, **urls)
    assert server_addresses.of_setting(of, setting, VALKEY) == addresses
