# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a leak reaches beside what impact_info tells: an open incident's declaration, keys, caches, and hosts."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, fingerprints
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import assessment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.assessment import BlastRadius, LeakClaim
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, KINDS, World

OPEN = Incident("leak-1", "2026-11-25T15:00:00Z", "ops", ("token", "host:web9"))


@pytest.fixture
def world() -> World:
    credentials = {**CATALOG["credentials"]}
    credentials["token"] = {**credentials["token"], "exposes": ["django"]}
    return World(catalog=catalog_parser.parse({**CATALOG, "credentials": credentials}, "test"))


def setting_of(world: World) -> RotationSetup:
    return RotationSetup(world.catalog, KINDS, world.rotator(), None)  # type: ignore[arg-type]


def followed(
    world: World, *leaked: str, text: str | None = None, hosts: tuple[str, ...] = (), incident: Incident | None = OPEN
) -> BlastRadius:
    return assessment.followed(setting_of(world), LeakClaim(leaked, text, incident), hosts)


class TestAnOpenIncident:
    """What it was declared for counts too, so that a narrower command drops nothing of it."""

    def test_the_union_of_the_declarations(self, world: World) -> None:
        blast_radius = followed(world, "database", hosts=("web1",))
        assert blast_radius.declared == ["token", "host:web9", "database"]
        assert sorted(name for wave in (blast_radius.data or {})["waves"] for name in wave) == [
            "database",
            "django",
            "token",
        ]
        assert blast_radius.text[0] == "this run continues leak-1, in which token, host:web9 leaked"

    def test_one_that_adds_nothing(self, world: World) -> None:
        blast_radius = followed(world, "host:web9", "token", hosts=("web9",))
        assert blast_radius.declared == ["host:web9", "token"]
        assert blast_radius.text[0].startswith("1. ")

    def test_a_string_of_nobody_goes_on_with_nothing(self, world: World) -> None:
        blast_radius = followed(world, text="another-string")
        assert (blast_radius.declared, blast_radius.data, blast_radius.mermaid) == ([], None, "")

    def test_without_an_incident(self, world: World) -> None:
        assert followed(world, "database", incident=None).declared == ["database"]


def test_what_is_purged(world: World) -> None:
    purge = {"cdn": {"distribution": "E1"}, "cache": {"setting": "URL", "keys": ["b*"]}}
    result = assessment.purged(catalog_parser.parse({**CATALOG, "purge": purge}, "test"))
    assert result["valkey"] == ["cache"]
    assert result["invalidations"] == [{"name": "cdn", "distribution": "E1", "paths": ["/*"]}]


def test_keys_by_their_fingerprint(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert assessment.known_keys(setting_of(world), (), None) == []
    options = {"user": "ci", "authorized_keys": "keys"}
    place = {"secret": "deploy-{environment}", "key": "private_key"}
    ssh = {"kind": "ssh_key", "options": options, "appears_in": [place]}
    world.catalog = catalog_parser.parse({**CATALOG, "credentials": {**CATALOG["credentials"], "deploy": ssh}}, "test")
    blob = b"\0\0\0\x03key"

    def packed(*fields: bytes) -> bytes:
        return b"".join(len(field).to_bytes(4, "big") + field for field in fields)

    raw = b"openssh-key-v1\0" + packed(b"none", b"none", b"") + (1).to_bytes(4, "big") + packed(blob, b"canary-private")
    text = base64.b64encode(raw).decode()
    key = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n"
    world.secrets.seed("deploy-test", json.dumps({"private_key": key}))
    expected = {
        "fingerprint": fingerprints.of_ssh_key(blob),
        "credential": "deploy",
        "account": "ci",
        "file": "keys",
    }
    setting = setting_of(world)
    assert assessment.known_keys(setting, {"django"}, None) == [{**expected, "leaked": False}]
    assert assessment.known_keys(setting, {"deploy"}, None) == [{**expected, "leaked": True}]
    raw = raw.replace(blob, b"\0\0\0\x03new")
    new = key.replace(text, base64.b64encode(raw).decode())
    monkeypatch.setattr(
        RotationSetup, "new_value", lambda _self, _rotation, name: Login(None, new) if name == "deploy" else None
    )
    rotation: Any = object()
    keys = assessment.known_keys(setting, {"deploy"}, rotation)
    assert [(entry["fingerprint"], entry["leaked"]) for entry in keys] == [
        (fingerprints.of_ssh_key(b"\0\0\0\x03new"), False),
        (fingerprints.of_ssh_key(blob), True),
    ]


class TestReachedHost:
    """The rotation host receives administrators' passwords, so a thief must not be on it."""

    @pytest.fixture
    def world(self) -> World:
        admin = {"kind": "given", "appears_in": [{"secret": "admin-{environment}", "key": "password"}]}
        credentials = {**CATALOG["credentials"], "root": admin}
        credentials["database"] = {**credentials["database"], "admin": "root"}
        return World(catalog=catalog_parser.parse({**CATALOG, "credentials": credentials}, "test"))

    def refused(self, world: World, leaked: str, host: str, *trusted: str) -> str:
        hosts = ("web1", "web2")
        impact = followed(world, leaked, hosts=hosts, incident=None).impact
        assert impact is not None
        return assessment.refused_host(world.catalog, impact, hosts, host, trusted, "leak_trusted_host")

    def test_one_that_leaked_is_refused(self, world: World) -> None:
        message = self.refused(world, "host:web1", "web1", "web2")
        assert message.startswith("web1 would receive the passwords of root, but an intruder may be on web1.")
        assert "-e rotation_host=HOST" in message
        assert message.endswith("-e leak_trusted_host=web1")

    @pytest.mark.parametrize(("leaked", "host"), [("host:web1", "web2"), ("host:web1", "ops1"), ("database", "web1")])
    def test_another_one_is_not(self, world: World, leaked: str, host: str) -> None:
        assert self.refused(world, leaked, host) == ""

    def test_one_that_is_trusted(self, world: World) -> None:
        assert self.refused(world, "host:web1", "web1", "web2", "web1") == ""

    def test_without_an_administrator_nothing_is_sent(self, world: World) -> None:
        credentials = {**world.catalog.credentials}
        credentials["database"] = replace(credentials["database"], admin=None)
        world.catalog = replace(world.catalog, credentials=credentials)
        assert self.refused(world, "host:web1", "web1") == ""
