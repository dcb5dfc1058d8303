# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking into archives and compressed files, nested ones too, within bounds that no bomb breaks."""

from __future__ import annotations

import bz2
import contextlib
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import tar_members
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.bounded_program import printable
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.stream_search import NeedleMatch, Searcher

GZIP, BZIP2, XZ, ZIP, TAR = "gzip", "bzip2", "xz", "zip", "tar"
UNREADABLE = {b"(\xb5/\xfd": "zstd", b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "rar"}
"""What no part of Python's standard library opens."""
MAGIC = {b"\x1f\x8b\x08": GZIP, b"BZh": BZIP2, b"\xfd7zXZ\0": XZ, b"PK\x03\x04": ZIP}
STARTS = (*MAGIC, *UNREADABLE)
UNPACKED = "(unpacked)"
"""The one thing in a compressed file."""
HEAD = 512
TAR_AT = 257
DEPTH = 4
"""Archives within archives."""
XZ_MEMORY = 96 * 1024 * 1024
DIRECTORY = 8 * 1024 * 1024
"""Bytes of a zip file's directory: its entries are held in memory."""
ENTRY_OF_ZIP, MEMBER_OF_ZIP = b"PK\x01\x02", b"PK\x03\x04"
LOCAL = 30
"""Bytes before a member's name."""
NAME = 200
"""Characters of a member's name that are shown."""
NAMED = 3
"""Members of one archive that are named as not looked into; more are counted."""


class Limits(NamedTuple):
    """How much is unpacked."""

    file: int = 256 * 1024 * 1024
    """Bytes that one file may unpack to."""
    total: int = 16 * 1024 * 1024 * 1024
    members: int = 50_000
    memory: int = 96 * 1024 * 1024
    """Bytes of a zip file that lies in something that cannot be read twice."""


class Passed(NamedTuple):
    """Something that was not looked into, and why."""

    inside: str
    reason: str


class TooMuch(Exception):
    """Raised when an archive unpacks to more than the limits allow."""


def kind_of(head: bytes) -> str | None:
    """What kind of archive begins with these bytes."""
    for start, kind in (*MAGIC.items(), *UNREADABLE.items()):
        if head.startswith(start):
            return kind
    return TAR if head[TAR_AT : TAR_AT + 5] == b"ustar" else None


class Unpacker:
    """Searches what is packed. What it cannot look into is in ``passed``."""

    def __init__(self, searcher: Searcher, limits: Limits = Limits()) -> None:  # noqa: B008  (a value, not a list)
        self._searcher = searcher
        self.limits = limits
        self._total = limits.total
        self._left = 0
        self._members = 0
        self.passed: list[Passed] = []
        self.more = 0
        """How many more members were not looked into."""

    def search(self, stream: Any) -> Iterator[NeedleMatch]:
        """What stands in the members of an archive. The stream is its bytes; seekable ones can be zip files too."""
        self._left = min(self.limits.file, self._total)
        before = self._left
        self._members = self.limits.members
        self.passed, self.more = [], 0
        try:
            yield from self._walk(stream, "", DEPTH, packed=True)
        except TooMuch as error:
            self.passed.append(Passed("", str(error)))
        self._total -= before - self._left

    def _pass(self, inside: str, reason: str) -> None:
        if len(self.passed) < NAMED:
            self.passed.append(Passed(inside, reason))
        else:
            self.more += 1

    def _walk(self, stream: Any, inside: str, depth: int, *, packed: bool = False) -> Iterator[NeedleMatch]:
        buffered = stream if hasattr(stream, "seekable") and stream.seekable() else _Rest(stream)
        head = buffered.read(HEAD)
        kind = kind_of(head)
        buffered = _again(buffered, head)
        if kind is not None and depth == 0:
            self._pass(inside, f"{kind} within {DEPTH} archives")
        elif kind in UNREADABLE.values():
            self._pass(inside, f"packed as {kind}, which is not looked into")
        elif kind is not None:
            try:
                yield from self._opened(kind, buffered, inside, depth)
            except _DAMAGED as error:
                self._pass(inside, f"the {kind} cannot be unpacked ({type(error).__name__})")
            return
        if not packed:
            yield from self._searcher.in_stream(buffered.read, inside)

    def _opened(self, kind: str, stream: Any, inside: str, depth: int) -> Iterator[NeedleMatch]:
        if kind == TAR:
            yield from self._tar(stream, inside, depth)
        elif kind == ZIP:
            yield from self._zip(stream, inside, depth)
        else:
            plain = self._metered(_Inflated(stream, _DECOMPRESSORS[kind], self._count))
            yield from self._walk(plain, inside or UNPACKED, depth - 1)

    def _tar(self, stream: Any, inside: str, depth: int) -> Iterator[NeedleMatch]:
        for member in tar_members.members(stream, self._count):
            yield from self._walk(self._metered(_Rest(member.data)), _joined(inside, member.name), depth - 1)

    def _zip(self, stream: Any, inside: str, depth: int) -> Iterator[NeedleMatch]:
        if not stream.seekable():
            data = stream.read(self.limits.memory + 1)
            if len(data) > self.limits.memory:
                self._pass(inside, "a zip file too large to be held in memory")
                yield from self._searcher.in_stream(_again(_Rest(stream), data).read, inside)
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
                yield from self._walk(self._metered(_Rest(data)), name, depth - 1)
        except _DAMAGED as error:
            self._pass(name, f"cannot be unpacked ({type(error).__name__})")

    def _bunzip2(self, stream: Any, member: Any) -> Any:
        """Of bzip2, zipfile unpacks at once whatever it has read: half a gigabyte of a kilobyte."""
        return _Inflated(_Raw(stream, member), _DECOMPRESSORS[BZIP2], self._count)

    def _count(self) -> None:
        """Of a member, a header or another compressed stream behind the first."""
        self._members -= 1
        if self._members < 0:
            raise TooMuch(f"has more than {self.limits.members} members; the rest was not looked into")

    def _metered(self, stream: Any) -> _Rest:
        return _Rest(stream, self._spend)

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise TooMuch(f"unpacks to more than {self.limits.file >> 20} MiB; the rest was not looked into")


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
    """Raised when a zip file's directory is larger than what is held."""


