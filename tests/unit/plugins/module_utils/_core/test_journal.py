# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import JournalError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.incident import Incident
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import (
    REMEMBERED,
    Journal,
    OpenRotation,
    Overlay,
    PendingTask,
    Rotated,
    base_entry,
    digest_of,
    entries,
    extended,
    fold,
    following,
    written,
)
from tests.unit.plugins.module_utils._core.journal_lines import DUE, chained, entry, opened, state


def test_an_empty_journal() -> None:
    assert fold([]) == Journal(head=0, rotation=None)


def test_an_open_rotation_keeps_when_it_began_and_what_it_prescribes() -> None:
    readings = [
        entry(1, "plan", at="10:00", prescribes={"secrets": {"core": "v1"}, "parameters": {"/p/X": 3}}),
        entry(2, "deploy", at="10:05"),
        entry(3, "promote", prescribes={"secrets": {"core": "v2"}}),
    ]
    journal = fold(readings)
    assert (journal.head, list(journal.lines)) == (3, readings)
    assert journal.digest == digest_of(readings[2])
    rotation = opened(journal)
    assert rotation == OpenRotation(
        "r1", "promote", "ann@laptop", "10:00", number=3, secrets={"core": "v2"}, promoted=True, made=True
    )
    assert rotation.prescribes
    assert rotation.half_promoted
    assert str(rotation) == "rotation r1 of ann@laptop (since 10:00, at step promote)"
    assert opened(fold(readings[:2])).parameters == {"/p/X": "3"}


def test_when_the_stores_were_written_last_is_kept_beyond_the_end_and_a_trim() -> None:
    steps = [
        entry(1, "plan", at="10:00"),
        entry(2, "promote", at="10:01"),
        entry(3, "promote", at="10:02"),
        entry(4, "revoke", at="10:03"),
        entry(5, "record", at="10:04"),
        entry(6, "closed", at="10:05"),
    ]
    writtens = [fold(steps[:number]).written for number in range(1, 7)]
    assert writtens == ["", "", "", "10:03", "10:03", "10:03"]
    trimmed = entry(7, "closed", "trim", at="11:00", **base_entry(fold(steps)))
    assert fold([trimmed]).written == "10:03"
    back = [*steps[:3], entry(4, "abort", at="10:03"), entry(5, "withdraw", at="10:06")]
    assert fold(back).written == "10:06"


def test_new_values_are_known_to_be_made_after_their_step() -> None:
    steps = [entry(1, "plan"), entry(2, "create"), entry(3, "set"), entry(4, "abort")]
    assert [opened(fold(steps[:number])).made for number in range(1, 5)] == [False, False, True, True]
    assert not opened(fold([*steps[:2], entry(3, "abort")])).made


def test_another_rotation_inherits_nothing() -> None:
    first = {
        "prescribes": {"secrets": {"core": "v1"}},
        "plan": {"phases": 2},
        "notes": {"c": {"n": 1}},
        "holder": {"pid": 1},
    }
    journal = fold([entry(1, "promote", phase=2, **first), entry(2, "plan", "r2")])
    assert opened(journal) == OpenRotation("r2", "plan", "ann@laptop", "an unknown time", number=2)
    assert not opened(journal).prescribes
    assert not opened(journal).half_promoted


@pytest.mark.parametrize("step", ["closed", "aborted"])
def test_a_closed_rotation_leaves_only_the_number(step: str) -> None:
    last = entry(8, step)
    closed = Journal(head=8, digest=digest_of(last), ended=("r1",))
    assert state(fold([entry(7, "plan"), last])) == closed


def test_what_the_secrets_of_the_last_ended_rotations_were_called() -> None:
    plan = {"credentials": {"storage": {"kind": "k", "issued": True}, "database": {"kind": "k"}}}
    journal = fold([entry(1, "plan", plan=plan), entry(2, "aborted")])
    assert journal.ended == ("r1", "r1/storage")
    for number in range(2, 12):
        last = entry(number * 2, "closed", f"r{number}")
        for name in (entry(number * 2 - 1, "plan", f"r{number}"), last):
            journal = extended(journal, name)
    assert journal.ended == tuple(f"r{number}" for number in range(12 - REMEMBERED, 12))


def test_an_end_of_another_rotation_ends_nothing() -> None:
    assert opened(fold([entry(1, "plan"), entry(2, "aborted", "r0")])).id == "r1"


