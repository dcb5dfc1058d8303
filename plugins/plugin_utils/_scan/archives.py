# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Search in archives and compressed files, nested too. Limits bound the work against archive bombs."""

from __future__ import annotations

import contextlib
import io
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import tar_members
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import printable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.formats import (
    AR,
    BZIP2,
    HEAD,
    JOURNAL,
    PDF,
    PNG,
    TAIL,
    TAR,
    ZIP,
    ZLIB,
    Inflated,
    ends_as_zip,
    kind_of,
    packed_pieces,
    unreadable,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.stream_search import NeedleMatch, Searcher

UNPACKED = "(unpacked)"
"""The name that stands for the content of a compressed file without members."""
DEPTH = 4
"""Levels of archives within archives that are opened."""
DIRECTORY = 8 * 1024 * 1024
"""Bytes of a zip file's directory. Its entries are held in memory."""
ENTRY_OF_ZIP, MEMBER_OF_ZIP = b"PK\x01\x02", b"PK\x03\x04"
LOCAL = 30
"""Bytes of a zip member's header before the name."""
NAME = 200
"""Characters of a member's name that are shown."""
MARKUP, DOCUMENT = re.compile(rb"<[^<>]{0,4096}>"), 16 * 1024 * 1024
"""Markup within a document's text, and the most bytes of a document that is also searched without markup."""
IN_JOURNAL = "large entries are compressed; pipe journalctl --file=FILE -o export into the same scan (scan_stdin)"
BEHIND = "a zip file after other data; unpack it, then scan its files"
IN_PDF = "parts that are encrypted, or not compressed by zlib, were not scanned"
_OTHER_FILTERS = re.compile(rb"/(?:Encrypt|LZWDecode|ASCII85Decode|ASCIIHexDecode|RunLengthDecode)\b")
NAMED = 3
"""Unsearched members of one archive that are named. Further ones are counted."""


class Limits(NamedTuple):
    file: int = 256 * 1024 * 1024
    """Bytes that one file may unpack to."""
    total: int = 16 * 1024 * 1024 * 1024
    members: int = 50_000
    memory: int = 96 * 1024 * 1024
    """Bytes of a picture, of a document, or of a zip file in a stream that cannot be read twice."""


class Passed(NamedTuple):
    """A part of an archive that was not searched, and the reason."""

    inside: str
    reason: str


class TooMuch(Exception):
    """Raised if an archive unpacks to more than the limits allow."""


class Unpacker:
    """Searches archives. After each search, ``passed`` lists the parts that were not searched."""

    def __init__(self, searcher: Searcher, limits: Limits = Limits()) -> None:  # noqa: B008  (a value, not a list)
        self._searcher = searcher
        self.limits = limits
        self._total = limits.total
        self._left = 0
        self._members = 0
        self.passed: list[Passed] = []
        self.more = 0
        """Number of further members that were not searched."""

    def search(self, stream: Any, kind: str | None = None) -> Iterator[NeedleMatch]:
        """Matches in the members of an archive. A zip file that cannot seek is held in memory.

        ``kind`` is the format, for an archive whose first bytes do not show it.
        """
        self._left = min(self.limits.file, self._total)
        before = self._left
        self._members = self.limits.members
        self.passed, self.more = [], 0
        try:
            yield from self._walk(stream, "", DEPTH, packed=True, kind=kind)
        except TooMuch as error:
            self.passed.append(Passed("", str(error)))
        self._total -= before - self._left

    def _pass(self, inside: str, reason: str) -> None:
        if len(self.passed) < NAMED:
            self.passed.append(Passed(inside, reason))
        else:
            self.more += 1

    def _walk(
        self, stream: Any, inside: str, depth: int, *, packed: bool = False, kind: str | None = None
    ) -> Iterator[NeedleMatch]:
        buffered = stream if hasattr(stream, "seekable") and stream.seekable() else Rest(stream)
        head = buffered.read(HEAD)
        kind = kind or kind_of(head)
        closed = unreadable(head, inside)
        buffered = _again(buffered, head)
        if closed:
            self._pass(inside, f"not scanned: packed as {closed}")
        elif kind is not None and depth == 0:
            self._pass(inside, f"{kind} within {DEPTH} archives")
        elif kind is not None:
            try:
                yield from self._opened(kind, buffered, inside, depth, packed=packed)
            except _DAMAGED as error:
                self._pass(inside, f"the {kind} cannot be unpacked ({type(error).__name__})")
            return
        if not packed:
            ending = Ending(buffered)
            yield from self._searcher.in_stream(ending.read, inside)
            if ends_as_zip(ending.tail):
                self._pass(inside, BEHIND)

    def _opened(self, kind: str, stream: Any, inside: str, depth: int, *, packed: bool) -> Iterator[NeedleMatch]:
        if kind in (TAR, AR):
            yield from self._members_of(kind, stream, inside, depth)
        elif kind == ZIP:
            yield from self._zip(stream, inside, depth)
        elif kind in (PNG, PDF, JOURNAL):
            yield from self._pieces(kind, stream, inside, depth, packed=packed)
        else:
            plain = self._metered(Inflated(stream, kind, self._count))
            yield from self._walk(plain, inside or UNPACKED, depth - 1)

    def _members_of(self, kind: str, stream: Any, inside: str, depth: int) -> Iterator[NeedleMatch]:
        for member in (tar_members.members if kind == TAR else tar_members.ar_members)(stream, self._count):
            name = _joined(inside, member.name)
            yield from self._names(f"{member.name}\n{member.link}", name)
            yield from self._walk(self._metered(Rest(member.data)), name, depth - 1)

    def _names(self, text: str, inside: str) -> Iterator[NeedleMatch]:
        """Matches in a member's name and link target. The archive may compress them with the member."""
        yield from self._searcher.in_bytes(text.encode("utf-8", "replace"), inside)

    def _pieces(self, kind: str, stream: Any, inside: str, depth: int, *, packed: bool) -> Iterator[NeedleMatch]:
        """Matches in a file that holds texts one by one, some of them compressed."""
        data = stream.read(self.limits.memory + 1) if kind != JOURNAL else b""
        if kind == JOURNAL or len(data) > self.limits.memory:
            self._pass(inside, IN_JOURNAL if kind == JOURNAL else f"a {kind} too large to be held in memory")
            if not packed:
                yield from self._searcher.in_stream(Rest(stream, data).read, inside)
            return
        if not packed:
            yield from self._searcher.in_bytes(data, inside)
        if kind == PDF and _OTHER_FILTERS.search(data):
            self._pass(inside, IN_PDF)
        for at in packed_pieces(kind, data):
            self._count()
            piece = io.BytesIO(data)
            piece.seek(at)
            try:
                plain = self._metered(Inflated(piece, ZLIB, self._count))
                yield from self._walk(plain, inside or UNPACKED, depth - 1)
            except _DAMAGED as error:
                self._pass(inside, f"a part of the {kind} cannot be unpacked ({type(error).__name__})")

    def _zip(self, stream: Any, inside: str, depth: int) -> Iterator[NeedleMatch]:
        if not stream.seekable():
            data = stream.read(self.limits.memory + 1)
            if len(data) > self.limits.memory:
                self._pass(inside, "a zip file too large to be held in memory")
                yield from self._searcher.in_stream(_again(Rest(stream), data).read, inside)
                return
            stream = io.BytesIO(data)
        try:
            opened = zipfile.ZipFile(_Guarded(stream, self.limits.members))
        except _TooManyMembers:
            self._pass(inside, "a zip file with too many members")
            return
        with opened as archive:
            for member in archive.infolist():
                self._count()
                name = _joined(inside, member.filename)
                yield from self._names(member.filename, name)
                if member.flag_bits & 1:
                    self._pass(name, "is encrypted")
                elif member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
                    self._pass(name, "is compressed in an unusual way")
                elif not member.is_dir():
                    yield from self._zipped(archive, stream, member, name, depth)

    def _zipped(self, archive: Any, stream: Any, member: Any, name: str, depth: int) -> Iterator[NeedleMatch]:
        try:
            bzip2 = member.compress_type == zipfile.ZIP_BZIP2
            with contextlib.nullcontext(self._bunzip2(stream, member)) if bzip2 else archive.open(member) as data:
                plain = self._metered(Rest(data))
                if member.filename.endswith(".xml") and member.file_size <= DOCUMENT:
                    yield from self._document(plain, name)
                else:
                    yield from self._walk(plain, name, depth - 1)
        except _DAMAGED as error:
            self._pass(name, f"cannot be unpacked ({type(error).__name__})")

    def _document(self, stream: Any, name: str) -> Iterator[NeedleMatch]:
        """Matches in a text with and without its markup. Word processors put markup between any two letters."""
        data = stream.read(DOCUMENT)
        matches = self._searcher.in_bytes(data, name)
        needles = {match.needle for match in matches}
        yield from matches
        for match in self._searcher.in_bytes(MARKUP.sub(b"", data), name):
            if match.needle not in needles:
                yield match

    def _bunzip2(self, stream: Any, member: Any) -> Any:
        """The unpacked bytes of a member. ``zipfile`` would unpack a whole read at once: 512 MB of one kilobyte."""
        return Inflated(_Raw(stream, member), BZIP2, self._count)

    def _count(self) -> None:
        """Counts a member, a header, or a further compressed stream. Raises TooMuch if they are too many."""
        self._members -= 1
        if self._members < 0:
            raise TooMuch(f"has more than {self.limits.members} members; the rest was not scanned")

    def _metered(self, stream: Any) -> Rest:
        return Rest(stream, spend=self._spend)

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise TooMuch(f"unpacks to more than {self.limits.file >> 20} MiB; the rest was not scanned")


_DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    OverflowError,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    struct.error,
    LookupError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
)


