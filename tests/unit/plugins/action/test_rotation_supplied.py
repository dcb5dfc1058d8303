# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run that was killed goes on with the value that was supplied, if it was kept already; otherwise it asks again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from sandbox.process import write_private
from tests.unit.plugins.action import steps as rotation
from tests.unit.plugins.plugin_utils._rotation.rotator_world import CATALOG, KINDS, World, opened

PAGE = "https://provider.example/keys"
TOKEN = {**CATALOG["credentials"]["token"], "provider_url": PAGE}
DOCUMENT = {**CATALOG, "credentials": {**CATALOG["credentials"], "token": TOKEN}}


@pytest.fixture
def world() -> World:
    return World(catalog=catalog_parser.parse(DOCUMENT, "test"))


def act(
    world: World, module: Any, state: str, *, answer: str = "", check: bool = False, **extra: Any
) -> dict[str, Any]:
    """As another process, which was given this answer."""
    defaults = {name: item.get("default") for name, item in module.ActionModule.extra_options.items()}
    action = module.ActionModule.__new__(module.ActionModule)
    action._task = SimpleNamespace(check_mode=check)
    setting = RotationSetup(world.catalog, KINDS, world.rotator("run2"), None)  # type: ignore[arg-type]
    asked = {"asked": {"answers": {"token": answer}}} if answer else {}
    args = {**defaults, "state": state, "values_from": "asked" if answer else None, **extra}
    report: dict[str, Any] = action.answer(setting, args, asked)
    return report


def begun_again(world: World, **extra: Any) -> dict[str, Any]:
    return act(world, rotation, "begun", **{"resume": "any", "ask": True, **extra})


@pytest.mark.parametrize("step", ["plan", "create"])
def test_before_it_was_kept_it_is_asked_for_again(world: World, step: str) -> None:
    world.begun("token", "database")
    if step == "plan":
        world.journal.seed(world.rotator().look().lines[0])
    result = begun_again(world)
    assert (
        result["nothing"],
        result["needs"],
        result["pages"],
    ) == (True, ["token"], {"token": PAGE})
    assert "rotation" not in result
    assert opened(world.rotator().look()).run == "run1", "nothing is taken over before the answer"
    result = begun_again(world, ask=False, answer="given-again")
    assert result["rotation"]["step"] == "create"
    act(world, rotation, "staged", answer="given-again")
    rotator = world.rotator("run2")
    assert rotator.values(opened(rotator.look())).credentials["token"].password == "given-again"


def test_after_it_was_kept_nobody_is_asked(world: World) -> None:
    world.created(world.begun("token", "database"))
    result = begun_again(world)
    assert result["rotation"]["step"] == "create"
    act(world, rotation, "staged")
    rotator = world.rotator("run2")
    assert rotator.values(opened(rotator.look())).credentials["token"].password == "new-token"


def test_a_later_step_needs_no_answer(world: World) -> None:
    rotator = world.begun("token")
    world.created(rotator)
    rotator.advance("test")
    assert begun_again(world)["rotation"]["step"] == "test"


@pytest.mark.parametrize("extra", [{"abort": True}, {"ask": False}])
def test_who_takes_it_back_or_cannot_ask_does_not(world: World, extra: dict[str, Any]) -> None:
    world.begun("token")
    assert "rotation" in begun_again(world, **extra)


def test_a_rotation_without_such_a_value(world: World) -> None:
    world.begun("database")
    assert begun_again(world)["rotation"]["step"] == "create"


def test_the_value_in_use_is_no_answer(world: World) -> None:
    world.begun("token")
    with pytest.raises(RotationError, match=f"token: the given new value is the value in use; .* at {PAGE}"):
        begun_again(world, ask=False, answer="old-token")
    assert opened(world.rotator().look()).run == "run1"


@pytest.mark.parametrize("entry", ["tokne", "database"])
def test_an_entry_that_nobody_would_look_at_is_refused_before_anything_is_written(
    world: World, tmp_path: Path, entry: str
) -> None:
    """Also where the rotation goes on, and in a leak."""
    path = tmp_path / "values.yml"
    write_private(path, f"token: given\n{entry}: canary-of-{entry}\n")
    message = rf"^{path}: {entry} .* remove the line; values are needed for token$"
    for state in ("planned", "begun"):
        for row in ({}, {"incident": "l1"}):
            with pytest.raises(RotationError, match=message) as caught:
                act(world, rotation, state, credentials=["token"], force=True, values_file=str(path), **row)
            assert "canary" not in str(caught.value)
    assert world.rotator().look().head == 0
    world.begun("token")
    with pytest.raises(RotationError, match=message):
        begun_again(world, values_file=str(path))
    assert opened(world.rotator().look()).run == "run1"


def test_an_entry_of_a_credential_that_is_not_rotated_does_no_harm(world: World, tmp_path: Path) -> None:
    path = tmp_path / "values.yml"
    write_private(path, "token: given\n")
    answer = act(world, rotation, "begun", credentials=["database"], force=True, values_file=str(path))
    assert list(opened(world.rotator().look()).plan["credentials"]) == ["database"]
    assert answer["refused"] == {}
