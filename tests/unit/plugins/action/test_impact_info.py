# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which credential a string is, in which version, and that no value comes back."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import impact_info
from ansible_collections.watchparty.secrets.plugins.action.impact_info import ActionModule
from ansible_collections.watchparty.secrets.plugins.module_utils import _authorized_keys, _catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import Denied, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._leaks._incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.memory import Hook
from ansible_collections.watchparty.secrets.plugins.module_utils._url import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import Setting
from tests.unit.plugins.module_utils._rotations.rotator_world import (
    CATALOG,
    COPY,
    CORE,
    KINDS,
    TOKEN,
    World,
)

DEFAULTS = {name: option.get("default") for name, option in ActionModule.extra_options.items()}
OLD, NOW, COMING, TOKEN_VALUE = "canary-former", "canary-present", "canary-coming", "canary-token"


@pytest.fixture
def world() -> World:
    """The database's login in three versions, and a token in a parameter."""
    credentials = {**CATALOG["credentials"]}
    credentials["token"] = {**credentials["token"], "exposes": ["django"]}
    made = World(catalog=_catalog.parse({**CATALOG, "credentials": credentials}, "test"))

    def core(password: str) -> str:
        return json.dumps({"URL": f"postgres://app_a:{password}@db/app", "KEY": "canary-key"})

    for password, label in ((OLD, "AWSCURRENT"), (NOW, "AWSCURRENT"), (COMING, "AWSPENDING")):
        made.secrets.seed(CORE, core(password), label=label)
    made.secrets.seed(COPY, json.dumps({"url": f"postgres://app_a:{NOW}@db/app"}))
    made.parameters.seed("/app/test/TOKEN", TOKEN_VALUE)
    return made


def ask(world: World, task_vars: dict[str, Any] | None = None, **args: Any) -> dict[str, Any]:
    setting = Setting(world.catalog, KINDS, world.rotator(), None)  # type: ignore[arg-type]
    return ActionModule.__new__(ActionModule).answer(setting, {**DEFAULTS, **args}, task_vars or {})


def test_the_drill_knows_what_the_run_will_do_with_sessions(world: World) -> None:
    told = {"hostvars": {"web1": {}, "web2": {"django_chdir": "/srv/app"}}}
    found = ask(world, told, leaked=["token"], hosts=["web1", "web2", "gone"], host="web1")["sessions"]
    assert (found["ends"], found["against"][:6]) == (True, "web1: ")
    assert ask(world, told, leaked=["token"], hosts=["web1", "web2"], host="web2")["sessions"]["against"] == ""
    credentials = {name: {**one, "used_for": ["signing"]} for name, one in CATALOG["credentials"].items()}
    world.catalog = _catalog.parse({**CATALOG, "credentials": credentials}, "test")
    nothing = {"ends": False, "declared": False, "against": ""}
    assert ask(world, {"hostvars": {"web1": {}}}, leaked=["token"], hosts=["web1"], host="web1")["sessions"] == nothing


def find(world: World, tmp_path: Path, text: str, **args: Any) -> dict[str, Any]:
    path = tmp_path / "found.txt"
    path.write_text(text)
    found = ask(world, found_in=str(path), **args)
    assert not any(value in json.dumps(found) for value in (OLD, NOW, COMING, TOKEN_VALUE, "canary-key"))
    return found


