# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The plan of provisioning: where each value comes from, and what has to be asked for."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ProvisionError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.plan import rendered
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.targets import flattened, targets
from tests.unit.plugins.plugin_utils._provision.values_world import CORE, GIVEN, PAIR, TOKEN, World, catalog


def test_what_is_asked_for_and_what_may_be_missing() -> None:
    plan = World().plan({})
    assert dict(plan.asks) == {
        "TOKEN": "https://example.com/keys",
        "HOSTS": "",
        "admin.username": "",
        "admin.password": "",
    }
    assert plan.absent == ("NOTE",)
    assert plan.problems == ()


def test_where_each_value_comes_from() -> None:
    how = {str(fill.place): fill.how for fill in World().plan().fills}
    assert how[f"secret {CORE} key URL"] == "generated"
    assert how["parameter /app/test/URL"] == "generated"
    assert how[f"secret {PAIR} key username"] == "from its credential"
    assert how["parameter /app/test/LEVEL"] == "from the catalog"
    assert how["secret app/test/more key TOKEN"] == "given"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (TOKEN, "held"),
        (PAIR, '{"username": "app_b", "password": "held"}'),
        (CORE, '{"OTHER_URL": "postgres://app_b:held@db/other"}'),
        ("/app/test/URL", "postgres://app_b:held@db/app"),
    ],
)
def test_what_one_place_holds_fills_the_others(name: str, content: str) -> None:
    world = World()
    if name.startswith("/"):
        world.parameters.seed(name, content)
    else:
        world.secrets.seed(name, content)
    plan = world.plan()
    texts = {str(fill.place): fill.text for fill in plan.fills}
    texts[str(next(iter(world.catalog.settings["URL"].places[1:])))] = "seen"
    world.provision()
    assert world.secret(TOKEN) == world.secret(PAIR)["password"] == "held"
    assert ":held@db/app" in world.secret(CORE)["URL"]
    assert world.secret(CORE)["URL"] == world.parameter("URL")
    if "app_b" in content:
        assert world.secret(PAIR)["username"] == "app_b"
        assert world.secret(CORE)["URL"] == "postgres://app_b:held@db/app"


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            (TOKEN, "canary-1"),
            (PAIR, '{"password": "canary-2"}'),
            "credential database: secret pair-test key password and secret",
        ),
        (
            (CORE, '{"KEY": "canary-1"}'),
            ("/app/test/KEY", "canary-2"),
            "KEY: secret app/test/core key KEY and parameter",
        ),
        ((CORE, '{"URL": "canary no url"}'), (TOKEN, "canary-1"), "cannot be parsed as a URL"),
    ],
)
def test_places_that_disagree(first: tuple[str, str], second: tuple[str, str], message: str) -> None:
    world = World()
    for name, content in (first, second):
        (world.parameters if name.startswith("/") else world.secrets).seed(name, content)
    problems = "\n".join(world.plan().problems)
    assert message in problems
    assert "canary" not in problems
    with pytest.raises(ProvisionError):
        world.provision()


def test_a_given_url_brings_its_own_password() -> None:
    world = World()
    world.provision({**GIVEN, "URL": "postgres://mine:own@db.example.com/app"})
    assert world.secret(TOKEN) == "own"
    assert world.secret(PAIR) == {"username": "mine", "password": "own"}
    assert world.secret(CORE)["OTHER_URL"] == "postgres://mine:own@db/other"


def test_a_given_url_may_leave_the_password_to_be_generated() -> None:
    world = World()
    world.provision({**GIVEN, "URL": "postgres://mine:{password}@elsewhere/app"})
    password = world.secret(TOKEN)
    assert password.startswith("generated-login-")
    assert world.secret(CORE)["URL"] == f"postgres://mine:{password}@elsewhere/app"
    assert world.secret(CORE)["OTHER_URL"] == f"postgres://mine:{password}@db/other"


def test_two_given_values_that_disagree() -> None:
    problems = World().plan({**GIVEN, "URL": "postgres://a:canary-1@h/d", "database.password": "canary-2"}).problems
    assert any("hold different passwords" in problem for problem in problems)
    assert "canary" not in str(problems)


def test_a_url_that_is_needed_and_not_known_is_asked_for_before_anything_is_generated() -> None:
    def without(document: dict[str, Any]) -> None:
        del document["settings"]["URL"]["initial"]

    world = World(catalog(without))
    plan = world.plan()
    assert list(plan.asks) == ["URL"]
    assert not any("login" in fill.text for fill in plan.fills)
    world.provision({**GIVEN, "URL": "postgres://mine:own@db/app"})
    assert world.secret(TOKEN) == "own"


@pytest.mark.parametrize("kind", ["made", "pair", "nobody_knows"])
def test_what_is_not_generated_here_is_asked_for(kind: str) -> None:
    def other(document: dict[str, Any]) -> None:
        document["credentials"]["key"]["kind"] = kind

    assert "KEY" in World(catalog(other)).plan().asks


def test_one_answer_serves_every_place_of_a_credential() -> None:
    def twice(document: dict[str, Any]) -> None:
        document["settings"]["TOKEN_2"] = {"group": "more", "required": True}
        document["credentials"]["token"]["appears_in"].append({"setting": "TOKEN_2"})

    world = World(catalog(twice))
    assert [name for name in world.plan({}).asks if name.startswith("TOKEN")] == ["TOKEN"]
    world.provision()
    assert world.secret("app/test/more") == {"TOKEN": "canary-token", "TOKEN_2": "canary-token"}