class TestOpenRotation:
    def test_a_step_keeps_what_it_does_not_say(self) -> None:
        first = entry(
            1,
            "plan",
            run="run1",
            holder={"pid": 7},
            plan={"phases": 2},
            prescribes={"secrets": {"core": "v1"}},
            notes={"cache": {"last": 1}},
        )
        rotation = opened(fold([first, entry(2, "set", run="run1", phase=1, notes={"database": {"n": 2}})]))
        assert rotation.plan == {"phases": 2}
        assert rotation.secrets == {"core": "v1"}
        assert rotation.holder == {"pid": 7}
        assert rotation.notes == {"cache": {"last": 1}, "database": {"n": 2}}
        assert (rotation.step, rotation.phase, rotation.number, rotation.run) == ("set", 1, 2, "run1")

    def test_the_first_note_counts(self) -> None:
        """A step that is done again, as over what somebody else wrote meanwhile, sees clients of the new value too."""
        again = {"cache": {"a:1": "run/12", "b:1": "run/3"}, "odd": "later"}
        readings = [
            entry(1, "test", notes={"cache": {"a:1": "run/7"}, "odd": "first"}),
            entry(2, "create"),
            entry(3, "test", notes=again),
            entry(4, "deploy", notes={"cache": {"b:1": "run/99"}}),
        ]
        notes = opened(fold(readings)).notes
        assert notes == {"cache": {"a:1": "run/7", "b:1": "run/3"}, "odd": "first"}

    def test_hosts_that_were_skipped_may_come_back(self) -> None:
        readings = [
            entry(1, "set", hosts_with_old_key={"deploy": ["web2", "web3"], "ci": ["web2"]}),
            entry(2, "test"),
            entry(3, "revoke", hosts_with_old_key={"deploy": ["web3"], "ci": []}),
        ]
        assert opened(fold(readings[:2])).hosts_with_old_key == {"deploy": ("web2", "web3"), "ci": ("web2",)}
        assert opened(fold(readings)).hosts_with_old_key == {"deploy": ("web3",), "ci": ()}

    def test_hosts_that_were_skipped_as_it_ended(self) -> None:
        """Whoever goes on from there knows of them; a revocation that is done again finds who is there by then."""
        readings = [entry(1, "revoke"), entry(2, "record", behind=["web3", "web2"]), entry(3, "record")]
        assert opened(fold(readings[:1])).behind == ()
        assert opened(fold(readings)).behind == ("web3", "web2")
        assert opened(fold([*readings, entry(4, "record", behind=["web3"])])).behind == ("web3",)

    def test_a_takeover_has_its_own_run_and_holder(self) -> None:
        readings = [
            entry(1, "deploy", at="10:00", run="run1", holder={"pid": 7}, phase=1, plan={"phases": 1}),
            entry(2, "deploy", at="11:00", run="run2", phase=1, holder={"pid": 8}).replace("ann@laptop", "bob@ci"),
        ]
        rotation = opened(fold(readings))
        assert (rotation.who, rotation.run, rotation.holder) == ("bob@ci", "run2", {"pid": 8})
        assert (rotation.since, rotation.step, rotation.phase) == ("10:00", "deploy", 1)

    def test_when_it_was_promoted_and_the_old_value_refused(self) -> None:
        """By the entry that begins the newest promotion, and the one after the removal; a takeover repeats a step."""
        steps = ["promote", "create", "promote", "promote", "revoke", "revoke", "record", "record"]
        readings = [entry(number, step, at=f"at {number}") for number, step in enumerate(steps, start=1)]
        times = [
            (open_rotation.promoted_at, open_rotation.refused_at)
            for open_rotation in (opened(fold(readings[:n])) for n in range(1, 9))
        ]
        assert times == [
            *[("at 1", "")] * 2,
            *[("at 3", "")] * 4,
            *[("at 3", "at 7")] * 2,
        ]
        assert opened(fold([entry(1, "discard", at="1"), entry(2, "record", at="2")])).refused_at == ""

    def test_an_overlay_lasts_until_something_else_is_prescribed(self) -> None:
        overlay = {"secret": "own", "version": "v9", "phase": 2}
        readings = [
            entry(1, "deploy", prescribes={"secrets": {"core": "v2"}, "overlay": overlay}),
            entry(2, "promote"),
            entry(3, "revoke", prescribes={"secrets": {"core": "v2"}, "overlay": None}),
        ]
        assert opened(fold(readings[:2])).overlay == Overlay("own", "v9", 2)
        assert opened(fold(readings)).overlay is None

    def test_an_abort_says_why_and_knows_of_a_promotion(self) -> None:
        rotation = opened(fold([entry(1, "promote"), entry(2, "abort", reason="unhealthy")]))
        assert (rotation.aborting, rotation.reason, rotation.promoted) == (True, "unhealthy", True)
        assert not rotation.half_promoted
        silent = opened(fold([entry(1, "deploy"), entry(2, "abort")]))
        assert (silent.aborting, silent.promoted) == (True, False)


