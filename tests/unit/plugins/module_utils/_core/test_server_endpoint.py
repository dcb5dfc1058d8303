# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses of servers as the catalog writes them, in one spelling to compare."""

from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_endpoint import Endpoint, normal, parse


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("db", "db", 5432),
        ("DB.Example.com.:6432", "db.example.com", 6432),
        ("10.0.0.7:1", "10.0.0.7", 1),
        ("[2001:DB8::0:1]", "2001:db8::1", 5432),
        ("[::1]:65535", "::1", 65535),
        ("/run/postgresql", "/run/postgresql", 5432),
        ("/run/postgresql/:5433", "/run/postgresql", 5433),
        ("/", "/", 5432),
    ],
)
def test_one_spelling(text: str, host: str, port: int) -> None:
    endpoint = parse(text, 5432)
    assert endpoint == Endpoint(host, port)
    assert parse(str(endpoint), 1) == endpoint, "and it is read back"


@pytest.mark.parametrize(
    "text",
    ["", "db:", "db:x", "db:0", "db:65536", "a b", "db/x", "user@db", "postgres://db", "::1", "[db]", "-db", "{x}"],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|port"):
        parse(text, 5432)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "/run/postgresql", ""])
def test_nobody_is_in_between(host: str) -> None:
    assert normal(host, 5432).is_local


@pytest.mark.parametrize("host", ["localhost.example.com", "10.0.0.1", "db", "0.0.0.0", "2001:db8::1"])
def test_somebody_may_be_in_between(host: str) -> None:
    assert not normal(host, 5432).is_local


def test_a_local_socket_without_a_name() -> None:
    assert str(Endpoint("", 5432)) == "the local socket"
