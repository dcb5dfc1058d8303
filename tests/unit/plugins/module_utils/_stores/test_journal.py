# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal, over Parameter Store as moto plays it and over the twin in memory."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils import _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import (
    Conflict,
    Denied,
    JournalError,
    NoAccess,
    Overtaken,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal import JournalStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.memory import Hook, MemoryParameters

PATH = "/app-journal/production"
OURS = {"rotation": "r1", "step": "plan", "who": "ada", "at": "2026-11-25T10:00:00Z"}
THEIRS = {"rotation": "r2", "step": "abort", "who": "bob", "at": "2026-11-25T11:00:00Z"}
WHOSE = r"rotation r2 of bob at 2026-11-25T11:00:00Z \(step abort\)"


@pytest.fixture
def journal(parameters: Any) -> JournalStore:
    return JournalStore(parameters.store, PATH)


@pytest.fixture
def other(parameters: Any) -> JournalStore:
    """Another controller's hand on the same journal."""
    return JournalStore(parameters.store, PATH)


def numbers(journal: JournalStore) -> list[int]:
    return sorted(int(reading.name.rpartition("/")[2]) for reading in journal.readings())


def filled(journal: JournalStore, count: int) -> None:
    for number in range(1, count + 1):
        journal.append(number, OURS)


def test_entries_stand_as_they_were_written(journal: JournalStore) -> None:
    texts = [journal.append(number, {**OURS, "step": step}) for number, step in enumerate(("plan", "create"), 1)]
    assert {reading.name: reading.value for reading in journal.readings()} == {
        f"{PATH}/1": texts[0],
        f"{PATH}/2": texts[1],
    }
    assert _journal.fold(PATH, journal.readings()).head == 2
    entry = json.loads(texts[0])
    assert len(entry.pop("nonce")) == 16
    assert entry == OURS
    assert texts[0] == json.dumps(json.loads(texts[0]), sort_keys=True, separators=(",", ":"))


def test_no_two_entries_have_one_nonce(journal: JournalStore) -> None:
    texts = [journal.append(number, OURS) for number in range(1, 4)]
    assert len({json.loads(text)["nonce"] for text in texts}) == 3


def test_an_empty_journal(journal: JournalStore) -> None:
    assert journal.readings() == []
    journal.trim(5)