class TestFound:
    @pytest.mark.parametrize(("value", "stage"), [(OLD, "AWSPREVIOUS"), (NOW, "AWSCURRENT"), (COMING, "AWSPENDING")])
    def test_each_version(self, world: World, tmp_path: Path, value: str, stage: str) -> None:
        found = find(world, tmp_path, f"12:00 GET / postgres://app_a:{value}@db failed\n")
        assert found["matches"] == [{"credential": "database", "stage": stage, "form": "as it is"}]
        assert found["words"] == [f"database: its {stage} value, as it is"]
        assert found["declared"] == ["database"]

    def test_a_value_that_is_in_several_versions_is_told_of_the_newest(self, world: World, tmp_path: Path) -> None:
        assert [match["stage"] for match in find(world, tmp_path, "canary-key")["matches"]] == ["AWSCURRENT"]

    def test_a_former_key_that_still_verifies(self, world: World, tmp_path: Path) -> None:
        listed = {"KEY": "canary-key", "FALLBACKS": "canary-fallback-1,canary-fallback-2"}
        world.secrets.seed(CORE, json.dumps(listed))
        found = find(world, tmp_path, "canary-fallback-2")
        assert found["words"] == ["django: its FALLBACKS value, as it is"]
        assert found["declared"] == ["django"]
        world.secrets.seed(CORE, json.dumps({**listed, "FALLBACKS": "canary-fallback-1"}))
        assert find(world, tmp_path, "canary-fallback-2")["words"] == ["django: its AWSPREVIOUS value, as it is"]

    def test_a_former_version_of_a_parameter(self, world: World, tmp_path: Path) -> None:
        world.parameters.seed(TOKEN, "canary-second")
        world.parameters.seed(TOKEN, "canary-third")
        assert find(world, tmp_path, TOKEN_VALUE)["words"] == ["token: its version 2 value, as it is"]
        assert find(world, tmp_path, "canary-third")["words"] == ["token: its AWSCURRENT value, as it is"]

    def test_a_parameters_value_that_waits_in_an_open_rotation(self, world: World, tmp_path: Path) -> None:
        world.secrets.discard(CORE, version=world.labels()["AWSPENDING"], labels=["AWSPENDING"])
        made = replace(KINDS["given"], value="generated")
        rotator = world.begun("token")
        values = rotator.create({**KINDS, "given": made}, lambda _kind: "canary-waiting", {})
        assert values.phases == [{TOKEN: "canary-waiting"}]
        found = find(world, tmp_path, "canary-waiting")
        assert found["matches"] == [{"credential": "token", "stage": "AWSPENDING", "form": "as it is"}]
        assert find(world, tmp_path, TOKEN_VALUE)["matches"][0]["stage"] == "AWSCURRENT"

    def test_what_a_provider_made_and_nothing_holds_yet(self, world: World, tmp_path: Path) -> None:
        world.secrets.discard(CORE, version=world.labels()["AWSPENDING"], labels=["AWSPENDING"])
        rotator = world.begun("token")
        journal = rotator.look()
        assert journal.rotation is not None
        plan = {**journal.rotation.plan}
        plan["credentials"] = {"token": {**plan["credentials"]["token"], "issued": True}}
        rotator.append(journal, "r1", "create", plan=plan)
        assert find(world, tmp_path, "canary-issued")["matches"] == []
        rotator.issued(journal.rotation).keep("token", Login("id", "canary-issued"))
        assert find(world, tmp_path, "canary-issued")["matches"][0]["stage"] == "AWSPENDING"

    def test_a_version_without_labels_where_nothing_else_matches(self, world: World, tmp_path: Path) -> None:
        before = {"URL": "postgres://app_a:canary-oldest@db/app", "KEY": "canary-key"}
        oldest = world.secrets.seed(CORE, json.dumps(before))
        world.secrets.seed(CORE, json.dumps({**before, "URL": f"postgres://app_a:{OLD}@db/app"}))
        world.secrets.seed(CORE, json.dumps({**before, "URL": f"postgres://app_a:{NOW}@db/app"}))
        assert find(world, tmp_path, "canary-oldest")["words"] == [f"database: its {oldest} value, as it is"]
        assert find(world, tmp_path, f"canary-oldest {NOW}")["matches"][0]["stage"] == "AWSCURRENT"

    def test_what_is_too_short_to_be_looked_for_is_told(self, world: World, tmp_path: Path) -> None:
        world.parameters.seed(TOKEN, "short")
        found = find(world, tmp_path, f"short {NOW}")
        assert found["declared"] == ["database"]
        assert found["not_sought"] == [
            f"database: URL (secret {COPY} key url), AWSPREVIOUS: shorter than 8 characters",
            f"token: TOKEN (parameter {TOKEN}), AWSCURRENT, version 3: shorter than 8 characters",
        ]
        assert ask(world, leaked=["token"])["not_sought"] == []

    def test_what_cannot_be_read_is_told(self, world: World, tmp_path: Path) -> None:
        class Denies(Hook):
            def before(self, op: str, name: str) -> None:
                if (op, name) in (("read", COPY), ("history", TOKEN)):
                    raise Denied(f"AWS denies it on {name}")

        world.secrets.hook = world.parameters.hook = Denies()
        found = find(world, tmp_path, "another-string")
        assert found["words"] == ["what was found is no current, pending or previous value of a credential here"]
        assert found["not_sought"][:2] == [f"secret {COPY}: denied", f"AWS denies it on {TOKEN}"]

    def test_several_and_what_is_named_beside_them(self, world: World, tmp_path: Path) -> None:
        text = f"{TOKEN_VALUE}\n{base64.b64encode(NOW.encode()).decode()}"
        found = find(world, tmp_path, text, leaked=["django", "token"])
        assert found["declared"] == ["django", "token", "database"]
        assert [match["form"] for match in found["matches"]] == ["base64", "as it is"]
        assert found["impact"]["waves"] == [["token"], ["database", "django"]]
        assert found["mermaid"].startswith("flowchart")
        assert found["graphviz"].startswith("digraph")
        assert found["text"][0] == "1. token"

    def test_one_of_nobody_is_said_so(self, world: World, tmp_path: Path) -> None:
        words = ["what was found is no current, pending or previous value of a credential here"]
        found = find(world, tmp_path, "another-string")
        assert (found["words"], found["impact"], found["declared"], found["text"]) == (words, None, [], [])
        assert find(world, tmp_path, "another-string", leaked=["django"])["words"] == words

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    def test_a_file_from_windows(self, world: World, tmp_path: Path, encoding: str) -> None:
        path = tmp_path / "found.txt"
        path.write_bytes(f"a line\r\nredis://{NOW}@c\r\n".encode(encoding))
        assert ask(world, found_in=str(path))["declared"] == ["database"]

    def test_by_an_answer(self, world: World) -> None:
        asked = {"asked": {"answers": {"found": f"redis://{NOW}@c"}}}
        assert ask(world, asked, found_by="asked")["declared"] == ["database"]

    @pytest.mark.parametrize(
        "asked", [{}, {"asked": "skipped"}, {"asked": {"skipped": True}}, {"asked": {"answers": {}}}]
    )
    def test_a_question_that_nobody_was_asked(self, world: World, asked: dict[str, Any]) -> None:
        with pytest.raises(RotationError, match=r"^nothing was declared; name what leaked"):
            ask(world, asked, found_by="asked")
        assert ask(world, asked, found_by="asked", leaked=["django"])["words"] == []


