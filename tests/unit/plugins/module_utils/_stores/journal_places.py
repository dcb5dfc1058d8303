# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the journal lies in these tests: S3 as moto plays it, and the twin in memory; and what others do to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.journal_store import JournalStore, S3Journal
from tests.fakes.memory_stores import Hook, MemoryJournal

REGION, BUCKET, KEY = "eu-west-3", "shop-journal", "records/app/test/journal.jsonl"
CATALOG = catalog_parser.parse(
    {"application": "app", "settings": {"A": {"value": 1}}, "journal": {"s3": f"s3://{BUCKET}/records"}}, "test"
)
OURS = {"rotation": "r1", "step": "plan", "who": "ada", "at": "2026-11-25T10:00:00Z"}
THEIRS = {"rotation": "r2", "step": "abort", "who": "bob", "at": "2026-11-25T11:00:00Z"}
WHOSE = r"journal entry 1 was written by rotation r2 of bob at 2026-11-25T11:00:00Z \(step abort\)"


class Moto:
    """The journal in S3, and what others do to the object."""

    def __init__(self) -> None:
        self.client = boto3.client("s3", region_name=REGION)
        self.theirs = boto3.client("s3", region_name=REGION)
        self.theirs.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.calls: list[str] = []
        self.client.meta.events.register("before-call.*.*", lambda model, **_more: self.calls.append(model.name))

    def store(self) -> JournalStore:
        return S3Journal(self.client, CATALOG, sleep=lambda _seconds: None)

    def put(self, content: bytes) -> None:
        self.theirs.put_object(Bucket=BUCKET, Key=KEY, Body=content)

    def content(self) -> bytes:
        data: bytes = self.theirs.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
        return data

    def remove(self) -> None:
        self.theirs.delete_object(Bucket=BUCKET, Key=KEY)

    def before_append(self, act: Callable[[], Any]) -> None:
        self._once("before-call.s3.PutObject", lambda _params: act())

    def twice(self) -> None:
        """The next write is made twice, as a client does whose first answer was lost."""
        self._once("provide-client-params.s3.PutObject", lambda params: self.theirs.put_object(**params))

    def _once(self, event: str, act: Callable[[Any], Any]) -> None:
        events = self.client.meta.events

        def handler(params: Any, **_more: Any) -> None:
            events.unregister(event, handler)
            act(params)

        events.register(event, handler)


class Memory:
    def __init__(self) -> None:
        self.twin = MemoryJournal(made=False)

    def store(self) -> JournalStore:
        return self.twin

    def put(self, content: bytes) -> None:
        self.twin.stored, self.twin.written = content, self.twin.written + 1

    def content(self) -> bytes:
        return self.twin.stored or b""

    def remove(self) -> None:
        self.twin.stored = None

    def before_append(self, act: Callable[[], Any]) -> None:
        self.twin.hook = Once("append", before=act)

    def twice(self) -> None:
        self.twin.hook = Once("append", repeat=True)


class Once(Hook):
    def __init__(self, op: str, *, before: Callable[[], Any] | None = None, repeat: bool = False) -> None:
        self.op, self.act, self.repeat = op, before, repeat

    def before(self, op: str, name: str) -> None:
        if op == self.op and self.act:
            act, self.act = self.act, None
            act()

    def after(self, op: str, name: str) -> bool:
        due = op == self.op and self.repeat
        self.repeat = self.repeat and not due
        return due


def numbers(journal: JournalStore) -> list[int]:
    return [entry["number"] for entry in _journal.entries(journal.read())]
