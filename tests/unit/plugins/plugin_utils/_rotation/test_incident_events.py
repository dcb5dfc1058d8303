# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the steps of a rotation mean to the leak that it answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import incident_events, state_machine
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind

KINDS = {
    "login": Kind("login", stages=("set", "revoke")),
    "key": Kind("key", routine="signing_key"),
    "given": Kind("given", value="supplied"),
}
ITEMS: dict[str, Any] = {
    "database": {"kind": "login", "act": "rotate"},
    "django": {"kind": "key", "act": "renew"},
    "token": {"kind": "given", "act": "rotate"},
    "later": {"kind": "login", "act": "revoke"},
    "unknown": {"kind": "gone", "act": "rotate"},
    "slow": {"kind": "key", "act": "rotate", "phases": 2},
}


LEAK = Incident("leak-1", "t", "ops", spoiled=("r0/database",))


def at(step: str, *names: str, phase: int = 0, **plan: Any) -> OpenRotation:
    credentials = {name: ITEMS[name] for name in names or ITEMS}
    return OpenRotation("r1", step, "ops", "t", phase=phase, plan={"credentials": credentials, "phases": 1, **plan})


@pytest.mark.parametrize(
    ("rotation", "following", "seen"),
    [
        (at("test", immediate=True), "revoke_first", {"down/r1"}),
        (at("revoke_first", immediate=True), "deploy", {"refused/database"}),
        (at("deploy", "database", immediate=True), "promote", {"live/database", "up/r1"}),
        (at("deploy", "database"), "promote", {"live/database"}),
        (at("test"), "deploy", set()),
        (at("deploy"), "deploy", set()),
        (at("promote"), "revoke", set()),
        (
            at("revoke"),
            "record",
            {"refused/database", "refused/django", "given/token", "given/unknown", "kept/slow"},
        ),
        (at("abort"), "withdraw", set()),
    ],
)
def test_what_is_seen(rotation: OpenRotation, following: str, seen: set[str]) -> None:
    own = replace(rotation, plan={**rotation.plan, "incident": "leak-1"})
    events = incident_events.events(own, following, KINDS, "now", LEAK, reads=ITEMS)
    assert set(events) == seen
    assert set(events.values()) <= {"now"}
    assert incident_events.events(rotation, following, KINDS, "now", LEAK, reads=ITEMS) == {}, (
        "it does not answer the leak"
    )


def test_a_login_that_is_blocked_first_takes_the_application_down() -> None:
    made = at("create", incident="leak-1", immediate=True)

    def seen(rotation: OpenRotation, following: str, *blocked: str, reads: Any = ITEMS) -> set[str]:
        return {*incident_events.events(rotation, following, KINDS, "now", LEAK, reads=reads, blocked=blocked)}

    assert seen(made, "set") == set()
    for following in ("set", "abort"):
        assert seen(made, following, "database") == {"blocked/database", "down/r1"}
    assert seen(made, "set", "database", reads=()) == {"blocked/database"}
    assert seen(at("set", incident="leak-1", immediate=True), "test", "database") == set(), "said once"


def test_a_new_value_that_may_have_leaked_too_proves_nothing() -> None:
    spoiled = replace(LEAK, spoiled=("r1/database",))
    events = incident_events.events(
        at("revoke", "database", "django", incident="leak-1"), "record", KINDS, "now", spoiled, reads=ITEMS
    )
    assert set(events) == {"refused/django"}


def test_when_the_first_host_was_verified() -> None:
    deployed, revoked = (at(step, "database", incident="leak-1") for step in ("deploy", "revoke"))
    events = incident_events.events(deployed, "promote", KINDS, "later", LEAK, reads=ITEMS, first="sooner")
    assert events == {"first/r1": "sooner", "live/database": "later"}
    assert "first/r1" not in incident_events.events(
        revoked, "record", KINDS, "later", LEAK, reads=ITEMS, first="sooner"
    )
    spoiled = replace(LEAK, spoiled=("r1/database",))
    events = incident_events.events(deployed, "promote", KINDS, "later", spoiled, reads=ITEMS, first="sooner")
    assert events == {}, "what it made may have leaked too"


PROOFS: list[tuple[dict[str, Any], str]] = [
    (
        {"refused": True, "refusal": "no_login", "ended": 3, "seconds": 0.2134},
        "answer no_login, 3 sessions ended, after 0.2 s",
    ),
    (
        {"refused": ["a:6379", "b:6379"], "ended": {"a": {"10.0.0.1": 2}, "b": {"x": 1}}},
        "by a:6379, b:6379, 3 sessions ended",
    ),
    ({"refused": list("abcde"), "ended": {}}, "by a, b, c and 2 more, 0 sessions ended"),
    ({"accepted": {"c:6379": False}}, "by c:6379"),
    ({"accepted": {"c:6379": True}}, ""),
    (
        {
            "results": [
                {"secret_rotate_each": "web1", "ended": ["203.0.113.9"]},
                {"secret_rotate_each": "web2", "unreachable": True},
            ]
        },
        "on web1, 1 session ended",
    ),
    ({}, ""),
]


