# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which credential a string is, in which version, and that no value comes back."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action.impact_info import ActionModule
from ansible_collections.watchparty.secrets.plugins.module_utils import _authorized_keys, _catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import Setting
from tests.unit.plugins.module_utils._rotations.rotator_world import CATALOG, COPY, CORE, KINDS, World

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
        ssh = {"kind": "ssh_key", "appears_in": [{"secret": "deploy-{environment}", "key": "private_key"}]}
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
        found = ask(world, leaked=["django"])
        assert found["known_keys"] == [_authorized_keys.fingerprint(blob)]
        assert text not in json.dumps(found)
