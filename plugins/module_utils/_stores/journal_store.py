# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal as a store: one S3 object with conditional writes.

S3 reads the newest state, and checks the condition of a write against it. So an append is one call that succeeds for
one writer, and a read is one call.
"""

from __future__ import annotations

import json
import random
import secrets
import time
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, Callable, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import journal as _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    JournalError,
    NotFound,
    Overtaken,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.s3_object import S3Object

LIMIT = 4 << 20
"""Bytes that a journal may hold. An entry of a rotation takes about a hundred bytes for each credential and secret."""
TRIES = 5
"""Number of tries to write an entry while other runs write the object."""
PAUSE = 0.5
"""Seconds. Before retry n, a run waits at most (n - 1) * PAUSE, at random."""


class JournalStore(ABC):
    where: str
    """The location, for errors and reports."""
    limit = LIMIT

    def __init__(self, application: str, environment: str, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self._header = {"application": application, "environment": environment, "journal": 1}
        self._sleep = sleep

    def read(self) -> Journal:
        """The journal. Raises :class:`NotFound`, and :class:`JournalError` if the object is not this journal."""
        content, version = self._load()
        return _journal.fold(self._lines(content), version=version)

    def append(self, journal: Journal, entry: Mapping[str, Any]) -> Journal:
        """Appends an entry to ``journal``, which must be the newest state. Returns the new journal.

        Raises :class:`Overtaken`, which names the other entry, if another run wrote meanwhile.
        """
        wanted = _journal.following(journal, {"nonce": secrets.token_hex(8), **entry})
        content, version = self.content(wanted), journal.version
        for attempt in range(TRIES):
            try:
                return replace(wanted, version=self._replace(content, version))
            except (AlreadyExists, Conflict):
                standing = self.read()
            if standing.digest == wanted.digest:  # the answer to the first try was lost
                return standing
            if standing.digest != journal.digest:
                raise Overtaken(_whose(standing, wanted))
            version = standing.version
            self._sleep(random.uniform(0, PAUSE * attempt))  # noqa: S311 - keeps writers apart, protects nothing
        raise Overtaken(f"{_journal.name_of(wanted.head)} is being written by another run")

    def make(self) -> bool:
        """Makes an empty journal. Returns False, and changes nothing, if a journal exists."""
        try:
            self._replace(self.content(_journal.Journal()), None)
        except AlreadyExists:
            return False
        return True

    def content(self, journal: Journal) -> bytes:
        """The journal as it is stored. Raises :class:`JournalError` if it is too long."""
        content = "".join(f"{line}\n" for line in (_journal.written(self._header), *journal.lines)).encode()
        if len(content) > self.limit:
            raise JournalError(
                f"the journal {self.where} would hold {len(content):,} bytes, but at most {self.limit:,} fit; rotate "
                "fewer credentials in one run (-e rotation_credentials=… or -e leak_credentials=…)"
            )
        return content

    def _lines(self, content: bytes) -> Sequence[str]:
        if len(content) > LIMIT:
            raise JournalError(f"{self.where} holds more than {LIMIT:,} bytes, so it is not a journal; {_RESTORE}")
        try:
            text = content.decode("utf-8")
            header, *lines = text[:-1].split("\n") if text.endswith("\n") else [""]
            result = json.loads(header)
        except (ValueError, RecursionError):
            result = None
        if not isinstance(result, dict) or "journal" not in result:
            raise JournalError(f"{self.where} is not a journal; {_RESTORE}")
        if result != self._header:
            of = ", ".join(f"{key} {result.get(key)!r}" for key in self._header)
            raise JournalError(
                f"{self.where} is the journal of another application or environment ({of}); correct journal.s3 in "
                "the catalog"
            )
        return lines

    @abstractmethod
    def _load(self) -> Tuple[bytes, str]:
        """The stored content and its version. Content beyond the limit is cut. Raises :class:`NotFound`."""

    @abstractmethod
    def _replace(self, content: bytes, version: Optional[str]) -> str:
        """Replaces this version, or creates the object if it is None. Returns the new version.

        Raises :class:`AlreadyExists` if another version is stored, and :class:`Conflict` if S3 could not decide.
        """


class S3Journal(JournalStore):
    def __init__(self, client: Any, catalog: Catalog, *, sleep: Callable[[float], object] = time.sleep) -> None:
        super().__init__(catalog.application, catalog.environment, sleep=sleep)
        self._object = S3Object(client, catalog, catalog.journal_place, "application/jsonl")
        self.where = self._object.where

    def _load(self) -> Tuple[bytes, str]:
        try:
            return self._object.read(LIMIT)
        except NotFound:
            raise NotFound(
                f"the journal {self.where} does not exist. If it was deleted, {_RESTORE}. Before the first use, create "
                "it: ansible-playbook watchparty.secrets.provision"
            ) from None
        except Denied as error:  # S3 also denies a missing object, to a role that may not list the bucket
            raise Denied(
                f"the journal {self.where} cannot be read; allow s3:GetObject on it. If it does not exist, create "
                f"it by ansible-playbook watchparty.secrets.provision ({error.detail})",
                error.detail,
            ) from None

    def _replace(self, content: bytes, version: Optional[str]) -> str:
        return self._object.replace(content, version)


class NoJournal(JournalStore):
    """The journal of an environment whose catalog names none. Its errors tell what to declare."""

    where = "nowhere"

    def _load(self) -> Tuple[bytes, str]:
        raise JournalError(f"environment {self._header['environment']}: {_DECLARE}")

    def _replace(self, content: bytes, version: Optional[str]) -> str:
        raise JournalError(f"environment {self._header['environment']}: {_DECLARE}")


_RESTORE = "restore its newest version (docs/runbooks/lost-journal.md)"
_DECLARE = (
    "the catalog names no journal, but rotations and leak responses need it; set journal: {s3: "
    "bucket/prefix} in the catalog, then run ansible-playbook watchparty.secrets.provision, which creates it"
)


def journal_of(catalog: Catalog, client: Callable[[str], Any]) -> Optional[JournalStore]:
    """The journal that the catalog names, or None. ``client`` makes a boto3 client for a service."""
    return S3Journal(client("s3"), catalog) if catalog.journal else None


def _whose(standing: Journal, wanted: Journal) -> str:
    """The writer of the entry that stands in place of the wanted one, or after it."""
    name = _journal.name_of(standing.head)
    entry = _journal.entries(standing)[-1] if standing.lines else {}
    if wanted.head > standing.head:
        return f"the journal now ends at the earlier {name}, so somebody restored an earlier version"
    result = {key: str(entry.get(key, "unknown")) for key in ("rotation", "who", "at", "step")}
    return f"{name} was written by " + "rotation {rotation} of {who} at {at} (step {step})".format(**result)
