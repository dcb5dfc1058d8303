# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The members of a tar or ar archive, read once from front to back. Headers are held up to a fixed size.

Python's ``tarfile`` holds a long name, a pax header or a sparse file's map whole, whatever length the archive declares.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

BLOCK = 512
HEADER = 1024 * 1024
"""Bytes of a header that gives the next member's name."""
NAMES = {b"L": "path", b"K": "linkpath"}
EXTENDED = (b"x", b"X")
SKIPPED = (b"g", b"N", b"V")
"""Types of headers to skip: pax headers for all members, and headers of old GNU tar."""
EMPTY = (b"1", b"2", b"3", b"4", b"5", b"6")
"""Types of members without data: links, devices, directories and pipes."""
SPARSE = b"S"
AR_MAGIC, AR_HEADER = b"!<arch>\n", 60
MORE_AT, MORE_BLOCKS_AT = 482, 504
"""Offsets of the flag that announces more blocks of a sparse file's map, in the header and in each such block."""


class Member(NamedTuple):
    name: str
    data: Data
    link: str = ""


class Data:
    def __init__(self, read: Callable[[int], bytes], size: int) -> None:
        self._read = read
        self.left = size

    def read(self, count: int) -> bytes:
        data = self._read(min(count, self.left)) if self.left else b""
        if self.left and not data:
            raise tarfile.ReadError("unexpected end of data")
        self.left -= len(data)
        return data


def members(stream: Any, count: Callable[[], None]) -> Iterator[Member]:
    """Members of a tar archive, and of further ones behind its end. Calls ``count`` for every header.

    Raises tarfile.ReadError for a damaged archive.
    """
    extended: dict[str, str] = {}
    while header := stream.read(BLOCK):
        if not header.strip(b"\0"):
            continue
        count()
        kind, size = _checked(header)
        if kind in (*EXTENDED, *NAMES):
            extended.update(_named(kind, _whole(stream, size)))
            continue
        if kind in SKIPPED:
            _skip(stream, _padded(size))
            continue
        size = _size(extended, size)
        name = extended.get("path") or _name(header)
        link = extended.get("linkpath") or _text(header[157:257])
        extended = {}
        if kind in EMPTY:
            yield Member(name, Data(stream.read, 0), link)
            continue
        if kind == SPARSE:
            _skip_map(stream, header, count)
        data = Data(stream.read, size)
        yield Member(name, data)
        _skip(stream, data.left + _padded(size) - size)


def ar_members(stream: Any, count: Callable[[], None]) -> Iterator[Member]:
    """The members of an ar archive, such as a Debian package or a library."""
    stream.read(len(AR_MAGIC))
    while header := stream.read(AR_HEADER):
        count()
        if len(header) != AR_HEADER or not header[48:58].strip().isdigit():
            raise tarfile.ReadError("invalid header")
        size = int(header[48:58])
        data = Data(stream.read, size)
        yield Member(_text(header[:16]).rstrip(" /"), data)
        _skip(stream, data.left)
        stream.read(size % 2)


def _checked(header: bytes) -> tuple[bytes, int]:
    if len(header) != BLOCK:
        raise tarfile.ReadError("truncated header")
    if _number(header[148:156]) != sum(header) - sum(header[148:156]) + 8 * 32:
        raise tarfile.ReadError("bad checksum")
    return header[156:157], _number(header[124:136])


def _number(field: bytes) -> int:
    if field[:1] in (b"\x80", b"\xff"):
        value = int.from_bytes(field[1:], "big")
    else:
        try:
            value = int(field.partition(b"\0")[0].strip() or b"0", 8)
        except ValueError:
            raise tarfile.ReadError("invalid header") from None
    if value < 0 or field[:1] == b"\xff":
        raise tarfile.ReadError("invalid header")
    return value


def _size(extended: dict[str, str], size: int) -> int:
    """Bytes that are stored. The real size of a sparse file is another number."""
    text = extended.get("size", "")
    return int(text) if text.isdecimal() else size


def _name(header: bytes) -> str:
    name, prefix = (field.partition(b"\0")[0] for field in (header[:100], header[345:500]))
    posix = header[257:263] == b"ustar\0"
    return _text(prefix + b"/" + name if posix and prefix else name)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _named(kind: bytes, data: bytes) -> Iterator[tuple[str, str]]:
    if kind in NAMES:
        yield NAMES[kind], _text(data)
        return
    at = 0
    while at < len(data):
        length = data[at : data.find(b" ", at)] if b" " in data[at : at + 20] else b""
        if not length.isdigit() or not int(length):
            return
        key, _equals, value = data[at + len(length) + 1 : at + int(length) - 1].partition(b"=")
        if key in (b"path", b"linkpath", b"size"):
            yield key.decode(), value.decode("utf-8", "backslashreplace")
        at += int(length)


def _whole(stream: Any, size: int) -> bytes:
    if size > HEADER:
        raise tarfile.ReadError("a header too large to be held in memory")
    data: bytes = stream.read(_padded(size))
    if len(data) < size:
        raise tarfile.ReadError("unexpected end of data")
    return data[:size]


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _skip(stream: Any, count: int) -> None:
    while count:
        data = stream.read(min(count, 1 << 16))
        if not data:
            raise tarfile.ReadError("unexpected end of data")
        count -= len(data)


def _skip_map(stream: Any, header: bytes, count: Callable[[], None]) -> None:
    number = header[MORE_AT]
    while number:
        count()
        block = stream.read(BLOCK)
        if len(block) != BLOCK:
            raise tarfile.ReadError("unexpected end of data")
        number = block[MORE_BLOCKS_AT]
