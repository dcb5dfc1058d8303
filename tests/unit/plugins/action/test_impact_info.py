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

from ansible_collections.watchparty.secrets.plugins.action.impact_info import ActionModule
from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, COPY, CORE, KINDS, TOKEN, World

DEFAULTS = {name: option.get("default") for name, option in ActionModule.extra_options.items()}
OLD, NOW, COMING, TOKEN_VALUE = "canary-former", "canary-present", "canary-coming", "canary-token"


@pytest.fixture
def world() -> World:
    """The database's login in three versions, and a token in a parameter."""
    credentials = {**CATALOG["credentials"]}
    credentials["token"] = {**credentials["token"], "exposes": ["django"]}
    made = World(catalog=catalog_parser.parse({**CATALOG, "credentials": credentials}, "test"))

    def core(password: str) -> str:
        return json.dumps({"URL": f"postgres://app_a:{password}@db/app", "KEY": "canary-key"})

    for password, label in ((OLD, "AWSCURRENT"), (NOW, "AWSCURRENT"), (COMING, "AWSPENDING")):
        made.secrets.seed(CORE, core(password), label=label)
    made.secrets.seed(COPY, json.dumps({"url": f"postgres://app_a:{NOW}@db/app"}))
    made.parameters.seed("/app/test/TOKEN", TOKEN_VALUE)
    return made


def ask(world: World, task_vars: dict[str, Any] | None = None, **args: Any) -> dict[str, Any]:
    setting = RotationSetup(world.catalog, KINDS, world.rotator(), None)  # type: ignore[arg-type]
    return ActionModule.__new__(ActionModule).answer(setting, {**DEFAULTS, **args}, task_vars or {})


def find(world: World, tmp_path: Path, text: str, **args: Any) -> dict[str, Any]:
    path = tmp_path / "found.txt"
    path.write_text(text)
    result = ask(world, found_in=str(path), **args)
    assert not any(value in json.dumps(result) for value in (OLD, NOW, COMING, TOKEN_VALUE, "canary-key"))
    return result


