# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The chain of the audit log: lines of JSON, each with the digest of the previous line. Values in, values out.

A line is canonical JSON (keys sorted, no blanks, ASCII). ``digest`` is the SHA-256 of its bytes and of the newline that
ends it, as ``sed -n 3p audit.jsonl | sha256sum`` prints it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import s3_location
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AuditError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as _record

LONGEST = 200_000
"""The most bytes of a line. CloudWatch Logs accepts events up to 256 KB."""
HIGHEST = 999_999_999
"""The highest number of a record. A forged higher number would leave none for the next record."""
SHOWN = 100
"""Characters of an id that a message repeats."""
NONE = ""
"""``previous`` of the first record."""


@dataclass(frozen=True)
class Head:
    """The newest record. If the log ends before this record, somebody cut the log off."""

    number: int = 0
    digest: str = NONE

    def __str__(self) -> str:
        return f"record {self.number} ({self.digest[:12]}…)" if self.number else "an empty log"


@dataclass(frozen=True)
class AuditEntry:
    line: str
    number: int
    id: str
    previous: str

    @property
    def digest(self) -> str:
        return digest(self.line)

    @property
    def head(self) -> Head:
        return Head(self.number, self.digest)

    def __str__(self) -> str:
        printable_id = "".join(name if name.isprintable() else "?" for name in self.id[:SHOWN])
        return f"record {self.number} ({printable_id})"


@dataclass(frozen=True)
class Chain:
    """The records of a body that follow each other, and the other lines."""

    lines: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    """Lines outside the chain. The second line of a record that two writers wrote is one of them."""

    @property
    def entries(self) -> tuple[AuditEntry, ...]:
        """The records. :func:`verify` reports lines that hold no record."""
        return tuple(entry for entry in map(readable, self.lines) if entry)

    @property
    def head(self) -> Head:
        """The record with the highest number."""
        return max((entry.head for entry in self.entries), key=lambda head: head.number, default=Head())

    def newest(self, head: Head | None) -> Head:
        """The record that the next one follows: ``head`` if the log was cut off before it, so that the gap shows."""
        return head if head and head.number >= self.head.number else self.head

    def find(self, identity: str) -> AuditEntry | None:
        return next((entry for entry in self.entries if entry.id == identity), None)


def digest(line: str) -> str:
    return hashlib.sha256(line.encode() + b"\n").hexdigest()


def identity(record: Mapping[str, Any]) -> str:
    """The id of a record, which is the same however often the record is written."""
    return f"{record['rotation']}:{record['outcome']}"


def head_of(data: Mapping[str, Any] | None) -> Head | None:
    """The head in a caller's dictionary. None for an empty log."""
    if not data:
        return None
    number, text = data.get("number"), data.get("digest")
    proper = isinstance(number, int) and not isinstance(number, bool) and number >= 0 and isinstance(text, str)
    if set(data) != {"number", "digest"} or not proper or (number and len(str(text)) != 64):
        raise AuditError("head: give number and digest as audit_log returned them")
    return Head(number, str(text)) if number else None


def following(record: Mapping[str, Any], head: Head) -> str:
    """The line of ``record`` after ``head``. Raises :class:`AuditError` for content that is not allowed."""
    _record.require(record)
    line = _canonical({**record, "number": head.number + 1, "id": identity(record), "previous": head.digest})
    if len(line) > LONGEST:
        raise AuditError(
            f"The audit record has {len(line)} bytes, but at most {LONGEST} fit; rotate fewer credentials in one run"
        )
    return line


def parsed(line: str) -> AuditEntry:
    """The record in a line. Raises :class:`AuditError` for an invalid line, without the line's content."""
    try:
        data = json.loads(line)
        canonical = _canonical(data)
    except (ValueError, RecursionError):
        data = canonical = None
    if not isinstance(data, dict):
        raise AuditError("is not a JSON object")
    number, identity_, previous = data.get("number"), data.get("id"), data.get("previous")
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= HIGHEST:
        raise AuditError("has no number")
    if not isinstance(identity_, str) or not isinstance(previous, str):
        raise AuditError("has no id, or no digest of the record before")
    if line != canonical:
        raise AuditError("is not in the log's format")
    return AuditEntry(line, number, identity_, previous)


def readable(line: str) -> AuditEntry | None:
    """The record in a line. None if the line is invalid."""
    try:
        return parsed(line)
    except AuditError:
        return None


def record_of(line: str) -> Mapping[str, Any]:
    parsed(line)
    record: Mapping[str, Any] = json.loads(line)
    return record


def verify(lines: Sequence[str], head: Head | None = None) -> list[str]:
    """Problems of a whole log, in words. Empty if the log is valid.

    Without ``head``, a missing record at the end or a change of the last record stays unknown.
    """
    return [problem for _number, problem in broken(lines, head)]