class TestTaken:
    def test_a_number_can_be_taken_once(self, journal: JournalStore, other: JournalStore) -> None:
        filled(journal, 2)
        other.append(3, THEIRS)
        with pytest.raises(Overtaken, match=f"{PATH}/3 was taken by {WHOSE}; nothing further was done"):
            journal.append(3, OURS)
        assert numbers(journal) == [1, 2, 3]

    def test_our_own_entry_again_is_fine(self, journal: JournalStore) -> None:
        entry = {**OURS, "nonce": "n1"}
        assert journal.append(1, entry) == journal.append(1, entry)
        assert numbers(journal) == [1]

    def test_a_lost_answer(self, parameters: Any, journal: JournalStore) -> None:
        parameters.twice("CreateParameter")
        text = journal.append(1, OURS)
        assert [reading.value for reading in journal.readings()] == [text]

    @pytest.mark.parametrize("value", ["no json", "[]"])
    def test_by_what_is_no_entry(self, parameters: Any, journal: JournalStore, value: str) -> None:
        parameters.write(f"{PATH}/1", value, "String")
        with pytest.raises(Overtaken, match="was taken by something that is no journal entry"):
            journal.append(1, OURS)

    def test_by_an_entry_that_says_little(self, parameters: Any, journal: JournalStore) -> None:
        parameters.write(f"{PATH}/1", '{"rotation":"r9"}', "String")
        with pytest.raises(Overtaken, match=r"rotation r9 of unknown at unknown \(step unknown\)"):
            journal.append(1, OURS)

    def test_of_threads_that_start_together_one_wins(self, parameters: Any) -> None:
        won, lost, start = [], [], Barrier(6)

        def run(who: str) -> None:
            journal = JournalStore(parameters.store, PATH)
            start.wait()
            try:
                won.append(journal.append(1, {**OURS, "who": who}))
            except Overtaken:
                lost.append(who)

        threads = [Thread(target=run, args=(f"c{number}",)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(won), len(lost)) == (1, 5)
        assert [reading.value for reading in JournalStore(parameters.store, PATH).readings()] == won


class TestLate:
    """A run that was paused before it wrote, or before it looked again."""

    def take_over(self, other: JournalStore, number: int, *, trim: bool) -> Callable[[], None]:
        def act() -> None:
            other.append(number, THEIRS)
            other.append(number + 1, {**THEIRS, "step": "closed", "base": True})
            if trim:
                other.trim(number + 1)

        return act

    def test_its_number_was_taken(self, parameters: Any, journal: JournalStore, other: JournalStore) -> None:
        filled(journal, 2)
        parameters.meanwhile("CreateParameter", self.take_over(other, 3, trim=False))
        with pytest.raises(Overtaken, match=f"{PATH}/3 was taken by {WHOSE}"):
            journal.append(3, OURS)
        assert numbers(journal) == [1, 2, 3, 4]

    def test_its_number_was_taken_and_trimmed_away(
        self, parameters: Any, journal: JournalStore, other: JournalStore
    ) -> None:
        filled(journal, 2)
        parameters.meanwhile("CreateParameter", self.take_over(other, 3, trim=True))
        with pytest.raises(Overtaken, match=rf"{PATH}/4 was written by rotation r2 of bob .*\(step closed\)"):
            journal.append(3, OURS)
        assert numbers(journal) == [4], "ours was taken back"

    @pytest.mark.parametrize("trim", [False, True])
    def test_it_was_followed_up(
        self, parameters: Any, journal: JournalStore, other: JournalStore, *, trim: bool
    ) -> None:
        filled(journal, 2)
        parameters.meanwhile("GetParametersByPath", self.take_over(other, 4, trim=trim))
        with pytest.raises(Overtaken):
            journal.append(3, OURS)
        # Where it was not trimmed, the entries of others are chained to ours, but the newest begins anew.
        assert numbers(journal) == ([5] if trim else [1, 2, 4, 5])
        assert _journal.fold(PATH, journal.readings()).head == 5

    def test_what_others_are_chained_to_stays(
        self, parameters: Any, journal: JournalStore, other: JournalStore
    ) -> None:
        filled(journal, 2)
        parameters.meanwhile("GetParametersByPath", lambda: other.append(4, THEIRS))
        with pytest.raises(Overtaken, match=f"{PATH}/4 was written by {WHOSE}"):
            journal.append(3, OURS)
        assert numbers(journal) == [1, 2, 3, 4]

    def test_an_entry_that_follows_nothing(self, journal: JournalStore) -> None:
        filled(journal, 2)
        with pytest.raises(Overtaken, match=f"{PATH}/6, which came before, was taken away by another run"):
            journal.append(7, OURS)
        assert numbers(journal) == [1, 2]

    def test_the_first_of_a_journal_that_begins_above(self, parameters: Any, journal: JournalStore) -> None:
        parameters.write(f"{PATH}/5", json.dumps({**THEIRS, "base": True}), "String")
        with pytest.raises(Overtaken, match=f"{PATH}/5 was written by {WHOSE}"):
            journal.append(1, OURS)
        assert numbers(journal) == [5]

    def test_an_entry_that_begins_anew_follows_nothing(self, journal: JournalStore) -> None:
        journal.append(7, {**OURS, "base": True})
        journal.append(8, OURS)
        assert numbers(journal) == [7, 8]


class TestTrim:
    @pytest.mark.parametrize(("below", "left"), [(1, [1, 2, 3]), (2, [2, 3]), (3, [3]), (9, [3])])
    def test_the_newest_stays(self, journal: JournalStore, below: int, left: list[int]) -> None:
        filled(journal, 3)
        for _time in range(2):
            journal.trim(below)
            assert numbers(journal) == left

    def test_the_lowest_go_first(self) -> None:
        hook = Recorder()
        journal = JournalStore(MemoryParameters(hook), PATH)
        filled(journal, 12)
        journal.trim(12)
        deleted = [name for op, name in hook.acts if op == "delete"]
        assert deleted == [f"{PATH}/{number}" for number in range(1, 12)]


class TestRefused:
    def test_an_entry_that_is_too_long(self, journal: JournalStore) -> None:
        plan = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=9000))
        expected = r"would hold [\d,]+ bytes, compressed, and .* 4,096; rotate fewer credentials"
        with pytest.raises(JournalError, match=expected) as raised:
            journal.append(1, {**OURS, "plan": plan})
        assert plan[:20] not in str(raised.value)
        assert journal.readings() == []

    def test_a_long_entry_is_compressed_and_read_like_any_other(self, journal: JournalStore) -> None:
        """What eighty credentials fill, of which each has a secret of its own."""
        plan = {f"watchparty/production/group-{one}": str(uuid.uuid4()) for one in range(80)}
        text = journal.append(1, {**OURS, "plan": {"secrets": plan}})
        assert len(text) < 4096 < len(json.dumps(plan))
        journal.append(2, {**OURS, "step": "create", "prev": _journal.digest_of(text)})
        rotation = _journal.fold(PATH, journal.readings()).rotation
        assert rotation is not None
        assert rotation.plan["secrets"] == plan
        with pytest.raises(Overtaken, match="rotation r1 of ada"):
            journal.append(1, THEIRS)

    def test_letters_of_any_alphabet_are_counted_as_they_are_sent(self, journal: JournalStore) -> None:
        assert "é" in json.loads(journal.append(1, {**OURS, "who": "é" * 100}))["who"]
        assert len(journal.append(2, {**OURS, "who": "é" * 700})) < 4096

    @pytest.mark.parametrize("tail", ["notes", "0", "01", "1/2", "-1"])
    def test_what_lies_there_and_is_no_entry(self, parameters: Any, journal: JournalStore, tail: str) -> None:
        parameters.write(f"{PATH}/{tail}", "{}", "String")
        with pytest.raises(JournalError, match=f"{PATH}/{tail} lies in the journal's path and is no entry"):
            journal.trim(3)

    def test_a_journal_that_may_not_be_read(self) -> None:
        class Deny(Hook):
            def before(self, op: str, name: str) -> None:
                if op == "read":
                    raise Denied("denied", "no policy")

        journal = JournalStore(MemoryParameters(Deny()), PATH)
        with pytest.raises(NoAccess, match=rf"below {PATH} cannot be read; allow ssm:GetParametersByPath .*no policy"):
            journal.readings()

    def test_one_that_cannot_be_taken_back_is_named(self) -> None:
        class Deny(Hook):
            def before(self, op: str, name: str) -> None:
                if op == "delete":
                    raise Denied("AWS denies ssm:DeleteParameters")

        journal = JournalStore(MemoryParameters(Deny()), PATH)
        filled(journal, 2)
        with pytest.raises(Overtaken, match=rf"our {PATH}/7 could not be taken back \(AWS denies .*--name {PATH}/7'"):
            journal.append(7, OURS)