@pytest.mark.parametrize(("result", "message"), PROOFS)
def test_what_shows_a_refusal(result: dict[str, Any], message: str) -> None:
    seen = {"refused/database": "t", "live/database": "t", "kept/slow": "t", "refused/other": "t"}
    answer = incident_events.evidence(seen, {"database": result, "slow": result})
    assert answer == ({"refused/database": message} if message else {})


def test_possible_footholds_are_kept_each_for_itself() -> None:
    lines = [f"h:6379: user thief{number} is not in the catalog" for number in range(7)]
    results = {"cache": {"footholds": lines}, "database": {"footholds": []}}
    seen = {"refused/cache": "t", "refused/database": "t"}
    extra = incident_events.outlived(seen, results)
    assert [event.rpartition("/")[0] for event in extra] == ["foothold/cache"] * 5
    result = list(incident_events.evidence(extra, results).values())
    assert (result[0], result[4]) == (lines[0], "and 3 more, which the run's output names")
    assert incident_events.outlived(seen, {"cache": {"footholds": lines[:1]}}).keys() == {next(iter(extra))}
    assert extra.keys().isdisjoint(incident_events.outlived(seen, {"cache": {"footholds": ["another"]}}))


def test_what_was_removed_is_no_foothold_that_is_left() -> None:
    results = {"cache": {"footholds": ["x"], "evicted": ["unknown user thief, deleted by: ACL DELUSER thief"]}}
    extra = incident_events.outlived({"refused/cache": "t"}, results)
    incident = Incident("leak-1", "t", "ops", events=extra, evidence=incident_events.evidence(extra, results))
    assert [incident.evidence[event] for event in incident.footholds] == ["x"]
    assert len(incident.about("foothold")) == 2


def test_a_comparison_with_the_baseline_is_kept_with_its_date() -> None:
    results = {"cache": {"baseline": "baseline of 2026-11-29"}, "database": {}}
    seen = {"refused/cache": "t", "refused/database": "t"}
    extra = incident_events.outlived(seen, results)
    assert extra == {"compared/cache": "t"}
    assert incident_events.evidence(extra, results) == {"compared/cache": "baseline of 2026-11-29"}


@pytest.mark.parametrize("note", ["used", "used_at_end"])
def test_the_use_of_a_honeytoken_is_kept(note: str) -> None:
    results = {"jobs": {"notes": {note: {"last": "2 tries"}}}, "cache": {"notes": {"127.0.0.1:1": "run/7"}}}
    extra = incident_events.outlived({"refused/jobs": "t", "refused/cache": "t"}, results)
    assert extra == {"used/jobs": "t"}
    assert incident_events.evidence(extra, results) == {"used/jobs": "2 tries"}


def test_sessions_that_outlive_a_refusal_are_kept_with_where() -> None:
    nodes = [f"h{number}:6379: no right" for number in range(5)]
    results = {
        "database": {"accepted": {"h": False}, "not_ended": nodes},
        "django": {"not_ended": []},
        "slow": {"not_ended": nodes},
    }
    seen = {"refused/database": "t", "refused/django": "t", "kept/slow": "t"}
    extra = incident_events.outlived(seen, results)
    assert extra == {"outlived/database": "t"}
    result = incident_events.evidence({**seen, **extra}, results)
    assert result["outlived/database"] == "h0:6379: no right, h1:6379: no right, h2:6379: no right and 2 more"
    assert result["refused/database"] == "by h"


@pytest.mark.parametrize(
    ("names", "reads", "down"),
    [
        (("database",), ("database",), True),
        (("django",), ("django",), True),
        (("token", "database"), ("token", "database"), True),
        (("database",), (), False),
        (("token",), ("token",), False),
        (("unknown",), ("unknown",), False),
    ],
    ids=["a login", "a signing key", "one of them", "what opens hosts alone", "externally issued", "of no kind"],
)
def test_an_outage_is_reported_where_there_is_one(
    names: tuple[str, ...], reads: tuple[str, ...], *, down: bool
) -> None:
    """Only what the application reads and what is really taken away takes it down."""
    result, deploy = (at(step, *names, immediate=True, incident="leak-1") for step in ("test", "deploy"))
    began = incident_events.events(result, "revoke_first", KINDS, "now", LEAK, reads=reads)
    ended = incident_events.events(deploy, "promote", KINDS, "now", LEAK, reads=reads)
    assert ("down/r1" in began, "up/r1" in ended) == (down, down)
    kinds = {name: ITEMS[name]["kind"] for name in names}
    assert bool(incident_events.taking_down(kinds, KINDS, reads)) is down