class TestWhatStays:
    def test_when_a_credential_was_last_rotated(self) -> None:
        first, second = ({"at": at, "who": "ann@laptop", "rotation": at} for at in ("t1", "t2"))
        journal = fold(
            [
                entry(1, "closed", rotated={"database": first, "cache": first}),
                entry(2, "closed", rotated={"cache": second}),
            ],
        )
        assert journal.rotated == {"database": Rotated(**first), "cache": Rotated(**second)}

    def test_an_pending_task_until_it_is_discharged(self) -> None:
        readings = [
            entry(1, "closed", pending_tasks={"r1/database": {**DUE, "secrets": {"core": "v1"}}, "r1/cache": DUE}),
            entry(2, "plan", "r2"),
            entry(3, "closed", "r2", discharged=["r1/cache", "r0/unknown"]),
        ]
        assert set(fold(readings[:2]).pending_tasks) == {"r1/database", "r1/cache"}
        assert fold(readings).pending_tasks == {
            "r1/database": PendingTask(id="r1/database", secrets={"core": "v1"}, **DUE)
        }

    def test_an_pending_task_keeps_its_notes_over_a_trim(self) -> None:
        kept = {**DUE, "notes": {"a:1": "run/7"}}
        journal = fold([entry(1, "closed", pending_tasks={"r1/cache": kept, "r1/database": DUE})])
        assert journal.pending_tasks["r1/cache"].notes == {"a:1": "run/7"}
        based = base_entry(journal)
        assert based["pending_tasks"] == {"r1/cache": kept, "r1/database": DUE}
        assert fold([entry(2, "closed", "trim", **based)]).pending_tasks == journal.pending_tasks

    def test_an_pending_task_keeps_when_the_new_value_was_promoted_over_a_trim(self) -> None:
        journal = fold([entry(1, "closed", pending_tasks={"r1/database": {**DUE, "promoted": "2026-11-25T15:00:00Z"}})])
        assert journal.pending_tasks["r1/database"].promoted == "2026-11-25T15:00:00Z"
        based = fold([entry(2, "closed", "trim", **base_entry(journal))])
        assert based.pending_tasks == journal.pending_tasks

    def test_an_pending_task_on_some_hosts(self) -> None:
        left = {**DUE, "hosts": ["web2"]}
        journal = fold([entry(1, "closed", pending_tasks={"r1/deploy": left, "r1/cache": DUE})])
        assert journal.pending_tasks["r1/deploy"].hosts == ("web2",)
        assert "hosts" not in base_entry(journal)["pending_tasks"]["r1/cache"]
        based = fold([entry(2, "closed", "trim", **json.loads(json.dumps(base_entry(journal))))])
        assert based.pending_tasks == journal.pending_tasks

    def test_credentials_that_were_prepared(self) -> None:
        journal = fold([entry(1, "closed", prepared=["a"]), entry(2, "closed", prepared=["b", "a"])])
        assert journal.prepared == {"a", "b"}
        journal = fold([entry(1, "closed", prepared=["a", "b"]), entry(2, "closed", unprepared=["b", "c"])])
        assert journal.prepared == {"a"}

    def test_the_head_of_the_audit_log(self) -> None:
        readings = [entry(1, "closed", audit={"number": 1}), entry(2, "closed", audit={"number": 2}), entry(3, "plan")]
        assert fold(readings).audit == {"number": 2}


