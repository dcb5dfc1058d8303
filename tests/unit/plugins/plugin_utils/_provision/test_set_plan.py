# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A value changed by name: every place it appears in, and every conflict."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ProvisionError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import set_plan
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.plugin_utils._provision.values_world import CORE, PAIR, TOKEN, World, catalog


@pytest.fixture
def world() -> World:
    result = World()
    result.provision()
    return result


def change(world: World, given: dict[str, str], **wish: Any) -> list[str]:
    return world.process(planner=set_plan.plan, **wish).apply(given)


def test_a_setting_and_nothing_else(world: World) -> None:
    before = world.secret(CORE)
    assert change(world, {"NOTE": "canary"}) == [f"update secret {CORE}: NOTE (set)"]
    assert world.secret(CORE) == {**before, "NOTE": "canary"}
    assert change(world, {"NOTE": "canary"}) == []


def test_every_copy_of_it(world: World) -> None:
    done = change(world, {"KEY": "n" * 60}, anyway=True)
    assert len(done) == 2
    assert world.secret(CORE)["KEY"] == world.parameter("KEY") == "n" * 60


def test_a_url_brings_its_login_everywhere(world: World) -> None:
    change(world, {"URL": "postgres://new:pass%2Fword@elsewhere/app"}, anyway=True)
    assert world.secret(CORE)["URL"] == world.parameter("URL") == "postgres://new:pass%2Fword@elsewhere/app"
    assert world.secret(CORE)["OTHER_URL"] == "postgres://new:pass%2Fword@db/other"
    assert world.secret(PAIR) == {"username": "new", "password": "pass/word"}
    assert world.secret(TOKEN) == "pass/word"


def test_a_login_without_a_setting(world: World) -> None:
    change(world, {"admin.username": "other", "admin": "canary"})
    assert world.secret("app/test/admin") == {"username": "other", "password": "canary"}


def test_a_parameter_and_one_of_a_pattern(world: World) -> None:
    done = change(world, {"LEVEL": "debug", "LIMIT_LOGIN": "5"})
    assert done == [
        "update parameter /app/test/LEVEL: LEVEL (set)",
        "create parameter /app/test/Limits/LIMIT_LOGIN: LIMIT_LOGIN (set)",
    ]
    assert (world.parameter("LEVEL"), world.parameter("Limits/LIMIT_LOGIN")) == ("debug", "5")


def test_what_is_not_there_yet_is_made() -> None:
    world = World()
    change(world, {"TOKEN": "canary"})
    assert world.secret("app/test/more") == {"TOKEN": "canary"}
    assert world.secrets.forms["app/test/more"].key == "alias/app-test"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"KEY": "x"},
            "KEY: belongs to credential key (key), which a rotation replaces while both values are valid; run",
        ),
        ({"FLAG": "off"}, "FLAG: has its value in the catalog"),
        ({"HOSTS": "https://x"}, "HOSTS: is a list of hosts"),
        ({"NONE": "x"}, "NONE: is neither a setting nor a credential"),
        ({"NOTE": ""}, "NOTE: is empty"),
        ({"NOTE": "a\0b"}, "NOTE: holds a NUL"),
        ({"LIMIT_*": "x"}, "is a pattern for many names"),
        ({"database": "x"}, "database.password: belongs to credential database"),
        ({"token": "x"}, "token: is a credential whose value is in settings; give those (TOKEN)"),
        ({"LEVEL": "x" * 5000}, "LEVEL: parameter /app/test/LEVEL would hold 5,000 bytes, but AWS accepts 4,096"),
        ({"NOTE": "x" * 70000}, "would hold 70,"),
    ],
)
def test_what_is_refused(world: World, given: dict[str, str], message: str) -> None:
    before = json.dumps([world.secret(CORE), world.secret(PAIR)])
    with pytest.raises(ProvisionError) as caught:
        change(world, given)
    assert message in str(caught.value)
    assert json.dumps([world.secret(CORE), world.secret(PAIR)]) == before


def test_the_advanced_tier_where_it_is_allowed(world: World) -> None:
    change(world, {"LIMIT_X": "x" * 5000}, advanced=True)
    assert len(world.parameter("Limits/LIMIT_X")) == 5000


def test_a_rotation_that_changes_the_same_secret(world: World) -> None:
    entry = {"rotation": "r7", "step": "create", "who": "ops", "at": "2026-11-25T10:00:00Z", "nonce": "n"}
    entry["plan"] = {"secrets": {CORE: "v"}, "parameters": {}, "credentials": {}, "phases": 1}  # type: ignore[assignment]
    world.journal.seed(json.dumps({**entry, "number": 1}))
    with pytest.raises(
        ProvisionError, match=f"{CORE}: rotation r7 of ops .* is open and changes it; finish that rotation with"
    ):
        change(world, {"NOTE": "canary"})
    change(world, {"TOKEN": "new"})


def test_somebody_elses_write_survives(world: World) -> None:
    class Writes(Hook):
        done = False

        def before(self, op: str, name: str) -> None:
            if (op, name) == ("move", CORE) and not self.done:
                self.done = True
                world.secrets.seed(CORE, json.dumps({**world.secret(CORE), "MORE": "theirs"}))

    world.secrets.hook = Writes()
    change(world, {"NOTE": "canary"})
    assert (world.secret(CORE)["NOTE"], world.secret(CORE)["MORE"]) == ("canary", "theirs")


def test_what_github_and_the_encrypted_env_hold_is_named() -> None:
    def mirrored(document: dict[str, Any]) -> None:
        document["encrypted_env"] = {"file": "deploy/{environment}.env.enc"}
        document["github"] = {"repository": "example/app"}
        document["settings"]["TOKEN"]["github"] = "secret"

    world = World(catalog(mirrored))
    world.provision()
    plan = world.process(planner=set_plan.plan).outlook({"TOKEN": "new"}).plan
    enc = (
        f"deploy/{world.catalog.environment}.env.enc holds the old value; run "
        "ansible-playbook watchparty.secrets.env_encrypt"
    )
    assert plan.notes == ("GitHub holds TOKEN as well; run ansible-playbook watchparty.secrets.github_sync", enc)


def test_no_value_is_in_a_plans_repr(world: World) -> None:
    outlook = world.process(planner=set_plan.plan).outlook({"NOTE": "canary", "TOKEN": "canary-2"})
    assert "canary" not in repr(outlook)
    assert "generated-" not in repr(outlook)


def test_a_value_that_no_deploy_could_write(world: World) -> None:
    before = world.secret(CORE)
    with pytest.raises(ProvisionError, match=r"NOTE: its value cannot be read back .* set readers: \[python_dotenv, "):
        change(world, {"NOTE": "canary\nline"})
    assert world.secret(CORE) == before