class _Guarded:
    """A zip file whose directory, which is read at once, is no larger than what is held, whatever it says of itself."""

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
    """A member of a zip file as it is stored."""

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
    shown = printable(name)
    if len(shown) > NAME:
        shown = f"{shown[:NAME]}…"
    return f"{inside}!{shown}" if inside and inside != UNPACKED else shown


class _Rest:
    """A stream that can only be read on, with what was read too early prepended."""

    def __init__(self, stream: Any, spend: Callable[[int], None] | None = None, head: bytes = b"") -> None:
        self._stream = stream
        self._spend = spend
        self._head = head

    def seekable(self) -> bool:
        return False

    def read(self, count: int = -1) -> bytes:
        if count < 0:
            raise ValueError("a whole stream is never read at once")
        parts = [self._head[:count]]
        self._head = self._head[count:]
        left = count - len(parts[0])
        while left:
            data = self._stream.read(left)
            if not data:
                break
            if self._spend:
                self._spend(len(data))
            parts.append(data)
            left -= len(data)
        return b"".join(parts)


def _again(stream: Any, head: bytes) -> Any:
    """The stream from its beginning, of which the head was read."""
    if stream.seekable():
        stream.seek(0)
        return stream
    return _Rest(stream, None, head)


def _gunzip() -> Any:
    return zlib.decompressobj(31)


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    GZIP: _gunzip,
    BZIP2: bz2.BZ2Decompressor,
    XZ: lambda: lzma.LZMADecompressor(memlimit=XZ_MEMORY),
}


class _Inflated:
    """What a compressed stream holds, member after member, never more at once than is asked for."""

    CHUNK = 65536

    def __init__(self, stream: Any, make: Callable[[], Any], count: Callable[[], None]) -> None:
        self._stream = stream
        self._make = make
        self._count = count
        self._one: Any | None = make()
        self._input = b""

    def read(self, count: int) -> bytes:
        while self._one is not None:
            if self._one.eof:
                self._next()
                continue
            if self._input or not getattr(self._one, "needs_input", True):
                given = self._input
            else:
                given = self._stream.read(self.CHUNK)
            data = self._one.decompress(given, count)
            # zlib hands back what it has not used; the others keep it.
            self._input = getattr(self._one, "unconsumed_tail", b"")
            if data:
                return bytes(data)
            if not given and not self._one.eof:
                raise EOFError
        return b""

    def _next(self) -> None:
        """Another member may follow; anything else after the end is padding."""
        if self._one is None:
            return
        rest = self._one.unused_data + self._input or self._stream.read(self.CHUNK)
        self._input = rest
        again = bool(rest.strip(b"\0")) and kind_of(rest) in (GZIP, BZIP2, XZ)
        if again:
            self._count()
        self._one = self._make() if again else None