class _TooManyMembers(ValueError):
    """Raised if the directory of a zip file exceeds the bounds."""


class _Guarded:
    """A zip file with bounded reads. ``zipfile`` reads the directory at once, and its declared size may be false."""

    def __init__(self, stream: Any, members: int) -> None:
        self._stream = stream
        self._members = members
        self.seek, self.tell = stream.seek, stream.tell

    def seekable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        data: bytes = self._stream.read(DIRECTORY + 1 if count < 0 else min(count, DIRECTORY + 1))
        if len(data) > DIRECTORY or data.count(ENTRY_OF_ZIP) > self._members:
            raise _TooManyMembers
        return data


class _Raw:
    """A stored, still compressed member of a zip file."""

    def __init__(self, stream: Any, member: Any) -> None:
        self._stream = stream
        stream.seek(member.header_offset)
        head = stream.read(LOCAL)
        if len(head) != LOCAL or head[:4] != MEMBER_OF_ZIP:
            raise zipfile.BadZipFile
        self._at = member.header_offset + LOCAL + sum(struct.unpack("<2H", head[-4:]))
        self._left = member.compress_size

    def read(self, count: int) -> bytes:
        self._stream.seek(self._at)
        data: bytes = self._stream.read(min(count, self._left))
        self._at += len(data)
        self._left -= len(data)
        return data