def test_alternatives_ask_for_what_is_nearest() -> None:
    def two_ways(document: dict[str, Any]) -> None:
        document["settings"] = {
            "A": {"group": "core"},
            "B": {"group": "core"},
            "C": {"group": "core"},
            "D": {"group": "core", "required": {"when": "C"}},
        }
        document["alternatives"] = {"way": [["A"], ["B", "C"]]}
        document["credentials"] = {}

    world = World(catalog(two_ways))
    assert list(world.plan({}).asks) == ["A"]
    assert list(world.plan({"B": "b", "C": "c"}).asks) == ["D"]


def test_parts_of_a_composed_url() -> None:
    def composed(document: dict[str, Any]) -> None:
        place = "parts/{environment}"
        document["settings"] = {
            "URL": {
                "required": True,
                "compose": {
                    "scheme": "postgres",
                    "username": {"secret": place, "key": "user"},
                    "password": {"secret": place, "key": "password"},
                    "host": {"secret": place, "key": "host"},
                    "query": {"ssl": {"secret": place, "key": "ssl"}},
                },
            }
        }
        document["credentials"] = {"database": {"kind": "login", "appears_in": [{"setting": "URL"}]}}

    world = World(catalog(composed))
    assert list(targets(world.catalog)) == ["database.username", "database.password", "URL.host", "URL.query.ssl"]
    assert list(world.plan({}).asks) == ["database.username", "URL.host", "URL.query.ssl"]
    world.provision({"database.username": "u", "URL.host": "h", "URL.query.ssl": "on"})
    held = world.secret("parts/test")
    assert held.pop("password").startswith("generated-login-")
    assert held == {"user": "u", "host": "h", "ssl": "on"}


def test_an_empty_value_is_left_and_named() -> None:
    world = World()
    world.secrets.seed("app/test/more", '{"TOKEN": ""}')
    plan = world.plan()
    assert plan.empty == ("TOKEN",)
    message = "secret app/test/more key TOKEN holds another value than the given one, and keeps it"
    assert (
        f"TOKEN: {message}. To change it, run ansible-playbook watchparty.secrets.set -e set_names=TOKEN" in plan.notes
    )
    world.provision()
    assert world.secret("app/test/more") == {"TOKEN": ""}


def test_production_rules_hold_for_what_is_given() -> None:
    def production(document: dict[str, Any]) -> None:
        document["contacts"] = {"security": "s@example.com"}
        document["audit_log"] = {"log_group": "/x"}

    problems = World(catalog(production, "production")).plan({**GIVEN, "TOKEN": "change_me"}).problems
    assert problems == ("TOKEN: still holds a placeholder [placeholder] (given)",)


def test_secrets_that_are_no_json_are_named() -> None:
    world = World()
    world.secrets.seed(CORE, "canary{")
    assert any(f"secret {CORE}: is not JSON" in problem for problem in world.plan().problems)
    assert "canary" not in str(world.plan().problems)


def test_values_are_texts() -> None:
    assert flattened({"A": "a", "admin": {"username": "u", "password": "p"}}) == {
        "A": "a",
        "admin.username": "u",
        "admin.password": "p",
    }
    with pytest.raises(ProvisionError, match="A: its value is not text; write it in quotes"):
        flattened({"A": 7})


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("postgres://u:{password}@h/d", "postgres://me:p%2Fw@h/d"),
        ("redis://:{password}@h/0,redis://:{password}@i/0", "redis://:p%2Fw@h/0,redis://:p%2Fw@i/0"),
        ("https://h/?key={password}", "https://h/?key=p%2Fw"),
        ("prefix-{password}", "prefix-p/w"),
    ],
)
def test_a_first_value_with_the_password_in_it(template: str, expected: str) -> None:
    assert rendered(template, Login("me", "p/w")) == expected


PEM = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n"


def test_a_value_that_no_deploy_could_write() -> None:
    """It is refused before the first write, and taken where the readers that the catalog names can read it."""
    world = World()
    with pytest.raises(
        ProvisionError, match=r"NOTE: its value cannot be read back .* set readers: \[python_dotenv, .*\(given\)"
    ) as caught:
        world.provision({**GIVEN, "NOTE": PEM})
    assert "canary" not in str(caught.value)
    assert world.secrets.read([CORE]).readings == {}
    world = World(catalog(lambda document: document.update(readers=["shell"])))
    world.provision({**GIVEN, "NOTE": PEM})
    assert world.secret(CORE)["NOTE"] == PEM


def test_a_given_value_that_must_be_the_one_there() -> None:
    """An import that finds another value writes nothing, and names the command that brings the file's value in."""
    world = World()
    world.secrets.seed(CORE, '{"KEY": "canary-1", "NOTE": "canary-2"}')
    given = {**GIVEN, "KEY": "canary-3", "NOTE": "canary-4"}
    first, second = world.plan(given, exact=True).problems
    message = "holds another value than the given one, and keeps it."
    assert first == (
        f"KEY: secret {CORE} key KEY {message} If the given value is already in use, run "
        "ansible-playbook watchparty.secrets.set -e set_names=KEY -e set_force=true. To replace the value in use, "
        "run ansible-playbook watchparty.secrets.rotate -e rotation_credentials=key -e rotation_force=true"
    )
    assert (
        second == f"NOTE: secret {CORE} key NOTE {message} To change it, run "
        "ansible-playbook watchparty.secrets.set -e set_names=NOTE"
    )
    assert world.plan(given).notes == (first, second)
    with pytest.raises(ProvisionError):
        world.provision(given, exact=True)
    assert world.secret(CORE) == {"KEY": "canary-1", "NOTE": "canary-2"}
    assert world.plan({**GIVEN, "KEY": "canary-1"}, exact=True).problems == ()
