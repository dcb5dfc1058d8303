# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils import _catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import NoAccess, Overtaken
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations import _mirror
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations import _rotator_ends as ends
from tests.unit.plugins.module_utils._rotations.rotator_world import CATALOG, OLD_URL, TOKEN, Meanwhile, World

SETTINGS = CATALOG["settings"]
DOCUMENT: dict[str, Any] = {
    **CATALOG,
    "github": {"repository": "owner/name"},
    "settings": {
        **SETTINGS,
        "URL": {**SETTINGS["URL"], "github": "secret"},
        "TOKEN": {**SETTINGS["TOKEN"], "github": "secret"},
        "NOTE": {**SETTINGS["NOTE"], "github": "secret"},
    },
    "credentials": {
        **CATALOG["credentials"],
        "database": {"kind": "login", "appears_in": [{"setting": "URL"}, {"github": "DATABASE_PASSWORD"}]},
    },
}


class Recorder(_mirror.Mirror):
    """What was sent, in order."""

    def __init__(self) -> None:
        self.sent: list[dict[str, str]] = []
        self.error: Exception | None = None

    def send(self, values: Any) -> None:
        if self.error:
            raise self.error
        self.sent.append(dict(values))


@pytest.fixture
def world() -> World:
    return World(catalog=_catalog.parse(DOCUMENT, "test"))


def promoting(world: World, *names: str) -> tuple[Any, Recorder, dict[str, str]]:
    """A rotation at its promotion, its mirror, and what that must hold then."""
    rotator: Any = world.begun(*names)
    rotator.mirror = mirror = Recorder()
    values = world.created(rotator).credentials
    rotator.advance("promote")
    password = values["database"].password
    held = {"URL": f"postgres://app_b:{password}@db/app", "DATABASE_PASSWORD": str(password)}
    return rotator, mirror, {**held, **({"TOKEN": "new-token"} if "token" in names else {})}


def test_a_promotion_sends_the_new_values_of_what_rotates_and_nothing_else(world: World) -> None:
    rotator, mirror, held = promoting(world, "database", "token")
    assert mirror.sent == []
    assert rotator.promote().outcome == "done"
    assert mirror.sent == [held]


def test_it_is_sent_again_by_whoever_goes_on(world: World) -> None:
    rotator, mirror, held = promoting(world, "database")
    mirror.error = NoAccess("GitHub is down")
    with pytest.raises(NoAccess):
        rotator.promote()
    second: Any = world.taken_over()
    second.mirror = Recorder()
    assert second.promote().outcome == "done"
    assert second.mirror.sent == [held]


def test_taken_back_it_holds_the_former_values(world: World) -> None:
    rotator, mirror, held = promoting(world, "database", "token")
    rotator.promote()
    rotator.advance("abort", reason="why")
    ends.undo(rotator)
    assert mirror.sent == [held, {"URL": OLD_URL, "DATABASE_PASSWORD": "old", "TOKEN": "old-token"}]


def test_nothing_is_sent_back_that_was_never_sent(world: World) -> None:
    rotator: Any = world.begun("database")
    rotator.mirror = mirror = Recorder()
    world.created(rotator)
    rotator.advance("abort", reason="why")
    ends.undo(rotator)
    assert mirror.sent == []


def test_an_overtaken_run_sends_nothing(world: World) -> None:
    rotator, mirror, _held = promoting(world, "token", "database")
    world.parameters.hook = Meanwhile("write", TOKEN, world.taken_over)
    with pytest.raises(Overtaken):
        rotator.promote()
    assert mirror.sent == []


def test_of_a_catalog_without_a_repository_only_what_the_credential_names(world: World) -> None:
    world.catalog = replace(world.catalog, github=None)
    credential = world.catalog.credentials["database"]
    contents = world.secrets.read(["app/test/core", "copy-test"])
    plan = {"credentials": {"database": {"kind": "login"}}, "phases": 1}
    assert _mirror.values_of(world.catalog, plan, contents, {}) == {"DATABASE_PASSWORD": "old"}
    assert credential.github == ("DATABASE_PASSWORD",)
