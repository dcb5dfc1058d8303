# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Places in Vault, and how the server is declared."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.stores.vault import Vault

SERVER = {"address": "https://vault.example.com:8200", "auth": "token"}
WHERE = {"vault": "shop/{environment}/stripe"}


def parsed(setting: Any = WHERE, vault: Any = SERVER, **more: Any) -> Catalog:
    stores = {"vault": vault} if vault else {}
    return catalog_parser.parse({"application": "shop", "stores": stores, "settings": {"KEY": setting}, **more}, "test")


def test_a_setting_is_a_key_of_a_path() -> None:
    catalog = parsed({**WHERE, "copies": [{**WHERE, "key": "old"}]})
    setting = catalog.settings["KEY"]
    assert setting.place == Place("vault", "vault:shop/test/stripe", "KEY")
    assert setting.copies == (Place("vault", "vault:shop/test/stripe", "old"),)
    assert setting.sensitivity == "high"
    assert catalog.servers["vault"] == Vault("https://vault.example.com:8200", "token")
    assert catalog.secret_names == ("vault:shop/test/stripe",)


def test_a_credential_and_a_part_of_a_url() -> None:
    compose = {"scheme": "rediss", "host": "cache", "password": {**WHERE, "key": "password"}}
    credential = {"kind": "external", "appears_in": [{**WHERE, "keys": ["user", "password"]}]}
    catalog = parsed({"compose": compose}, credentials={"cache": credential})
    assert [place.key for place in catalog.settings["KEY"].places] == ["password"]
    assert [place.key for place in catalog.credentials["cache"].places] == ["user", "password"]


def test_an_environment_may_have_another_server() -> None:
    other = {"stores": {"vault": {"address": "https://other.example.com", "namespace": "team/{environment}"}}}
    catalog = parsed(environments={"test": other})
    assert catalog.servers["vault"] == Vault("https://other.example.com", "token", namespace="team/test")


def test_a_path_without_an_environment_belongs_to_one() -> None:
    bound = {"secrets": {"shop/stripe": {"environment": "production"}}}
    assert parsed({"vault": "shop/stripe"}, **bound).settings["KEY"].place is None


@pytest.mark.parametrize(
    ("vault", "words"),
    [
        (None, "settings.KEY.vault: no server is declared for it; add stores.vault"),
        ({"auth": "token"}, "stores.vault.address: is required"),
        ({**SERVER, "address": "http://vault.example.com"}, "stores.vault.address: does not match"),
        ({**SERVER, "address": "https://v/path"}, "stores.vault.address: does not match"),
        ({**SERVER, "address": "https://user:password@v"}, "stores.vault.address: does not match"),
        ({**SERVER, "address": "http://127.0.0.1.example.com"}, "stores.vault.address: does not match"),
        ({**SERVER, "address": "https://v\n"}, "stores.vault.address: does not match"),
        ({**SERVER, "auth": "ldap"}, "stores.vault.auth: must be one of token, approle, jwt, aws"),
        ({**SERVER, "auth": "approle"}, "stores.vault.role_id: is required for auth approle"),
        ({**SERVER, "auth": "jwt", "role_id": "x"}, "stores.vault.jwt_file: is required for auth jwt"),
        ({**SERVER, "jwt_file": "x"}, "stores.vault.jwt_file: cannot be combined with auth token; remove it"),
        ({**SERVER, "kv": 1}, "stores.vault.kv: must be one of 2"),
        ({**SERVER, "token": "x"}, "stores.vault.token: "),
        ({**SERVER, "mount": "a/../b"}, "stores.vault.mount: does not match"),
    ],
)
def test_a_server_that_is_declared_wrong(vault: Any, words: str) -> None:
    with pytest.raises(CatalogError) as error:
        parsed(vault=vault)
    assert words in str(error.value), str(error.value)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"vault": "shop/../x"}, "settings.KEY.vault: does not match"),
        ({"vault": "/shop"}, "settings.KEY.vault: does not match"),
        ({"vault": "shop//x"}, "settings.KEY.vault: does not match"),
        ({"vault": "shop/x?version=1"}, "settings.KEY.vault: does not match"),
        ({"vault": "shop/stripe"}, "names no {environment}"),
        ({"vault": "shop/{env}"}, "may hold only {application}, {environment}"),
        (
            {"vault": "database/creds/{environment}"},
            "creates another login at each read. Keep the login in the KV engine",
        ),
        ({**WHERE, "parameter": "x"}, "has several sources (parameter, vault)"),
        ({"value": "x", "copies": [WHERE]}, "copies[0]"),
    ],
)
def test_a_place_that_is_declared_wrong(setting: Any, words: str) -> None:
    with pytest.raises(CatalogError) as error:
        parsed(setting)
    assert words in str(error.value), str(error.value)
