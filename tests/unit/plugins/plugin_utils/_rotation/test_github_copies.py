# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess, Overtaken, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import port as github_port
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import github_copies as _mirror
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import rollback as rotation_rollback
from tests.unit.plugins.plugin_utils._rotation.rotator_world import (
    CATALOG,
    NOW,
    OLD_URL,
    TOKEN,
    Meanwhile,
    World,
    opened,
)

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


class Recorder(github_port.CopyPort):
    """What was sent, in order."""

    def __init__(self) -> None:
        self.sent: list[dict[str, str]] = []
        self.error: Exception | None = None

    def send(self, values: Any, look: Any) -> None:
        look().spend()
        if self.error:
            raise self.error
        self.sent.append(dict(values))


@pytest.fixture
def world() -> World:
    return World(catalog=catalog_parser.parse(DOCUMENT, "test"))


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


def test_rolled_back_it_holds_the_former_values(world: World) -> None:
    rotator, mirror, held = promoting(world, "database", "token")
    rotator.promote()
    rotator.advance("abort", reason="why")
    rotation_rollback.undo(rotator)
    assert mirror.sent == [held, {"URL": OLD_URL, "DATABASE_PASSWORD": "old", "TOKEN": "old-token"}]


def test_nothing_is_sent_back_that_was_never_sent(world: World) -> None:
    rotator: Any = world.begun("database")
    rotator.mirror = mirror = Recorder()
    world.created(rotator)
    rotator.advance("abort", reason="why")
    rotation_rollback.undo(rotator)
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
    assert _mirror.copies_of(world.catalog, plan, contents, {}).values == {"DATABASE_PASSWORD": "old"}
    assert credential.github == ("DATABASE_PASSWORD",)


class TestWithoutATokenNothingIsLost:
    """A run that goes on in another terminal, or under a scheduler, may have none."""

    def test_a_promotion_stops_before_it_moves_anything(self, world: World) -> None:
        rotator, mirror, held = promoting(world, "database", "token")
        rotator.mirror = None
        before = world.labels()
        done = rotator.promote()
        assert done.outcome == "blocked"
        assert (
            "nothing was promoted: GitHub holds it too (DATABASE_PASSWORD, URL, TOKEN), and there is no token"
            in done.message
        )
        assert (world.labels(), world.token()) == (before, "old-token")
        rotator.mirror = mirror
        assert rotator.promote().outcome == "done"
        assert mirror.sent == [held]

    def test_so_does_a_way_back_from_a_promotion(self, world: World) -> None:
        rotator, mirror, _held = promoting(world, "database", "token")
        rotator.promote()
        rotator.advance("abort", reason="why")
        rotator.mirror, before = None, world.labels()
        with pytest.raises(RotationError, match=r"no rollback was made: GitHub holds it too \(DATABASE_"):
            rotation_rollback.undo(rotator)
        assert (world.labels(), world.token()) == (before, "new-token")
        rotator.mirror = mirror
        rotation_rollback.undo(rotator)
        assert mirror.sent[-1] == {"URL": OLD_URL, "DATABASE_PASSWORD": "old", "TOKEN": "old-token"}

    def test_a_way_back_from_before_it_needs_none(self, world: World) -> None:
        rotator: Any = world.begun("database")
        world.created(rotator)
        rotator.advance("abort", reason="why")
        assert rotation_rollback.undo(rotator) == []

    def test_a_leak_is_contained_all_the_same(self, world: World) -> None:
        """What GitHub lacks is reported: nobody waits for it."""
        rotator, mirror, _held = promoting(world, "database", "token")
        rotator.mirror = None
        declared(world)
        done = rotator.promote()
        assert (done.outcome, done.sent, world.token()) == ("done", (), "new-token")
        assert "DATABASE_PASSWORD, URL, TOKEN was not sent to GitHub" in done.message
        rotator.advance("abort", reason="why")
        assert "DATABASE_PASSWORD, URL, TOKEN was not sent to GitHub" in rotation_rollback.undo(rotator)[-1]
        assert (mirror.sent, world.token()) == ([], "old-token")


