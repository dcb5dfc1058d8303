# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Back to a setting's previous value, unless that value is gone, revoked or leaked, or somebody wrote meanwhile."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, ProvisionError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import written
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import set_plan, undo
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import version_id
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.plugin_utils._provision.values_world import CORE, World, catalog

MORE, LEVEL = "app/test/more", "/app/test/LEVEL"


@pytest.fixture
def world() -> World:
    """TOKEN, NOTE and LEVEL were set after they were provisioned."""
    made = World()
    made.provision()
    for name, text in {"NOTE": "first", "TOKEN": "canary-second", "LEVEL": "debug"}.items():
        made.process(planner=set_plan.plan).apply({name: text})
    made.process(planner=set_plan.plan).apply({"NOTE": "second"})
    return made


def undone(world: World, *names: str) -> list[str]:
    process = world.process()
    wanted = undo.wanted(process, names, process.look())
    process.planner = wanted.plan
    return [*map(str, wanted.settings), *process.apply(wanted.values)]


def refused(world: World, *names: str) -> str:
    before = (world.secret(CORE), world.secret(MORE), world.parameter("LEVEL"))
    with pytest.raises(ProvisionError) as raised:
        undone(world, *names)
    assert (world.secret(CORE), world.secret(MORE), world.parameter("LEVEL")) == before
    assert "canary" not in str(raised.value)
    return str(raised.value)


def entry(world: World, **fields: Any) -> None:
    world.journal.seed(written({"number": 1, "rotation": "r1", "step": "closed", "who": "ann", **fields}))


def dated(world: World, **dates: str) -> None:
    """The store says when versions were written."""
    read = world.secrets.read

    def with_dates(names: Any, **how: Any) -> Any:
        contents = read(names, **how)
        at = dates["previous" if how.get("stages") else "current"]
        return replace(contents, readings={name: replace(item, written=at) for name, item in contents.readings.items()})

    world.secrets.read = with_dates  # type: ignore[method-assign]


def test_a_key_of_a_secret_goes_back_and_the_others_stay(world: World) -> None:
    others = {name: text for name, text in world.secret(CORE).items() if name != "NOTE"}
    lines = undone(world, "NOTE")
    assert re.fullmatch(r"undo NOTE: back to version \S+ of secret app/test/core key NOTE", lines[0])
    assert world.secret(CORE) == {**others, "NOTE": "first"}
    assert undone(world, "NOTE")[1:] == [f"update secret {CORE}: NOTE (set)"], "the undo is undone"
    assert world.secret(CORE)["NOTE"] == "second"


def test_an_externally_issued_value_and_a_parameter(world: World) -> None:
    assert len(undone(world, "TOKEN", "LEVEL")) == 4
    assert (world.secret(MORE), world.parameter("LEVEL")) == ({"TOKEN": "canary-token"}, "info")


def test_a_parameter_that_was_written_anew_with_the_same_value(world: World) -> None:
    """As a change of its key does."""
    world.parameters.seed(LEVEL, "debug")
    assert undone(world, "LEVEL")[0] == f"undo LEVEL: back to version 1 of parameter {LEVEL}"
    assert world.parameter("LEVEL") == "info"


