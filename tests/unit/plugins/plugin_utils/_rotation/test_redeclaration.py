# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a declaration means to rotations that are open or were before it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation, Rotated
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import redeclaration

LEAK = "leak-1"
PENDING = {"credential": "token", "stage": "AWSPENDING", "form": "unchanged"}
CURRENT = {**PENDING, "stage": "AWSCURRENT"}
PREVIOUS = {**PENDING, "stage": "AWSPREVIOUS"}
ALONE: dict[str, Any] = {"credentials": [{"name": "token"}], "edges": [{"from": "token", "to": "token"}]}
HOST: dict[str, Any] = {"credentials": [{"name": "token"}], "edges": [{"from": "host:web1", "to": "token"}]}
CHAIN = {
    "credentials": [{"name": "admin"}, {"name": "token"}],
    "edges": [{"from": "all", "to": "admin"}, {"from": "admin", "to": "token"}],
}
NOTHING: dict[str, Any] = {}


def incident(*declared: str) -> Incident:
    return Incident(LEAK, "2026-11-25T15:00:00Z", "ops", declared)


def rotation(step: str = "deploy", *, incident: str = "", plan: dict[str, Any] | None = None, **item: Any) -> Journal:
    plan = {"credentials": {"token": {"kind": "k", **item}}, "incident": incident, **(plan or {})}
    return Journal(rotation=OpenRotation("r1", step, "ops", "2026-11-25T14:00:00Z", plan=plan))


def leaked(
    journal: Journal, impact: dict[str, Any], *matches: dict[str, Any], before: Any = (), now: Any = ("token",)
) -> list[str]:
    first = incident(*before)
    return redeclaration.spoiled(journal, first, first.joined(now, "graceful"), impact, matches)


class TestOfAScheduledRotation:
    """It made its new value before the leak was declared."""

    @pytest.mark.parametrize("step", ["plan", "create", "set", "test", "deploy", "promote", "revoke", "record"])
    def test_what_reveals_others_reveals_the_new_value_too(self, step: str) -> None:
        assert leaked(rotation(step), HOST, now=["host:web1"]) == ["r1/token"]
        assert leaked(rotation(step), CHAIN, now=["all"]) == ["r1/token"]

    def test_of_others_it_reveals_nothing(self) -> None:
        other = {"credentials": [{"name": "x"}], "edges": [{"from": "host:web1", "to": "x"}]}
        assert leaked(rotation("revoke"), other, now=["host:web1"]) == []

    @pytest.mark.parametrize(
        ("step", "may"),
        [
            ("create", False),
            ("set", False),
            ("test", False),
            ("revoke_first", False),
            ("deploy", True),
            ("promote", True),
            ("revoke", True),
            ("record", True),
        ],
    )
    def test_one_that_is_named_may_be_the_new_one_once_hosts_hold_it(self, step: str, may: bool) -> None:
        assert bool(leaked(rotation(step), ALONE)) is may
        assert leaked(rotation(step), ALONE, now=["another"]) == []

    @pytest.mark.parametrize(
        ("step", "match", "may"),
        [
            ("create", PENDING, True),
            ("deploy", PENDING, True),
            ("deploy", CURRENT, False),
            ("promote", CURRENT, True),
            ("revoke", CURRENT, True),
            ("record", CURRENT, True),
            ("revoke", PREVIOUS, False),
            ("deploy", {**PENDING, "credential": "other"}, False),
        ],
    )
    def test_a_string_tells_which_one_it_is(self, step: str, match: dict[str, Any], may: bool) -> None:
        assert bool(leaked(rotation(step), NOTHING, match, now=[match["credential"]])) is may

    def test_one_that_keeps_the_old_value_replaces_nothing(self) -> None:
        assert leaked(rotation("set", phases=2), ALONE) == ["r1/token"]
        assert leaked(rotation("set", phases=2), NOTHING, now=["another"]) == []

    def test_what_may_read_its_own_replacement(self) -> None:
        assert leaked(rotation("set"), {**ALONE, "first_off": ["token"]}) == ["r1/token"]

    @pytest.mark.parametrize("act", ["revoke", "drop_fallback"])
    def test_what_makes_no_new_value(self, act: str) -> None:
        assert leaked(rotation("revoke", act=act), HOST, now=["host:web1", "token"]) == []