class TestBadInput:
    def test_nothing(self, world: World) -> None:
        with pytest.raises(RotationError, match=r"^nothing was declared; name what leaked"):
            ask(world)

    def test_an_empty_file(self, world: World, tmp_path: Path) -> None:
        with pytest.raises(RotationError, match=r"found\.txt: is empty; write what was found into it$"):
            find(world, tmp_path, " \n")

    def test_no_file(self, world: World, tmp_path: Path) -> None:
        with pytest.raises(RotationError, match=r"gone\.txt: cannot be read: No such file or directory$"):
            ask(world, found_in=str(tmp_path / "gone.txt"))

    def test_bytes_that_are_no_text(self, world: World, tmp_path: Path) -> None:
        path = tmp_path / "found.bin"
        path.write_bytes(b"\xff\x00" + NOW.encode() + b"\xfe")
        assert ask(world, found_in=str(path))["declared"] == ["database"]

    def test_an_unknown_one(self, world: World) -> None:
        with pytest.raises(RotationError, match=r"^nobody: is no credential of the catalog"):
            ask(world, leaked=["nobody"])
        with pytest.raises(RotationError, match=r"^host:web9: no such host is in the inventory; it has web1$"):
            ask(world, leaked=["host:web9"], hosts=["web1"])


class TestBeside:
    """What a leak response needs to know beside the blast radius."""

    def test_what_is_purged(self, world: World) -> None:
        purge = {"cdn": {"distribution": "E1"}, "cache": {"setting": "URL", "keys": ["b*"]}}
        services = {"web": {"units": ["web.service", "b.service"]}, "worker": {"units": ["a.service", "b.service"]}}
        document = {**CATALOG, "purge": purge, "services": services}
        world.catalog = _catalog.parse(document, "test")
        found = ask(world, leaked=["django"])
        assert found["purge"]["valkey"] == ["cache"]
        assert found["purge"]["invalidations"] == [{"name": "cdn", "distribution": "E1", "paths": ["/*"]}]
        assert isinstance(found["purge"]["cloudfront"], bool)
        assert found["units"] == ["a.service", "b.service", "web.service"]
        assert found["known_keys"] == []

    def test_keys_by_their_fingerprint(self, world: World) -> None:
        options = {"user": "ci", "authorized_keys": "keys"}
        ssh = {
            "kind": "ssh_key",
            "options": options,
            "appears_in": [{"secret": "deploy-{environment}", "key": "private_key"}],
        }
        world.catalog = _catalog.parse({**CATALOG, "credentials": {**CATALOG["credentials"], "deploy": ssh}}, "test")
        blob = b"\0\0\0\x03key"

        def packed(*fields: bytes) -> bytes:
            return b"".join(len(one).to_bytes(4, "big") + one for one in fields)

        raw = (
            b"openssh-key-v1\0"
            + packed(b"none", b"none", b"")
            + (1).to_bytes(4, "big")
            + packed(blob, b"canary-private")
        )
        text = base64.b64encode(raw).decode()
        key = f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n"
        world.secrets.seed("deploy-test", json.dumps({"private_key": key}))
        print_ = _authorized_keys.fingerprint(blob)
        told = {"fingerprint": print_, "credential": "deploy", "account": "ci", "file": "keys"}
        found = ask(world, leaked=["django"])
        assert found["known_keys"] == [{**told, "leaked": False}]
        assert ask(world, leaked=["deploy"])["known_keys"] == [{**told, "leaked": True}]
        assert text not in json.dumps(found)