class TestFound:
    @pytest.mark.parametrize(("value", "stage"), [(OLD, "AWSPREVIOUS"), (NOW, "AWSCURRENT"), (COMING, "AWSPENDING")])
    def test_each_version(self, world: World, tmp_path: Path, value: str, stage: str) -> None:
        result = find(world, tmp_path, f"12:00 GET / postgres://app_a:{value}@db failed\n")
        assert result["matches"] == [{"credential": "database", "stage": stage, "form": "unchanged"}]
        assert result["summary"] == [f"database: its {stage} value, unchanged"]
        assert result["declared"] == ["database"]

    def test_a_value_that_is_in_several_versions_has_the_newest(self, world: World, tmp_path: Path) -> None:
        assert [match["stage"] for match in find(world, tmp_path, "canary-key")["matches"]] == ["AWSCURRENT"]

    def test_a_former_key_that_still_verifies(self, world: World, tmp_path: Path) -> None:
        listed = {"KEY": "canary-key", "FALLBACKS": "canary-fallback-1,canary-fallback-2"}
        world.secrets.seed(CORE, json.dumps(listed))
        result = find(world, tmp_path, "canary-fallback-2")
        assert result["summary"] == ["django: its FALLBACKS value, unchanged"]
        assert result["declared"] == ["django"]
        world.secrets.seed(CORE, json.dumps({**listed, "FALLBACKS": "canary-fallback-1"}))
        assert find(world, tmp_path, "canary-fallback-2")["summary"] == ["django: its AWSPREVIOUS value, unchanged"]

    def test_a_former_version_of_a_parameter(self, world: World, tmp_path: Path) -> None:
        world.parameters.seed(TOKEN, "canary-second")
        world.parameters.seed(TOKEN, "canary-third")
        assert find(world, tmp_path, TOKEN_VALUE)["summary"] == ["token: its version 2 value, unchanged"]
        assert find(world, tmp_path, "canary-third")["summary"] == ["token: its AWSCURRENT value, unchanged"]

    def test_a_parameters_value_that_waits_in_an_open_rotation(self, world: World, tmp_path: Path) -> None:
        world.secrets.discard(CORE, version=world.labels()["AWSPENDING"], labels=["AWSPENDING"])
        made = replace(KINDS["given"], value="generated")
        rotator = world.begun("token")
        values = rotator.create({**KINDS, "given": made}, lambda _kind: "canary-waiting", {})
        assert values.phases == [{TOKEN: "canary-waiting"}]
        result = find(world, tmp_path, "canary-waiting")
        assert result["matches"] == [{"credential": "token", "stage": "AWSPENDING", "form": "unchanged"}]
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
        assert find(world, tmp_path, "canary-oldest")["summary"] == [f"database: its {oldest} value, unchanged"]
        assert find(world, tmp_path, f"canary-oldest {NOW}")["matches"][0]["stage"] == "AWSCURRENT"

    def test_what_is_too_short_to_be_looked_for_is_reported(self, world: World, tmp_path: Path) -> None:
        world.parameters.seed(TOKEN, "short")
        result = find(world, tmp_path, f"short {NOW}")
        assert result["declared"] == ["database"]
        assert result["not_checked"] == [
            f"database: URL (secret {COPY} key url), AWSPREVIOUS: shorter than 8 characters",
            f"token: TOKEN (parameter {TOKEN}), AWSCURRENT, version 3: shorter than 8 characters",
        ]
        assert ask(world, leaked=["token"])["not_checked"] == []

    def test_what_cannot_be_read_is_reported(self, world: World, tmp_path: Path) -> None:
        class Denies(Hook):
            def before(self, op: str, name: str) -> None:
                if (op, name) in (("read", COPY), ("history", TOKEN)):
                    raise Denied(f"AWS denies it on {name}")

        world.secrets.hook = world.parameters.hook = Denies()
        result = find(world, tmp_path, "another-string")
        assert result["summary"] == [
            "no credential in this catalog has the leaked string as its current, pending or previous value"
        ]
        assert result["not_checked"][:2] == [f"secret {COPY}: denied", f"AWS denies it on {TOKEN}"]

    def test_several_and_what_is_named_beside_them(self, world: World, tmp_path: Path) -> None:
        text = f"{TOKEN_VALUE}\n{base64.b64encode(NOW.encode()).decode()}"
        result = find(world, tmp_path, text, leaked=["django", "token"])
        assert result["declared"] == ["django", "token", "database"]
        assert [match["form"] for match in result["matches"]] == ["base64", "unchanged"]
        assert result["impact"]["waves"] == [["token"], ["database", "django"]]
        assert result["mermaid"].startswith("flowchart")
        assert result["graphviz"].startswith("digraph")
        assert result["text"][0] == "1. token"

    def test_one_of_nobody_is_said_so(self, world: World, tmp_path: Path) -> None:
        messages = ["no credential in this catalog has the leaked string as its current, pending or previous value"]
        result = find(world, tmp_path, "another-string")
        assert (result["summary"], result["impact"], result["declared"], result["text"]) == (
            messages,
            None,
            [],
            [],
        )
        assert find(world, tmp_path, "another-string", leaked=["django"])["summary"] == messages

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    def test_a_file_from_windows(self, world: World, tmp_path: Path, encoding: str) -> None:
        path = tmp_path / "found.txt"
        path.write_bytes(f"a line\r\nredis://{NOW}@c\r\n".encode(encoding))
        assert ask(world, found_in=str(path))["declared"] == ["database"]


class TestBadInput:
    def test_nothing(self, world: World) -> None:
        with pytest.raises(RotationError, match=r"^no leaked credential was named\. Name it"):
            ask(world)

    def test_an_empty_file(self, world: World, tmp_path: Path) -> None:
        with pytest.raises(RotationError, match=r"found\.txt: is empty; write the leaked string into it$"):
            find(world, tmp_path, " \n")

    def test_no_file(self, world: World, tmp_path: Path) -> None:
        with pytest.raises(
            RotationError, match=r"gone\.txt: cannot be read: No such file or directory; give another file by -e "
        ):
            ask(world, found_in=str(tmp_path / "gone.txt"))

    def test_bytes_that_are_no_text(self, world: World, tmp_path: Path) -> None:
        path = tmp_path / "found.bin"
        path.write_bytes(b"\xff\x00" + NOW.encode() + b"\xfe")
        assert ask(world, found_in=str(path))["declared"] == ["database"]

    def test_an_unknown_one(self, world: World) -> None:
        with pytest.raises(RotationError, match=r"^nobody: is not a credential of the catalog"):
            ask(world, leaked=["nobody"])
        with pytest.raises(RotationError, match=r"^host:web9: the inventory has no such host; it has web1$"):
            ask(world, leaked=["host:web9"], hosts=["web1"])
