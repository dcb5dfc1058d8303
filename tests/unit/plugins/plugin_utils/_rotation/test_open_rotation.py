# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rotation that is open while a leak is answered is named, with its step and the words that end it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import open_rotation
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from tests.unit.plugins.plugin_utils._rotation.rotator_world import World


def rotation(step: str, **plan: Any) -> OpenRotation:
    return OpenRotation("r-1", step, "ann", "2026-11-25T14:00:00Z", plan={"credentials": {"b": {}, "a": {}}, **plan})


NAMED = "rotation r-1 of ann (since 2026-11-25T14:00:00Z, at step {}) of a, b"


def test_none() -> None:
    assert open_rotation.ahead(None, may_have_leaked=False) == open_rotation.stuck(None, "leak-1", {}) == ""


@pytest.mark.parametrize(
    ("may_have_leaked", "way"),
    [(False, "is ended"), (True, "is rolled back, since its new values may have leaked")],
)
def test_in_the_plan(way: str, *, may_have_leaked: bool) -> None:
    result = open_rotation.ahead(rotation("deploy"), may_have_leaked=may_have_leaked)
    assert result == f"first, {NAMED.format('deploy')} {way}; no new value is made before that"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            "deploy",
            (
                "or abort the rotation with "
                "ansible-playbook watchparty.secrets.rotate -e rotation_abort=true -e rotation_resume=r-1"
            ),
        ),
        (
            "revoke",
            (
                "Or finish only the rotation: ansible-playbook watchparty.secrets.rotate -e rotation_resume=r-1. "
                "If hosts are gone for good"
            ),
        ),
        ("abort", "or finish only the rollback: ansible-playbook watchparty.secrets.rotate -e rotation_resume=r-1"),
    ],
)
def test_in_the_report(step: str, message: str) -> None:
    results = {"a": {"replaced": False, "why": "not verified: web3"}, "b": {"replaced": False, "why": "other"}}
    result = open_rotation.stuck(rotation(step), "leak-1", results)
    named = (
        f"{NAMED.format(step)}, that was open before, blocks the leak response: not verified: "
        "web3. Remove that cause, then run the same watchparty.secrets.leak_response command "
        "again"
    )
    assert result.startswith(named)
    assert message in result


@pytest.mark.parametrize("results", [{}, {"a": {"replaced": True, "why": "no"}}])
def test_where_nothing_was_said(results: dict[str, Any]) -> None:
    text = open_rotation.stuck(rotation("set", incident="leak-1"), "leak-1", results)
    assert open_rotation.stuck(rotation("set"), "leak-1", results) == "", "another run began it since"
    assert ", of this leak, blocks the leak response: it did not end. " in text


class TestEnds:
    """What its end takes away."""

    def ends(
        self, step: str, act: str = "rotate", *, back: bool = False, later: int = 0, **plan: Any
    ) -> dict[str, Any]:
        catalog = World().catalog
        database = replace(catalog.credentials["database"], revoke_after=later)
        catalog = replace(catalog, credentials={**catalog.credentials, "database": database})
        items = {
            "database": {"kind": "login", "act": act, "phases": 1},
            "token": {"kind": "given", "act": "rotate", "phases": 1},
        }
        item = rotation(step, **{"credentials": items, "phases": 1, **plan})
        kinds = {"login": Kind("login", stages=("set", "revoke"))}
        return open_rotation.ends(catalog, kinds, item, back=back)

    def test_what_its_kind_removes(self) -> None:
        assert self.ends("set") == {"removes": ["database"], "first": False, "past": False, "restarts": True}
        assert self.ends("set", back=True)["removes"] == []

    @pytest.mark.parametrize(
        ("act", "incident", "removes"),
        [("rotate", "", []), ("rotate", "l", ["database"]), ("revoke", "", ["database"])],
    )
    def test_one_that_revokes_later(self, act: str, incident: str, removes: list[str]) -> None:
        assert self.ends("set", act, later=999_999, incident=incident)["removes"] == removes

    @pytest.mark.parametrize(
        ("step", "first", "past", "restarts"),
        [("test", True, False, True), ("revoke_first", True, True, True), ("promote", False, True, False)],
    )
    def test_immediate(self, step: str, *, first: bool, past: bool, restarts: bool) -> None:
        ends = self.ends(step, immediate=True)
        assert (ends["first"], ends["past"], ends["restarts"]) == (first, past, restarts)