class TestJoins:
    """What the open incident was declared for counts too, so that a narrower command drops nothing of it."""

    @pytest.fixture
    def open_leak(self, world: World) -> World:
        leak = Incident("leak-1", "2026-11-25T15:00:00Z", "ops", ("token", "host:web9"))
        rotator = world.rotator()
        rotator.append(rotator.look(), leak.id, "closed", incident=leak.entry())
        return world

    def test_the_union_of_the_declarations(self, open_leak: World) -> None:
        found = ask(open_leak, leaked=["database"], hosts=["web1"], joins=True)
        assert found["declared"] == ["token", "host:web9", "database"]
        assert sorted(name for wave in found["impact"]["waves"] for name in wave) == ["database", "django", "token"]
        assert found["text"][0] == "leak-1 is open and goes on; token, host:web9 leaked too"

    def test_one_that_adds_nothing(self, open_leak: World) -> None:
        found = ask(open_leak, leaked=["host:web9", "token"], hosts=["web9"], joins=True)
        assert found["declared"] == ["host:web9", "token"]
        assert found["text"][0].startswith("1. ")

    def test_a_string_of_nobody_goes_on_with_nothing(self, open_leak: World, tmp_path: Path) -> None:
        assert find(open_leak, tmp_path, "another-string", joins=True)["declared"] == []

    def test_unasked_it_tells_what_was_asked_for(self, open_leak: World) -> None:
        assert ask(open_leak, leaked=["database"])["declared"] == ["database"]

    def test_without_an_incident(self, world: World) -> None:
        assert ask(world, leaked=["database"], joins=True)["declared"] == ["database"]


class TestReachedHost:
    """The host that talks to the servers receives administrators' passwords, so a thief must not be on it."""

    @pytest.fixture
    def world(self) -> World:
        admin = {"kind": "given", "appears_in": [{"secret": "admin-{environment}", "key": "password"}]}
        credentials = {**CATALOG["credentials"], "root": admin}
        credentials["database"] = {**credentials["database"], "admin": "root"}
        return World(catalog=_catalog.parse({**CATALOG, "credentials": credentials}, "test"))

    @pytest.fixture(autouse=True)
    def _command_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: dict[str, Any] = {}
        monkeypatch.setattr(impact_info, "extra_variable", lambda name, **_how: self.said.get(name))
        for name in ("_loader", "_templar"):
            monkeypatch.setattr(ActionModule, name, None, raising=False)

    def reached(self, world: World, leaked: str, host: str, **variables: Any) -> str:
        trusted = {"rotation_host": host, "trusted_by": "leak_trusted_host"}
        answer = ask(world, variables, leaked=[leaked], hosts=["web1", "web2"], **trusted)
        return str(answer["reached_host"])

    def test_one_that_leaked_is_refused(self, world: World) -> None:
        words = self.reached(world, "host:web1", "web1")
        assert words.startswith("web1 would receive the passwords of root, and whoever has what leaked may be on it.")
        assert "-e rotation_host=HOST" in words
        assert words.endswith("-e leak_trusted_host=web1")

    @pytest.mark.parametrize(("leaked", "host"), [("host:web1", "web2"), ("host:web1", "ops1"), ("database", "web1")])
    def test_another_one_is_not(self, world: World, leaked: str, host: str) -> None:
        assert self.reached(world, leaked, host) == ""

    def test_a_confirmation_counts_from_the_command_line_alone(self, world: World) -> None:
        assert self.reached(world, "host:web1", "web1", leak_trusted_host="web1")
        self.said["leak_trusted_host"] = "web2"
        assert self.reached(world, "host:web1", "web1")
        self.said["leak_trusted_host"] = "web2,web1"
        assert self.reached(world, "host:web1", "web1") == ""

    def test_without_an_administrator_nothing_is_sent(self, world: World) -> None:
        credentials = {**world.catalog.credentials}
        credentials["database"] = replace(credentials["database"], admin=None)
        world.catalog = replace(world.catalog, credentials=credentials)
        assert self.reached(world, "host:web1", "web1") == ""
