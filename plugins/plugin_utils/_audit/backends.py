# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The authoritative body of the audit log, in CloudWatch Logs or S3."""

from __future__ import annotations

import re
import shlex
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import S3_PREFIX, Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import chain as _chain
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as _record

TRIES = 5
"""Attempts to chain a record, if another record was written first."""
DELAYS = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each look for an event that CloudWatch Logs has accepted but may not show yet."""
READERS = 8
"""Objects that are read in parallel."""
RECENT = 200
"""Records before the known head, in which an S3 log is searched for a record that is written again.

A killed run is repeated before so many other runs end.
"""
EMPTY_PAGES = 1000
"""The most pages without an event in a row."""
CHARACTERS = 256 * 1024 * 1024
"""The most characters of all events of a stream."""


class AuditBody(ABC):
    """An append-only store for the lines of one application and environment."""

    location: str
    """The place, for errors and reports."""

    @abstractmethod
    def lines(self) -> list[str]:
        """Every line, in the store's own order. Empty for a log that was never written."""

    @abstractmethod
    def append(self, line: str) -> str:
        """Adds a line under its number. Returns the stored line, which may be an earlier one with the same id.

        Raises :class:`Conflict` if another record has the number.
        """

    def chain(self, head: _chain.Head | None = None) -> _chain.Chain:
        return _chain.chain(self.lines(), head)

    def require_readable(self) -> None:
        """Raises SecretsError if the log cannot be read."""
        self.lines()

    def recent(self, head: _chain.Head | None) -> _chain.Chain:
        """The chain, or at least its newest records if reading all of them would take longer with each record."""
        return self.chain(head)

    def retention(self) -> int | None:
        """Days after which a record is deleted. None for never, or if the store does not show it."""
        return None

    def restoring(self, number: int) -> str:
        """Command that restores a record's first version. Empty if the store keeps no versions."""
        del number
        return ""


def record(
    body: AuditBody, fields: Mapping[str, Any], head: _chain.Head | None = None
) -> tuple[_chain.AuditEntry, bool]:
    """Writes a record once, however often it is tried. Returns the stored record, and whether this call wrote it.

    If the body was cut off before ``head``, the chain continues from ``head``, so that the gap shows.
    """
    _record.require(fields)
    identity = _chain.identity(fields)
    for _attempt in range(TRIES):
        chain = body.recent(head)
        audit_entry = chain.find(identity)
        if audit_entry:
            return audit_entry, False
        line = _chain.following(fields, chain.newest(head))
        try:
            standing = body.append(line)
        except Conflict:
            continue
        return _chain.parsed(standing), standing == line
    raise Conflict(
        f"{body.location}: another record was written first in {TRIES} attempts; check its newest records, "
        "then run the same command again"
    )


def body_of(catalog: Catalog, client: Callable[[str], Any]) -> AuditBody | None:
    """The body that the catalog names, or None. ``client`` makes a boto3 client of a service."""
    stream = f"{catalog.application}/{catalog.environment}"
    if "log_group" in catalog.audit_log:
        return CloudWatchLogs(client("logs"), catalog.audit_log["log_group"], stream)
    if "s3" in catalog.audit_log:
        bucket, prefix = _chain.location(catalog.audit_log["s3"])
        return S3Objects(client("s3"), bucket, f"{prefix}{stream}/")
    return None


