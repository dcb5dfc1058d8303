# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every body does, and which one the catalog names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AuditError, Conflict
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.backends import (
    TRIES,
    AuditBody,
    body_of,
    record,
)
from tests.fakes.memory_audit import MemoryAudit
from tests.fakes.memory_stores import Hook
from tests.unit.plugins.plugin_utils._audit.audit_bodies import BUCKET, GROUP, logs, objects
from tests.unit.plugins.plugin_utils._audit.audit_lines import chained, log, record_fields

Moto = Callable[[str], tuple[Any, list[str]]]
Stubbed = Callable[[str], tuple[Any, Stubber]]


@pytest.fixture(params=["logs", "s3", "memory", "memory that excludes nobody"])
def body(request: pytest.FixtureRequest, moto: Moto) -> AuditBody:
    if request.param == "logs":
        client, _calls = moto("logs")
        client.create_log_group(logGroupName=GROUP)
        return logs(client)
    if request.param == "s3":
        client, _calls = moto("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
        return objects(client)
    return MemoryAudit(exclusive=request.param == "memory")


# --- what every body does -----------------------------------------------------------------------------------------


def test_records_are_chained_and_read_back(body: AuditBody) -> None:
    assert body.lines() == []
    for number in range(1, 13):
        entry, new = record(body, record_fields(number))
        assert new
        assert entry.number == number
    assert body.lines() == log(12)
    assert audit_chain.verify(body.chain().lines, entry.head) == []


def test_a_record_is_written_once(body: AuditBody) -> None:
    record(body, record_fields(1))
    record(body, record_fields(2))
    for again in (record_fields(1), record_fields(1, who="bob@desk", at="2026-11-25T11:00:00Z"), record_fields(2)):
        entry, new = record(body, again)
        assert not new
        assert entry.id == f"{again['rotation']}:completed"
    assert len(body.lines()) == 2
    assert record(body, record_fields(2, outcome="revoked"))[1], "another outcome is another record"


def test_the_same_line_again_counts_once(body: AuditBody) -> None:
    line = log(1)[0]
    assert body.append(line) == line
    assert body.append(line) == line
    assert body.chain().lines == (line,)


def test_another_record_under_the_number_is_a_conflict(body: AuditBody) -> None:
    first, second = log(2)
    body.append(first)
    body.append(second)
    with pytest.raises(Conflict):
        body.append(chained(record_fields(3), first))
    assert audit_chain.verify(body.chain().lines) == []
    assert list(body.chain().lines) == [first, second]


def test_a_late_writer_of_the_same_record_learns_which_stands(body: AuditBody) -> None:
    first, second = log(2)
    body.append(first)
    body.append(second)
    late = chained(record_fields(2, who="bob@desk"), first)
    assert body.append(late) == second
    chain = body.chain()
    assert audit_chain.verify(chain.lines) == audit_chain.strays(chain) == []


def test_a_record_that_does_not_belong_is_refused_first(body: AuditBody) -> None:
    with pytest.raises(AuditError, match="rotation: is required"):
        record(body, {})
    with pytest.raises(AuditError, match="record: has an unknown field; known are"):
        record(body, record_fields(password="canary"))
    assert body.lines() == []


def test_a_chain_goes_on_from_the_head_where_the_body_was_cut_off(body: AuditBody) -> None:
    lines = log(3)
    for line in lines[:2]:
        body.append(line)
    head = audit_chain.parsed(lines[2]).head
    entry, _new = record(body, record_fields(4), head)
    assert (entry.number, entry.previous) == (4, head.digest)
    assert audit_chain.verify(body.chain(entry.head).lines, entry.head) == ["record 3 is missing"]


def test_an_older_head_changes_nothing(body: AuditBody) -> None:
    for line in log(3):
        body.append(line)
    entry, _new = record(body, record_fields(4), audit_chain.parsed(log(1)[0]).head)
    assert entry.number == 4
    assert audit_chain.verify(body.chain(entry.head).lines) == []


class Interloper(Hook):
    """Others record before each of our appends."""

    body: ClassVar[MemoryAudit]

    def __init__(self, times: int) -> None:
        self.times = times
        self.count = 0

    def before(self, op: str, name: str) -> None:
        if op == "append" and self.count < self.times:
            self.count += 1
            chain = audit_chain.chain(self.body.held)
            self.body.held.append(audit_chain.following(record_fields(100 + self.count), chain.head))


@pytest.mark.parametrize("exclusive", [True, False])
def test_whoever_comes_second_is_chained_anew(exclusive: bool) -> None:
    hook = Interloper(TRIES - 1)
    hook.body = MemoryAudit(hook, exclusive=exclusive)  # type: ignore[misc]
    entry, new = record(hook.body, record_fields(1))
    assert new
    chain = hook.body.chain(entry.head)
    assert len(chain.lines) == TRIES
    assert audit_chain.verify(chain.lines, entry.head) == []
    assert audit_chain.strays(chain) == [], "what was tried before and lost is not a stray: its id is on the chain"


def test_whoever_always_comes_second_stops() -> None:
    hook = Interloper(TRIES)
    hook.body = MemoryAudit(hook)  # type: ignore[misc]
    with pytest.raises(Conflict, match="memory: another record was written first in 5 attempts; check its newest"):
        record(hook.body, record_fields(1))


class Repeating(Hook):
    def __init__(self, repeats: list[bool]) -> None:
        self.repeats = repeats

    def after(self, op: str, name: str) -> bool:
        return op == "append" and bool(self.repeats) and self.repeats.pop()


@given(st.lists(st.booleans(), max_size=8), st.booleans())
def test_lost_answers(repeats: list[bool], exclusive: bool) -> None:
    body = MemoryAudit(Repeating(repeats), exclusive=exclusive)
    for number in (1, 2, 1, 3):
        entry, _new = record(body, record_fields(number))
    chain = body.chain()
    assert list(chain.lines) == log(3)
    assert audit_chain.verify(chain.lines, entry.head) == audit_chain.strays(chain) == []


# --- which body ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shop-audit", ("shop-audit", "")),
        ("shop-audit/", ("shop-audit", "")),
        ("s3://shop-audit", ("shop-audit", "")),
        ("shop-audit/a/b", ("shop-audit", "a/b/")),
        ("s3://shop-audit//a/b/", ("shop-audit", "a/b/")),
    ],
)
def test_a_location(text: str, expected: tuple[str, str]) -> None:
    assert audit_chain.location(text) == expected


@pytest.mark.parametrize("text", ["", "/a", "s3://", "A/b", "https://x/y", "a"])
def test_what_is_no_location(text: str) -> None:
    with pytest.raises(AuditError, match="does not begin with the name of a bucket; give bucket/prefix"):
        audit_chain.location(text)


def test_the_body_is_the_catalogs(catalog: Callable[..., Any]) -> None:
    asked: list[str] = []

    def client(service: str) -> None:
        asked.append(service)

    settings = {"A": {"value": "x"}}
    assert body_of(catalog(settings), client) is None
    for log_, where in (
        ({"log_group": GROUP}, "log group /shop/audit, stream app/test"),
        ({"s3": "shop-audit/records"}, "s3://shop-audit/records/app/test/"),
    ):
        audit_body = body_of(catalog(settings, audit_log=log_), client)
        assert audit_body is not None
        assert audit_body.location == where
    assert asked == ["logs", "s3"]
