# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation's own two secrets: the new logins, and what hosts are given of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AlreadyExists, PolicyError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents, Description
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan_inputs
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import rollback as rotation_rollback
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.plugin_utils._rotation.rotator_world import (
    ALL,
    CATALOG,
    CORE,
    GIVEN,
    KINDS,
    OVERLAY,
    OWN,
    TOKEN,
    Meanwhile,
    World,
    opened,
)

ADMIN = "/app/test/Admin/PASSWORD"
KEY = "alias/app-test"


class Killed(BaseException):
    """The process is gone."""


def text(world: World, name: str) -> str:
    (value,) = world.secrets._secrets[name].contents.values()
    return value


def with_an_administrator() -> World:
    """One of its values lies in a parameter that no setting reads."""
    appears = [{"parameter": "Admin/PASSWORD"}]
    admin = {"kind": "given", "appears_in": appears}
    credentials = {**CATALOG["credentials"], "admin": admin}
    world = World(catalog=catalog_parser.parse({**CATALOG, "credentials": credentials}, "test"))
    world.parameters.seed(ADMIN, "old-admin")
    return world


def test_hosts_are_given_the_parameters_that_settings_read_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    world = with_an_administrator()
    monkeypatch.setitem(GIVEN, "admin", Login(None, "canary-admin"))
    world.created(world.begun(*ALL, "admin"))
    assert json.loads(text(world, OVERLAY)) == {"phases": [{TOKEN: "new-token"}] * 2}
    logins = json.loads(text(world, OWN))
    assert set(logins["credentials"]) == {*ALL, "admin"}
    assert logins["phases"] == [{TOKEN: "new-token", ADMIN: "canary-admin"}] * 2


def test_a_parameter_that_no_setting_reads_is_written_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    world = with_an_administrator()
    monkeypatch.setitem(GIVEN, "admin", Login(None, "new-admin"))
    rotator = world.begun("admin")
    world.created(rotator)
    assert not world.there(OVERLAY), "there is nothing that hosts need"
    assert opened(rotator.advance("deploy", phase=1)).overlay is None
    rotator.advance("promote")
    assert rotator.promote().outcome == "done"
    assert world.parameters._parameters[ADMIN].values[-1] == "new-admin"


def test_parameters_of_a_pattern_are_given(world: World) -> None:
    settings = {**CATALOG["settings"], "TOKEN": {"parameter": "Other"}, "TOK*": {"parameter": "TOK*"}}
    appears = [{"parameter": "TOKEN"}]
    credentials = {**CATALOG["credentials"], "token": {"kind": "given", "appears_in": appears}}
    world.catalog = catalog_parser.parse({**CATALOG, "settings": settings, "credentials": credentials}, "test")
    world.created(world.begun("token"))
    assert json.loads(text(world, OVERLAY)) == {"phases": [{TOKEN: "new-token"}]}


def test_without_a_parameter_there_is_nothing_to_give(world: World) -> None:
    world.created(world.begun("database"))
    assert (world.there(OWN), world.there(OVERLAY)) == (True, False)


class KillAt(Hook):
    def __init__(self, op: str, name: str) -> None:
        self.at = (op, name)

    def before(self, op: str, name: str) -> None:
        if (op, name) == self.at:
            raise Killed


def test_killed_between_the_two_the_next_run_makes_the_second_from_the_first(world: World) -> None:
    rotator = world.begun(*ALL)
    world.secrets.hook = KillAt("create", OVERLAY)
    with pytest.raises(Killed):
        world.created(rotator)
    assert (world.there(OWN), world.there(OVERLAY)) == (True, False)
    world.secrets.hook = Hook()
    values = world.taken_over().create(KINDS, lambda _kind: pytest.fail("generates anew"), {})
    assert json.loads(text(world, OVERLAY))["phases"] == [dict(phase) for phase in values.phases]


def test_of_two_at_once_both_secrets_are_the_first_ones(world: World) -> None:
    rotator = world.begun("token", "database")
    first = []
    world.secrets.hook = Meanwhile("create", OWN, lambda: first.append(world.created(world.taken_over())))
    assert world.created(rotator).credentials == first[0].credentials
    assert json.loads(text(world, OVERLAY)) == {"phases": [dict(phase) for phase in first[0].phases]}


def test_somebodys_secret_of_that_name_is_left_alone(world: World) -> None:
    rotator = world.begun("token")
    world.secrets.seed(OVERLAY, "theirs")
    with pytest.raises(AlreadyExists, match=f"^secret {OVERLAY} already exists"):
        world.created(rotator)
    assert text(world, OVERLAY) == "theirs"


def test_killed_between_the_two_ends_the_next_run_removes_the_other(world: World) -> None:
    rotator: Any = world.begun(*ALL)
    world.created(rotator)
    rotator.advance("discard")
    world.secrets.hook = KillAt("delete", OWN)
    with pytest.raises(Killed):
        rotation_rollback.tidy(rotator)
    assert (world.there(OWN), world.there(OVERLAY)) == (True, False), "what hosts read is never there alone"
    world.secrets.hook = Hook()
    rotation_rollback.tidy(world.taken_over())
    assert not world.there(OWN)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (None, None),
        ("alias/aws/secretsmanager", None),
        (KEY, KEY),
        (f"arn:aws:kms:eu-west-3:123456789012:{KEY}", KEY),
        ("arn:aws:kms:eu-west-3:123456789012:key/1", "arn:aws:kms:eu-west-3:123456789012:key/1"),
    ],
)
def test_both_are_made_under_the_environments_key_and_with_its_tags(
    world: World, key: str | None, expected: str | None
) -> None:
    world.secrets._secrets[CORE].key = key
    rotator = world.begun(*ALL)
    world.created(rotator)
    assert opened(rotator.look()).plan.get("key") == expected
    rotator.issued(opened(rotator.look())).keep("storage", Login("id", "secret"))
    for name in (OWN, OVERLAY, f"{OWN}/storage"):
        made = world.secrets._secrets[name]
        assert (made.key, made.tags["Application"], made.tags["Environment"]) == (expected, "app", "test"), name


def test_a_parameter_tells_the_key_where_no_secret_does(world: World) -> None:
    now = datetime(2026, 11, 25, 15, tzinfo=UTC)
    ground = plan_inputs.PlanInputs(world.catalog, Journal(), Contents(), KINDS, now)
    assert ground.key([]) is None
    assert replace(ground, parameters_key=f"arn:aws:kms:eu-west-3:123456789012:{KEY}").key([]) == KEY
    assert replace(ground, parameters_key="alias/aws/ssm").key([]) is None
    foreign = {"a": Description("a", {}, key="foreign"), "b": Description("b", {}, key=KEY)}
    assert replace(ground, descriptions=foreign).key(["a"]) == KEY, "in use here, so it is there"
    assert replace(ground, descriptions={"a": foreign["a"]}).key(["b"]) is None, "of secrets that do not rotate"


def test_a_tag_that_aws_refuses_is_known_before_anything_is_written(world: World) -> None:
    world.catalog = catalog_parser.parse({**CATALOG, "aws": {"tags": {"Cost": "a;b"}}}, "test")
    with pytest.raises(PolicyError, match="Cost='a;b' is not a tag that AWS accepts"):
        world.rotator().tags()
