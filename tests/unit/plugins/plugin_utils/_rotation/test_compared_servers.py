# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In a leak a server is compared with its baseline, and nothing about that stops the response."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.utils.display import Display
from botocore.exceptions import ClientError

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import EVICT, Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import (
    RecordedServer,
    ServerBaseline,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import compared_servers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import ReadCache

SETTINGS: dict[str, Any] = {"URL": {"group": "core", "type": "url"}, "OTHER": {"group": "core", "type": "url"}}
CREDENTIALS: dict[str, Any] = {
    "cache": {"kind": "valkey_user", "admin": "root", "appears_in": [{"setting": "URL"}]},
    "lonely": {"kind": "valkey_user", "appears_in": [{"setting": "OTHER"}]},
    "root": {
        "kind": "external",
        "server": {"address": "cache", "nodes": ["cache2"]},
        "appears_in": [{"secret": "root-{environment}", "keys": ["username", "password"]}],
    },
}
BASE: dict[str, Any] = {"application": "shop", "journal": {"s3": "bucket"}}
CATALOG = catalog_parser.parse({**BASE, "settings": SETTINGS, "credentials": CREDENTIALS}, "test")
ENTRIES = {("user", "report at cache:6379"): "on", ("function", "f"): "1"}
SOURCE = RecordedServer("2026-11-29", "op", frozenset({"user", "function"}), ENTRIES, {"shop": "shop"})
BASELINE = ServerBaseline("shop", "test", "canary-key", {"cache:6379": SOURCE})


class Client:
    def __init__(self, content: bytes | None, code: str) -> None:
        self.content, self.code, self.reads = content, code, 0

    def get_object(self, **_names: str) -> dict[str, Any]:
        self.reads += 1
        if self.content is None:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "GetObject")
        return {"Body": io.BytesIO(self.content), "ETag": "1"}


def setting(
    content: bytes | None = server_baseline.written(BASELINE),
    code: str = "NoSuchKey",
    *,
    evict: bool = False,
    unreadable: str = "",
) -> Any:
    client = Client(content, code)
    connection = SimpleNamespace(store_client=lambda _service: client)
    logins = {"root": "admin", "cache": "newer", "lonely": "other_a"}

    def held(credential: Any) -> Any:
        if credential.name == unreadable:
            raise SecretsError("no")
        return SimpleNamespace(login=Login(logins[credential.name], "x"))

    rotator = SimpleNamespace(look=lambda: SimpleNamespace(rotation=None, pending_tasks={}))
    about = {"catalog": CATALOG, "known": ReadCache(), "connection": connection, "held": held, "rotator": rotator}
    return SimpleNamespace(**about, client=client)


def inventory(*users: str, **over: Any) -> dict[str, Any]:
    entries = [server_baseline.entry_of("user", name, "on", f"ACL DELUSER {name}") for name in users]
    entries.append(server_baseline.entry_of("function", "f", "1", ""))
    return {"kinds": ["user", "function"], "entries": entries, "problems": [], **over}


def footholds(given: Any, answer: dict[str, Any]) -> list[str]:
    result = compared_servers.add_differences(given, "cache", {"refused": True, **answer})
    assert "inventory" not in result
    return list(result.get("footholds", []))


def test_the_server_is_asked_for_what_its_baseline_has() -> None:
    given = setting()
    assert compared_servers.request(given, "cache", ["newer_a"]) == {
        "key": "canary-key",
        "own": {"shop": "shop", "newer_a": "newer_a or _b", "newer_b": "newer_a or _b"},
        "nodes": ["cache:6379", "cache2:6379"],
        "kinds": ["function", "user"],
    }
    assert compared_servers.request(given, "lonely", []) is None
    compared_servers.add_differences(given, "cache", {"inventory": inventory()})
    assert given.client.reads == 1, "the baseline is read once"


def test_a_server_removes_other_logins_where_the_incident_asks_for_that() -> None:
    graceful = Incident("leak-1", "t", "ops")
    evicting = replace(graceful, events={EVICT: "t"})
    request = compared_servers.request(setting(), "cache", [], evicting)
    assert request is not None
    assert request["known"] == ["admin", "newer", "other_a", "report", "shop"]
    unread = [(setting(unreadable=name), evicting) for name in ("root", "cache")]
    for given, incident in [(setting(), None), (setting(), graceful), *unread]:
        request = compared_servers.request(given, "cache", [], incident)
        assert request is not None
        assert "known" not in request, "what the catalog declares is not known"


ELSEWHERE: dict[str, Any] = {
    name: {
        "kind": kind,
        "appears_in": [{"setting": f"{name}_URL".upper()}],
        **({"admin": f"{name}_root"} if kind != "external" else {}),
        **({"options": {"user": name}} if kind in ("mysql_user", "postgresql_honeytoken") else {}),
    }
    for name, kind in {
        "database": "postgresql_role",
        "shop": "mysql_user",
        "other": "valkey_user",
        "decoy": "postgresql_honeytoken",
        "replica": "external",
    }.items()
}
ADMINS: dict[str, Any] = {
    f"{name}_root": {
        "kind": "external",
        "server": {"address": f"{name}.internal"},
        "appears_in": [{"secret": f"{name}-root-{{environment}}", "keys": ["username", "password"]}],
    }
    for name, item in ELSEWHERE.items()
    if "admin" in item
}


