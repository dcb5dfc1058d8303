# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a key goes off before anything new is made: it leaked, and may read what the rotation makes."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, credential_ages
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import REVOKE, Journal, PendingTask
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import UnusedKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import access_key_preconditions, plan_reader
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.known_keys import former_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import (
    Item,
    RotationPlan,
    RotationRequest,
    items_of,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan_inputs import PlanInputs
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, KINDS, NOW, World, opened

CLOUD, DEPLOY = "app/test/cloud", "app/test/deploy"
OLD_KEY = "AKIAOLDOLDOLDOLD"


def world_of(reads: list[str] | None, **options: Any) -> World:
    places = [{"secret": "app/{environment}/cloud", "key": key} for key in ("access_key_id", "secret_access_key")]
    credentials = {
        "cloud": {
            "kind": "aws_access_key",
            "appears_in": places,
            "options": {"user": "app", **({} if reads is None else {"reads": reads}), **options},
        },
        "deploy": {"kind": "ssh_key", "appears_in": [{"secret": "app/{environment}/deploy", "key": "private"}]},
    }
    world = World(catalog=catalog_parser.parse({**CATALOG, "alerts": {}, "credentials": credentials}, "test"))
    world.secrets.seed(CLOUD, json.dumps({"access_key_id": OLD_KEY, "secret_access_key": "old"}))
    world.secrets.seed(DEPLOY, json.dumps({"private": "old"}))
    return world


@pytest.mark.parametrize(
    ("reads", "names", "leak", "is_off"),
    [
        ([DEPLOY], ("cloud", "deploy"), "leak-1", True),
        ([DEPLOY], ("cloud", "deploy"), "", False),
        ([DEPLOY], ("cloud",), "leak-1", False),
        ([CLOUD], ("cloud",), "leak-1", True),
        (None, ("cloud",), "leak-1", True),
        ([], ("cloud", "deploy"), "leak-1", False),
    ],
    ids=["another's place", "no leak", "another rotation", "its own", "everything", "nothing"],
)
def test_first_off(
    monkeypatch: pytest.MonkeyPatch, reads: Any, names: tuple[str, ...], leak: str, *, is_off: bool
) -> None:
    for kind in (Kind("aws_access_key", value="provider"), Kind("ssh_key", form="ssh_key")):
        monkeypatch.setitem(KINDS, kind.name, kind)
    monkeypatch.setattr(access_key_preconditions, "store", lambda _connection, _credential: None)
    world = world_of(reads)
    rotator = world.begun(*names, leak=leak)
    setting = RotationSetup(world.catalog, KINDS, rotator, SimpleNamespace())  # type: ignore[arg-type]
    _hands, access_key_pair = access_key_preconditions.concerned(setting, "cloud")
    assert access_key_pair.first_off is is_off


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which AWS has forgotten the leaked key, and the catalog names no user."""
    monkeypatch.setitem(KINDS, "aws_access_key", Kind("aws_access_key", value="provider"))
    world = world_of([], user=None)
    monkeypatch.setattr(access_key_preconditions, "store", lambda _connection, _credential: Forgotten())
    return world


class Forgotten:
    """IAM, which has no key."""

    def owner(self, key: str) -> str:
        raise NotFound(key)

    def caller(self) -> None:
        return None


def setting_of(world: World, rotator: Any) -> RotationSetup:
    return RotationSetup(world.catalog, KINDS, rotator, SimpleNamespace())  # type: ignore[arg-type]


def open_with_user(world: World, incident: str = "leak-1") -> RotationSetup:
    setting = setting_of(world, world.begun("cloud", leak=incident))
    journal = setting.rotator.look()
    planned = dict(opened(journal).plan)
    planned["credentials"] = {"cloud": {**planned["credentials"]["cloud"], "user": "app"}}
    setting.rotator.take(journal, opened(journal), plan=planned)
    return setting


def test_a_deleted_key_has_the_user_of_the_plan(deleted: World) -> None:
    _hands, pair = access_key_preconditions.concerned(open_with_user(deleted), "cloud")
    assert pair.user == "app"


@pytest.mark.parametrize(("leak", "expected"), [("leak-1", {"cloud": "app"}), ("", {})])
def test_a_deleted_key_has_the_user_of_an_earlier_rotation(deleted: World, leak: str, expected: dict[str, str]) -> None:
    """As the next wave plans it, after a rollback."""
    setting = open_with_user(deleted)
    key = Item("cloud", "aws_access_key")
    plan, contents = RotationPlan((key,), incident=leak), deleted.secrets.read([CLOUD])
    users = access_key_preconditions.users(setting, plan, contents, setting.rotator.look())
    assert users == expected
    assert bool(access_key_preconditions.blockers(setting, plan, contents, users)) is (not expected)
    assert items_of(RotationPlan((replace(key, user="app"),)).entry())[0].user == "app"


def test_a_plan_has_the_user(deleted: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Forgotten, "owner", lambda _store, _key: "app")
    setting, contents = setting_of(deleted, deleted.rotator()), deleted.secrets.read([CLOUD])
    now = credential_ages.moment(NOW)
    descriptions = {CLOUD: deleted.secrets.describe(CLOUD)}
    ground = PlanInputs(deleted.catalog, Journal(), contents, KINDS, now, descriptions, leak=True)
    plan = plan_reader.planned(setting, ground, RotationRequest(("cloud",), leak="leak-1"), None)
    assert [item.user for item in plan.items] == ["app"], plan.refused


def test_what_is_noted_is_in_the_journal_at_once(deleted: World) -> None:
    setting = open_with_user(deleted)
    hands, _pair = access_key_preconditions.concerned(setting, "cloud")
    for _look in range(2):
        hands.note("evicted/AKIAOTHER", "a key")
    assert deleted.rotator("run2").look().head == 3
    rotation = opened(deleted.rotator("run2").look())
    assert (rotation.step, rotation.notes) == ("create", {"cloud": {"evicted/AKIAOTHER": "a key"}})
    assert access_key_preconditions.concerned(setting, "cloud")[1].evicted == {"AKIAOTHER": "a key"}


@pytest.mark.parametrize(("incident", "is_leak"), [("leak-1", True), ("", False), ("leak-0", False)])
def test_second_keys_go_only_in_the_rotation_of_the_leak(deleted: World, incident: str, is_leak: bool) -> None:
    """An ordinary one may be open while another credential's leak is."""
    setting = open_with_user(deleted, incident)
    journal = setting.rotator.look()
    setting.rotator.append(journal, "leak-1", "closed", incident=Incident("leak-1", NOW, "ann").entry())
    setting.rotator.mine()
    hands, _pair = access_key_preconditions.concerned(setting, "cloud")
    assert (hands.second_keys is not None) is is_leak


def test_a_key_that_waits_for_its_revocation_is_a_former_key(deleted: World) -> None:
    version = deleted.secrets.seed(CLOUD, json.dumps({"access_key_id": "AKIANEW", "secret_access_key": "new"}))
    first = next(name for name in deleted.secrets._secrets[CLOUD].contents if name != version)
    task = PendingTask("r0/cloud", "cloud", REVOKE, "", "r0", {CLOUD: first})
    other = replace(task, id="r0/other", credential="other", secrets={CLOUD: version})
    journal = Journal(pending_tasks={item.id: item for item in (task, other)})
    assert former_keys(deleted.catalog, deleted.secrets, journal, "cloud") == {OLD_KEY}


@pytest.mark.parametrize("options", [{}, {"honeytoken": True}])
def test_a_honeytoken_stays_unused(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    monkeypatch.setitem(KINDS, "aws_access_key", Kind("aws_access_key", value="provider"))
    world = world_of([], **options)
    connection: Any = SimpleNamespace(store_client=lambda _name: None, acting_client=lambda _name: None)
    setting = RotationSetup(world.catalog, KINDS, world.begun("cloud"), connection)
    hands, _pair = access_key_preconditions.concerned(setting, "cloud")
    assert isinstance(hands.keys, UnusedKeys) is bool(options)
