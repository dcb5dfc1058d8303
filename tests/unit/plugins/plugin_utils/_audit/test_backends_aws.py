# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The bodies, against moto where it answers as AWS does, and against stubbed clients for what it never says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    Conflict,
    Denied,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import backends
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.backends import (
    DELAYS,
    AuditBody,
    CloudWatchLogs,
    S3Objects,
    record,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.chain import Head
from tests.unit.plugins.plugin_utils._audit.audit_bodies import BUCKET, GROUP, NAMES, PREFIX, STREAM, logs, objects
from tests.unit.plugins.plugin_utils._audit.audit_lines import log, record_fields
from tests.unit.plugins.plugin_utils._verify import pasted_commands

Moto = Callable[[str], tuple[Any, list[str]]]
Stubbed = Callable[[str], tuple[Any, Stubber]]

# --- CloudWatch Logs ----------------------------------------------------------------------------------------------


def test_a_missing_stream_is_made_and_a_missing_group_is_not(moto: Moto) -> None:
    client, calls = moto("logs")
    body = logs(client)
    message = (
        "log group /shop/audit does not exist; create it by 'aws logs create-log-group --log-group-name /shop/audit'"
    )
    for act in (body.lines, body.chain, lambda: record(body, record_fields())):
        with pytest.raises(NotFound, match=message):
            act()
    with pytest.raises(NotFound, match=message):
        body.append(log(1)[0])
    client.create_log_group(logGroupName=GROUP)
    calls.clear()
    assert body.lines() == []
    assert "CreateLogStream" not in calls, "reading makes nothing"
    record(body, record_fields())
    assert calls.count("CreateLogStream") == 1
    assert "CreateLogGroup" not in calls


def test_the_retention_of_the_group_and_of_no_other(moto: Moto) -> None:
    client, _calls = moto("logs")
    for group, days in ((GROUP, None), (f"{GROUP}-other", 7)):
        client.create_log_group(logGroupName=group)
        if days:
            client.put_retention_policy(logGroupName=group, retentionInDays=days)
    assert logs(client).retention() is None
    client.put_retention_policy(logGroupName=GROUP, retentionInDays=7)
    assert logs(client).retention() == 7


def test_two_that_make_the_stream_at_once(stubbed: Stubbed) -> None:
    client, stubber = stubbed("logs")
    line = log(1)[0]
    stubber.add_client_error("put_log_events", "ResourceNotFoundException")
    stubber.add_response("describe_log_streams", {"logStreams": []})
    stubber.add_client_error("create_log_stream", "ResourceAlreadyExistsException")
    stubber.add_response("put_log_events", {}, {**NAMES, "logEvents": [{"timestamp": ANY, "message": line}]})
    _shows(stubber, [line])
    assert logs(client).append(line) == line


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
    message = (
        r"AWS accepted record 1 \(r1:completed\) but does not show it after 16 seconds; run the same command again"
    )
    with pytest.raises(StoreError, match=message):
        logs(client).append(log(1)[0])


def test_an_event_that_aws_drops_is_an_error(stubbed: Stubbed) -> None:
    client, stubber = stubbed("logs")
    stubber.add_response("put_log_events", {"rejectedLogEventsInfo": {"tooNewLogEventStartIndex": 0}})
    with pytest.raises(
        StoreError, match=r"did not store the record \(tooNewLogEventStartIndex\); correct this machine's"
    ):
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
    entry, _new = record(body, record_fields())
    answer = client.get_object(Bucket=BUCKET, Key=f"{PREFIX}000000000001.json")
    assert answer["Body"].read() == entry.line.encode() + b"\n"
    assert answer["ContentType"] == "application/json"


def test_objects_of_others_are_left_alone(bucket: tuple[Any, S3Objects]) -> None:
    client, body = bucket
    record(body, record_fields())
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


def test_a_record_reads_no_more_of_a_long_log(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that is written again is still found there, and a log that was cut off shows its gap."""
    monkeypatch.setattr(backends, "RECENT", 3)
    client, calls = moto("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    body = objects(client)
    for line in log(10):
        body.append(line)
    head = audit_chain.parsed(log(10)[-1]).head
    calls.clear()
    assert record(body, record_fields(9), head)[1] is False
    assert calls.count("GetObject") == 3
    calls.clear()
    body.require_readable()
    assert calls == ["ListObjectsV2", "GetObject"]
    entry, is_new = record(body, record_fields(11), head)
    assert (entry.number, is_new) == (11, True)
    assert audit_chain.verify(body.chain().lines, entry.head) == []
    client.delete_object(Bucket=BUCKET, Key=f"{PREFIX}{11:012}.json")
    assert record(body, record_fields(12), entry.head)[0].number == 12
    assert audit_chain.verify(body.chain().lines) != []


def test_objects_that_were_swapped_or_altered_show(bucket: tuple[Any, S3Objects]) -> None:
    client, body = bucket
    lines = log(4)
    put = {1: lines[0], 2: lines[2], 3: lines[1], 4: "\xff"}
    for number, line in put.items():
        client.put_object(Bucket=BUCKET, Key=f"{PREFIX}{number:012}.json", Body=f"{line}\n".encode("latin-1"))
    results = audit_chain.verify(body.chain().lines, audit_chain.parsed(lines[3]).head)
    assert "record 2 (r2:completed) comes after record 3: the order was changed" in results
    assert "line 4 is not a JSON object: it was altered" in results


@pytest.mark.parametrize(
    "put",
    [
        {2: None},
        {1: None, 2: None, 4: None},
        {3: "x"},
        {2: log(3)[2], 3: log(2)[1]},
        {2: log(1)[0]},
        {2: log(2)[1].replace("ann@", "eve@")},
        {2: log(2)[1].replace(audit_chain.digest(log(1)[0]), "0" * 64)},
        {4: log(4)[3].replace("ann@", "eve@")},
    ],
    ids=str,
)
def test_the_commands_restore_a_log_until_it_verifies(moto: Moto, put: dict[int, str | None]) -> None:
    client, _calls = moto("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    body, lines = objects(client), log(4)
    for line in lines:
        body.append(line)
    for number, text in put.items():
        key = f"{PREFIX}{number:012}.json"
        if text is None:
            client.delete_object(Bucket=BUCKET, Key=key)
        else:
            client.put_object(Bucket=BUCKET, Key=key, Body=f"{text}\n".encode())
    problems = [*audit_chain.broken(body.lines(), audit_chain.parsed(lines[3]).head)]
    assert problems
    for _round in lines:
        for number, _text in problems:
            pasted_commands.run_aws(body.restoring(number), lambda _service: client)
        problems = [*audit_chain.broken(body.lines(), audit_chain.parsed(lines[3]).head)]
    assert (problems, body.lines()) == ([], lines)


def test_an_object_that_is_no_record_is_never_overwritten(bucket: tuple[Any, S3Objects]) -> None:
    client, body = bucket
    client.put_object(Bucket=BUCKET, Key=f"{PREFIX}000000000001.json", Body=b"x")
    with pytest.raises(Conflict, match=r"s3://shop-audit/records/shop/production/000000000001.json holds another"):
        body.append(log(1)[0])
    assert body.lines() == ["x"]


def test_a_missing_bucket_is_named(moto: Moto) -> None:
    body = objects(moto("s3")[0])
    for act in (body.lines, body.require_readable, lambda: body.append(log(1)[0])):
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
    assert record(objects(client), record_fields())[0].line == line


class _Stream:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, most: int) -> bytes:
        return self._content[:most]


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
                        record(body, record_fields(number))
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
    chain = body.chain()
    assert {entry.id for entry in chain.entries} == {f"r{n}:completed" for f in (1, 11, 21) for n in range(f, f + 5)}
    assert len(chain.lines) == 15
    assert audit_chain.verify(chain.lines, Head(15, chain.head.digest)) == audit_chain.strays(chain) == []