def _joined(inside: str, name: str) -> str:
    path = printable(name)
    if len(path) > NAME:
        path = f"{path[:NAME]}…"
    return f"{inside}!{path}" if inside and inside != UNPACKED else path


class Rest:
    """A stream that cannot seek. ``head`` holds bytes that were read too early."""

    def __init__(self, stream: Any, head: bytes = b"", spend: Callable[[int], None] | None = None) -> None:
        self._stream = stream
        self._head = head
        self._spend = spend

    def seekable(self) -> bool:
        return False

    def read(self, count: int = -1) -> bytes:
        if count < 0:
            raise ValueError("a whole stream is never read at once")
        parts = [self._head[:count]]
        self._head = self._head[count:]
        missing_bytes = count - len(parts[0])
        while missing_bytes:
            data = self._stream.read(missing_bytes)
            if not data:
                break
            if self._spend:
                self._spend(len(data))
            parts.append(data)
            missing_bytes -= len(data)
        return b"".join(parts)


def _again(stream: Any, head: bytes) -> Any:
    """The stream from its beginning, after its head was read."""
    if stream.seekable():
        stream.seek(0)
        return stream
    return Rest(stream, head)


class Ending:
    """A stream that keeps the last bytes that were read."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.tail = b""

    def read(self, count: int) -> bytes:
        data: bytes = self._stream.read(count)
        self.tail = (self.tail + data[-TAIL:])[-TAIL:]
        return data
