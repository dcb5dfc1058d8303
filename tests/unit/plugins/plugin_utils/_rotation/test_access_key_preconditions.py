# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a key goes off before anything new is made: it leaked, and may read what the rotation makes."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import UnusedKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import access_key_preconditions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, KINDS, World

CLOUD, DEPLOY = "app/test/cloud", "app/test/deploy"


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
    world.secrets.seed(CLOUD, json.dumps({"access_key_id": "AKIAOLD", "secret_access_key": "old"}))
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


@pytest.mark.parametrize("options", [{}, {"honeytoken": True}])
def test_a_honeytoken_stays_unused(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    monkeypatch.setitem(KINDS, "aws_access_key", Kind("aws_access_key", value="provider"))
    world = world_of([], **options)
    connection: Any = SimpleNamespace(store_client=lambda _name: None, acting_client=lambda _name: None)
    setting = RotationSetup(world.catalog, KINDS, world.begun("cloud"), connection)
    hands, _pair = access_key_preconditions.concerned(setting, "cloud")
    assert isinstance(hands.keys, UnusedKeys) is bool(options)