@pytest.mark.parametrize(
    ("engine", "place", "expected"),
    [
        ("valkey", "cache:6379", {"cache", "lonely", "root", "replica"}),
        ("valkey", "other.internal:6379", {"other", "lonely", "other_root", "replica"}),
        ("mysql", "shop.internal:3306", {"shop", "shop_root", "replica"}),
        ("postgresql", "database.internal:5432", {"database", "database_root", "replica"}),
        ("postgresql", "decoy.internal:5432", {"decoy", "decoy_root", "replica"}),
    ],
)
def test_logins_of_other_servers_explain_nothing(engine: str, place: str, expected: set[str]) -> None:
    """An attacker may use a name that the catalog has for another server. One at no declared server may be anywhere."""
    urls = {f"{each}_URL".upper(): {"group": "core", "type": "url"} for each in ELSEWHERE}
    credentials = {**CREDENTIALS, **ELSEWHERE, **ADMINS}
    catalog = catalog_parser.parse({**BASE, "settings": {**SETTINGS, **urls}, "credentials": credentials}, "test")

    def held(credential: Any) -> Any:
        return SimpleNamespace(login=Login(credential.name, "x"))

    about: Any = SimpleNamespace(catalog=catalog, held=held)
    assert compared_servers._catalog_names(about, engine, place) == expected


@pytest.mark.parametrize(
    ("rotating", "pending", "idle"), [((), (), ["shop_b"]), (("shop",), (), []), ((), ("shop",), [])]
)
def test_of_a_pair_one_is_idle_while_no_rotation_needs_both(
    rotating: Sequence[str], pending: Sequence[str], idle: list[str]
) -> None:
    urls = {f"{each}_URL".upper(): {"group": "core", "type": "url"} for each in ELSEWHERE}
    credentials = {**CREDENTIALS, **ELSEWHERE, **ADMINS}
    catalog = catalog_parser.parse({**BASE, "settings": {**SETTINGS, **urls}, "credentials": credentials}, "test")
    tasks = {name: SimpleNamespace(credential=name) for name in pending}
    rotation = SimpleNamespace(plan={"credentials": [*rotating]}) if rotating else None
    rotator = SimpleNamespace(look=lambda: SimpleNamespace(rotation=rotation, pending_tasks=tasks))
    source = replace(SOURCE, own={})
    known = ReadCache()
    known.baseline = [replace(BASELINE, sources={"shop.internal:3306": source, "other.internal:6379": source})]

    def held(_credential: Any) -> Any:
        return SimpleNamespace(login=Login("shop_a", "x"))

    about: Any = SimpleNamespace(catalog=catalog, held=held, rotator=rotator, known=known)
    request = compared_servers.request(about, "shop", ["shop_a"])
    assert request is not None
    assert request["idle"] == idle
    assert "idle" not in (compared_servers.request(about, "other", []) or {})


@pytest.mark.parametrize("is_there", [True, False])
def test_a_honeytoken_is_no_login_of_its_server(is_there: bool) -> None:
    """Its first rotation makes it, perhaps after the baseline was recorded."""
    urls = {f"{each}_URL".upper(): {"group": "core", "type": "url"} for each in ELSEWHERE}
    admins = {**ADMINS, **({"decoy_root": ADMINS["database_root"]} if is_there else {})}
    credentials = {**CREDENTIALS, **ELSEWHERE, **admins}
    catalog = catalog_parser.parse({**BASE, "settings": {**SETTINGS, **urls}, "credentials": credentials}, "test")
    known = ReadCache(baseline=[replace(BASELINE, sources={"database.internal:5432": SOURCE})])
    request = compared_servers.request(SimpleNamespace(catalog=catalog, known=known), "database", [])  # type: ignore[arg-type]
    assert request is not None
    assert request["own"] == {"shop": "shop", **({"decoy": "honeytoken decoy"} if is_there else {})}


def test_a_server_without_a_baseline_is_told_the_logins_of_the_catalog() -> None:
    incident = Incident("leak-1", "t", "ops", since="2026-11-28T00:00:00Z")
    expected = {"logins": ["admin", "newer", "other_a"], "since": "2026-11-28T00:00:00Z", "evicts": False}
    assert compared_servers.catalog_logins(setting(), "lonely", incident) == expected
    evicting = replace(incident, events={EVICT: "t"})
    assert compared_servers.catalog_logins(setting(), "lonely", evicting) == {**expected, "evicts": True}
    for given, name, leak in [
        (setting(unreadable="root"), "lonely", incident),
        (setting(), "root", incident),
        (setting(), "lonely", None),
    ]:
        assert compared_servers.catalog_logins(given, name, leak) is None


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (inventory("report at cache:6379"), []),
        (inventory("report at cache:6379", "thief"), ["user thief is not in the baseline (on): ACL DELUSER thief"]),
        (inventory(), []),
        (inventory("report at cache:6379", problems=["late"]), ["cache:6379: not compared with its baseline: late"]),
        (inventory("report at cache:6379", kinds=["user"]), ["function: not checked, cannot be read"]),
    ],
)
def test_what_is_a_possible_foothold(found: dict[str, Any], expected: list[str]) -> None:
    assert footholds(setting(), {"inventory": found, "footholds": ["one"]}) == ["one", *expected]


def test_thousands_of_differences_are_counted() -> None:
    found = footholds(
        setting(), {"inventory": inventory("report at cache:6379", *(f"u{number}" for number in range(3000)))}
    )
    assert (len(found), found[-1][:29]) == (51, "cache:6379: 2950 more differe")


@pytest.mark.parametrize(
    ("content", "code", "warned"), [(None, "NoSuchKey", False), (None, "AccessDenied", True), (b"{}", "", True)]
)
def test_a_baseline_that_cannot_be_read_stops_nothing(
    content: bytes | None, code: str, warned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _self, text: warnings.append(text))
    given = setting(content, code)
    assert compared_servers.request(given, "cache", []) is None
    assert footholds(given, {"footholds": ["one"]}) == ["one"]
    assert len(warnings) == warned