@pytest.mark.parametrize(("step", "following"), [("revoke_first", "deploy"), ("revoke", "record")])
def test_what_a_host_still_lets_in_is_not_refused(step: str, following: str) -> None:
    rotation = at(step, "database", incident="leak-1", immediate=True)
    for left, seen in (({}, True), ({"database": ("web2",)}, False), ({"database": ()}, True)):
        events = incident_events.events(
            replace(rotation, hosts_with_old_key=left), following, KINDS, "now", LEAK, reads=ITEMS
        )
        assert ("refused/database" in events) is seen


def test_a_signing_key_is_not_refused_where_a_host_was_skipped() -> None:
    """No server takes it away: that host verifies with the old one until it has the new one."""
    revoked = at("revoke", "database", "django", incident="leak-1")
    left = replace(LEAK, events={"skipped/web2": "t"}, spoiled=())
    events = incident_events.events(revoked, "record", KINDS, "now", left, reads=ITEMS)
    assert set(events) == {"refused/database", "renewed/django"}
    back = replace(left, events={"skipped/web2": "t", "verified/web2": "t"})
    events = incident_events.events(revoked, "record", KINDS, "now", back, reads=ITEMS)
    assert set(events) == {"refused/database", "refused/django"}


def test_what_was_away_and_lets_it_in_no_more() -> None:
    """The rotation that only removes a key that a host authorized until now; not a revocation that had waited."""
    late = at("revoke", incident="leak-1", credentials={"deploy": {**ITEMS["later"], "hosts": ["web2"]}})
    assert incident_events.events(late, "record", KINDS, "now", LEAK, reads=ITEMS) == {"refused/deploy": "now"}
    away = replace(late, hosts_with_old_key={"deploy": ("web2",)})
    assert incident_events.events(away, "record", KINDS, "now", LEAK, reads=ITEMS) == {}
    assert (
        incident_events.events(at("revoke", "later", incident="leak-1"), "record", KINDS, "now", LEAK, reads=ITEMS)
        == {}
    )


def test_what_held_the_values_that_are_dead() -> None:
    plan = {"secrets": {"core": "v1"}, "parameters": {"/b": 2, "/a": 1}}
    dead = {"secrets": {"core": "v1"}, "parameters": ["/a", "/b"]}
    assert incident_events.replaced(at("record", **plan), {}, LEAK) == dead
    assert incident_events.replaced(at("record", "later", **plan), {}, LEAK) == {}


def test_what_an_pending_task_still_has_to_read_is_not_dead_yet() -> None:
    left = {"r1/slow": {"secrets": {"core": "v1"}}}
    plan = {"secrets": {"core": "v1", "copy": "v2"}}
    assert incident_events.replaced(at("record", **plan), left, LEAK)["secrets"] == {"copy": "v2"}
    assert incident_events.replaced(at("record", incident="leak-1", **plan), left, LEAK)["secrets"] == plan["secrets"]


class TestHastened:
    @pytest.mark.parametrize(
        ("step", "goes_on"),
        [("create", "create"), ("set", "set"), ("test", "test"), ("deploy", "test")],
    )
    def test_removes_first_from_now_on(self, step: str, goes_on: str) -> None:
        open_rotation = incident_events.hastened(at(step, phase=1, incident="leak-1"))
        assert open_rotation is not None
        assert (open_rotation.step, open_rotation.phase, open_rotation.plan["immediate"]) == (goes_on, 0, True)

    def test_nothing_leads_back_from_where_a_leaked_key_made_room(self) -> None:
        """Hosts that have the new key would go back to a deleted one."""
        keys = {"credentials": {"storage": {"kind": "aws_access_key"}}}
        deleted = replace(at("deploy", incident="leak-1", **keys), notes={"storage": {"old_deleted": "AKIAOLD"}})
        rotation = incident_events.hastened(deleted)
        assert rotation is not None
        assert state_machine.is_past_return(rotation)

    @pytest.mark.parametrize("step", ["promote", "revoke", "record", "abort", "withdraw", "discard"])
    def test_too_late(self, step: str) -> None:
        assert incident_events.hastened(at(step, incident="leak-1")) is None

    def test_one_that_answers_no_leak_or_removes_first_already(self) -> None:
        assert incident_events.hastened(at("set")) is None
        assert incident_events.hastened(at("set", incident="leak-1", immediate=True)) is None
