# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal, over S3 as moto plays it and over the twin in memory."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    JournalError,
    NotFound,
    Overtaken,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import journal_store
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import (
    TRIES,
    JournalStore,
    NoJournal,
    S3Journal,
    journal_of,
)
from tests.fakes.memory_stores import Hook, MemoryJournal
from tests.unit.plugins.module_utils._stores.journal_places import (
    BUCKET,
    CATALOG,
    KEY,
    OURS,
    REGION,
    THEIRS,
    WHOSE,
    Moto,
    Once,
    numbers,
)


def test_entries_stand_as_they_were_written(place_of: Any, journal: JournalStore) -> None:
    result = journal.read()
    for step in ("plan", "create"):
        result = journal.append(result, {**OURS, "step": step})
    assert journal.read() == result
    header, *lines = place_of.content().decode().splitlines()
    assert json.loads(header) == {"application": "app", "environment": "test", "journal": 1}
    assert tuple(lines) == result.lines
    first, second = map(json.loads, lines)
    assert len(first.pop("nonce")) == 16
    assert first == {**OURS, "number": 1}
    assert second["prev"] == _journal.digest_of(lines[0])


def test_a_read_and_an_append_are_a_call_each() -> None:
    with mock_aws():
        moto = Moto()
        journal = moto.store()
        journal.make()
        moto.calls.clear()
        result = journal.read()
        for _time in range(3):
            result = journal.append(result, OURS)
        assert moto.calls == ["GetObject", "PutObject", "PutObject", "PutObject"]


def test_a_bucket_of_another_account_is_refused_by_its_owner() -> None:
    with mock_aws():
        client = boto3.client("s3", region_name=REGION)
        asked: list[Any] = []
        client.meta.events.register("provide-client-params.s3.*", lambda params, **_more: asked.append(params))
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        journal = S3Journal(client, replace(CATALOG, expected_account_id="123456789012"))
        journal.make()
        journal.append(journal.read(), OURS)
        assert {item["ExpectedBucketOwner"] for item in asked[1:]} == {"123456789012"}


def test_no_two_entries_have_one_nonce(journal: JournalStore) -> None:
    result = journal.read()
    for _time in range(3):
        result = journal.append(result, OURS)
    assert len({entry["nonce"] for entry in _journal.entries(result)}) == 3


class TestMade:
    def test_once(self, place_of: Any, journal: JournalStore) -> None:
        assert journal.read().head == 0
        journal.append(journal.read(), OURS)
        assert not journal.make()
        assert numbers(journal) == [1]

    def test_what_does_not_exist_is_not_an_empty_journal(self, place_of: Any, journal: JournalStore) -> None:
        result = journal.append(journal.read(), OURS)
        place_of.remove()
        with pytest.raises(NotFound):
            journal.read()
        with pytest.raises((NotFound, AlreadyExists)):
            journal.append(result, OURS)

    def test_the_remedy_is_named(self) -> None:
        with mock_aws():
            moto = Moto()
            message = rf"s3://{BUCKET}/{KEY} does not exist\. .* newest version .*: ansible-playbook watchparty"
            with pytest.raises(NotFound, match=message):
                moto.store().read()
            moto.theirs.delete_bucket(Bucket=BUCKET)
            with pytest.raises(NotFound, match=r"create it: ansible-playbook watchparty\.secrets\.provision"):
                moto.store().read()


class TestOvertaken:
    def test_a_version_can_be_followed_once(self, place_of: Any, journal: JournalStore) -> None:
        result = journal.read()
        place_of.store().append(result, THEIRS)
        with pytest.raises(Overtaken, match=f"^{WHOSE}; this run stops here"):
            journal.append(result, OURS)
        assert numbers(journal) == [1]

    def test_right_before_the_write(self, place_of: Any, journal: JournalStore) -> None:
        result = journal.read()
        place_of.before_append(lambda: place_of.store().append(result, THEIRS))
        with pytest.raises(Overtaken, match=WHOSE):
            journal.append(result, OURS)
        assert [entry["who"] for entry in _journal.entries(journal.read())] == ["bob"]

    def test_by_one_that_also_gathered_the_state(self, place_of: Any, journal: JournalStore) -> None:
        """The number of the late one is not free again."""
        late = result = journal.append(journal.read(), OURS)
        for _time in range(30):
            result = place_of.store().append(result, {**THEIRS, "step": "closed", "rotation": "r1"})
        assert result.lines[0] != late.lines[0]
        with pytest.raises(Overtaken, match=r"^journal entry 31 was written by rotation r1 of bob"):
            journal.append(late, OURS)

    def test_a_lost_answer(self, place_of: Any, journal: JournalStore) -> None:
        result = journal.read()
        place_of.twice()
        after = journal.append(result, OURS)
        assert numbers(journal) == [1]
        journal.append(after, OURS)
        assert numbers(journal) == [1, 2]

    def test_ours_arrived_and_was_followed(self, place_of: Any, journal: JournalStore) -> None:
        """By another run that took over between our lost answer and our next try."""
        result = journal.read()
        text: list[str] = []

        def overtake() -> None:
            mine = _journal.following(result, {**OURS, "nonce": "n"})
            place_of.put(journal.content(mine))
            text.append(mine.lines[0])
            other = place_of.store()
            other.append(other.read(), THEIRS)

        place_of.before_append(overtake)
        with pytest.raises(Overtaken, match=r"^journal entry 2 was written by rotation r2 of bob"):
            journal.append(result, {**OURS, "nonce": "n"})
        assert journal.read().lines[0] == text[0]

    def test_the_same_entries_as_another_version_are_written_to(self, place_of: Any, journal: JournalStore) -> None:
        """Somebody copied the object over itself; no entry is lost."""
        result = journal.append(journal.read(), OURS)
        stale = replace(result, version='"0123456789abcdef0123456789abcdef"')
        assert journal.append(stale, OURS).head == 2
        assert numbers(journal) == [1, 2]

    def test_an_earlier_version_was_restored(self, place_of: Any, journal: JournalStore) -> None:
        before = place_of.content()
        result = journal.read()
        for _time in range(3):
            result = journal.append(result, OURS)
        place_of.put(before)
        message = "^the journal now ends at the earlier journal entry 0, so somebody restored an earlier version"
        with pytest.raises(Overtaken, match=message):
            journal.append(result, OURS)


