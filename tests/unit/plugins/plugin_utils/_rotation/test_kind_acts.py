# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stages of several kinds: the holder of one leaked value keeps no other one valid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import context, kind_acts
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.engine import Engine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import (
    KindStages,
    NotReached,
    Part,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.run import Blocked, RotationRun
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS, World


class Recorded(KindStages):
    """Does what the test says, and writes it down."""

    def __init__(self, done: list[str], errors: dict[str, RotationError]) -> None:
        self.done, self.errors = done, errors

    def _act(self, stage: str, part: Part) -> dict[str, Any]:
        self.done.append(f"{stage} {part.name}")
        if f"{stage} {part.name}" in self.errors:
            raise self.errors[f"{stage} {part.name}"]
        return {}

    def __getattribute__(self, name: str) -> Any:
        verbs = ("block", "switch_off", "issue", "create", "set", "test", "revoke")
        return (lambda part: self._act(name, part)) if name in verbs else super().__getattribute__(name)


class Rotation:
    """Of a login and a given value, which are of two kinds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **errors: RotationError) -> None:
        self.done: list[str] = []
        self.said: list[str] = []
        known = {name.replace("_", " "): error for name, error in errors.items()}
        monkeypatch.setattr(kind_acts, "stages_for", lambda _kind: Recorded(self.done, known))
        monkeypatch.setattr(context, "new_value", lambda _kind: "x" * 32)
        world = World()
        rotator = world.begun("database", "token", leak="leak-1")
        nothing: Any = None
        kinds = {**KINDS, "login": Kind("login", alternates="if_suffixed"), "given": Kind("given", value="supplied")}
        setting = RotationSetup(world.catalog, kinds, rotator, nothing)
        self.acts = Engine(
            setting,
            RotationRun(incident="leak-1"),
            server=nothing,
            audit=None,
            progress=lambda step, _name, message, _seconds: self.said.append(f"{step} {message}"),
        )
        monkeypatch.setattr(rotator, "create", lambda *_: self.done.append("new values"))
        stages = ["block", "issue", "revoke"]
        credentials = [
            {"name": name, "kind": kind, "act": "rotate", "stages": stages, "later": False, "built_in": True}
            for name, kind in (("database", "login"), ("token", "given"))
        ]
        self.acts.rotation = {"credentials": credentials, "revoking": credentials, "secrets": [], "incident": "leak-1"}

    def create(self, *, immediate: bool = True) -> list[str]:
        self.acts.rotation["immediate"] = immediate
        self.acts.carry_out("create")
        return self.done


def test_leaked_values_are_disabled_before_new_ones_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    rotation = Rotation(monkeypatch)
    first = ["block database", "block token"]
    assert rotation.create() == [*first, "issue database", "issue token", "new values"]
    assert rotation.acts.state.notes.blocked == ["database", "token"]


def test_a_graceful_rotation_disables_none(monkeypatch: pytest.MonkeyPatch) -> None:
    rotation = Rotation(monkeypatch)
    assert rotation.create(immediate=False) == ["issue database", "issue token", "new values"]
    assert rotation.acts.state.notes.blocked == []


def test_what_cannot_be_disabled_hinders_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    rotation = Rotation(monkeypatch, block_database=RotationError("no connection is left"))
    assert "new values" in rotation.create()
    assert rotation.acts.state.notes.blocked == ["token"]
    assert "warning not blocked: block database: no connection is left" in rotation.said


@pytest.mark.parametrize("administered", ["database", "token"])
def test_an_administrator_that_the_rotation_needs_is_not_disabled(
    monkeypatch: pytest.MonkeyPatch, administered: str
) -> None:
    """It may administer another credential, or itself."""
    rotation = Rotation(monkeypatch)
    credentials = dict(rotation.acts.setting.catalog.credentials)
    credentials[administered] = replace(credentials[administered], admin="token")
    catalog = replace(rotation.acts.setting.catalog, credentials=credentials)
    rotation.acts.setting = replace(rotation.acts.setting, catalog=catalog)
    assert rotation.create()[:2] == ["block database", "issue database"]
    rotation.acts._kinds("revoke", ["rotate"])
    assert rotation.done[-2:] == ["revoke database", "revoke token"]


@pytest.mark.parametrize(
    ("error", "kind"), [(RotationError("busy"), RotationError), (NotReached("db1 is away"), Blocked)]
)
@pytest.mark.parametrize("stage", ["block", "revoke"])
def test_each_kind_is_tried(
    monkeypatch: pytest.MonkeyPatch, stage: str, error: RotationError, kind: type[RotationError]
) -> None:
    rotation = Rotation(monkeypatch, **{f"{stage}_database": error})
    with pytest.raises(kind, match=str(error)):
        rotation.acts._kinds(stage, ["rotate"])
    assert rotation.done == [f"{stage} database", f"{stage} token"]


def test_a_new_value_that_is_not_made_stops_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    rotation = Rotation(monkeypatch, issue_database=RotationError("no"))
    with pytest.raises(RotationError):
        rotation.acts._kinds("issue", ["rotate"])
    assert rotation.done == ["issue database"]