class CloudWatchLogs(AuditBody):
    """A stream for each application and environment, with one event for each record.

    CloudWatch Logs does not refuse a second writer. Two records with one number both stay, but the chain has only one.
    The writer of the other sees this when it reads the stream back.
    """

    def __init__(
        self,
        client: Any,
        group: str,
        stream: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._names = {"logGroupName": group, "logStreamName": stream}
        self._group = group
        self._sleep = sleep
        self.location = f"log group {group}, stream {stream}"

    def lines(self) -> list[str]:
        results: list[str] = []
        token: dict[str, str] = {}
        empty = characters = 0
        try:
            with aws_errors.translated("logs:GetLogEvents", self.location):
                while empty < EMPTY_PAGES and characters < CHARACTERS:
                    answer = self._client.get_log_events(**self._names, **token, startFromHead=True)
                    messages = [event["message"] for event in answer["events"]]
                    results += messages
                    characters += sum(map(len, messages))
                    empty = 0 if messages else empty + 1
                    last, token = token, {"nextToken": answer["nextForwardToken"]}
                    if token == last:
                        return results
        except NotFound:
            if not self._has_group():
                raise self._no_group() from None
            return []
        raise StoreError(
            f"{self.location}: the log group has no end ({len(results)} events were read). Check who writes to it, "
            "or name another log group in audit_log of the catalog"
        )

    def retention(self) -> int | None:
        with aws_errors.translated("logs:DescribeLogGroups", f"log group {self._group}"):
            groups = self._client.describe_log_groups(logGroupNamePrefix=self._group)["logGroups"]
        days = [group.get("retentionInDays") for group in groups if group["logGroupName"] == self._group]
        return days[0] if days else None

    def append(self, line: str) -> str:
        try:
            self._put(line)
        except NotFound:
            self._make_stream()
            self._put(line)
        return self._standing(line)

    def _put(self, line: str) -> None:
        # The event gets the time of the write, because AWS refuses events that are older than two weeks.
        event = {"timestamp": int(time.time() * 1000), "message": line}
        with aws_errors.translated("logs:PutLogEvents", self.location):
            answer = self._client.put_log_events(**self._names, logEvents=[event])
        if answer.get("rejectedLogEventsInfo"):
            raise StoreError(
                f"{self.location}: AWS did not store the record ({', '.join(answer['rejectedLogEventsInfo'])}); "
                "correct this machine's clock, or the log group's retention"
            )

    def _standing(self, line: str) -> str:
        entry = _chain.parsed(line)
        for delay in DELAYS:
            self._sleep(delay)
            lines = self.lines()
            if line in lines:
                break
        else:
            raise StoreError(
                f"{self.location}: AWS accepted {entry} but does not show it after {sum(DELAYS):.0f} "
                "seconds; run the same command again"
            )
        for standing in _chain.chain(lines).entries:
            if standing.line == line or standing.id == entry.id:
                return standing.line
        raise Conflict(f"{self.location}: another record {entry.number} was written first")

    def _make_stream(self) -> None:
        """Creates a missing stream. A missing group is an error."""
        if not self._has_group():
            raise self._no_group()
        with suppress(AlreadyExists), aws_errors.translated("logs:CreateLogStream", self.location):
            self._client.create_log_stream(**self._names)

    def _has_group(self) -> bool:
        try:
            with aws_errors.translated("logs:DescribeLogStreams", f"log group {self._group}"):
                stream = self._names["logStreamName"]
                self._client.describe_log_streams(logGroupName=self._group, logStreamNamePrefix=stream, limit=1)
        except NotFound:
            return False
        return True

    def _no_group(self) -> NotFound:
        return NotFound(
            f"log group {self._group} does not exist; create it by 'aws logs create-log-group --log-group-name "
            f"{self._group}', without a retention, or by ansible-playbook watchparty.secrets.provision"
        )


class S3Objects(AuditBody):
    """An object for each record. S3 refuses the second writer of a number, because objects are only created."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self.location = f"{S3_PREFIX}{bucket}/{prefix}"

    def chain(self, head: _chain.Head | None = None) -> _chain.Chain:
        """Objects in the order of their names, which is the order of the records. No line can be outside the chain."""
        return _chain.Chain(tuple(self.lines()))

    def require_readable(self) -> None:
        self._lines(StartAfter=self._key(_chain.HIGHEST))
        with suppress(NotFound):
            self._read(self._key(1))

    def recent(self, head: _chain.Head | None) -> _chain.Chain:
        first = head.number - RECENT if head else 0
        return _chain.Chain(tuple(self._lines(StartAfter=self._key(first)))) if first > 0 else self.chain(head)

    def lines(self) -> list[str]:
        return self._lines()

    def _lines(self, **first: str) -> list[str]:
        place = {"Bucket": self._bucket, "Prefix": self._prefix, **first}
        try:
            with aws_errors.translated("s3:ListBucket", self.location):
                pages = self._client.get_paginator("list_objects_v2").paginate(**place)
                keys = sorted(content["Key"] for page in pages for content in page.get("Contents", []))
        except NotFound:
            raise self._no_bucket() from None
        name = re.compile(re.escape(self._prefix) + r"[0-9]{12}\.json")
        with ThreadPoolExecutor(READERS) as pool:
            return list(pool.map(self._read, filter(name.fullmatch, keys)))

    def append(self, line: str) -> str:
        entry = _chain.parsed(line)
        key = self._key(entry.number)
        try:
            with aws_errors.translated("s3:PutObject", f"{S3_PREFIX}{self._bucket}/{key}"):
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=f"{line}\n".encode(),
                    ContentType="application/json",
                    ChecksumAlgorithm="SHA256",
                    IfNoneMatch="*",
                )
        except NotFound:
            raise self._no_bucket() from None
        except AlreadyExists:
            pass  # this run created it, if the answer to the first try was lost
        text = self._read(key)
        standing = _chain.readable(text)
        if text != line and (standing is None or standing.id != entry.id):
            raise Conflict(f"{S3_PREFIX}{self._bucket}/{key} holds another record")
        return text

    def restoring(self, number: int) -> str:
        bucket, key = shlex.quote(self._bucket), shlex.quote(self._key(number))
        versions = f"aws s3api list-object-versions --bucket {bucket} --prefix {key}"
        first = f"$({versions} --query 'Versions[-1].VersionId' --output text)"
        return f'aws s3api copy-object --bucket {bucket} --key {key} --copy-source {bucket}/{key}"?versionId={first}"'

    def _key(self, number: int) -> str:
        return f"{self._prefix}{number:012}.json"

    def _read(self, key: str) -> str:
        with aws_errors.translated("s3:GetObject", f"{S3_PREFIX}{self._bucket}/{key}"):
            # A longer object is not a record, and is reported as altered.
            content: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read(_chain.LONGEST + 2)
        text = content.decode("utf-8", "surrogateescape")
        return text[:-1] if text.endswith("\n") else text

    def _no_bucket(self) -> NotFound:
        return NotFound(f"bucket {self._bucket} does not exist; create it, or correct audit_log.s3 in the catalog")