def broken(lines: Sequence[str], head: Head | None = None) -> Iterator[tuple[int, str]]:
    """Problems, each with the number of the record to restore."""
    before: AuditEntry | None = None
    trusted = True  # whether the previous line could be read
    for at, line in enumerate(lines, 1):
        try:
            entry = parsed(line)
        except AuditError as error:
            yield at, f"line {at} {error}: it was altered"
            trusted = False
            continue
        yield from _step(before, entry, trusted)
        before, trusted = entry, True
    yield from _end(lines, before, head)


def _step(before: AuditEntry | None, entry: AuditEntry, trusted: bool) -> Iterator[tuple[int, str]]:
    number, wanted = (before.number, before.digest) if before else (0, NONE)
    if not trusted:
        if entry.number <= number:
            yield number + 1, f"{entry} comes after record {number}: the order was changed"
        return
    if entry.number == number:
        yield number + 1, f"record {number} occurs twice"
    elif entry.number < number:
        yield number + 1, f"{entry} comes after record {number}: the order was changed"
    elif entry.number > number + 1:
        last = entry.number - 1
        records = f"record {last} is" if last == number + 1 else f"records {number + 1} to {last} are"
        yield number + 1, f"{records} missing"
    elif entry.previous != wanted:
        yield (
            (number, f"{entry} does not follow record {number}: one of the two was altered")
            if before
            else (entry.number, f"{entry} names a previous record, but it is the first")
        )


def _end(lines: Sequence[str], last: AuditEntry | None, head: Head | None) -> Iterator[tuple[int, str]]:
    if head is None or not head.number:
        return
    if last is None or last.number < head.number:
        number = last.number if last else 0
        yield number + 1, f"the log ends at record {number}, but its head is {head}: the end was cut off"
        return
    digests = [entry.digest for entry in map(readable, lines) if entry and entry.number == head.number]
    if digests and head.digest not in digests:
        yield head.number, f"record {head.number} differs from the record that the head names: it was altered"


def chain(lines: Iterable[str], head: Head | None = None) -> Chain:
    """The chain of a body whose order is the store's own, and which may repeat a line.

    A line that holds no record is outside the chain, so that :func:`strays` reports it.
    """
    audit_entries = {line: readable(line) for line in lines}
    altered = [line for line, entry in audit_entries.items() if entry is None]
    entries = [entry for entry in audit_entries.values() if entry]
    entries.sort(key=lambda entry: entry.number)  # stable: the store's first record of a number stays first
    chained_entries = _walk(entries, head)
    chosen = set(chained_entries)
    beside = [entry.line for entry in entries if entry not in chosen]
    return Chain(tuple(entry.line for entry in chained_entries), (*beside, *altered))


def _walk(entries: Sequence[AuditEntry], head: Head | None) -> list[AuditEntry]:
    """Chooses one record for each number.

    The choice is the record that the head or the next record names by its digest. After the head, a record counts that
    leads back to the head. Without any of these, the store's first record counts.
    """
    if not entries:
        return []
    by_number: dict[int, list[AuditEntry]] = {}
    for entry in entries:
        by_number.setdefault(entry.number, []).append(entry)
    chained_entries: list[AuditEntry] = []
    wanted = NONE
    for number in sorted(by_number, reverse=True):
        audit_entries = by_number[number]
        named = head.digest if head and head.number == number else wanted
        chosen = next((entry for entry in audit_entries if entry.digest == named), None)
        if chosen is None and head and number > head.number:
            chosen = next((entry for entry in audit_entries if _leads(entry, by_number, head)), None)
        chained_entries.append(chosen or audit_entries[0])
        wanted = chained_entries[-1].previous
    return chained_entries[::-1]


def _leads(entry: AuditEntry, by_number: Mapping[int, Sequence[AuditEntry]], head: Head) -> bool:
    """Whether the records before ``entry`` lead back to ``head``."""
    at: AuditEntry | None = entry
    while at is not None and at.number > head.number + 1:
        behind = at
        at = next(
            (audit_entry for audit_entry in by_number.get(at.number - 1, ()) if audit_entry.digest == behind.previous),
            None,
        )
    return at is not None and at.previous == head.digest


def strays(chain: Chain) -> list[str]:
    """Problems of the lines outside the chain: records that the chain lacks, and lines that hold no record."""
    problems, recorded = [], {entry.id for entry in chain.entries}
    for line in chain.beside:
        try:
            entry = parsed(line)
        except AuditError as error:
            problems.append(f"a line {error}: it was altered, or another program wrote it")
            continue
        if entry.id not in recorded:
            problems.append(
                f"{entry} is outside the chain: no record follows it, and no record in the chain has its id"
            )
    return problems


def _canonical(data: Mapping[str, Any]) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def location(text: str) -> tuple[str, str]:
    """Bucket and prefix of ``s3://bucket/prefix``. The prefix is empty or ends in a slash."""
    try:
        return s3_location(text)
    except ValueError as error:
        raise AuditError(f"audit_log.s3: {error}") from None