class TestOfTheIncidentsOwn:
    """They made theirs after it was declared."""

    OPEN = rotation("revoke", incident=LEAK)
    ENDED = Journal(rotated={"token": Rotated("t", "ops", "r1", LEAK)})

    @pytest.mark.parametrize("journal", [OPEN, ENDED])
    def test_the_same_declaration_adds_nothing(self, journal: Journal) -> None:
        assert leaked(journal, HOST, before=["host:web1"], now=["host:web1"]) == []
        assert leaked(journal, ALONE, before=["token"]) == []

    @pytest.mark.parametrize("journal", [OPEN, ENDED])
    def test_nor_does_a_narrower_one(self, journal: Journal) -> None:
        assert leaked(journal, CHAIN, before=["all"], now=["token"]) == []
        assert leaked(journal, CHAIN, before=["all"], now=["admin"]) == []

    @pytest.mark.parametrize("journal", [OPEN, ENDED])
    def test_what_another_one_reveals(self, journal: Journal) -> None:
        assert leaked(journal, HOST, before=["token"], now=["host:web1"]) == ["r1/token"]
        assert leaked(journal, ALONE, before=["token"], now=["another"]) == []
        assert leaked(journal, ALONE, before=["another"], now=["token"]) == ["r1/token"]

    @pytest.mark.parametrize("journal", [OPEN, ENDED])
    def test_what_was_found_in_force(self, journal: Journal) -> None:
        assert leaked(journal, ALONE, CURRENT, before=["token"]) == ["r1/token"]
        assert leaked(journal, ALONE, PREVIOUS, before=["token"]) == []

    def test_one_that_another_leak_replaced_is_none_of_them(self) -> None:
        other = Journal(rotated={"token": Rotated("t", "ops", "r1", "leak-0"), "x": Rotated("t", "ops", "r2")})
        assert leaked(other, HOST, CURRENT, now=["host:web1"]) == []

    def test_both(self) -> None:
        ended = {"token": Rotated("t", "ops", "r0", LEAK)}
        journal = Journal(rotation=self.OPEN.rotation, rotated=ended)
        assert leaked(journal, ALONE, CURRENT, before=["token"]) == ["r0/token", "r1/token"]


class TestOpenRotation:
    def test_none(self) -> None:
        assert redeclaration.open_rotation(Journal(), incident()) is None

    @pytest.mark.parametrize(
        ("spoiled", "back"), [([], False), (["r0/token", "r1/other"], False), (["r1/token"], True)]
    )
    def test_is_rolled_back_if_its_new_values_may_have_leaked(self, spoiled: list[str], back: bool) -> None:
        assert redeclaration.open_rotation(rotation("deploy"), incident().without(spoiled)) == {
            "id": "r1",
            "step": "deploy",
            "credentials": ["token"],
            "may_have_leaked": back,
        }

    @pytest.mark.parametrize(
        ("step", "extra"),
        [("revoke", {}), ("record", {}), ("revoke_first", {"immediate": True}), ("deploy", {"immediate": True})],
    )
    def test_one_that_cannot_be_rolled_back_any_more_is_ended(self, step: str, extra: dict[str, Any]) -> None:
        result = redeclaration.open_rotation(rotation(step, plan=extra), incident().without(["r1/token"]))
        assert result is not None
        assert result["may_have_leaked"] is False


class TestJoined:
    def test_one_that_replaces_what_is_reached_answers_the_leak(self) -> None:
        opened = rotation("set").rotation
        assert opened is not None
        open_rotation = redeclaration.joined(opened, LEAK, ["token", "other"])
        assert open_rotation is not None
        assert (open_rotation.plan, open_rotation.step) == ({**opened.plan, "incident": LEAK}, "set")

    @pytest.mark.parametrize(
        ("journal", "leak", "reached"),
        [
            (rotation("set"), LEAK, ["other"]),
            (rotation("set"), "", ["token"]),
            (rotation("set", incident=LEAK), LEAK, ["token"]),
            (rotation("abort"), LEAK, ["token"]),
        ],
        ids=["of others", "no leak", "its own", "being rolled back"],
    )
    def test_others_stay_as_they_are(self, journal: Journal, leak: str, reached: list[str]) -> None:
        assert journal.rotation is not None
        assert redeclaration.joined(journal.rotation, leak, reached) is None


def test_what_is_leaked_still() -> None:
    ended = {"token": Rotated("t", "ops", "r1", LEAK), "x": Rotated("t", "ops", "r2", LEAK)}
    assert redeclaration.still_leaked(Journal(rotated=ended)) == {}
    journal = Journal(rotated=ended, incident=incident().without(["r1/token", "r1/x"]))
    assert redeclaration.still_leaked(journal) == {"token": "the new value of rotation r1 may have leaked too"}