class TestBusy:
    """S3 answers 409 where two write in the same moment, and cannot tell which of them is late."""

    def store(self, times: int) -> tuple[MemoryJournal, list[float]]:
        slept: list[float] = []
        twin = MemoryJournal(FailsAtFirst("append", times))
        twin._sleep = slept.append
        return twin, slept

    @pytest.mark.parametrize("times", [1, TRIES - 1])
    def test_it_is_tried_again(self, times: int) -> None:
        twin, slept = self.store(times)
        assert twin.append(twin.read(), OURS).head == 1
        assert len(slept) == times
        assert numbers(twin) == [1]

    def test_not_for_ever(self) -> None:
        twin, slept = self.store(99)
        with pytest.raises(Overtaken, match=r"^journal entry 1 is being written by another run"):
            twin.append(twin.read(), OURS)
        assert len(slept) == TRIES
        assert numbers(twin) == []

    def test_the_other_one_came_through(self) -> None:
        twin = MemoryJournal()
        journal = twin.read()

        def busy() -> None:
            twin.seed(_journal.written({**THEIRS, "number": 1}))
            raise Conflict("ConditionalRequestConflict")

        twin.hook = Once("append", before=busy)
        with pytest.raises(Overtaken, match=WHOSE):
            twin.append(journal, OURS)

    def test_s3s_own_words(self, stubbed: Any) -> None:
        client, stubber = stubbed("s3")
        stubber.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
        with pytest.raises(Conflict):
            S3Journal(client, CATALOG)._replace(b"", '"etag"')


class FailsAtFirst(Hook):
    def __init__(self, op: str, times: int) -> None:
        self.op, self.times = op, times

    def before(self, op: str, name: str) -> None:
        if op == self.op and self.times:
            self.times -= 1
            raise Conflict("ConditionalRequestConflict")


class TestCatalog:
    def test_where_it_lies(self) -> None:
        assert CATALOG.journal_place == (BUCKET, KEY)
        assert replace(CATALOG, journal=("b-1", "")).journal_place == ("b-1", "app/test/journal.jsonl")
        assert replace(CATALOG, journal=None).journal_place == ("", "")

    def test_one_that_names_none(self) -> None:
        assert journal_of(replace(CATALOG, journal=None), lambda _service: None) is None
        store = NoJournal("app", "test")
        for act in (store.read, store.make, lambda: store.append(Journal(), OURS)):
            with pytest.raises(
                JournalError, match=r"environment test: the catalog names no journal, .*set journal: {s3"
            ):
                act()

    def test_one_that_names_it(self) -> None:
        asked: list[str] = []
        assert isinstance(journal_of(CATALOG, asked.append), S3Journal)
        assert asked == ["s3"]


def test_moto_and_the_twin_decide_alike() -> None:
    """The conditions that the journal rests on."""
    with mock_aws():
        client = Moto().client
        names = {"Bucket": BUCKET, "Key": "k"}
        first = client.put_object(**names, Body=b"1", IfNoneMatch="*")["ETag"]
        for condition in ({"IfNoneMatch": "*"}, {"IfMatch": '"0"'}):
            with pytest.raises(ClientError, match="PreconditionFailed"):
                client.put_object(**names, Body=b"2", **condition)
        client.put_object(**names, Body=b"3", IfMatch=first)
        with pytest.raises(ClientError, match="PreconditionFailed"):
            client.put_object(**names, Body=b"4", IfMatch=first)
        with pytest.raises(ClientError, match="NoSuchKey"):
            client.put_object(Bucket=BUCKET, Key="other", Body=b"5", IfMatch=first)


@given(st.data())
def test_whatever_pauses_every_entry_was_won_by_one_run(data: st.DataObject) -> None:
    """Two runs read, append and take over; each act of one may be held up until the other has done several."""
    twin = MemoryJournal()
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

        def after(self, op: str, name: str) -> bool:
            return op == "append" and data.draw(st.integers(0, 4)) == 0

    def turn() -> None:
        tag = f"n{next(tags)}"
        journal = twin.read()
        step = data.draw(st.sampled_from(["plan", "closed"]))
        try:
            after = twin.append(journal, {**OURS, "step": step, "nonce": tag})
        except Overtaken:
            return
        won.setdefault(after.head, []).append(tag)

    twin.hook = Interrupt()
    for _turn in range(8):
        turn()
    twin.hook = Hook()
    state = twin.read()
    assert all(len(tags) == 1 for tags in won.values()), "a number was won twice"
    assert state.head >= max(won, default=0)
    stored = {entry["number"]: entry["nonce"] for entry in _journal.entries(state)}
    assert all(stored[number] == won[number][0] for number in won if number in stored)
    assert journal_store.TRIES > 1
