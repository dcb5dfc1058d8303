# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests to a provider's API, as the catalog declares them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import provider_requests
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_requests import ApiRequest, parsed_api
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login

Problems = Callable[..., list[str]]
SETTINGS = {"A": {"group": "core"}}
TEST = {"url": "https://a.example/me", "headers": {"Authorization": "Bearer {value}"}}
API: dict[str, Any] = {
    "url": "https://a.example/v1/",
    "headers": {"Authorization": "Bearer {admin}"},
    "list": {"path": "/keys", "id": "id", "label": "name"},
    "create": {"path": "/keys", "body": {"name": "{label}", "scopes": {}}, "id": "id", "value": "key"},
    "revoke": {"path": "/keys/{id}"},
}
CREDENTIAL = {"kind": "http_api", "appears_in": [{"setting": "A"}], "api": API, "test": TEST}


def test_a_sound_one(problems: Problems) -> None:
    assert problems(SETTINGS, credentials={"c": CREDENTIAL}) == []
    assert problems(SETTINGS, credentials={"c": {**CREDENTIAL, "api": {**API, "url": "http://127.0.0.1:1"}}}) == []


@pytest.mark.parametrize(
    ("api", "expected"),
    [
        ({"url": "http://a.example"}, "c.api.url: would send the value unencrypted; use https"),
        ({"url": "https://u:p@a.example"}, "c.api.url: has a login in it"),
        ({"url": "https://a.example?x=1"}, "c.api.url: has a query or a fragment; write a query into"),
        ({"url": "https://a.example/{admin}"}, "c.api.url: holds {admin}, and addresses are logged"),
        ({"headers": {"X": "y"}}, "c.api.headers: sends no {admin}"),
        ({"headers": {"X": "{admin} {value}"}}, "c.api.headers: {value} is not a placeholder for this place"),
        ({"headers": {"A B": "{admin}"}}, "c.api.headers: 'A B' is not a header's name"),
        ({"headers": {"A": "{admin}\r\nB: x"}}, "c.api.headers.A: has characters that a header cannot have"),
        ({"list": {**API["list"], "path": "/keys?t={admin}"}}, "c.api.list.path: {admin} is not a placeholder"),
        ({"list": {**API["list"], "path": "@b.example/"}}, "c.api.list.path: does not match"),
        ({"create": {**API["create"], "path": "/{label}"}}, "c.api.create.path: {label} is not a placeholder"),
        ({"create": {**API["create"], "body": {"name": "x"}}}, "c.api.create.body: has no {label}"),
        ({"create": {**API["create"], "body": {"a": ["{admin}"]}}}, "c.api.create.body: {admin} is not a placeholder"),
        ({"create": {**API["create"], "id": "a..b"}}, "c.api.create.id: does not match"),
        ({"revoke": {"path": "/keys"}}, "c.api.revoke: has no {id}, so the request names no key"),
        ({"disable": {"path": "/keys"}}, "c.api.disable: has no {id}, so the request names no key"),
    ],
)
def test_a_wrong_one_is_named(problems: Problems, api: dict[str, Any], expected: str) -> None:
    (problem, *_more) = problems(SETTINGS, credentials={"c": {**CREDENTIAL, "api": {**API, **api}}})
    assert problem.startswith(f"credentials.{expected}")


def test_what_goes_with_which_kind(problems: Problems) -> None:
    bare = {key: CREDENTIAL[key] for key in ("kind", "appears_in")}
    assert problems(SETTINGS, credentials={"c": bare}) == [
        "credentials.c.api: is required for kind http_api; add it (docs/how-to/declare-a-credential.md)",
        "credentials.c.test: is required for kind http_api; add it (docs/how-to/declare-a-credential.md)",
    ]
    (problem,) = problems(SETTINGS, credentials={"c": {**CREDENTIAL, "kind": "external"}})
    assert problem.startswith("credentials.c.api: has no effect on kind external")


def test_headers() -> None:
    api = parsed_api({**API, "headers": {"A": "k {admin}", "B": "{admin_username}", "C": "Basic {admin_basic}"}})
    assert provider_requests.headers(api, Login("me", "{label}")) == {
        "A": "k {label}",
        "B": "me",
        "C": "Basic bWU6e2xhYmVsfQ==",
    }
    with pytest.raises(RotationError, match="the header A cannot carry the value") as caught:
        provider_requests.headers(api, Login(None, "canary\r\nX: y"))
    assert "canary" not in str(caught.value)


def test_a_body_keeps_its_form() -> None:
    request = ApiRequest("POST", "/", {"a": ["x {label}", 1, {"{label}": None}], "b": "{id}"})
    text = provider_requests.body(request, label='l"', id="{label}")
    assert text is not None
    assert json.loads(text) == {"a": ['x l"', 1, {"{label}": None}], "b": "{label}"}
    assert provider_requests.body(ApiRequest("GET", "/")) is None


def test_ids_in_addresses() -> None:
    assert provider_requests.path(ApiRequest("DELETE", "/k/{id}/"), "a:b@c") == "/k/a%3Ab%40c/"
    assert provider_requests.require_id(12, "x") == "12"
    for wrong in (None, True, 1.5, "", ".", "..", "a/b", "a b", "a\n", "é", "x" * 201, ["a"]):
        with pytest.raises(RotationError, match=r"^x is not a key's id"):
            provider_requests.require_id(wrong, "x")


def test_a_list_within_an_answer() -> None:
    api = parsed_api({**API, "list": {**API["list"], "items": "a.1.b", "active": "on"}})
    items = [{"id": 1, "name": "n", "on": True}, {"id": "k", "name": None, "on": "yes"}]
    assert [vars(key) for key in provider_requests.keys(api, {"a": [0, {"b": items}]})] == [
        {"id": "1", "label": "n", "active": True},
        {"id": "k", "label": "", "active": False},
    ]
    for answer in (None, [], {"a": {}}, {"a": [0, {"b": {}}]}, {"a": [0]}):
        with pytest.raises(RotationError, match=r"has no list of at most 10000 keys at a\.1\.b"):
            provider_requests.keys(api, answer)
