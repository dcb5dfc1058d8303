# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds present values in a text, a file or an archive."""

from __future__ import annotations

import binascii
import contextlib
import io
import os
import re
import stat
import time
from typing import Iterator, List, NamedTuple, Optional, Set, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import packed_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.packed_files import (
    CHUNK,
    Source,
    UnsearchedFile,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.value_matcher import (
    OutOfTime,
    ValueMatcher,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.safe_files import OpenPath

WAITS = 4
"""Most elapsed seconds for a second of CPU time."""
NESTED = 6
TOO_DEEP = "is packed more than %d times" % NESTED
SHORTEST_TOKEN = 24
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/_-]{%d,}\s{0,80})+[A-Za-z0-9+/_-]*" % SHORTEST_TOKEN)
"""Lines, which may be indented, with a shorter last one."""
_IS_BASE64 = bytes(120 if re.match(rb"[A-Za-z0-9+/_-]", bytes([code])) else 32 for code in range(256))
_STANDARD = bytes.maketrans(b"-_", b"+/")
_TOKEN = b"x" * SHORTEST_TOKEN


class PackedFile(Exception):
    """Raised if only the end of a packed file was asked for, which must be read as a whole."""


class ValueSearch(NamedTuple):
    """Values to search for, and time limits."""

    matcher: ValueMatcher
    until: float
    """CPU time of this process: a busy machine does not shorten the search."""
    latest: float
    """Monotonic clock, for slow disks."""

    def named(self, content: bytes) -> List[str]:
        """Settings whose values are in the content. Raises OutOfTime."""
        self.require_time()
        return self.matcher.named(content, self.until)

    def require_time(self) -> None:
        if time.monotonic() > self.latest or time.process_time() > self.until:
            raise OutOfTime


def within(seconds: float, matcher: ValueMatcher) -> ValueSearch:
    return ValueSearch(matcher, time.process_time() + seconds, time.monotonic() + WAITS * seconds)


class _File(io.FileIO):
    """A file on the disk. Most are small, and FileIO would allocate the requested size each time."""

    most = packed_files.LARGEST_LIST

    def read(self, size: Optional[int] = -1) -> bytes:
        size = -1 if size is None else size
        packed_files.require_short(size)
        return super().read(min(size, self.most)) or b""


def in_file(at: OpenPath, values: ValueSearch, *, last: int = 0) -> Tuple[List[str], int]:
    """Settings whose values a regular file holds, and its mode.

    ``last``: bytes at the end to search; 0 for all. Raises OSError, HostError for anything but a regular file,
    OutOfTime, UnsearchedFile, and with ``last`` PackedFile.
    """
    with _File(safe_files.opened(at)) as file:
        status = os.fstat(file.fileno())
        kind = packed_files.kind_on_disk(file.fileno(), 0 if last else status.st_size)
        if 0 < last < status.st_size:
            if kind is not None:
                raise PackedFile if kind in packed_files.OPENED else UnsearchedFile(packed_files.UNOPENED % kind)
            file.seek(-last, os.SEEK_END)
        file.most = min(max(status.st_size, 4096) + 1, packed_files.LARGEST_LIST)
        return in_stream(file, values, kind), stat.S_IMODE(status.st_mode)


def in_stream(source: Source, values: ValueSearch, kind: Optional[str] = "") -> List[str]:
    """Settings whose values a stream holds, packed by ``kind`` (empty: unknown). Raises OutOfTime, UnsearchedFile."""
    names: Set[str] = set()
    try:
        names.update(_names(source, values, 0, kind))  # one by one: what was found before a fault counts
    except (OutOfTime, UnsearchedFile):
        if not names:
            raise
    return sorted(names)


def _names(source: Source, values: ValueSearch, depth: int, kind: Optional[str] = "") -> Iterator[str]:
    """``kind`` is empty if it is not known."""
    head = source.read(CHUNK)
    kind = packed_files.kind_of(head) if kind == "" else kind
    if kind is None or depth == NESTED:
        yield from _decoded_names(head, values, depth)
        yield from _as_it_is(head, source, values)
        if kind is not None:
            raise UnsearchedFile(TOO_DEEP)
        return
    yield from values.named(head)
    stream = packed_files.from_start(kind, head, source)
    incomplete: Optional[UnsearchedFile] = None
    try:
        with contextlib.closing(packed_files.pieces(kind, stream, values.require_time)) as pieces:
            for piece in pieces:
                try:
                    yield from _names(piece, values, depth + 1)
                except UnsearchedFile as error:
                    incomplete = error
                    yield from _as_it_is(b"", piece, values)
    except OutOfTime:
        raise
    except Exception as error:  # noqa: BLE001 # pylint: disable=broad-exception-caught  # damaged, in one of a dozen ways
        if isinstance(error, UnsearchedFile):
            incomplete = error
        elif isinstance(error, NotImplementedError):  # of zip: how a file in it is packed
            incomplete = UnsearchedFile(packed_files.DAMAGED)
        if isinstance(stream, io.IOBase):
            stream.seek(0)
            yield from _as_it_is(b"", stream, values)
    if incomplete:
        raise incomplete


def _decoded_names(head: bytes, values: ValueSearch, depth: int) -> Iterator[str]:
    texts = _decoded(head)
    yield from values.named(b"\0".join(texts))
    for text in texts:
        if depth < NESTED and packed_files.kind_of(text) in packed_files.STREAMED:
            yield from _names(io.BytesIO(text), values, depth + 1)


def _as_it_is(head: bytes, source: Source, values: ValueSearch) -> Iterator[str]:
    window = head or source.read(CHUNK)
    while window:
        yield from values.named(window)
        piece = source.read(CHUNK)
        window = window[max(len(window) - values.matcher.longest, 0) :] + piece if piece else b""


def _decoded(content: bytes) -> List[bytes]:
    """Decoded base64 of whole, wrapped texts."""
    texts = []
    for run in _base64_runs(content):
        text = run.translate(_STANDARD, b"\r\n\t \v\f")
        texts.append(binascii.a2b_base64(text[: len(text) - (len(text) % 4 == 1)] + b"=="))
    return texts


def _base64_runs(content: bytes) -> Iterator[bytes]:
    """Matches of ``_BASE64``, which alone would take as long as all other work on a host.

    A word only in small letters or capitals is a name in a program, not base64.
    """
    kinds, end = content.translate(_IS_BASE64) + b" ", 0
    while True:
        start = kinds.find(_TOKEN, end)
        if start < 0:
            return
        end = kinds.find(b" ", start)
        token = content[start:end]
        match = _BASE64.match(content, start) if token.lower() != token != token.upper() else None
        if match:
            yield match[0]
            end = match.end()