def test_another_setting_that_changed_since_hides_the_previous_value(world: World) -> None:
    world.secrets.seed(CORE, world.secrets.read([CORE]).readings[CORE].value.replace("{", '{"OTHER": "x", ', 1))
    assert f"NOTE: {undo.NO_OTHER}" in refused(world, "NOTE")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("URL", "URL: belongs to credential database, whose previous value a rotation revokes; run ansible-playbook"),
        ("HOSTS", "HOSTS: parameter /app/test/HOSTS has no other value in its history"),
        ("admin.password", "admin.password: secret app/test/admin key password has no previous version"),
        ("FLAG", "FLAG: has its value in the catalog"),
        ("NOTHING", "NOTHING: is neither a setting nor a credential"),
    ],
)
def test_what_is_refused(world: World, name: str, message: str) -> None:
    assert message in refused(world, name)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "TOKEN",
            {"first": {"kind": "login", "appears_in": [{"setting": "TOKEN"}]}},
            "TOKEN: belongs to credential first",
        ),
        (
            "TOKEN",
            {"first": {"kind": "login", "appears_in": [{"secret": "app/{environment}/more", "keys": ["TOKEN"]}]}},
            "TOKEN: belongs to credential first",
        ),
        (
            "NOTE",
            {"first": {"kind": "given", "fallbacks": "NOTE", "appears_in": [{"setting": "TOKEN"}]}},
            "NOTE: lists previous keys of credential first, and an undo would make a revoked key valid ",
        ),
    ],
    ids=["two credentials", "a place of another credential", "previous keys"],
)
def test_every_credential_of_a_place_counts(name: str, change: dict[str, Any], message: str) -> None:
    made = World(catalog(lambda document: document.update(credentials={**change, **document["credentials"]})))
    made.provision()
    for text in ("first", "second"):
        made.process(planner=set_plan.plan, anyway=True).apply({name: text})
    assert message in refused(made, name)


def test_a_setting_without_a_value() -> None:
    made = World()
    made.provision()
    with pytest.raises(ProvisionError, match="NOTE: has no value in secret app/test/core key NOTE"):
        undone(made, "NOTE")


def test_a_setting_that_the_previous_version_lacks() -> None:
    made = World()
    made.provision()
    made.process(planner=set_plan.plan).apply({"NOTE": "first"})
    with pytest.raises(ProvisionError, match=r"NOTE: version .* of secret app/test/core key NOTE has no value"):
        undone(made, "NOTE")


def test_after_a_kill_between_two_copies() -> None:
    """Else the second undo would go back to the value that the first one was to end."""

    class Killer(Hook):
        def before(self, op: str, name: str) -> None:
            if op == "write":
                raise InterruptedError

    made = World(catalog(lambda document: document["settings"]["NOTE"].update(copies=[{"parameter": "NOTE"}])))
    made.provision()
    for text in ("first", "second"):
        made.process(planner=set_plan.plan).apply({"NOTE": text})
    made.parameters.hook = Killer()
    with pytest.raises(InterruptedError):
        undone(made, "NOTE")
    made.parameters.hook = Hook()
    with pytest.raises(ProvisionError, match="NOTE: parameter /app/test/NOTE has another value than secret"):
        undone(made, "NOTE")
    made.process(planner=set_plan.plan).apply({"NOTE": "second"})
    undone(made, "NOTE")
    assert made.secret(CORE)["NOTE"] == made.parameter("NOTE") == "first"


def test_a_previous_version_that_a_leak_response_closed(world: World) -> None:
    class Closed(Hook):
        def before(self, op: str, name: str) -> None:
            if (op, name) == ("read", MORE):
                raise Denied("explicit deny", "explicit deny")

    process = world.process()
    seen = process.look()
    world.secrets.hook = Closed()
    with pytest.raises(ProvisionError, match="TOKEN: its previous version cannot be read, as after a leak"):
        undo.wanted(process, ["TOKEN"], seen)


def test_nothing_while_a_leak_is_open(world: World) -> None:
    leak = Incident("leak-1", "2026-11-25T15:00:00Z", "ops", ("token",))
    entry(world, incident=leak.entry())
    assert "NOTE: leak leak-1 is open, so a previous value may have leaked" in refused(world, "NOTE")


@pytest.mark.parametrize("previous", ["", "2026-11-01T00:00:00Z"])
def test_a_value_that_a_rotation_replaced(world: World, previous: str) -> None:
    entry(world, rotated={"token": {"at": "2026-11-02T00:00:00Z", "who": "ann", "rotation": "r1"}})
    dated(world, previous=previous, current="2026-11-03T00:00:00Z")
    message = "TOKEN: rotation r1 replaced its previous value at 2026-11-02T00:00:00Z, so that value is revoked"
    assert message in refused(world, "TOKEN")


