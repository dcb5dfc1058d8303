# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whoever may write to the audit log's group or bucket, or answers in AWS's place, cannot exhaust or deceive a run."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AuditError, StoreError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.iam_client import user_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import backends as audit_backends
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as audit_chain

pytestmark = pytest.mark.servers  # knows no Ansible
ESCAPES = "\x1b]0;owned\x07\x9b31m\u202e\u200b\n# contained"


def line(number: int, previous: str = "", **extra: Any) -> str:
    record = {"number": number, "id": f"r{number}:completed", "previous": previous, **extra}
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


class Endless(io.RawIOBase):
    """An object without an end; keeps how much of it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "all of it was asked for"
        self.given += size
        return b"x" * size


class Bucket:
    """S3 as far as the audit log asks it."""

    def __init__(self, objects: Mapping[str, Any]) -> None:
        self.objects = objects
        self.asked: list[str] = []

    def get_paginator(self, _name: str) -> Bucket:
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        yield {"Contents": [{"Key": key} for key in self.objects]}
        yield {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        self.asked.append(Key)
        content = self.objects[Key]
        return {"Body": content if isinstance(content, Endless) else io.BytesIO(content)}


def body_of(objects: Mapping[str, Any]) -> tuple[audit_backends.S3Objects, Bucket]:
    client = Bucket(objects)
    return audit_backends.S3Objects(client, "bucket", "shop/production/"), client


def test_an_object_without_an_end() -> None:
    """It is one altered record, and not the machine's memory."""
    first, endless = line(1), Endless()
    body, _client = body_of(
        {"shop/production/000000000001.json": first.encode(), "shop/production/000000000002.json": endless}
    )
    lines = body.lines()
    assert endless.given <= 2 * audit_chain.LONGEST
    assert audit_chain.verify(lines) == ["line 2 is not a JSON object: it was altered"]


def test_other_keys_than_those_of_records() -> None:
    """Names of other places, of other forms and of directories are not read."""
    names = ("other/production/000000000001.json", "shop/production/../x", "shop/production/000000000001.json.bak", "")
    body, client = body_of(dict.fromkeys((*names, "shop/production/1.json"), b"{}"))
    assert body.lines() == []
    assert client.asked == []


class Logs:
    """CloudWatch Logs, each page with another token."""

    def __init__(self, *messages: str) -> None:
        self.messages = messages
        self.calls = 0

    def get_log_events(self, **_: Any) -> dict[str, Any]:
        self.calls += 1
        events = [{"message": message} for message in self.messages]
        return {"events": events, "nextForwardToken": str(self.calls)}


@pytest.mark.parametrize("messages", [(), ("x" * 250_000,) * 40], ids=["empty pages", "full pages"])
def test_pages_without_an_end(messages: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_backends, "CHARACTERS", 50_000_000)
    client = Logs(*messages)
    body = audit_backends.CloudWatchLogs(client, "/shop/audit", "shop/production")
    with pytest.raises(StoreError, match="the log group has no end"):
        body.lines()
    assert client.calls <= 1001


@pytest.mark.parametrize("number", [10**12, 10**400, 0, -1, True, 1.0, "1", None])
def test_a_number_that_no_record_has(number: Any) -> None:
    """One that is large enough would leave no number for the next record."""
    text = json.dumps({"number": number, "id": "r:x", "previous": ""}, sort_keys=True, separators=(",", ":"))
    with pytest.raises(AuditError):
        audit_chain.parsed(text)
    chain = audit_chain.chain([line(1), text])
    assert chain.head.number == 1
    assert audit_chain.strays(chain) == ["a line has no number: it was altered, or another program wrote it"]


def test_texts_of_records_stay_texts() -> None:
    """What is wrong is shown in a terminal, with the record's own id in it."""
    forged = line(3, "0" * 64, id=ESCAPES)
    result = [*audit_chain.verify([line(1), forged]), *audit_chain.strays(audit_chain.Chain((line(1),), (forged,)))]
    result += audit_chain.verify([line(1), line(2, "0" * 64, id=ESCAPES)])
    assert len(result) == 3
    assert all(problem.isprintable() for problem in result), result
    assert all(len(problem) < 400 for problem in audit_chain.verify([line(1, id="x" * 100_000, previous="y")]))


@pytest.mark.parametrize(
    ("arn", "user"),
    [
        ("arn:aws:iam::1:user/deploy", "deploy"),
        ("arn:aws:iam::1:user/team/deploy", "deploy"),
        ("arn:aws:sts::1:assumed-role/deploy/x", None),
        ("arn:aws:iam::1:role/user/deploy", None),
        ("deploy", None),
        ("arn:aws:iam::1:user/deploy\n", None),
    ],
)
def test_whose_key_it_is(arn: str, user: str | None) -> None:
    assert user_of(arn) == user