class TestWhatASettingIsMadeOf:
    """Parts that do not rotate, in parameters and secrets that the plan does not name."""

    DSN = "redis://shop:new-token@cache:6379/0"

    @pytest.fixture
    def world(self) -> World:
        parts = {
            "username": "shop",
            "password": {"parameter": "TOKEN"},
            "host": {"parameter": "HOST"},
        }
        settings = {
            **SETTINGS,
            "DSN": {
                "compose": {
                    "scheme": "redis",
                    **parts,
                    "port": {"secret": "net-{environment}", "key": "port"},
                    "path": "0",
                },
                "github": "secret",
            },
        }
        credential = {"kind": "given", "appears_in": [{"setting": "TOKEN"}, {"setting": "DSN"}]}
        document = {**DOCUMENT, "settings": settings, "credentials": {"token": credential}}
        made = World(catalog=catalog_parser.parse(document, "test"))
        made.secrets.seed("net-test", '{"port": 6379}')
        made.parameters.seed("/app/test/HOST", "cache")
        return made

    def promoting(self, world: World) -> tuple[Any, Recorder]:
        rotator: Any = world.begun("token")
        rotator.mirror = mirror = Recorder()
        world.created(rotator)
        rotator.advance("promote")
        return rotator, mirror

    def test_is_read_too(self, world: World) -> None:
        rotator, mirror = self.promoting(world)
        done = rotator.promote()
        assert (done.outcome, done.sent, mirror.sent) == ("done", ("DSN",), [{"DSN": self.DSN}])
        rotator.advance("abort", reason="why")
        rotation_rollback.undo(rotator)
        assert mirror.sent[-1] == {"DSN": self.DSN.replace("new", "old")}

    def test_what_lacks_a_part_stops_it_by_name(self, world: World) -> None:
        rotator, mirror = self.promoting(world)
        host = world.parameters._parameters.pop("/app/test/HOST")
        done = rotator.promote()
        assert (done.outcome, world.token(), mirror.sent) == ("blocked", "old-token", [])
        assert "GitHub holds DSN too, and a part of that value is missing or cannot be read" in done.message
        world.parameters._parameters["/app/test/HOST"] = host
        assert rotator.promote().outcome == "done"
        assert mirror.sent == [{"DSN": self.DSN}]

    def test_not_a_leak(self, world: World) -> None:
        rotator, mirror = self.promoting(world)
        del world.parameters._parameters["/app/test/HOST"]
        declared(world)
        done = rotator.promote()
        assert (done.outcome, done.sent, mirror.sent) == ("done", (), [{}])
        assert "DSN was not sent to GitHub" in done.message


def test_one_that_the_application_may_lack_is_no_reason_to_stop(world: World) -> None:
    settings = {
        **DOCUMENT["settings"],
        "SPARE": {"group": "core", "type": "url", "required": False, "github": "secret"},
    }
    database = {"kind": "login", "appears_in": [{"setting": "URL"}, {"setting": "SPARE"}]}
    document = {**DOCUMENT, "settings": settings, "credentials": {**DOCUMENT["credentials"], "database": database}}
    world.catalog = catalog_parser.parse(document, "test")
    rotator: Any = world.begun("database")
    rotator.mirror = Recorder()
    world.created(rotator)
    rotator.advance("promote")
    done = rotator.promote()
    assert (done.outcome, done.sent, done.message) == ("done", ("URL",), "")


def test_what_was_sent_is_kept_for_the_record(world: World) -> None:
    rotator, _mirror, held = promoting(world, "database", "token")
    done = rotator.promote()
    rotator.advance("revoke", sent=done.sent)
    assert set(opened(rotator.advance("record")).sent) == set(held)


def declared(world: World) -> None:
    """A leak, while a rotation is open."""
    rotator = world.rotator()
    journal = rotator.look()
    rotator.append(journal, "leak-1", "closed", incident=Incident("leak-1", NOW, "ops", ("database",)).entry())
