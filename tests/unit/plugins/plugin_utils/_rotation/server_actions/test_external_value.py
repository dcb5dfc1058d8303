# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which value is tried in which state, on the twins in memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_actions.external_value import (
    ExternalValueAction,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.action.local_action import run_action
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, CORE, GIVEN, KINDS, NOW, World, close

TEST = {"url": "https://p.example/me", "headers": {"X-Key": "{value}"}}
PLACE = [{"setting": "NOTE"}]
DOCUMENT = {
    **CATALOG,
    "credentials": {
        **CATALOG["credentials"],
        "token": {"kind": "given", "appears_in": [{"setting": "TOKEN"}], "test": TEST},
        "note": {"kind": "given", "appears_in": PLACE, "test": TEST},
        "plain": {"kind": "given", "appears_in": PLACE},
    },
}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setitem(GIVEN, "note", Login(None, "new-canary-note"))
    return World(catalog=catalog_parser.parse(DOCUMENT, "test"))


def params(world: World, name: str, state: str, answers: Any = None) -> tuple[dict[str, Any] | None, list[str]]:
    action = ExternalValueAction.__new__(ExternalValueAction)
    action._answers_in = {"asked": {"answers": answers or {}}}
    setting = RotationSetup(world.catalog, KINDS, world.rotator(), SimpleNamespace())  # type: ignore[arg-type]
    masked: list[str] = []
    args = {"credential": name, "state": state, "values_from": "asked"}
    return action.params(setting, args, masked), masked


def sent(result: dict[str, Any] | None) -> list[str]:
    assert result is not None
    return [item["current"]["headers"]["X-Key"] for item in result["tries"]]


def test_before_a_rotation_it_is_what_was_given(world: World) -> None:
    result, masked = params(world, "token", "checked", {"token": "given-canary"})
    assert (sent(result), masked) == (["given-canary"], ["given-canary"])


def test_in_a_rotation_it_is_the_new_one(world: World) -> None:
    rotator = world.begun("note")
    with pytest.raises(RotationError, match="the rotation has no new value yet"):
        params(world, "note", "usable")
    world.created(rotator)
    result, masked = params(world, "note", "usable")
    assert (sent(result), masked) == (["new-canary-note"], ["new-canary-note"])


def test_without_a_test_nothing_is_done(world: World) -> None:
    assert params(world, "plain", "checked", {"plain": "given-canary"})[0] is None


class TestOld:
    def closed(self, world: World, **secrets: str) -> None:
        rotator = world.begun("note")
        world.created(rotator)
        rotator.advance("promote")
        rotator.promote()
        pending = {"credential": "note", "act": "confirm", "due": NOW, "rotation": "r1"}
        close(rotator, step="closed", pending_tasks={"r1/note": {**pending, "secrets": secrets}})

    def test_it_is_read_by_the_version_that_held_it(self, world: World) -> None:
        self.closed(world, **{CORE: world.first[CORE]})
        world.write("NOTE", "newest-canary")  # the version concerned is not a previous one any more
        result, masked = params(world, "note", "tried")
        assert sent(result) == ["newest-canary"]
        assert result is not None
        assert [(item["id"], item["former"][0]["headers"]) for item in result["tries"]] == [
            ("r1/note", {"X-Key": "theirs"}),
        ]
        assert masked == ["newest-canary"], "the other is too short to be masked"

    @pytest.mark.parametrize("version", ["", "0" * 36])
    def test_one_that_cannot_be_read_any_more(self, world: World, version: str) -> None:
        self.closed(world, **({CORE: version} if version else {}))
        assert params(world, "note", "tried")[0] is None


def test_the_tries_are_nobodys_to_give() -> None:
    with pytest.raises(AnsibleActionFail, match="sets tries itself"):
        run_action(ExternalValueAction, credential="x", tries=[])
