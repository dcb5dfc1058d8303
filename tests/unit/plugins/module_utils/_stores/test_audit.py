# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The bodies, against moto where it answers as AWS does, and against stubbed clients for what it never says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils import _audit
from ansible_collections.watchparty.secrets.plugins.module_utils._audit import Head
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import (
    AuditError,
    Conflict,
    Denied,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.audit import (
    DELAYS,
    TRIES,
    AuditBody,
    CloudWatchLogs,
    MemoryAudit,
    S3Objects,
    body_of,
    location,
    record,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.memory import Hook

Moto = Callable[[str], tuple[Any, list[str]]]
Stubbed = Callable[[str], tuple[Any, Stubber]]

GROUP = "/shop/audit"
STREAM = "shop/production"
BUCKET = "shop-audit"
PREFIX = "records/shop/production/"
NAMES = {"logGroupName": GROUP, "logStreamName": STREAM}


def said(number: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "rotation": f"r{number}",
        "outcome": "completed",
        "application": "shop",
        "environment": "production",
        "who": "ann@laptop",
        "at": "2026-11-25T10:00:00Z",
        **more,
    }


def log(count: int) -> list[str]:
    lines: list[str] = []
    for number in range(1, count + 1):
        lines.append(_audit.chained(said(number), lines[-1] if lines else None))
    return lines


def logs(client: Any, **more: Any) -> CloudWatchLogs:
    return CloudWatchLogs(client, GROUP, STREAM, sleep=lambda _seconds: None, **more)


def objects(client: Any) -> S3Objects:
    return S3Objects(client, BUCKET, PREFIX)


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
    assert not body.confirmed(1)
    for number in range(1, 13):
        entry, new = record(body, said(number))
        assert new
        assert entry.number == number
        assert body.confirmed(number)
        assert body.confirmed(number, entry.digest)
        assert not body.confirmed(number, "0" * 64)
    assert body.lines() == log(12)
    assert _audit.verify(body.chain().lines, entry.head) == []


def test_a_record_is_written_once(body: AuditBody) -> None:
    record(body, said(1))
    record(body, said(2))
    for again in (said(1), said(1, who="bob@desk", at="2026-11-25T11:00:00Z"), said(2)):
        entry, new = record(body, again)
        assert not new
        assert entry.id == f"{again['rotation']}:completed"
    assert len(body.lines()) == 2
    assert record(body, said(2, outcome="retired"))[1], "another outcome is another record"


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
        body.append(_audit.chained(said(3), first))
    assert _audit.verify(body.chain().lines) == []
    assert list(body.chain().lines) == [first, second]


def test_a_late_writer_of_the_same_record_is_told_which_stands(body: AuditBody) -> None:
    first, second = log(2)
    body.append(first)
    body.append(second)
    late = _audit.chained(said(2, who="bob@desk"), first)
    assert body.append(late) == second
    found = body.chain()
    assert _audit.verify(found.lines) == _audit.strays(found) == []


def test_a_record_that_does_not_belong_is_refused_first(body: AuditBody) -> None:
    with pytest.raises(AuditError, match="rotation: is required"):
        record(body, {})
    with pytest.raises(AuditError, match="record: has a field that is none of"):
        record(body, said(password="canary"))
    assert body.lines() == []


def test_a_chain_goes_on_from_the_head_where_the_body_was_cut_off(body: AuditBody) -> None:
    lines = log(3)
    for line in lines[:2]:
        body.append(line)
    head = _audit.parsed(lines[2]).head
    entry, _new = record(body, said(4), head)
    assert (entry.number, entry.previous) == (4, head.digest)
    assert _audit.verify(body.chain(entry.head).lines, entry.head) == ["record 3 is missing"]


def test_an_older_head_changes_nothing(body: AuditBody) -> None:
    for line in log(3):
        body.append(line)
    entry, _new = record(body, said(4), _audit.parsed(log(1)[0]).head)
    assert entry.number == 4
    assert _audit.verify(body.chain(entry.head).lines) == []


class Interloper(Hook):
    """Others record before each of our appends."""

    body: ClassVar[MemoryAudit]

    def __init__(self, times: int) -> None:
        self.times = times
        self.count = 0

    def before(self, op: str, name: str) -> None:
        if op == "append" and self.count < self.times:
            self.count += 1
            chain = _audit.chain(self.body.held)
            self.body.held.append(_audit.following(said(100 + self.count), chain.head))


@pytest.mark.parametrize("exclusive", [True, False])
def test_whoever_comes_second_is_chained_anew(exclusive: bool) -> None:
    hook = Interloper(TRIES - 1)
    hook.body = MemoryAudit(hook, exclusive=exclusive)  # type: ignore[misc]
    entry, new = record(hook.body, said(1))
    assert new
    found = hook.body.chain(entry.head)
    assert len(found.lines) == TRIES
    assert _audit.verify(found.lines, entry.head) == []
    assert _audit.strays(found) == [], "what was tried before and lost is no stray: its id is on the chain"


def test_whoever_always_comes_second_stops() -> None:
    hook = Interloper(TRIES)
    hook.body = MemoryAudit(hook)  # type: ignore[misc]
    with pytest.raises(Conflict, match="memory: 5 times somebody else's record came first; look at its newest"):
        record(hook.body, said(1))


class Repeating(Hook):
    def __init__(self, repeats: list[bool]) -> None:
        self.repeats = repeats

    def after(self, op: str, name: str) -> bool:
        return op == "append" and bool(self.repeats) and self.repeats.pop()


@given(st.lists(st.booleans(), max_size=8), st.booleans())
def test_lost_answers(repeats: list[bool], exclusive: bool) -> None:
    body = MemoryAudit(Repeating(repeats), exclusive=exclusive)
    for number in (1, 2, 1, 3):
        entry, _new = record(body, said(number))
    found = body.chain()
    assert list(found.lines) == log(3)
    assert _audit.verify(found.lines, entry.head) == _audit.strays(found) == []


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
    assert location(text) == expected


@pytest.mark.parametrize("text", ["", "/a", "s3://", "A/b", "https://x/y", "a"])
def test_what_is_no_location(text: str) -> None:
    with pytest.raises(AuditError, match="does not begin with the name of a bucket; give bucket/prefix"):
        location(text)


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
        found = body_of(catalog(settings, audit_log=log_), client)
        assert found is not None
        assert found.where == where
    assert asked == ["logs", "s3"]


# --- CloudWatch Logs ----------------------------------------------------------------------------------------------


def test_a_missing_stream_is_made_and_a_missing_group_is_not(moto: Moto) -> None:
    client, calls = moto("logs")
    body = logs(client)
    words = (
        "log group /shop/audit does not exist; create it by 'aws logs create-log-group --log-group-name /shop/audit'"
    )
    for act in (body.lines, body.chain, lambda: record(body, said())):
        with pytest.raises(NotFound, match=words):
            act()
    with pytest.raises(NotFound, match=words):
        body.append(log(1)[0])
    client.create_log_group(logGroupName=GROUP)
    calls.clear()
    assert body.lines() == []
    assert "CreateLogStream" not in calls, "reading makes nothing"
    record(body, said())
    assert calls.count("CreateLogStream") == 1
    assert "CreateLogGroup" not in calls


def test_a_group_is_made_where_that_is_allowed(moto: Moto) -> None:
    client, calls = moto("logs")
    body = logs(client, create=True)
    assert body.lines() == []
    assert "CreateLogGroup" not in calls, "reading makes nothing"
    record(body, said(1))
    record(body, said(2))
    assert calls.count("CreateLogGroup") == 1
    assert len(body.lines()) == 2


def test_two_that_make_the_group_and_stream_at_once(stubbed: Stubbed) -> None:
    client, stubber = stubbed("logs")
    line = log(1)[0]
    for operation in ("put_log_events", "describe_log_streams"):
        stubber.add_client_error(operation, "ResourceNotFoundException")
    for operation in ("create_log_group", "create_log_stream"):
        stubber.add_client_error(operation, "ResourceAlreadyExistsException")
    stubber.add_response("put_log_events", {}, {**NAMES, "logEvents": [{"timestamp": ANY, "message": line}]})
    _shows(stubber, [line])
    assert logs(client, create=True).append(line) == line


def _shows(stubber: Stubber, lines: list[str]) -> None:
    for token in ({}, {"nextToken": "f/1"}):
        stubber.add_response(
            "get_log_events",
            {"events": [{"message": line} for line in lines] if not token else [], "nextForwardToken": "f/1"},
            {**NAMES, **token, "startFromHead": True},
        )


def test_an_event_that_shows_late_is_waited_for(stubbed: Stubbed) -> None:
    client, stubber = stubbed("logs")
    line = log(1)[0]
    waits: list[float] = []
    stubber.add_response("put_log_events", {}, {**NAMES, "logEvents": ANY})
    for shown in ([], [], [line]):
        _shows(stubber, shown)
    assert CloudWatchLogs(client, GROUP, STREAM, sleep=waits.append).append(line) == line
    assert waits == list(DELAYS[:3])


def test_an_event_that_never_shows_is_an_error(stubbed: Stubbed) -> None:
    client, stubber = stubbed("logs")
    stubber.add_response("put_log_events", {}, {**NAMES, "logEvents": ANY})
    for _delay in DELAYS:
        _shows(stubber, [])
    words = r"AWS accepted record 1 \(r1:completed\) and does not show it after 16 seconds; run again"
    with pytest.raises(StoreError, match=words):
        logs(client).append(log(1)[0])


def test_an_event_that_aws_drops_is_an_error(stubbed: Stubbed) -> None:
    client, stubber = stubbed("logs")
    stubber.add_response("put_log_events", {"rejectedLogEventsInfo": {"tooNewLogEventStartIndex": 0}})
    with pytest.raises(StoreError, match=r"did not keep the record \(tooNewLogEventStartIndex\); set this machine's"):
        logs(client).append(log(1)[0])


@pytest.mark.parametrize("operation", ["get_log_events", "put_log_events"])
def test_denied_logs(stubbed: Stubbed, operation: str) -> None:
    client, stubber = stubbed("logs")
    stubber.add_client_error(operation, "AccessDeniedException", "no policy")
    act: Callable[[], Any] = (
        logs(client).lines if operation.startswith("get") else lambda: logs(client).append(log(1)[0])
    )
    with pytest.raises(Denied, match=r"on log group /shop/audit, stream shop/production; allow logs:"):
        act()


def test_many_pages(moto: Moto) -> None:
    client, _calls = moto("logs")
    client.create_log_group(logGroupName=GROUP)
    client.create_log_stream(**NAMES)
    lines, now = log(250), int(time.time() * 1000)
    for at in range(0, 250, 50):
        events = [{"timestamp": now - 1000 + n, "message": lines[n]} for n in range(at, at + 50)]
        client.put_log_events(**NAMES, logEvents=events)
    page = client.get_log_events
    client.get_log_events = lambda **asked: page(**asked, limit=40)
    assert logs(client).lines() == lines


# --- S3 -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket(moto: Moto) -> Iterator[tuple[Any, S3Objects]]:
    client, _calls = moto("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    return client, objects(client)


def test_one_object_a_record(bucket: tuple[Any, S3Objects]) -> None:
    client, body = bucket
    entry, _new = record(body, said())
    answer = client.get_object(Bucket=BUCKET, Key=f"{PREFIX}000000000001.json")
    assert answer["Body"].read() == entry.line.encode() + b"\n"
    assert answer["ContentType"] == "application/json"


def test_objects_of_others_are_left_alone(bucket: tuple[Any, S3Objects]) -> None:
    client, body = bucket
    record(body, said())
    for key in ("README.txt", "1.json", "sub/000000000002.json", "000000000002.json.bak"):
        client.put_object(Bucket=BUCKET, Key=PREFIX + key, Body=b"x")
    assert len(body.lines()) == 1


def test_more_objects_than_a_page(bucket: tuple[Any, S3Objects]) -> None:
    client, body = bucket
    lines = log(30)
    for number, line in enumerate(lines, 1):
        client.put_object(Bucket=BUCKET, Key=f"{PREFIX}{number:012}.json", Body=f"{line}\n".encode())
    client.meta.events.register(
        "provide-client-params.s3.ListObjectsV2", lambda params, **_more: {**params, "MaxKeys": 7}
    )
    assert body.lines() == lines


def test_objects_that_were_swapped_or_altered_show(bucket: tuple[Any, S3Objects]) -> None:
    client, body = bucket
    lines = log(4)
    put = {1: lines[0], 2: lines[2], 3: lines[1], 4: "\xff"}
    for number, line in put.items():
        client.put_object(Bucket=BUCKET, Key=f"{PREFIX}{number:012}.json", Body=f"{line}\n".encode("latin-1"))
    found = _audit.verify(body.chain().lines, _audit.parsed(lines[3]).head)
    assert "record 2 (r2:completed) stands after record 3: the order was changed" in found
    assert "line 4 is no JSON object: it was altered" in found


def test_an_object_that_is_no_record_is_never_overwritten(bucket: tuple[Any, S3Objects]) -> None:
    client, body = bucket
    client.put_object(Bucket=BUCKET, Key=f"{PREFIX}000000000001.json", Body=b"x")
    with pytest.raises(Conflict, match=r"s3://shop-audit/records/shop/production/000000000001.json holds another"):
        body.append(log(1)[0])
    assert body.lines() == ["x"]
    assert not body.confirmed(1)


def test_a_missing_bucket_is_named(moto: Moto) -> None:
    body = objects(moto("s3")[0])
    for act in (body.lines, lambda: body.append(log(1)[0])):
        with pytest.raises(NotFound, match=r"bucket shop-audit does not exist; create it, or correct audit_log.s3"):
            act()


@pytest.mark.parametrize("operation", ["list_objects_v2", "put_object"])
def test_a_denied_bucket(stubbed: Stubbed, operation: str) -> None:
    client, stubber = stubbed("s3")
    stubber.add_client_error(operation, "AccessDenied", "no policy")
    body = objects(client)
    act: Callable[[], Any] = body.lines if operation.startswith("list") else lambda: body.append(log(1)[0])
    with pytest.raises(Denied, match="allow s3:"):
        act()


def test_a_write_that_s3_calls_concurrent_is_tried_anew(stubbed: Stubbed) -> None:
    client, stubber = stubbed("s3")
    line = log(1)[0]
    key = {"Bucket": BUCKET, "Key": f"{PREFIX}000000000001.json"}
    stubber.add_response("list_objects_v2", {})
    stubber.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
    stubber.add_response("list_objects_v2", {})
    put = {"Body": line.encode() + b"\n", "ContentType": "application/json", "ChecksumAlgorithm": "SHA256"}
    stubber.add_response("put_object", {}, {**key, **put, "IfNoneMatch": "*"})
    stubber.add_response("get_object", {"Body": _Stream(line.encode() + b"\n")}, key)
    assert record(objects(client), said())[0].line == line


class _Stream:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content


@pytest.mark.parametrize("kind", ["logs", "s3"])
def test_writers_at_once_lose_nothing(moto: Moto, kind: str) -> None:
    """moto's check and its write are two acts, so what it cannot show is that S3 refuses a simultaneous second."""
    if kind == "logs":
        client, _calls = moto("logs")
        client.create_log_group(logGroupName=GROUP)
        client.create_log_stream(**NAMES)
        body: AuditBody = logs(client)
    else:
        client, _calls = moto("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
        body = objects(client)
    append, lock = body.append, threading.Lock()

    def alone(line: str) -> str:
        with lock:
            return append(line)

    body.append = alone  # type: ignore[method-assign]
    failed: list[Exception] = []

    def write(first: int) -> None:
        for number in range(first, first + 5):
            try:
                while True:
                    try:
                        record(body, said(number))
                        break
                    except Conflict:  # five times second, which the rotation's journal rules out
                        continue
            except StoreError as error:
                failed.append(error)

    threads = [threading.Thread(target=write, args=(first,)) for first in (1, 11, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    found = body.chain()
    assert {entry.id for entry in found.entries} == {f"r{n}:completed" for f in (1, 11, 21) for n in range(f, f + 5)}
    assert len(found.lines) == 15
    assert _audit.verify(found.lines, Head(15, found.head.digest)) == _audit.strays(found) == []