class TestChain:
    def test_a_sound_one(self) -> None:
        readings = chained({}, {"step": "create"}, {"step": "closed"})
        assert fold(readings).digest == digest_of(readings[2])

    @pytest.mark.parametrize("missing", [2, 3])
    def test_a_missing_entry_is_named(self, missing: int) -> None:
        readings = chained({}, {"step": "create"}, {"step": "set"}, {"step": "test"})
        del readings[missing - 1]
        message = f"^journal entry {missing} is missing before journal entry {missing + 1}; restore an earlier version"
        with pytest.raises(JournalError, match=message):
            fold(readings)

    def test_several_missing_entries(self) -> None:
        readings = chained(*[{}] * 6)
        with pytest.raises(JournalError, match=r"^journal entry 2 is missing before journal entry 5"):
            fold([readings[0], *readings[4:]])

    def test_what_is_older_than_the_kept_entries_is_not_missing(self) -> None:
        assert fold(chained({}, {"step": "create"}, {"step": "set"})[1:]).head == 3

    @pytest.mark.parametrize("altered", [1, 2, 3])
    def test_an_altered_entry_is_named(self, altered: int) -> None:
        readings = chained({}, {"step": "create"}, {"step": "set"}, {"step": "test"})
        readings[altered - 1] = readings[altered - 1].replace("ann@laptop", "eve@laptop")
        message = f"^journal entry {altered} was altered after journal entry {altered + 1} was written"
        with pytest.raises(JournalError, match=message):
            fold(readings)

    def test_entries_in_another_order(self) -> None:
        with pytest.raises(JournalError, match=r"^journal entry 3 is missing before journal entry 1"):
            fold([entry(2, "plan"), entry(1, "plan")])

    def test_a_base_stands_for_all_before_it(self) -> None:
        before = chained({"prepared": ["a"]}, {"step": "closed"})
        base = {"step": "closed", "base": True, "prepared": ["b"]}
        after = chained(base, {"rotation": "r2"}, start=3, prev=digest_of(before[1]))
        for left in (before, before[1:], []):
            journal = fold([*left, *after])
            assert journal.head == 4
            assert journal.prepared == {"b"}, "only what the base carries counts"
            assert opened(journal).id == "r2"
            assert list(journal.lines) == [*left, *after]


class TestFollowing:
    def ended(self, rotations: int) -> Journal:
        journal = Journal()
        for number in range(1, rotations + 1):
            for step in ("plan", "promote", "closed"):
                extra = {"prepared": [f"c{number}"]} if step == "closed" else {}
                journal = following(journal, {"rotation": f"r{number}", "step": step, "who": "ann", **extra})
        return journal

    def test_an_entry_has_its_number_and_the_digest_of_the_one_before(self) -> None:
        journal = self.ended(2)
        first, second = entries(journal)[:2]
        assert (first["number"], "prev" in first) == (1, False)
        assert (second["number"], second["prev"]) == (2, digest_of(journal.lines[0]))
        assert written(first) == journal.lines[0]

    def test_nothing_is_gathered_before_it_is_due(self) -> None:
        assert not any(row.get("base") for row in entries(self.ended(2)))

    def test_the_state_is_gathered_in_the_entry_that_ends_a_rotation(self) -> None:
        journal = self.ended(3)
        *before, last = entries(journal)
        assert len(before) == 8
        assert last["base"] is True
        assert last["prepared"] == ["c1", "c2", "c3"]
        assert fold(journal.lines) == journal

    def test_what_is_older_than_the_gathering_before_is_not_kept(self) -> None:
        journal = self.ended(6)
        numbers = [row["number"] for row in entries(journal)]
        assert numbers == list(range(9, 19))
        assert [row["number"] for row in entries(journal) if row.get("base")] == [9, 18]
        assert journal.prepared == {f"c{number}" for number in range(1, 7)}
        assert journal.ended == tuple(f"r{number}" for number in range(1, 7))

    def test_an_open_rotation_keeps_every_entry(self) -> None:
        journal = self.ended(3)
        for _time in range(40):
            journal = following(journal, {"rotation": "r9", "step": "create", "who": "ann"})
        assert len(journal.lines) == 49

    def test_an_incident_is_gathered_as_it_is(self) -> None:
        journal = Journal()
        incident = replace(Incident("l1", "t", "ann"), declared=("a",)).entry()
        journal = following(journal, {"rotation": "l1", "step": "closed", "who": "ann", "incident": incident})
        for number in range(9):
            extra = {"events": {f"skipped/web{number}": "t"}, "evidence": {f"skipped/web{number}": "why"}}
            before = following(journal, {"rotation": "l1", "step": "closed", "who": "ann", **extra})
            journal = fold(before.lines)
            assert journal == before
        assert journal.incident is not None
        assert len(journal.incident.events) == 9
        done = following(journal, {"rotation": "l1", "step": "closed", "who": "ann", "contained": "l1"})
        assert done.incident is None
        assert fold(done.lines) == done


def test_a_base_carries_everything_that_stays() -> None:
    by = {"at": "t", "who": "ann@laptop", "rotation": "r1"}
    stays: dict[str, Any] = {
        "rotated": {"database": by},
        "pending_tasks": {"r1/database": {**DUE, "secrets": {"core": "v1"}}},
        "prepared": ["database", "other"],
        "audit": {"number": 3, "digest": "d"},
    }
    journal = fold([entry(1, "plan"), entry(2, "closed", **stays)])
    result = base_entry(journal)
    assert result == {"base": True, **stays, "ended": ["r1"]}
    based = fold([entry(3, "closed", "trim", **json.loads(json.dumps(result)))])
    assert replace(state(based), head=0, digest="") == replace(state(journal), head=0, digest="")