class TestUncertain:
    """What AWS says while several write, or before a list shows what was just written."""

    def test_another_writes_it_and_comes_through(self) -> None:
        parameters = MemoryParameters(Recorder())
        journal = JournalStore(parameters, PATH)

        def busy() -> None:
            parameters.seed(f"{PATH}/1", json.dumps(THEIRS), kind="String")
            raise Conflict("TooManyUpdates")

        parameters.hook.before = lambda op, name: busy() if op == "create" else None  # type: ignore[method-assign]
        with pytest.raises(Overtaken, match=WHOSE):
            journal.append(1, OURS)

    def test_another_writes_it_and_does_not_come_through(self) -> None:
        parameters = MemoryParameters(FailsAtFirst("create", 2))
        JournalStore(parameters, PATH).append(1, OURS)
        assert set(parameters.read([PATH]).readings) == {f"{PATH}/1"}

    def test_another_writes_it_for_ever(self) -> None:
        parameters = MemoryParameters(FailsAtFirst("create", 99))
        with pytest.raises(Overtaken, match=f"{PATH}/1 is being written by another run"):
            JournalStore(parameters, PATH).append(1, OURS)

    @pytest.mark.parametrize(("hidden", "fine"), [(1, True), (2, True), (3, False)])
    def test_a_list_that_does_not_show_it_yet(self, hidden: int, *, fine: bool) -> None:
        parameters = Hiding(f"{PATH}/1", hidden)
        journal = JournalStore(parameters, PATH)
        if fine:
            journal.append(1, OURS)
        else:
            with pytest.raises(Overtaken, match=f"{PATH}/1 was taken away by another run"):
                journal.append(1, OURS)


class Recorder(Hook):
    def __init__(self) -> None:
        self.acts: list[tuple[str, str]] = []

    def before(self, op: str, name: str) -> None:
        self.acts.append((op, name))


class FailsAtFirst(Hook):
    def __init__(self, op: str, times: int) -> None:
        self.op, self.times = op, times

    def before(self, op: str, name: str) -> None:
        if op == self.op and self.times:
            self.times -= 1
            raise Conflict("TooManyUpdates")


class Hiding(MemoryParameters):
    def __init__(self, name: str, times: int) -> None:
        super().__init__()
        self.hidden, self.times = name, times

    def read(self, names: Any, **more: Any) -> Any:
        found = super().read(names, **more)
        if self.hidden in found.readings and self.times:
            self.times -= 1
            found = type(found)({n: one for n, one in found.readings.items() if n != self.hidden}, found.failures)
        return found


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_whatever_pauses_every_entry_that_counts_was_won_by_one_run(data: st.DataObject) -> None:
    """Two runs append, take over and trim; each act of one may be held up until the other has done several."""
    parameters = MemoryParameters()
    won: dict[int, list[str]] = {}
    tags = itertools.count()

    class Interrupt(Hook):
        depth = 0

        def before(self, op: str, name: str) -> None:
            if self.depth < 2 and data.draw(st.integers(0, 3)) == 0:
                self.depth += 1
                for _turn in range(data.draw(st.integers(1, 3))):
                    turn()
                self.depth -= 1

    def turn() -> None:
        journal, tag = JournalStore(parameters, PATH), f"n{next(tags)}"
        state = _journal.fold(PATH, journal.readings())
        if data.draw(st.integers(0, 4)) == 0:
            entry = {**OURS, "step": "closed", "nonce": tag, "base": True}
        else:
            entry = {**OURS, "nonce": tag}
        if state.digest:
            entry["prev"] = state.digest
        number = state.head + 1
        try:
            journal.append(number, entry)
        except Overtaken:
            return
        won.setdefault(number, []).append(tag)
        if "base" in entry:
            journal.trim(number)

    parameters.hook = Interrupt()
    for _turn in range(6):
        turn()
    parameters.hook = Hook()
    readings = JournalStore(parameters, PATH).readings()
    state = _journal.fold(PATH, readings)
    assert all(len(tags) == 1 for tags in won.values()), "a number was won twice"
    assert state.head == max(won)
    head = next(one for one in readings if one.name == f"{PATH}/{state.head}")
    assert json.loads(head.value)["nonce"] == won[state.head][0]
