# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The request that shows whether a third party lets a value in."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, external_value_request
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_requests import ValueProbe
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login

URL = "https://a.example/me"


def probe(**extra: Any) -> ValueProbe:
    return ValueProbe(**{"url": URL, "headers": {"Authorization": "Bearer {value}"}, **extra})


def test_the_catalogs_becomes_one() -> None:
    document = {
        "application": "app",
        "settings": {"A": {"group": "core"}},
        "credentials": {
            "c": {"kind": "external", "appears_in": [{"setting": "A"}], "test": {"url": URL, "form": {"k": "{value}"}}},
            "d": {"kind": "external", "appears_in": [{"setting": "A"}]},
        },
    }
    credentials = catalog_parser.parse(document, "test").credentials
    assert credentials["c"].test == ValueProbe(URL, {}, {"k": "{value}"}, (200,), (400, 401, 403))
    assert credentials["d"].test is None


def test_the_value_goes_where_the_catalog_says() -> None:
    result = external_value_request.request(
        probe(headers={"X": "{username}", "Y": "k {value} {value}"}), Login("me", "canary")
    )
    assert result == {
        "url": URL,
        "headers": {"X": "me", "Y": "k canary canary"},
        "form": {},
        "status": [200],
        "refused": [400, 401, 403],
    }


def test_a_value_with_a_placeholders_look_stays_as_it_is() -> None:
    result = external_value_request.request(
        probe(headers={"X": "{value}", "Y": "{username}"}), Login("{value}", "{username}")
    )
    assert result["headers"] == {"X": "{username}", "Y": "{value}"}


def test_basic() -> None:
    result = external_value_request.request(probe(headers={"Authorization": "Basic {basic}"}), Login("mé", "canary:x"))
    assert base64.b64decode(result["headers"]["Authorization"][6:]).decode() == "mé:canary:x"


@pytest.mark.parametrize("header", ["{username}", "{basic}"])
def test_a_user_name_that_no_place_holds(header: str) -> None:
    with pytest.raises(RotationError, match="none of its locations holds one"):
        external_value_request.request(probe(headers={"X": header + "{value}"}), Login(None, "canary"))


@pytest.mark.parametrize("value", ["canary\r\nX: y", "canary\x7f", "canary-ä€"])
def test_what_no_header_can_carry(value: str) -> None:
    with pytest.raises(RotationError, match="the header Authorization cannot carry") as caught:
        external_value_request.request(probe(), Login(None, value))
    assert "canary" not in str(caught.value)
    assert external_value_request.request(probe(headers={}, form={"k": "{value}"}), Login(None, value))["form"] == {
        "k": value
    }


def test_loopback_needs_no_encryption() -> None:
    for host in ("localhost", "127.0.0.1", "127.8.8.8", "[::1]"):
        assert list(external_value_request.problems("c", probe(url=f"http://{host}:8080/me"))) == []
    assert list(external_value_request.problems("c", probe(url="http://127.0.0.1.example/me"))) != []