def test_a_value_that_a_rotation_replaced_while_the_clock_was_slow(world: World) -> None:
    world.secrets.seed(MORE, '{"TOKEN": "canary-rotated"}', version=version_id("r1", MORE, 1))
    entry(world, rotated={"token": {"at": "2026-11-02T00:00:00Z", "who": "ann", "rotation": "r1"}})
    dated(world, previous="2026-11-02T00:03:00Z", current="2026-11-02T00:04:00Z")
    assert "TOKEN: rotation r1 replaced its previous value" in refused(world, "TOKEN")


def test_a_value_that_was_rotated_elsewhere_before_another_key_of_its_secret_changed(world: World) -> None:
    entry(world, rotated={"token": {"at": "2026-11-02T00:00:00Z", "who": "ann", "rotation": "elsewhere"}})
    dated(world, previous="2026-11-03T00:00:00Z", current="2026-11-04T00:00:00Z")
    message = refused(world, "TOKEN")
    assert "TOKEN: rotation elsewhere replaced its previous value" in message
    assert message.rstrip().endswith("-e rotation_force=true")


@pytest.mark.parametrize(
    ("rotation", "previous"), [("r1", "2026-11-02T00:00:01Z"), ("provision", "2026-11-01T00:00:00Z")]
)
def test_a_value_from_after_the_rotation(world: World, rotation: str, previous: str) -> None:
    entry(world, rotated={"token": {"at": "2026-11-02T00:00:00Z", "who": "ann", "rotation": rotation}})
    dated(world, previous=previous, current="2026-11-03T00:00:00Z")
    undone(world, "TOKEN")
    assert world.secret(MORE) == {"TOKEN": "canary-token"}


def test_the_value_that_the_rotation_itself_wrote(world: World) -> None:
    """It was staged before the rotation was recorded."""
    world.secrets.seed(MORE, '{"TOKEN": "canary-rotated"}', version=version_id("r1", MORE, 1))
    world.secrets.seed(MORE, '{"TOKEN": "canary-wrong"}')
    entry(world, rotated={"token": {"at": "2026-11-02T00:00:00Z", "who": "ann", "rotation": "r1"}})
    undone(world, "TOKEN")
    assert world.secret(MORE) == {"TOKEN": "canary-rotated"}


def test_a_setting_that_an_open_rotation_changes(world: World) -> None:
    plan = {"secrets": {CORE: "v"}, "parameters": {}, "credentials": {}, "phases": 1}
    world.journal.seed(written({"number": 1, "rotation": "r7", "step": "create", "who": "ann", "plan": plan}))
    assert "rotation r7 of ann" in refused(world, "NOTE")


def test_a_newer_value_of_somebody_else_is_not_undone(world: World) -> None:
    process = world.process()
    wanted = undo.wanted(process, ["NOTE"], process.look())
    world.process(planner=set_plan.plan).apply({"NOTE": "theirs"})
    process.planner = wanted.plan
    with pytest.raises(ProvisionError, match="NOTE: somebody changed it meanwhile"):
        process.apply(wanted.values)
    assert world.secret(CORE)["NOTE"] == "theirs"


def test_what_somebody_writes_into_another_key_at_the_same_moment_stays(world: World) -> None:
    text = world.secrets.read([CORE]).readings[CORE].value

    class Meanwhile(Hook):
        def __init__(self) -> None:
            self.done = False

        def before(self, op: str, name: str) -> None:
            if (op, name, self.done) == ("move", CORE, False):
                self.done = True
                world.secrets.seed(CORE, text.replace("{", '{"THEIRS": "1", ', 1))

    process = world.process()
    wanted = undo.wanted(process, ["NOTE"], process.look())
    process.planner = wanted.plan
    world.secrets.hook = Meanwhile()
    process.apply(wanted.values)
    assert (world.secret(CORE)["NOTE"], world.secret(CORE)["THEIRS"]) == ("first", "1")
